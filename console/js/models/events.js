// SPDX-License-Identifier: Apache-2.0
import { address, get } from '../api.js';
import { h, setText } from '../dom.js';
import { when } from '../format.js';

const LIMIT = 200;
const SETTLE = 400; // ms: one look after a burst of changes

// What happened to a deployment and why, newest first. Looked at again whenever the deployment changes.
export class EventsPane {
  #deployment;
  #seen = '';
  #timer = 0;
  #closed = false;
  #note = h('p', { class: 'pane-note', role: 'status' }, 'Loading…');
  #list = h('ol', { class: 'events' });
  node = h('div', { class: 'pane' }, this.#note, this.#list);

  constructor(deployment) {
    this.#deployment = deployment;
  }

  update(deployment) {
    this.#deployment = deployment;
    const { state, wanted, ready, restarts, revision, error, instances = [] } = deployment;
    const seen = JSON.stringify([
      state,
      wanted,
      ready,
      restarts,
      revision,
      error,
      instances.map((i) => [i.id, i.state]),
    ]);
    if (seen === this.#seen) return;
    const first = !this.#seen;
    this.#seen = seen;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), first ? 0 : SETTLE);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #load() {
    const { name, version } = this.#deployment;
    try {
      const events = await get(address('/api/v1/events', { name, version, limit: LIMIT }));
      if (this.#closed) return;
      setText(this.#note, events.length ? '' : 'Nothing has happened yet.');
      this.#list.replaceChildren(...events.reverse().map((event) => this.#row(event)));
    } catch (error) {
      if (!this.#closed) setText(this.#note, `The events cannot be read: ${error.message}`);
    }
  }

  #row({ at, kind, instance, text }) {
    const date = new Date(at);
    return h(
      'li',
      { class: 'event' },
      h('time', { class: 'number muted', datetime: at, title: at }, when(date)),
      h(
        'div',
        {},
        h('span', { class: 'event-kind' }, kind),
        instance && h('span', { class: 'mono muted', title: instance }, ` ${String(instance).slice(-6)}`),
        h('div', { class: 'event-text' }, text),
      ),
    );
  }
}
