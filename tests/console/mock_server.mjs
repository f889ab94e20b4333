// SPDX-License-Identifier: Apache-2.0
// The API of docs/api.md in memory, with handles for what a real server does only on a bad day.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fixtures from './fixtures.mjs';

const CONSOLE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../console');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
// The same policy as src/console/page.cc.
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

export class MockServer {
  deployments = fixtures.deployments();
  documents = fixtures.documents();
  logs = fixtures.logs();
  token = ''; // when set, the API wants it
  failures = []; // { method, path: RegExp, status, code, message, times }
  requests = []; // { method, path, query, headers, body }
  #watchers = { deployments: new Set(), documents: new Set(), logs: new Set() };
  #server = null;
  #port = 0;

  async start() {
    this.#server = createServer((request, response) =>
      this.#handle(request, response).catch((error) => response.destroy(error)),
    );
    this.#server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.#port}/`;
    return this;
  }

  // As if the process was killed: every connection breaks, further ones are refused.
  async goDown() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    for (const set of Object.values(this.#watchers)) set.clear();
  }

  comeBack() {
    return this.start();
  }

  stop() {
    return this.goDown();
  }

  setDeployments(list) {
    this.deployments = list;
    for (const watcher of this.#watchers.deployments) send(watcher.response, 'deployments', list);
  }

  changeDeployment(name, version, change) {
    this.setDeployments(
      this.deployments.map((d) => (d.name === name && d.version === version ? { ...d, ...change } : d)),
    );
  }

  addDocuments(...list) {
    this.documents.unshift(...[...list].reverse());
    for (const { response, query } of this.#watchers.documents) {
      const matching = list.filter((document) => matches(document, query));
      if (matching.length) send(response, 'documents', matching);
    }
  }

  addLog(entry) {
    for (const { response } of this.#watchers.logs) response.write(`${JSON.stringify(entry)}\n`);
  }

  endStreams() {
    for (const set of Object.values(this.#watchers)) for (const { response } of set) response.destroy();
  }

  fail(method, pathPattern, status, code, message, times = Infinity) {
    this.failures.push({ method, path: pathPattern, status, code, message, times });
  }

  asked(method, pathPattern) {
    return this.requests.filter((request) => request.method === method && pathPattern.test(request.path));
  }

  async #handle(request, response) {
    const url = new URL(request.url, this.url);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
      response,
    };
    this.requests.push(asked);
    if (url.pathname === '/' || url.pathname.startsWith('/console/')) return serveFile(url.pathname, response);
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      return refuse(response, 401, 'unauthenticated', 'this server wants a token: Authorization: Bearer TOKEN');
    }
    const failure = this.failures.find(
      (f) => f.method === request.method && f.path.test(url.pathname) && f.times-- > 0,
    );
    if (failure) return refuse(response, failure.status, failure.code, failure.message);
    const name = `${request.method} ${url.pathname.replace('/api/v1/', '')}`;
    const route = ROUTES.find(([pattern]) => pattern.test(name));
    if (!route) return refuse(response, 404, 'not_found', `no such path: ${url.pathname}`);
    const parts = route[0].exec(name).slice(1).map(decodeURIComponent);
    return route[1](this, asked, parts);
  }

  watch(kind, asked, type, first) {
    asked.response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
    const watcher = { response: asked.response, query: asked.query };
    this.#watchers[kind].add(watcher);
    asked.response.on('close', () => this.#watchers[kind].delete(watcher));
    first(asked.response);
  }
}

const ROUTES = [
  [
    /^GET info$/,
    (mock, { response }) =>
      json(response, { version: '0.1.0', host: 'yard', data: '/var/lib/modelyard', started: new Date().toISOString() }),
  ],
  [
    /^GET deployments\/watch$/,
    (mock, asked) =>
      mock.watch('deployments', asked, 'text/event-stream', (response) =>
        send(response, 'deployments', mock.deployments),
      ),
  ],
  [/^POST deployments$/, deploy],
  [/^PUT deployments\/([^/]+)\/([^/]+)$/, scale],
  [/^DELETE deployments\/([^/]+)\/([^/]+)$/, remove],
  [
    /^GET events$/,
    (mock, { response, query }) =>
      json(
        response,
        fixtures.events().filter((e) => e.name === query.get('name') && e.version === query.get('version')),
      ),
  ],
  [/^GET logs\/([^/]+)\/([^/]+)$/, logs],
  [/^GET documents$/, search],
  [/^GET documents\/facets$/, facets],
  [
    /^GET documents\/watch$/,
    (mock, asked) => mock.watch('documents', asked, 'text/event-stream', (response) => response.write(': here\n\n')),
  ],
  [/^GET \/models\/([^/]+)\/versions\/([^/]+)\/(.+)$/, call],
];

function deploy(mock, { query, response }) {
  const row = fixtures.deployment(query.get('name'), query.get('version'), {
    state: 'starting',
    ready: 0,
    wanted: Number(query.get('instances')),
    instances: [],
  });
  mock.setDeployments([...mock.deployments, row]);
  json(response, { name: row.name, version: row.version, revision: 1, changed: true }, 201);
}

function scale(mock, { response, body }, [name, version]) {
  const { instances: wanted } = JSON.parse(body);
  const row = mock.deployments.find((d) => d.name === name && d.version === version);
  if (!row) return refuse(response, 404, 'not_found', `there is no ${name}@${version}`);
  const instances = [...row.instances].slice(0, wanted);
  while (instances.length < wanted) instances.push(fixtures.instance(`${name}-${version}-10${10 + instances.length}`));
  json(response, { name, version, wanted });
  mock.changeDeployment(name, version, { wanted, ready: wanted, instances });
}

function remove(mock, { response }, [name, version]) {
  response.writeHead(204).end();
  mock.setDeployments(mock.deployments.filter((d) => d.name !== name || d.version !== version));
}

function logs(mock, asked) {
  const { query, response } = asked;
  const text = mock.logs
    .filter(
      (e) =>
        (!query.get('instance') || e.instance === query.get('instance')) &&
        (!query.get('stream') || e.stream === query.get('stream')),
    )
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join('');
  if (query.get('follow') !== '1') return response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(text);
  mock.watch('logs', asked, 'application/x-ndjson', () => response.write(text));
}

function matches(document, query) {
  const text = Object.values(document).join(' ').toLowerCase();
  const words = (query.get('q') ?? '').toLowerCase().replaceAll('"', '').split(/\s+/).filter(Boolean);
  const isAlert = String(document.is_alert === 'true');
  return (
    words.every((word) => text.includes(word)) &&
    (!query.get('sensor') || document['source:type'] === query.get('sensor')) &&
    (!query.get('alert') || isAlert === query.get('alert'))
  );
}

function search(mock, { query, response }) {
  const all = mock.documents.filter((document) => matches(document, query));
  const from = Number(query.get('before') ?? 0);
  const until = from + Number(query.get('limit'));
  json(response, all.slice(from, until), 200, until < all.length ? { 'modelyard-next': String(until) } : {});
}

function facets(mock, { query, response }) {
  const answer = { total: 0, sensor: {}, alert: { true: 0, false: 0 }, complete: true };
  for (const document of mock.documents.filter((d) => matches(d, query))) {
    answer.total += 1;
    answer.sensor[document['source:type']] = (answer.sensor[document['source:type']] ?? 0) + 1;
    answer.alert[document.is_alert === 'true' ? 'true' : 'false'] += 1;
  }
  json(response, answer);
}

function call(mock, { query, response }, [name, , fn]) {
  if (fn !== 'apply') return refuse(response, 502, 'failed', `${name} has no function ${fn}`);
  json(response, { is_malicious: query.get('host') === 'yahoo.com' ? 'legit' : 'malicious' });
}

async function serveFile(pathname, response) {
  const file = path.join(CONSOLE, pathname === '/' ? 'index.html' : pathname.slice('/console/'.length));
  const body = await readFile(file).catch(() => null);
  if (!body) return refuse(response, 404, 'not_found', `no file ${pathname}`);
  response
    .writeHead(200, {
      'content-type': TYPES[path.extname(file)],
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
    })
    .end(body);
}

function json(response, value, status = 200, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

function refuse(response, status, code, message) {
  json(response, { error: { code, message } }, status);
}

function send(response, event, data) {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
