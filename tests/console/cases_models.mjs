// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fixtures from './fixtures.mjs';
import { check, equal, screenshot, until } from './harness.mjs';
import { MockServer } from './mock_server.mjs';

const card = (page, name, version) => page.locator(`article.deployment[aria-label^="${name} version ${version},"]`);
const texts = (locator) => locator.allInnerTexts();

async function withMock(tester, name, test, options) {
  const mock = await new MockServer().start();
  try {
    await tester.test(`models: ${name}`, mock, (page, visit) => test(page, visit, mock), options);
  } finally {
    await mock.stop();
  }
}

function chosenFolder(files) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'modelyard-console-'));
  const top = path.join(folder, 'scorer');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(top, name)), { recursive: true });
    writeFileSync(path.join(top, name), text);
  }
  return { top, remove: () => rmSync(folder, { recursive: true }) };
}

async function showsWhatIs(page, visit) {
  await visit();
  await card(page, 'dga', '10.0').waitFor();
  const order = await page
    .locator('.deployment')
    .evaluateAll((nodes) => nodes.map((n) => n.getAttribute('aria-label').split(',')[0]));
  equal(
    order,
    ['dga version 10.0', 'dga version 9.0', 'phishing version 2.1', 'sentiment version 1'],
    'by name, the greatest version first',
  );
  equal(
    await texts(page.locator('.deployment-head > .state')),
    ['ready', 'ready', 'crash-loop', 'degraded'],
    'states in words',
  );
  check(await card(page, 'dga', '10.0').locator('.tag').isVisible(), 'the greatest version is marked as the default');
  check(!(await card(page, 'dga', '9.0').locator('.tag').isVisible()), 'a lesser version is not');
  const figures = (await card(page, 'dga', '10.0').locator('.figures').innerText()).replace(/\s+/g, ' ');
  for (const part of ['Ready 3 / 3', '128', '1.4 ms', '7.9 ms', 'Restarts 2', '1 h 1 min'])
    check(figures.includes(part), `figures have ${part}: ${figures}`);
  equal(await page.locator('#problems').innerText(), '2', 'the header counts what needs attention');
  equal(await page.locator('.tile').first().innerText(), '3\nmodels', 'models in short');
  check((await page.locator('#foot').innerText()).includes('on yard'), 'the footer names the host');
}

async function showsWhyItFails(page, visit, mock) {
  await visit();
  const box = card(page, 'phishing', '2.1').locator('.problem-box');
  equal(await box.locator('.problem-cause').innerText(), fixtures.crashLog.split('\n')[0], 'the cause');
  check(
    (await box.locator('.problem-log').innerText()).includes("No such file or directory: 'weights-2026-11.npz'"),
    'the last log lines',
  );
  check(
    (await card(page, 'phishing', '2.1').locator('.instance').innerText()).includes('exited with status 1'),
    'the reason of the instance',
  );
  await page.getByRole('button', { name: 'need attention' }).click();
  await until(async () => (await page.locator('.deployment').count()) === 2, 'those that need attention');
  mock.setDeployments(mock.deployments.map((d) => ({ ...d, state: 'ready', error: null })));
  await until(async () => (await page.locator('.deployment').count()) === 4, 'all, once none does');
}

async function followsChanges(page, visit, mock) {
  await visit();
  await card(page, 'dga', '9.0').waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  await card(page, 'dga', '9.0').focus();
  mock.setDeployments([...mock.deployments, fixtures.deployment('brand-new', '1')]);
  await card(page, 'brand-new', '1').waitFor();
  mock.changeDeployment('dga', '9.0', { state: 'degraded', ready: 0 });
  await page.getByLabel('dga version 9.0, degraded, 0 of 1 ready').waitFor();
  mock.setDeployments(mock.deployments.filter((d) => d.name !== 'phishing'));
  await card(page, 'phishing', '2.1').waitFor({ state: 'detached' });
  check(await page.evaluate(() => window.sameDocument), 'the page was not loaded again');
  check(
    await card(page, 'dga', '9.0').evaluate((node) => node === document.activeElement),
    'the focus survives live updates',
  );
}

async function scales(page, visit, mock) {
  await visit();
  const dga = card(page, 'dga', '9.0');
  check(await dga.getByTitle('Remove ends the deployment').isDisabled(), 'one instance is the least');
  await dga.getByTitle('One instance more').click();
  await until(async () => (await dga.locator('.wanted').innerText()) === '2', 'two wanted');
  equal(await dga.locator('.instance').count(), 2, 'instances shown');
  await dga.getByTitle('One instance less').click();
  await until(async () => (await dga.locator('.wanted').innerText()) === '1', 'one wanted');
  equal(
    mock.asked('PUT', /deployments\/dga\/9\.0$/).map((r) => JSON.parse(r.body)),
    [{ instances: 2 }, { instances: 1 }],
    'what was asked',
  );
  mock.fail('PUT', /./, 507, 'resource_exhausted', 'no memory is left for another instance');
  await dga.getByTitle('One instance more').click();
  await page.locator('.toast.problem', { hasText: 'no memory is left for another instance' }).waitFor();
}

