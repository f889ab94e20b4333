// SPDX-License-Identifier: Apache-2.0
import { h, setAttribute } from '../dom.js';
import { when } from '../format.js';
import { score, sensor, severity, summary, time } from './fields.js';

const NEW_FOR = 2500; // ms that a live row is marked as new

function cell(name, ...content) {
  return h('td', { role: 'gridcell', class: `cell-${name}` }, content);
}

function row(document) {
  const { tone, word } = severity(document);
  const { text, method, from, to, verdict } = summary(document);
  const value = score(document);
  const date = time(document);
  const known = !Number.isNaN(date.getTime());
  return h(
    'tr',
    { role: 'row', tabindex: '-1', 'aria-selected': 'false', data: { severity: tone } },
    cell(
      'time',
      h(
        'time',
        { class: 'number', datetime: known ? date.toISOString() : null, title: known ? date.toISOString() : null },
        when(date),
      ),
    ),
    cell('sensor', h('span', { class: 'tag' }, sensor(document) || '–')),
    cell(
      'summary',
      h('span', { class: 'summary-text', title: text }, method && h('span', { class: 'muted' }, `${method} `), text),
      (from || to || verdict) &&
        h(
          'span',
          { class: 'summary-more muted' },
          [from && to ? `${from} → ${to}` : from || to, verdict].filter(Boolean).join('  ·  '),
        ),
    ),
    cell(
      'score',
      h(
        'span',
        { class: 'severity', data: { severity: tone } },
        word && h('span', { class: 'severity-word' }, word),
        value !== null && h('span', { class: 'number' }, String(value)),
      ),
    ),
  );
}

// The rows. One of them takes part in the tab order; arrows or j and k move it, Enter opens.
export class DocumentList {
  #rows = new Map(); // document -> row
  #documents = new WeakMap(); // row -> document
  #body = h('tbody', { role: 'rowgroup' });
  #onOpen;
  #opened = null;
  node;

  constructor(onOpen) {
    this.#onOpen = onOpen;
    const head = (name, label) => h('th', { role: 'columnheader', scope: 'col', class: `cell-${name}` }, label);
    this.node = h(
      'table',
      { class: 'documents', role: 'grid', 'aria-label': 'Documents, newest first' },
      h(
        'thead',
        { role: 'rowgroup' },
        h(
          'tr',
          { role: 'row' },
          head('time', 'Time'),
          head('sensor', 'Sensor'),
          head('summary', 'Event'),
          head('score', 'Score'),
        ),
      ),
      this.#body,
    );
    this.#body.addEventListener('click', (event) => this.#open(event.target.closest('tr')));
    this.#body.addEventListener('focusin', (event) => this.#hold(event.target.closest('tr')));
  }

  get length() {
    return this.#rows.size;
  }

  update(documents, added) {
    const wanted = new Set(documents);
    for (const [document, node] of this.#rows) {
      if (wanted.has(document)) continue;
      node.remove();
      this.#rows.delete(document);
    }
    let place = this.#body.firstElementChild;
    for (const document of documents) {
      let node = this.#rows.get(document);
      if (!node) {
        node = row(document);
        this.#rows.set(document, node);
        this.#documents.set(node, document);
        if (added.has(document)) this.#markNew(node);
      }
      if (node === place) place = place.nextElementSibling;
      else this.#body.insertBefore(node, place);
    }
    if (!this.#body.querySelector('tr[tabindex="0"]')) this.#body.firstElementChild?.setAttribute('tabindex', '0');
  }

  move(by) {
    const rows = [...this.#body.children];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement?.closest?.('tr') ?? this.#rows.get(this.#opened));
    const next = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
    if (this.#opened) this.#open(next);
    return true;
  }

  openFocused() {
    const node = document.activeElement?.closest?.('tbody tr');
    if (!node || !this.#body.contains(node)) return false;
    this.#open(node);
    return true;
  }

  mark(opened) {
    this.#rows.get(this.#opened)?.setAttribute('aria-selected', 'false');
    this.#opened = opened;
    this.#rows.get(opened)?.setAttribute('aria-selected', 'true');
  }

  focus(document) {
    this.#rows.get(document)?.focus({ preventScroll: true });
  }

  #open(node) {
    if (node) this.#onOpen(this.#documents.get(node));
  }

  #hold(node) {
    for (const other of this.#body.querySelectorAll('tr[tabindex="0"]')) setAttribute(other, 'tabindex', '-1');
    if (node) setAttribute(node, 'tabindex', '0');
  }

  #markNew(node) {
    node.classList.add('new');
    setTimeout(() => node.classList.remove('new'), NEW_FOR);
  }
}
