// SPDX-License-Identifier: Apache-2.0
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { EventsPane } from './events.js';
import { LogsPane } from './logs.js';
import { RevisionsPane } from './revisions.js';
import { deploymentTone } from './states.js';
import { TryPane } from './try.js';

const TABS = [
  ['logs', 'Logs', LogsPane],
  ['events', 'Events', EventsPane],
  ['try', 'Try it', TryPane],
  ['revisions', 'Revisions', RevisionsPane],
];

// Beside the list (over it on a narrow screen): one deployment from near. Which tab is shown stands in the address.
export class Drawer {
  #name = h('h2', { tabindex: '-1' });
  #state = h('span', { class: 'state' });
  #tabs = new Map();
  #list = h('div', { class: 'tabs', role: 'tablist' });
  #body = h('div', { class: 'drawer-body', role: 'tabpanel', id: 'drawer-panel', tabindex: '-1' });
  #pane = null;
  #shown = '';
  node;

  // onTab(tab), onClose()
  constructor(onTab, onClose) {
    for (const [id, label, Pane] of TABS) {
      const tab = h(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${id}`,
          'aria-controls': 'drawer-panel',
          on: { click: () => onTab(id) },
        },
        label,
      );
      this.#tabs.set(id, { tab, Pane });
      this.#list.append(tab);
    }
    this.#list.addEventListener('keydown', (event) => this.#arrow(event));
    this.node = h(
      'aside',
      { class: 'drawer', 'aria-label': 'Details of a deployment', hidden: true },
      h(
        'div',
        { class: 'drawer-head' },
        this.#name,
        this.#state,
        h(
          'button',
          { type: 'button', class: 'icon close', 'aria-label': 'Close', title: 'Close (Esc)', on: { click: onClose } },
          '×',
        ),
      ),
      this.#list,
      this.#body,
    );
  }

  get isOpen() {
    return !this.node.hidden;
  }

  open(deployment, wantedTab) {
    const id = this.#tabs.has(wantedTab) ? wantedTab : 'logs';
    const shown = JSON.stringify([deployment.name, deployment.version, id]);
    const wasClosed = this.node.hidden;
    setHidden(this.node, false);
    if (shown !== this.#shown) {
      this.#pane?.close();
      this.#shown = shown;
      for (const [key, { tab }] of this.#tabs) {
        setAttribute(tab, 'aria-selected', String(key === id));
        setAttribute(tab, 'tabindex', key === id ? '0' : '-1');
      }
      setAttribute(this.#body, 'aria-labelledby', `tab-${id}`);
      this.#pane = new (this.#tabs.get(id).Pane)(deployment);
      this.#body.replaceChildren(this.#pane.node);
    }
    this.update(deployment);
    if (wasClosed) this.#name.focus({ preventScroll: true });
  }

  update(deployment) {
    setText(this.#name, `${deployment.name} @ ${deployment.version}`);
    setText(this.#state, deployment.state);
    setAttribute(this.#state, 'data-tone', deploymentTone(deployment.state));
    this.#pane?.update(deployment);
  }

  close() {
    this.#pane?.close();
    this.#pane = null;
    this.#shown = '';
    this.#body.replaceChildren();
    setHidden(this.node, true);
  }

  #arrow(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const tabs = [...this.#tabs.values()].map(({ tab }) => tab);
    const next = tabs[(tabs.indexOf(event.target) + move + tabs.length) % tabs.length];
    event.preventDefault();
    next.click();
    next.focus();
  }
}