async function removesWhenConfirmed(page, visit, mock) {
  await visit();
  const remove = card(page, 'sentiment', '1').getByRole('button', { name: 'Remove' });
  await remove.click();
  await page.getByRole('dialog', { name: 'Remove sentiment 1?' }).getByRole('button', { name: 'Cancel' }).click();
  equal(mock.asked('DELETE', /./).length, 0, 'cancelled means nothing is sent');
  check(await remove.evaluate((node) => node === document.activeElement), 'the focus returns to where it was');
  await remove.click();
  await page.keyboard.press('Escape');
  equal(await page.getByRole('dialog').count(), 0, 'Escape closes');
  await remove.click();
  await screenshot(page, 'remove-dialog');
  mock.fail('DELETE', /./, 503, 'unavailable', 'the registry is busy', 1);
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('alert').filter({ hasText: 'the registry is busy' }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await card(page, 'sentiment', '1').waitFor({ state: 'detached' });
}

async function deploysAFolder(page, visit, mock) {
  const long = `${'a-long-folder-name/'.repeat(14)}grüße.txt`;
  const good = chosenFolder({
    'start.sh': 'exec python3 model.py\n',
    'model.py': 'print(1)\n',
    'data/words.txt': 'x'.repeat(3000),
    'endpoint.dat': 'stale',
    [long]: 'far down',
  });
  const twoScripts = chosenFolder({ 'a.sh': '', 'b.sh': '' });
  try {
    await visit();
    await page.locator('#deploy').click();
    const dialog = page.getByRole('dialog', { name: 'Deploy a model' });
    await dialog.getByRole('button', { name: 'Deploy' }).click({ force: true });
    await page.locator('#deploy-folder').setInputFiles(twoScripts.top);
    await dialog.getByText('more than one .sh at its top level: a.sh, b.sh').waitFor();
    await page.locator('#deploy-folder').setInputFiles(good.top);
    await dialog.getByText('started by start.sh').waitFor();
    equal(await dialog.getByLabel('Name').inputValue(), 'scorer', 'the folder gives the name');
    await dialog.getByLabel('Version').fill('1.2');
    await dialog.getByLabel('Instances').fill('2');
    await dialog.getByLabel('Environment').fill('NO EQUALS');
    await dialog.getByRole('button', { name: 'Deploy' }).click();
    await dialog.getByText('is not NAME=VALUE').waitFor();
    await dialog.getByLabel('Environment').fill('MODE=fast\n\nGREETING=hello = world');
    await screenshot(page, 'deploy-dialog');
    mock.fail('POST', /deployments$/, 400, 'invalid_argument', 'the payload holds no .sh', 1);
    await dialog.getByRole('button', { name: 'Deploy' }).click();
    await dialog.getByText('the payload holds no .sh').waitFor();
    await dialog.getByRole('button', { name: 'Deploy' }).click();
    await card(page, 'scorer', '1.2').waitFor();
    await page.locator('.drawer h2', { hasText: 'scorer @ 1.2' }).waitFor();
    const sent = mock.asked('POST', /deployments$/).at(-1);
    equal(
      [...sent.query],
      [
        ['name', 'scorer'],
        ['version', '1.2'],
        ['instances', '2'],
        ['env', 'MODE=fast'],
        ['env', 'GREETING=hello = world'],
      ],
      'the query',
    );
    checkTar(sent.body, long);
  } finally {
    good.remove();
    twoScripts.remove();
  }
}

// The tar is read by the system's own tar, whose word counts more than ours.
function checkTar(bytes, long) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'modelyard-tar-'));
  try {
    writeFileSync(path.join(folder, 'payload.tar'), bytes);
    const listing = execFileSync('tar', ['-tvf', 'payload.tar', '--quoting-style=literal'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const names = listing
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(5).join(' '));
    equal(
      names.sort(),
      [long, 'data/words.txt', 'model.py', 'start.sh'].sort(),
      'what the tar holds, stale endpoint.dat left out',
    );
    check(/^-rwxr-xr-x .* start\.sh$/m.test(listing), 'the script is executable');
    equal(
      execFileSync('tar', ['-xOf', 'payload.tar', 'data/words.txt'], { cwd: folder, encoding: 'utf8' }),
      'x'.repeat(3000),
      'contents',
    );
    equal(
      execFileSync('tar', ['-xOf', 'payload.tar', long], { cwd: folder, encoding: 'utf8' }),
      'far down',
      'contents of a long path',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function followsLogs(page, visit, mock) {
  await visit('#models/dga/10.0/logs');
  const log = page.getByRole('log');
  await log.getByText('host=xkqzvbn.com').waitFor();
  const lines = await texts(log.locator('.log-line > :last-child'));
  check(
    lines.includes('red <img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'),
    `markup is text, colour codes are gone: ${lines}`,
  );
  mock.addLog({ instance: 'dga-10.0-0001', stream: 'stderr', line: 'a line that came later' });
  await log.getByText('a line that came later').waitFor();
  equal(await log.locator('[data-stream="stderr"]').count(), 2, 'lines of stderr are marked');
  await page.getByLabel('Instance', { exact: true }).selectOption('dga-10.0-0002');
  await until(async () => (await log.locator('.log-line').count()) === 2, 'the lines of one instance');
  await page.getByLabel('Stream').selectOption('stderr');
  await until(async () => (await log.locator('.log-line').count()) === 1, 'the lines of one stream');
  await page.getByLabel('ended ones').check();
  await until(() => mock.asked('GET', /logs/).at(-1).query.get('previous') === '1', 'the question for ended instances');
}

async function keepsTheLogStillWhileReading(page, visit, mock) {
  mock.logs = Array.from({ length: 6000 }, (_, i) => ({
    instance: 'dga-10.0-0001',
    stream: 'stdout',
    line: `line ${i}`,
  }));
  await visit('#models/dga/10.0/logs');
  const log = page.getByRole('log');
  await log.getByText('line 5999').waitFor();
  check((await log.locator('.log-line').count()) <= 5000, 'the page keeps a bounded number of lines');
  await log.evaluate((node) => (node.scrollTop = 100));
  await page.getByRole('button', { name: 'To the newest line' }).waitFor();
  mock.addLog({ instance: 'dga-10.0-0001', stream: 'stdout', line: 'while reading' });
  await log.getByText('while reading').waitFor({ state: 'attached' });
  check(
    (await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight)) > 1000,
    'reading is not interrupted',
  );
  await page.getByRole('button', { name: 'To the newest line' }).click();
  check(
    (await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight)) < 30,
    'the button goes to the end',
  );
}

async function showsEventsAndRevisions(page, visit) {
  await visit('#models/dga/10.0/events');
  await until(async () => (await page.locator('.event').count()) === 4, 'the events');
  check(
    (await page.locator('.event').first().innerText()).includes('answers at http://127.0.0.1:40002'),
    'newest first',
  );
  await screenshot(page, 'models-events');
  await page.getByRole('tab', { name: 'Events' }).press('ArrowRight');
  await page.getByRole('tab', { name: 'Try it', selected: true }).press('ArrowRight');
  await page.getByText('revision 3').waitFor();
  check((await page.locator('.event').first().innerText()).includes('current'), 'the current revision is marked');
}

async function triesACall(page, visit) {
  await visit('#models/dga/10.0/try');
  await page.getByLabel('Arguments').fill("host=it's new.com");
  equal(
    await page.locator('.try .command code').innerText(),
    `modelyard call dga@10.0 'host=it'\\''s new.com'`,
    'the command to type',
  );
  await page.getByRole('button', { name: 'Call' }).click();
  await page.getByText('"is_malicious": "malicious"').waitFor();
  await page.getByLabel('Arguments').fill('host=yahoo.com');
  await page.getByRole('button', { name: 'Call' }).click();
  await page.getByText('"is_malicious": "legit"').waitFor();
  await screenshot(page, 'models-try');
  await page.getByLabel('Function').fill('nothing');
  await page.getByRole('button', { name: 'Call' }).click();
  await page.getByText('dga has no function nothing').waitFor();
}

async function walksByKeyboard(page, visit) {
  await visit();
  await card(page, 'dga', '10.0').waitFor();
  const focused = () =>
    page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent);
  await page.keyboard.press('j');
  check((await focused()).startsWith('dga version 10.0'), 'j goes to the first');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('j');
  check((await focused()).startsWith('phishing'), 'down and j go on');
  await page.keyboard.press('k');
  check((await focused()).startsWith('dga version 9.0'), 'k goes back');
  await page.keyboard.press('Enter');
  await page.locator('.drawer h2', { hasText: 'dga @ 9.0' }).waitFor();
  equal(await focused(), 'dga @ 9.0', 'the drawer has the focus');
  await page.keyboard.press('Escape');
  await page.locator('.drawer').first().waitFor({ state: 'hidden' });
  check(
    (await focused()).includes('dga version 9.0') || (await focused()).includes('Logs'),
    `the focus is back on the card: ${await focused()}`,
  );
  await page.keyboard.press('/');
  await page.keyboard.type('phish');
  await until(async () => (await page.locator('.deployment').count()) === 1, 'the filtered list');
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('.deployment').count()) === 4, 'the whole list again');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await page.getByRole('heading', { name: 'Documents' }).waitFor();
}

