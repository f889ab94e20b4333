// SPDX-License-Identifier: Apache-2.0
// The bearer token of a server that listens off loopback. Kept for this browser tab's session alone.
import { openDialog } from './dialog.js';
import { h } from './dom.js';

const KEY = 'modelyard.token';
let inMemory = '';
let asking = null;

export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? inMemory;
  } catch {
    return inMemory;
  }
}

function keep(value) {
  inMemory = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Without session storage the page asks again when it is loaded again.
  }
}

// True once there is another token than the refused one; false if the person would not give one. Many requests, one
// dialog.
export async function askToken(refused, reason) {
  if (token() !== refused) return true;
  asking ??= ask(refused, reason).finally(() => (asking = null));
  return asking;
}

async function ask(refused, reason) {
  const input = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    class: 'wide',
  });
  const given = await openDialog({
    title: 'This server wants a token',
    body: [
      h(
        'p',
        {},
        refused ? 'The token was refused. ' : '',
        'It is the content of the token file that the server was started with.',
      ),
      h('p', { class: 'muted' }, reason),
      h('label', { for: 'token' }, 'Token'),
      input,
    ],
    confirm: 'Continue',
    first: input,
    accept: () => input.value.trim(),
  });
  if (!given) return false;
  keep(given);
  return true;
}
