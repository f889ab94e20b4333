// SPDX-License-Identifier: Apache-2.0
import { openDialog } from './dialog.js';
import { h } from './dom.js';

const TABLE = [
  ['/', 'to the search'],
  ['j  or  ↓', 'next'],
  ['k  or  ↑', 'previous'],
  ['Enter', 'open'],
  ['Esc', 'close, or leave the search'],
  ['p', 'pause and resume the documents'],
  ['1  2', 'models, documents'],
  ['t', 'colours: as the system, light, dark'],
  ['?', 'this list'],
];

export function showKeys() {
  return openDialog({
    title: 'Keyboard',
    body: h(
      'dl',
      { class: 'keys' },
      TABLE.map(([key, what]) => h('div', {}, h('dt', {}, key), h('dd', {}, what))),
    ),
    cancel: 'Close',
  });
}

// Typing in a field is typing, not a command; so are keys with a modifier.
export function isTyping(event) {
  const tag = event.target.tagName;
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.isContentEditable ||
    tag === 'INPUT' ||
    tag === 'TEXTAREA' ||
    tag === 'SELECT'
  );
}

// +1 for down, -1 for up, 0 for another key.
export function step(event) {
  if (event.key === 'j' || event.key === 'ArrowDown') return 1;
  if (event.key === 'k' || event.key === 'ArrowUp') return -1;
  return 0;
}
