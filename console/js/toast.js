// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';

const SHOWN_FOR = 6000;
const MOST = 4;

// A short message in the corner; a problem stays until it is dismissed.
export function toast(text, { problem = false } = {}) {
  const area = document.getElementById('toasts');
  const node = h(
    'div',
    { class: problem ? 'toast problem' : 'toast' },
    h('span', {}, text),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', on: { click: () => node.remove() } }, '×'),
  );
  area.append(node);
  while (area.children.length > MOST) area.firstElementChild.remove();
  if (!problem) setTimeout(() => node.remove(), SHOWN_FOR);
}
