// SPDX-License-Identifier: Apache-2.0
import { address, request, segments } from '../api.js';
import { copyButton } from '../copy.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';

// 'host=yahoo.com' for a shell: quoted where it must be.
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// "host=a b\nk=v" -> [["host", "a b"], ["k", "v"]]
export function argumentsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => {
      const at = line.indexOf('=');
      if (at < 1) throw new Error(`"${line}" is not name=value.`);
      return [line.slice(0, at).trim(), line.slice(at + 1)];
    });
}

// One call through the gateway, as any client would make it.
export class TryPane {
  #deployment;
  #function = h('input', {
    id: 'try-function',
    type: 'text',
    value: 'apply',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  #arguments = h('textarea', { id: 'try-arguments', rows: 3, spellcheck: 'false', placeholder: 'host=yahoo.com' });
  #send = h('button', { type: 'submit', class: 'primary' }, 'Call');
  #shell = h('code', {});
  #verdict = h('p', { class: 'try-verdict', role: 'status', hidden: true });
  #answer = h('pre', { class: 'try-answer', tabindex: '0', 'aria-label': 'The answer', hidden: true });
  node;

  constructor(deployment) {
    this.#deployment = deployment;
    const form = h(
      'form',
      { class: 'pane try' },
      h('div', { class: 'field' }, h('label', { for: 'try-function' }, 'Function'), this.#function),
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'try-arguments' }, 'Arguments, one name=value a line'),
        this.#arguments,
      ),
      h(
        'div',
        { class: 'command' },
        this.#shell,
        copyButton('the command', () => this.#shell.textContent),
      ),
      this.#send,
      this.#verdict,
      this.#answer,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#call();
    });
    form.addEventListener('input', () => this.#showCommand());
    this.node = form;
    this.#showCommand();
  }

  update(deployment) {
    this.#deployment = deployment;
  }

  close() {}

  #showCommand() {
    const { name, version } = this.#deployment;
    const fn = this.#function.value.trim();
    const words = [
      `${name}@${version}`,
      ...(fn && fn !== 'apply' ? [fn] : []),
      ...this.#arguments.value.split('\n').filter((l) => l.trim()),
    ];
    setText(this.#shell, `modelyard call ${words.map(quoted).join(' ')}`);
  }

  async #call() {
    const { name, version } = this.#deployment;
    const started = performance.now();
    this.#send.disabled = true;
    let good = false;
    let text;
    try {
      const fn = segments(...this.#function.value.trim().split('/'));
      const path = `/models/${segments(name)}/versions/${segments(version)}/${fn}`;
      const pairs = Object.create(null);
      for (const [key, value] of argumentsOf(this.#arguments.value)) (pairs[key] ??= []).push(value);
      const response = await request('GET', address(path, pairs), { headers: { accept: 'application/json' } });
      text = await response.text();
      try {
        text = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      good = true;
    } catch (error) {
      text = error.message;
    }
    this.#send.disabled = false;
    const took = Math.max(1, Math.round(performance.now() - started));
    setText(this.#verdict, good ? `Answered in ${took} ms` : `Failed after ${took} ms`);
    setAttribute(this.#verdict, 'data-tone', good ? 'good' : 'bad');
    setHidden(this.#verdict, false);
    setText(this.#answer, text);
    setHidden(this.#answer, false);
  }
}
