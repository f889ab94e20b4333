// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';
import { toast } from './toast.js';

// The clipboard interface exists on https and loopback alone; elsewhere the old way does.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h('textarea', { class: 'off-screen', readonly: true });
    area.value = text;
    const host = document.querySelector('dialog[open]') ?? document.body;
    host.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) {
      toast('The browser does not let the page copy.', { problem: true });
      return;
    }
  }
  toast('Copied');
}

export function copyButton(what, text) {
  return h(
    'button',
    {
      type: 'button',
      class: 'copy',
      'aria-label': `Copy ${what}`,
      title: `Copy ${what}`,
      on: {
        click: (event) => {
          event.stopPropagation();
          copy(typeof text === 'function' ? text() : text);
        },
      },
    },
    'Copy',
  );
}

// A command to type, with its copy button.
export function command(text) {
  return h('div', { class: 'command' }, h('code', {}, text), copyButton('the command', text));
}
