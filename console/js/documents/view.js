// SPDX-License-Identifier: Apache-2.0
import { command } from '../copy.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { plural } from '../format.js';
import { step } from '../keys.js';
import { toast } from '../toast.js';
import { Detail } from './detail.js';
import { Facets } from './facets.js';
import { Feed } from './feed.js';
import { DocumentList } from './list.js';

const TYPING = 250; // ms of rest before a search is made

// A search whose terms are one value: quoted when a space or sign in it would mean something else.
function asTerm(text) {
  const line = text.split('\n')[0].slice(0, 200);
  return /^[\w.-]+$/.test(line) ? line : `"${line.replace(/["\\]/g, ' ').trim()}"`;
}

// Stored documents: a search that stays live. The search stands in the address: #documents?q=…&sensor=…&alert=true.
export class DocumentsView {
  #query = null;
  #feed = null;
  #facetData = {};
  #timer = 0;
  #search = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search all values',
    'aria-label': 'Search documents',
    spellcheck: 'false',
    autocomplete: 'off',
    on: { input: () => this.#typed() },
  });
  #pause = h(
    'button',
    { type: 'button', id: 'pause', 'aria-pressed': 'false', on: { click: () => this.#togglePause() } },
    'Pause',
  );
  #total = h('span', { class: 'muted number', id: 'total' });
  #waiting = h('button', { type: 'button', class: 'waiting', hidden: true, on: { click: () => this.#togglePause() } });
  #facets = new Facets((name, value) => this.#choose(name, value));
  #list = new DocumentList((document) => this.#open(document, true));
  #detail = new Detail(
    () => this.#closeDetail(),
    (text) => this.#go({ ...this.#query, q: asTerm(text) }),
  );
  #older = h(
    'button',
    { type: 'button', class: 'older', hidden: true, on: { click: () => this.#loadOlder() } },
    'Older documents',
  );
  #loading = h('p', { class: 'loading' }, 'Searching…');
  #problem = h('p', { class: 'problem-box', 'data-tone': 'bad', role: 'alert', hidden: true });
  #partial = h(
    'p',
    { class: 'pane-note', hidden: true },
    'Time ran out before all days were looked through; narrow the search, or ask for older documents.',
  );
  #empty = h(
    'div',
    { class: 'empty', hidden: true },
    h('h2', {}, 'No documents yet'),
    h('p', {}, 'Events appear here as a sensor stores them. Start one:'),
    command(
      'modelyard sensor run squid --config config/zookeeper --source file:/var/log/squid/access.log --sink store',
    ),
  );
  #nothing = h(
    'div',
    { class: 'empty', hidden: true },
    h('h2', {}, 'Nothing matches'),
    h('p', {}, 'New documents that match will appear here by themselves.'),
    h('button', { type: 'button', on: { click: () => this.#go({}) } }, 'Show all documents'),
  );

  constructor(root) {
    root.append(
      h(
        'div',
        { class: 'split' },
        h(
          'div',
          { class: 'split-main' },
          h('div', { class: 'view-head' }, h('h1', {}, 'Documents'), this.#search, this.#total, this.#pause),
          h(
            'div',
            { class: 'documents-grid' },
            this.#facets.node,
            h(
              'div',
              { class: 'documents-main' },
              this.#problem,
              this.#partial,
              this.#waiting,
              this.#loading,
              this.#empty,
              this.#nothing,
              this.#list.node,
              this.#older,
            ),
          ),
        ),
        this.#detail.node,
      ),
    );
  }

  show(route) {
    const query = {
      q: route.query.get('q') ?? '',
      sensor: route.query.get('sensor') ?? '',
      alert: route.query.get('alert') ?? '',
    };
    if (this.#feed && JSON.stringify(query) === JSON.stringify(this.#query)) return;
    this.#query = query;
    if (this.#search.value.trim() !== query.q) this.#search.value = query.q;
    this.#restart();
  }

  hide() {
    clearTimeout(this.#timer);
    this.#feed?.close();
    this.#feed = null;
    this.#closeDetail();
  }

  key(event, typing) {
    if (event.key === 'Escape') return this.#escape(event);
    if (typing) {
      if (event.target !== this.#search || !['ArrowDown', 'Enter'].includes(event.key)) return false;
      return this.#list.move(1);
    }
    if (event.key === '/') {
      this.#search.focus();
      this.#search.select();
      return true;
    }
    if (event.key === 'p') {
      this.#togglePause();
      return true;
    }
    const inDetail = event.target.closest?.('.drawer');
    const move = step(event);
    if (move && !(inDetail && event.key.startsWith('Arrow'))) return this.#list.move(move);
    return event.key === 'Enter' && !inDetail && this.#list.openFocused();
  }

  #escape(event) {
    if (event.target === this.#search) {
      this.#search.blur();
      return true;
    }
    if (!this.#detail.isOpen) return false;
    this.#closeDetail();
    return true;
  }

  #restart() {
    this.#feed?.close();
    this.#closeDetail();
    setHidden(this.#problem, true);
    this.#list.update([], new Set());
    for (const node of [this.#empty, this.#nothing, this.#older, this.#partial]) setHidden(node, true);
    this.#showPause(false);
    this.#feed = new Feed(this.#query, {
      loading: (loading) => setHidden(this.#loading, !loading),
      documents: (documents, added) => this.#show(documents, added),
      facets: (facets) => this.#showFacets(facets),
      pending: (n) => this.#showPending(n),
      failed: (message) => this.#fail(message),
    });
    this.#feed.start();
    this.#facets.update(this.#facetData, this.#query);
  }

  #show(documents, added) {
    setHidden(this.#problem, true);
    this.#list.update(documents, added);
    this.#list.mark(this.#detail.document);
    const narrowed = Object.values(this.#query).some(Boolean);
    setHidden(this.#list.node, !documents.length);
    setHidden(this.#empty, documents.length > 0 || narrowed);
    setHidden(this.#nothing, documents.length > 0 || !narrowed);
    setHidden(this.#older, !this.#feed.next);
    setHidden(this.#partial, this.#feed.complete);
  }

  #showFacets(facets) {
    this.#facetData = facets;
    this.#facets.update(facets, this.#query);
    setText(this.#total, `${facets.complete === false ? 'at least ' : ''}${plural(facets.total, 'document')}`);
  }

  #showPending(n) {
    setText(this.#waiting, `${plural(n, 'new document')}: show`);
    setHidden(this.#waiting, !n);
  }

  #fail(message) {
    setHidden(this.#loading, true);
    setText(this.#problem, message);
    setHidden(this.#problem, false);
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#go({ ...this.#query, q: this.#search.value.trim() }), TYPING);
  }

  #choose(name, value) {
    this.#go({ ...this.#query, [name]: this.#query[name] === value ? '' : value });
  }

  #go(query) {
    const pairs = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    const hash = pairs.size ? `#documents?${pairs}` : '#documents';
    if (location.hash !== hash) location.hash = hash;
  }

  #togglePause() {
    const paused = !this.#feed.paused;
    this.#showPause(paused);
    this.#feed.setPaused(paused);
  }

  #showPause(paused) {
    setAttribute(this.#pause, 'aria-pressed', String(paused));
    setText(this.#pause, paused ? 'Resume' : 'Pause');
    if (!paused) setHidden(this.#waiting, true);
  }

  async #loadOlder() {
    this.#older.disabled = true;
    try {
      await this.#feed.older();
    } catch (error) {
      if (error.name !== 'AbortError') toast(`Older documents cannot be read: ${error.message}`, { problem: true });
    }
    this.#older.disabled = false;
  }

  #open(document, focus) {
    const narrow = matchMedia('(max-width: 999px)').matches;
    this.#detail.open(document, { focus: focus && narrow });
    this.#list.mark(document);
  }

  #closeDetail() {
    const document = this.#detail.document;
    if (!document) return;
    this.#detail.close();
    this.#list.mark(null);
    this.#list.focus(document);
  }
}