async function tabsThroughEverything(page, visit) {
  await visit();
  await card(page, 'sentiment', '1').waitFor();
  const seen = new Set();
  await page.evaluate(() => document.body.focus());
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const node = document.activeElement;
      const style = getComputedStyle(node);
      const ring = style.outlineStyle !== 'none' || node.matches('body');
      return {
        name: [node.closest('.deployment')?.ariaLabel, node.ariaLabel ?? node.title, node.textContent].join('|'),
        ring,
      };
    });
    check(now.ring, `a visible ring around ${now.name}`);
    seen.add(now.name);
  }
  for (const part of ['Skip to the content', 'Documents', 'Filter models by name', 'Deploy', 'Remove', 'Logs']) {
    check(
      [...seen].some((name) => name.includes(part)),
      `Tab reaches ${part}`,
    );
  }
}

async function saysHowToBegin(page, visit, mock) {
  mock.deployments = [];
  await visit();
  await page.getByText('No models yet').waitFor();
  await page.getByRole('button', { name: 'Copy the command' }).click();
  await page.getByText('Copied').waitFor();
  equal(
    await page.evaluate(() => navigator.clipboard.readText()),
    'modelyard deploy examples/mock_dga --name dga --wait',
    'the command to type',
  );
  await screenshot(page, 'models-empty');
  await page.locator('.empty').getByRole('button', { name: 'Deploy a model' }).click();
  await page.getByRole('dialog', { name: 'Deploy a model' }).waitFor();
}

