// SPDX-License-Identifier: Apache-2.0
import { h, setHidden, setText } from './dom.js';

let number = 0;

// A modal dialog. Resolves to what accept() gives when it is confirmed (a thrown error or rejected promise is shown
// and keeps it open), to null when it is cancelled. Focus returns to where it was.
export function openDialog({ title, body, confirm, danger = false, first, accept, wide = false, cancel = 'Cancel' }) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const id = `dialog-${++number}`;
    const problem = h('p', { class: 'dialog-problem', role: 'alert', hidden: true });
    const close = h('button', { type: 'button', on: { click: () => finish(null) } }, cancel);
    const go = confirm && h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, confirm);
    const form = h(
      'form',
      { method: 'dialog' },
      h('h2', { id }, title),
      h('div', { class: 'dialog-body' }, body),
      problem,
      h('div', { class: 'dialog-buttons' }, close, go),
    );
    const dialog = h('dialog', { class: wide ? 'wide-dialog' : null, 'aria-labelledby': id }, form);

    function finish(value) {
      dialog.close();
      dialog.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(value);
    }

    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (!go || go.disabled) return;
      go.disabled = true;
      setHidden(problem, true);
      form.setAttribute('aria-busy', 'true');
      try {
        finish(await accept());
      } catch (error) {
        setText(problem, error.message);
        setHidden(problem, false);
      } finally {
        go.disabled = false;
        form.removeAttribute('aria-busy');
      }
    });
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      finish(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    (first ?? go ?? close).focus();
  });
}
