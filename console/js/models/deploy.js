// SPDX-License-Identifier: Apache-2.0
import { address, request } from '../api.js';
import { command } from '../copy.js';
import { openDialog } from '../dialog.js';
import { h, setText } from '../dom.js';
import { bytes, plural } from '../format.js';
import { toast } from '../toast.js';
import { archivePayload, environment, folderPayload } from './payload.js';

function field(id, label, input, hint) {
  input.id = id;
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    input,
    hint && h('small', { class: 'muted' }, hint),
  );
}

function picker(id, label, properties, onFiles) {
  const input = h('input', {
    type: 'file',
    id,
    class: 'off-screen',
    ...properties,
    on: { change: () => onFiles([...input.files]) },
  });
  return [input, h('label', { for: id, class: 'button' }, label)];
}

class DeployForm {
  #payload = null;
  #chosen = h('p', { class: 'chosen', role: 'status' }, 'Nothing is chosen yet.');
  #name = h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', required: true, maxlength: 128 });
  #version = h('input', {
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    value: '1',
    required: true,
    maxlength: 128,
  });
  #instances = h('input', { type: 'number', min: 1, max: 1000, value: 1, required: true });
  #memory = h('input', { type: 'number', min: 1, placeholder: 'no limit' });
  #env = h('textarea', { rows: 3, spellcheck: 'false', placeholder: 'NAME=VALUE, one a line' });
  first;
  body;

  constructor() {
    const [folder, folderLabel] = picker(
      'deploy-folder',
      'Choose a folder',
      { webkitdirectory: true, multiple: true },
      (files) => files.length && this.#take(folderPayload(files)),
    );
    const [archive, archiveLabel] = picker(
      'deploy-archive',
      'or a tar file',
      { accept: '.tar,.tgz,.gz,.xz,.zst,.bz2' },
      (files) => files.length && this.#take(archivePayload(files[0])),
    );
    this.first = folder;
    this.body = [
      h(
        'p',
        { class: 'muted' },
        'A model is a folder with one .sh that starts it; it writes endpoint.dat when it serves.',
      ),
      h('div', { class: 'pickers' }, folder, folderLabel, archive, archiveLabel),
      this.#chosen,
      h(
        'div',
        { class: 'fields' },
        field('deploy-name', 'Name', this.#name),
        field('deploy-version', 'Version', this.#version),
        field('deploy-instances', 'Instances', this.#instances),
        field('deploy-memory', 'Memory, MB', this.#memory),
      ),
      field('deploy-env', 'Environment', this.#env),
    ];
  }

  #take(payload) {
    this.#payload = payload;
    const contents = payload.script
      ? `${plural(payload.files, 'file')}, ${bytes(payload.size)}, started by ${payload.script}`
      : bytes(payload.size);
    setText(this.#chosen, payload.problem || `${payload.name}: ${contents}`);
    this.#chosen.dataset.tone = payload.problem ? 'bad' : 'good';
    if (!this.#name.value) this.#name.value = payload.name;
  }

  async send() {
    if (!this.#payload) throw new Error('Choose a folder or a tar file first.');
    if (this.#payload.problem) throw new Error(this.#payload.problem);
    const wanted = {
      name: this.#name.value.trim(),
      version: this.#version.value.trim(),
      instances: this.#instances.value,
    };
    const target = address('/api/v1/deployments', {
      ...wanted,
      memory: this.#memory.value,
      env: environment(this.#env.value),
    });
    setText(this.#chosen, `Sending ${bytes(this.#payload.body.size)}…`);
    const response = await request('POST', target, {
      body: this.#payload.body,
      headers: { 'content-type': 'application/x-tar' },
    });
    return response.json();
  }
}

// Resolves to { name, version, … } once the server has taken the deployment, to null when it was given up.
export async function deploy() {
  const form = new DeployForm();
  const done = await openDialog({
    title: 'Deploy a model',
    body: form.body,
    confirm: 'Deploy',
    first: form.first,
    accept: () => form.send(),
    wide: true,
  });
  if (done)
    toast(
      done.changed === false
        ? `${done.name} ${done.version} was so already`
        : `${done.name} ${done.version} is deployed`,
    );
  return done;
}

export function emptyModels(onDeploy) {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, 'No models yet'),
    h('p', {}, 'Deploy one from this page, or from a terminal:'),
    command('modelyard deploy examples/mock_dga --name dga --wait'),
    h('button', { type: 'button', class: 'primary', on: { click: onDeploy } }, 'Deploy a model'),
  );
}