async function takesHostileNames(page, visit, mock) {
  const name = '<img src=x onerror=window.hacked=1>';
  mock.deployments = [
    fixtures.deployment(name, '../..', {
      error: '<script>window.hacked=1</script>\n<b>log</b>',
      state: 'degraded',
      instances: [fixtures.instance('i-1', { url: 'javascript:window.hacked=1', reason: '<i>x</i>' })],
    }),
    fixtures.deployment('__proto__', 'constructor'),
  ];
  await visit();
  await page.getByText(name).waitFor();
  equal(await page.locator('a[href^="javascript:"]').count(), 0, 'only http addresses are links');
  await page.getByText('javascript:window.hacked=1').waitFor();
  await page.locator('.deployment', { hasText: name }).getByRole('button', { name: 'Logs' }).click();
  await until(() => mock.requests.some((r) => r.path.startsWith('/api/v1/logs/')), 'the question for the log');
  const asked = mock.requests.findLast((r) => r.path.startsWith('/api/v1/logs/'));
  check(
    asked.path.startsWith(`/api/v1/logs/${encodeURIComponent(name)}`),
    `names are encoded in addresses: ${asked.path}`,
  );
}

// The browser's clock is moved by hand: a minute of history in a second.
async function drawsTheLastMinute(page, visit, mock) {
  await page.clock.install();
  await visit();
  const dga = card(page, 'dga', '10.0');
  await dga.waitFor();
  for (let second = 0; second < 60; second++) {
    const calls = 110 + 40 * Math.sin(second / 7) + 12 * Math.sin(second * 1.7);
    mock.changeDeployment('dga', '10.0', { calls_per_second: calls });
    await dga.getByText(String(Math.round(calls)), { exact: true }).waitFor();
    await page.clock.runFor(1000);
  }
  const points = (await dga.locator('.spark-line').getAttribute('points')).trim().split(' ').length;
  check(points >= 55 && points <= 90, `one point for each second: ${points}`);
  await screenshot(page, 'models-traffic');
}

export async function modelCases(tester) {
  const refused = /the server responded with a status of/;
  await withMock(tester, 'shows what is', showsWhatIs);
  await withMock(tester, 'shows why it fails', showsWhyItFails);
  await withMock(tester, 'follows changes without a reload', followsChanges);
  await withMock(tester, 'scales by a click', scales, { expected: refused });
  await withMock(tester, 'removes when confirmed', removesWhenConfirmed, { expected: refused });
  await withMock(tester, 'deploys a chosen folder', deploysAFolder, { expected: refused });
  await withMock(tester, 'follows logs', followsLogs);
  await withMock(tester, 'keeps the log still while it is read', keepsTheLogStillWhileReading);
  await withMock(tester, 'shows events and revisions', showsEventsAndRevisions);
  await withMock(tester, 'tries a call', triesACall, { expected: refused });
  await withMock(tester, 'is walked by keyboard', walksByKeyboard);
  await withMock(tester, 'every control is reached by Tab', tabsThroughEverything);
  await withMock(tester, 'draws the last minute of calls', drawsTheLastMinute);
  await withMock(tester, 'says how to begin', saysHowToBegin);
  await withMock(tester, 'takes hostile names and logs as text', takesHostileNames, { expected: refused });
}
