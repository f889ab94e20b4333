// SPDX-License-Identifier: Apache-2.0
import { h, setText } from '../dom.js';
import { when } from '../format.js';

// What is deployed: the payloads that this deployment has had, newest first, and its limits.
export class RevisionsPane {
  #seen = '';
  #limits = h('p', { class: 'pane-note' });
  #list = h('ol', { class: 'events' });
  node = h('div', { class: 'pane' }, this.#limits, this.#list);

  update({ revision, revisions = [], memory, vcores }) {
    const seen = JSON.stringify([revision, revisions, memory, vcores]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    setText(this.#limits, `Memory: ${memory ? `at most ${memory} MB` : 'no limit'}. Cores: ${vcores || 1}.`);
    const rows = [...revisions]
      .sort((a, b) => b.number - a.number)
      .map((one) =>
        h(
          'li',
          { class: 'event' },
          h('time', { class: 'number muted', datetime: one.created, title: one.created }, when(new Date(one.created))),
          h(
            'div',
            {},
            h('span', { class: 'event-kind' }, `revision ${one.number}`),
            one.number === revision && h('span', { class: 'tag' }, 'current'),
            one.by && h('span', { class: 'muted' }, ` by ${one.by}`),
            h('div', { class: 'mono digest', title: one.digest }, one.digest),
          ),
        ),
      );
    this.#list.replaceChildren(...rows);
  }

  close() {}
}
