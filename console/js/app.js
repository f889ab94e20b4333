// SPDX-License-Identifier: Apache-2.0
// The page's frame: which view is shown (#models, #documents?q=…), keys, colours, the connection.
import { get } from './api.js';
import { watchConnection } from './connection.js';
import { DocumentsView } from './documents/view.js';
import { setAttribute, setHidden, setText } from './dom.js';
import { isTyping, showKeys } from './keys.js';
import { ModelsView } from './models/view.js';

const THEMES = { auto: ['◐', 'Colours: as the system'], light: ['☀', 'Colours: light'], dark: ['☾', 'Colours: dark'] };

const byId = (id) => document.getElementById(id);

// "#models/dga/1.0/logs" -> { view: 'models', path: ['dga', '1.0', 'logs'], query }
export function parseHash(hash) {
  const [path, query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const [view, ...rest] = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { view: view === 'documents' ? 'documents' : 'models', path: rest, query: new URLSearchParams(query) };
}

const views = {
  models: new ModelsView(byId('view-models'), (problems) => {
    setText(byId('problems'), String(problems));
    setHidden(byId('problems'), !problems);
    setAttribute(byId('problems'), 'aria-label', `, ${problems} need attention`);
  }),
  documents: new DocumentsView(byId('view-documents')),
};
let current = null;

function route() {
  const wanted = parseHash(location.hash);
  if (current !== wanted.view) {
    views[current]?.hide();
    current = wanted.view;
    for (const name of Object.keys(views)) {
      setHidden(byId(`view-${name}`), name !== current);
      setAttribute(byId(`to-${name}`), 'aria-current', name === current ? 'page' : null);
    }
    document.title = `${current === 'models' ? 'Models' : 'Documents'} · Modelyard`;
  }
  views[current].show(wanted);
}

function showTheme() {
  const [sign, label] = THEMES[window.modelyardTheme.get()];
  setText(byId('theme'), sign);
  setAttribute(byId('theme'), 'aria-label', label);
  setAttribute(byId('theme'), 'title', `${label} (t)`);
}

function nextTheme() {
  window.modelyardTheme.next();
  showTheme();
}

function onKey(event) {
  if (document.querySelector('dialog[open]')) return;
  if (views[current].key(event, isTyping(event))) {
    event.preventDefault();
    return;
  }
  if (isTyping(event)) return;
  const commands = {
    '?': showKeys,
    t: nextTheme,
    1: () => (location.hash = '#models'),
    2: () => (location.hash = '#documents'),
  };
  if (Object.hasOwn(commands, event.key)) {
    event.preventDefault();
    commands[event.key]();
  }
}

async function showServer() {
  const info = await get('/api/v1/info');
  setText(byId('foot'), `Modelyard ${info.version} on ${info.host}${info.data ? ` · data in ${info.data}` : ''}`);
}

byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
byId('keys').addEventListener('click', showKeys);
byId('theme').addEventListener('click', nextTheme);
addEventListener('keydown', onKey);
addEventListener('hashchange', route);
showTheme();
watchConnection();
views.models.start();
route();
showServer().catch(() => setText(byId('foot'), 'Modelyard'));
