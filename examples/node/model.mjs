// SPDX-License-Identifier: Apache-2.0
// A name with five or more consonants in a row was hardly chosen by a person.
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const SUSPICIOUS_RUN = 5;

function longestConsonantRun(host) {
  const name = host.toLowerCase().replace(/\.[^.]*$/, '');
  return Math.max(0, ...(name.match(/[bcdfghjklmnpqrstvwxz]+/g) ?? []).map((run) => run.length));
}

function answer(url) {
  if (url.pathname !== '/apply') return [404, { error: 'ask for /apply?host=NAME' }];
  const host = url.searchParams.get('host');
  if (!host) return [400, { error: 'the argument host is missing' }];
  const run = longestConsonantRun(host);
  return [200, { is_malicious: run >= SUSPICIOUS_RUN ? 'malicious' : 'legit', longest_consonant_run: run }];
}

const server = createServer((request, response) => {
  const [status, body] = answer(new URL(request.url, 'http://model'));
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
server.keepAliveTimeout = 75_000; // longer than callers keep an idle connection, so they close it, not we

const address = process.env.BIND_ADDRESS ?? '127.0.0.1';
server.listen(0, address, () => {
  const url = `http://${address}:${server.address().port}`;
  writeFileSync('endpoint.dat.new', JSON.stringify({ url, functions: { apply: 'apply' } }));
  renameSync('endpoint.dat.new', 'endpoint.dat'); // appears complete or not at all
});
