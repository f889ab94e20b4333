// SPDX-License-Identifier: Apache-2.0
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { count } from '../format.js';

const ALERTS = [
  ['true', 'Alerts'],
  ['false', 'Other events'],
];

function choice(label, click) {
  const number = h('span', { class: 'number muted' });
  const text = h('span', { class: 'facet-name' });
  const node = h('button', { type: 'button', class: 'facet', on: { click } }, text, number);
  setText(text, label);
  return { node, number };
}

// How many documents the search has by sensor and alert; a click narrows it, a second click widens it again.
export class Facets {
  #sensors = new Map();
  #sensorList = h('div', { class: 'facet-list' });
  #alerts = new Map();
  #none = h('p', { class: 'muted small', hidden: true }, 'none yet');
  #onChoose;
  node;

  // onChoose('sensor' | 'alert', value)
  constructor(onChoose) {
    this.#onChoose = onChoose;
    const alertList = h('div', { class: 'facet-list' });
    for (const [value, label] of ALERTS) {
      const part = choice(label, () => onChoose('alert', value));
      this.#alerts.set(value, part);
      alertList.append(part.node);
    }
    this.node = h(
      'div',
      { class: 'facets', role: 'group', 'aria-label': 'Narrow the search' },
      h('h2', {}, 'Alert'),
      alertList,
      h('h2', {}, 'Sensor'),
      this.#sensorList,
      this.#none,
    );
  }

  update(facets, query) {
    for (const [value, part] of this.#alerts) {
      setText(part.number, count(facets.alert?.[value] ?? 0));
      setAttribute(part.node, 'aria-pressed', String(query.alert === value));
    }
    const sensors = { ...facets.sensor };
    if (query.sensor && !Object.hasOwn(sensors, query.sensor)) sensors[query.sensor] = 0;
    const names = Object.keys(sensors).sort((a, b) => sensors[b] - sensors[a] || (a < b ? -1 : 1));
    for (const [name, part] of this.#sensors) {
      if (names.includes(name)) continue;
      part.node.remove();
      this.#sensors.delete(name);
    }
    for (const name of names) {
      if (!this.#sensors.has(name)) {
        const part = choice(name, () => this.#onChoose('sensor', name));
        this.#sensors.set(name, part);
        this.#sensorList.append(part.node);
      }
      const part = this.#sensors.get(name);
      setText(part.number, count(sensors[name]));
      setAttribute(part.node, 'aria-pressed', String(query.sensor === name));
    }
    setHidden(this.#none, names.length > 0);
  }
}
