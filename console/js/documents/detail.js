// SPDX-License-Identifier: Apache-2.0
import { copyButton } from '../copy.js';
import { h, setHidden } from '../dom.js';
import { clip } from '../format.js';
import { reasons, score, sensor, severity, show, sortedFields, summary, time } from './fields.js';

const SHOWN = 10_000; // characters of a value; copying gives all of it

function why(document) {
  const rules = reasons(document);
  if (!rules.length) return null;
  return h(
    'section',
    { class: 'why' },
    h('h3', {}, 'Why it scored'),
    h(
      'ul',
      {},
      rules.map((rule) =>
        h(
          'li',
          {},
          h('strong', {}, show(rule.name ?? rule.comment ?? 'a rule')),
          rule.score !== undefined && h('span', { class: 'number muted' }, ` ${show(rule.score)}`),
          rule.reason && h('div', {}, show(rule.reason)),
        ),
      ),
    ),
  );
}

// All fields of one document.
export class Detail {
  document = null;
  #title = h('h2', { tabindex: '-1' });
  #meta = h('div', { class: 'detail-meta' });
  #content = h('div', { class: 'drawer-body' });
  #onSearch;
  node;

  // onClose(), onSearch(text)
  constructor(onClose, onSearch) {
    this.#onSearch = onSearch;
    this.node = h(
      'aside',
      { class: 'drawer detail', 'aria-label': 'One document', hidden: true },
      h(
        'div',
        { class: 'drawer-head' },
        this.#title,
        h(
          'button',
          { type: 'button', class: 'icon close', 'aria-label': 'Close', title: 'Close (Esc)', on: { click: onClose } },
          '×',
        ),
      ),
      this.#meta,
      this.#content,
    );
  }

  get isOpen() {
    return this.document !== null;
  }

  open(document, { focus }) {
    this.document = document;
    const { tone, word } = severity(document);
    const date = time(document);
    const value = score(document);
    this.#title.textContent = summary(document).text;
    this.#meta.replaceChildren(
      h(
        'span',
        { class: 'severity', data: { severity: tone } },
        [word, value].filter((part) => part !== '' && part !== null).join(' ') || 'no score',
      ),
      h('span', { class: 'tag' }, sensor(document) || 'no sensor'),
      h('time', { class: 'number muted' }, Number.isNaN(date.getTime()) ? 'no time' : date.toISOString()),
      copyButton('the document as JSON', () => JSON.stringify(document, null, 2)),
    );
    this.#content.replaceChildren(...[why(document), this.#fields(document)].filter(Boolean));
    this.#content.scrollTop = 0;
    setHidden(this.node, false);
    if (focus) this.#title.focus({ preventScroll: true });
  }

  close() {
    this.document = null;
    this.#content.replaceChildren();
    setHidden(this.node, true);
  }

  #fields(document) {
    return h(
      'dl',
      { class: 'fields-list' },
      sortedFields(document).map(([name, value]) => {
        const text = show(value);
        return h(
          'div',
          { class: 'field-row' },
          h('dt', { class: 'mono' }, name),
          h('dd', { class: 'mono' }, clip(text, SHOWN)),
          h(
            'div',
            { class: 'field-actions' },
            h(
              'button',
              {
                type: 'button',
                class: 'copy',
                'aria-label': `Search for the value of ${name}`,
                title: 'Search for this value',
                on: { click: () => this.#onSearch(text) },
              },
              'Find',
            ),
            copyButton(`the value of ${name}`, text),
          ),
        );
      }),
    );
  }
}
