// SPDX-License-Identifier: Apache-2.0
// The page on a real `modelyard up`: a model deployed by clicks, its process killed, real squid lines through it.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { check, equal, noSidewaysScroll, PHONE, ROOT, screenshot, until } from './harness.mjs';

const BINARY = process.env.MODELYARD_BINARY ?? path.join(ROOT, 'build/bin/modelyard');
const MODEL_WAIT = 60_000; // ms until a model that was just deployed serves, on a busy machine

const LINES = [
  '1795394740.983      3 127.0.0.1 TCP_MISS/301 287 GET http://yahoo.com/ - HIER_DIRECT/127.0.0.2 text/html',
  '1795394741.102     12 127.0.0.1 TCP_MISS/200 1287 GET http://www.xkqzvbn.com/in?id=7 - HIER_DIRECT/127.0.0.3 text/html',
];

// The server and the command line that talks to it.
class Yard {
  constructor() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'modelyard-console-real-'));
    this.environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  }

  async start(address = '127.0.0.1:0', ...options) {
    check(existsSync(BINARY), `${BINARY} is not built: ./dev build`);
    this.process = spawn(BINARY, ['up', '--data', path.join(this.folder, 'data'), '--listen', address, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.environment,
    });
    this.errors = '';
    this.process.stderr.on('data', (text) => (this.errors = (this.errors + text).slice(-8000)));
    this.ended = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve(code ?? signal)));
    let out = '';
    this.process.stdout.on('data', (text) => (out += text));
    this.url = (await until(() => /^ready (http\S+)/m.exec(out), 'the ready line'))[1].replace(/\/*$/, '/');
    this.environment.MODELYARD_SERVER = this.url.replace(/\/$/, '');
  }

  async run(...words) {
    const child = spawn(BINARY, words, { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const status = await new Promise((resolve) => child.on('exit', resolve));
    check(status === 0, `modelyard ${words.join(' ')}: exit ${status}\n${output}`);
    return output;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    this.process.kill('SIGTERM');
    const status = await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
    check(status === 0, `modelyard up ended with ${status}:\n${this.errors}`);
  }
}

const card = (page) => page.locator('article.deployment[aria-label^="dga version 1,"]');

async function deploysByClicks(page, visit) {
  await visit();
  await page.getByText('No models yet').waitFor();
  await page.locator('#deploy').click();
  await page.locator('#deploy-folder').setInputFiles(path.join(ROOT, 'examples/mock_dga'));
  await page.locator('#deploy-name').fill('dga');
  await page.getByRole('dialog').getByRole('button', { name: 'Deploy' }).click();
  await page.locator('article[aria-label="dga version 1, ready, 1 of 1 ready"]').waitFor({ timeout: MODEL_WAIT });
  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.getByRole('log').getByText('mock_dga answers on').waitFor();
  await page.getByRole('tab', { name: 'Try it' }).click();
  for (const [host, verdict] of [
    ['yahoo.com', 'legit'],
    ['xkqzvbn.com', 'malicious'],
  ]) {
    await page.getByLabel('Arguments').fill(`host=${host}`);
    await page.getByRole('button', { name: 'Call' }).click();
    await page.getByText(`"is_malicious": "${verdict}"`).waitFor();
  }
  await page.getByRole('tab', { name: 'Events' }).click();
  await page.locator('.event').first().waitFor();
  await page.getByRole('tab', { name: 'Revisions' }).click();
  await page.locator('.event-kind', { hasText: 'revision 1' }).waitFor(); // of that pane alone: events say it in their text
}

async function scalesByClicks(page, visit) {
  await visit();
  await card(page).getByTitle('One instance more').click();
  await page.locator('article[aria-label="dga version 1, ready, 2 of 2 ready"]').waitFor({ timeout: MODEL_WAIT });
  equal(await card(page).locator('.instance').count(), 2, 'instances');
}

async function showsAKillAndARestart(page, visit) {
  await visit();
  const pid = Number(/pid (\d+)/.exec(await card(page).locator('.instance').first().innerText())[1]);
  process.kill(pid, 'SIGKILL');
  await until(async () => !(await card(page).innerText()).includes(`pid ${pid}`), 'the end of the killed process');
  await page.locator('article[aria-label="dga version 1, ready, 2 of 2 ready"]').waitFor({ timeout: MODEL_WAIT });
  await until(async () => /Restarts\s+[1-9]/.test(await card(page).innerText()), 'the restart, counted');
}

async function showsDocumentsAsTheyAreStored(page, visit, yard) {
  await visit('#documents');
  await page.getByText('No documents yet').waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  const log = path.join(yard.folder, 'access.log');
  writeFileSync(log, `${LINES.join('\n')}\nthis is no squid line\n`);
  await yard.run(
    'sensor',
    'run',
    'squid',
    '--config',
    path.join(ROOT, 'config/zookeeper'),
    '--source',
    `file:${log}`,
    '--sink',
    'store',
    '--once',
  );
  await until(async () => (await page.locator('.documents tbody tr').count()) === 3, 'the documents');
  check(await page.evaluate(() => window.sameDocument), 'without a reload');
  equal(await page.locator('tr[data-severity="high"]').count(), 1, 'the alert');
  equal(await page.locator('tr[data-severity="error"]').count(), 1, 'the line that failed');
  await page.locator('tr[data-severity="high"]').click();
  const detail = page.getByRole('complementary', { name: 'One document' });
  for (const text of ['threat:triage:level', 'xkqzvbn.com', 'is_alert'])
    await detail.getByText(text, { exact: true }).first().waitFor();
  await screenshot(page, 'real-documents');
  await page.keyboard.press('/');
  await page.keyboard.type('yahoo.com');
  await until(async () => (await page.locator('.documents tbody tr').count()) === 1, 'the one that matches');
  await page.locator('#search').fill('');
  await page.locator('.facet', { hasText: 'Alerts' }).click();
  await until(async () => (await page.locator('#total').innerText()) === '1 document', 'the alerts alone');
}

async function outlivesTheServer(page, visit, yard) {
  await visit();
  await page.locator('article[aria-label="dga version 1, ready, 2 of 2 ready"]').waitFor({ timeout: MODEL_WAIT });
  const pids = (await card(page).locator('.instances').innerText()).match(/pid \d+/g).sort();
  const address = new URL(yard.url).host;
  await yard.kill();
  await page.getByRole('alert').filter({ hasText: 'Connection lost' }).waitFor();
  equal(await page.locator('.deployment').count(), 1, 'what was known stays');
  await yard.start(address);
  await until(async () => (await page.locator('body').getAttribute('data-connection')) === 'live', 'the connection');
  await page.locator('article[aria-label="dga version 1, ready, 2 of 2 ready"]').waitFor({ timeout: MODEL_WAIT });
  equal(
    (await card(page).locator('.instances').innerText()).match(/pid \d+/g).sort(),
    pids,
    'the same processes, adopted',
  );
}

async function fitsAPhone(page, visit) {
  for (const where of ['', '#models/dga/1/logs', '#documents']) {
    await visit(where);
    await page.reload();
    await until(async () => (await page.locator('body').getAttribute('data-connection')) === 'live', 'the connection');
    await noSidewaysScroll(page, where || 'models');
  }
}

async function removesByClicks(page, visit) {
  await visit();
  await screenshot(page, 'real-models');
  await card(page).getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No models yet').waitFor({ timeout: MODEL_WAIT });
}

async function wantsItsToken(page, visit) {
  await visit();
  await page.getByRole('dialog', { name: 'This server wants a token' }).waitFor();
  await page.getByRole('textbox', { name: 'Token' }).fill('not it');
  await page.keyboard.press('Enter');
  await page.getByText('The token was refused.').waitFor();
  await page.getByRole('textbox', { name: 'Token' }).fill('a-token-of-the-test');
  await page.keyboard.press('Enter');
  await page.getByText('No models yet').waitFor();
  await page.locator('#deploy').click();
  await page.locator('#deploy-folder').setInputFiles(path.join(ROOT, 'examples/shell'));
  await page.getByRole('dialog').getByRole('button', { name: 'Deploy' }).click();
  await page.locator('article[aria-label="shell version 1, ready, 1 of 1 ready"]').waitFor({ timeout: MODEL_WAIT });
}

// A page of somebody else, open in the same browser, sends what a form could send.
async function refusesOtherSites(page, visit, yard) {
  const other = createServer((request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>another site</p>'),
  );
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    await visit(`${other.address().port}/`);
    await page.evaluate(async (target) => {
      await fetch(`${target}api/v1/deployments?name=evil`, { method: 'POST', mode: 'no-cors', body: 'x' }).catch(
        () => {},
      );
      await fetch(`${target}api/v1/deployments/dga`, { method: 'DELETE' }).catch(() => {});
    }, yard.url);
    const answer = await page.evaluate(
      (target) =>
        fetch(`${target}api/v1/deployments`).then(
          (r) => r.text(),
          () => 'unreadable',
        ),
      yard.url,
    );
    equal(answer, 'unreadable', 'it reads nothing');
  } finally {
    other.closeAllConnections();
    other.close();
  }
  equal(
    JSON.parse(await yard.run('status', '-o', 'json')).map((d) => d.name),
    ['dga'],
    'it changed nothing',
  );
}

async function tokenCase(tester) {
  const yard = new Yard();
  const file = path.join(yard.folder, 'token');
  writeFileSync(file, 'a-token-of-the-test\n', { mode: 0o600 });
  await yard.start('0.0.0.0:0', '--token-file', file);
  yard.url = yard.url.replace('0.0.0.0', '127.0.0.1');
  try {
    await tester.test('real: wants its token off loopback', yard, (page, visit) => wantsItsToken(page, visit), {
      expected: /status of 401/,
    });
  } finally {
    await yard.stop();
  }
}

export async function realCases(tester) {
  const yard = new Yard();
  const rows = [
    ['deploys by clicks', deploysByClicks],
    ['scales by clicks', scalesByClicks],
    ['shows a kill and a restart', showsAKillAndARestart],
    ['shows documents as they are stored', showsDocumentsAsTheyAreStored],
    ['outlives the server', outlivesTheServer, { expected: /net::ERR_|Failed to load resource/ }],
    ['fits a phone', fitsAPhone, { viewport: PHONE, touch: true }],
    ['refuses other sites', refusesOtherSites, { expected: /CORS|Failed to load resource/, everyPort: true }],
    ['removes by clicks', removesByClicks],
  ];
  await yard.start();
  try {
    for (const [name, test, options] of rows) {
      const server = options?.everyPort ? { url: 'http://127.0.0.1:' } : yard;
      await tester.test(`real: ${name}`, server, (page, visit) => test(page, visit, yard), options);
    }
  } finally {
    await yard.stop();
  }
  await tokenCase(tester);
}
