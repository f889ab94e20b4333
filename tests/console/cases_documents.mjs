// SPDX-License-Identifier: Apache-2.0
import * as fixtures from './fixtures.mjs';
import { check, equal, PHONE, screenshot, until } from './harness.mjs';
import { MockServer } from './mock_server.mjs';

const rows = (page) => page.locator('.documents tbody tr');
const first = (page) => rows(page).first();
const facet = (page, name) => page.locator('.facet', { hasText: name });

async function withMock(tester, name, test, options) {
  const mock = await new MockServer().start();
  try {
    await tester.test(`documents: ${name}`, mock, (page, visit) => test(page, visit, mock), options);
  } finally {
    await mock.stop();
  }
}

async function showsNewestFirst(page, visit) {
  await visit('#documents');
  await until(async () => (await rows(page).count()) === 100, 'the first page');
  check((await first(page).innerText()).includes('http://xkqzvbn.com/'), 'the newest document is first');
  equal(
    await rows(page).evaluateAll((nodes) => nodes.slice(0, 7).map((n) => n.dataset.severity)),
    ['high', 'none', 'none', 'medium', 'low', 'error', 'none'],
    'severities',
  );
  equal(await first(page).locator('.severity').innerText(), 'high\n100', 'severity in a word and a number');
  await until(async () => (await page.locator('#total').innerText()) === '167 documents', 'how many there are');
  await page.getByRole('button', { name: 'Older documents' }).click();
  await until(async () => (await rows(page).count()) === 167, 'the older page');
  equal(await page.getByRole('button', { name: 'Older documents' }).count(), 0, 'no more of them');
}

async function searches(page, visit, mock) {
  await visit('#documents');
  await first(page).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('xkqzvbn');
  await until(async () => (await rows(page).count()) === 1, 'the one that matches');
  equal(new URL(page.url()).hash, '#documents?q=xkqzvbn', 'the search stands in the address');
  await until(async () => (await page.locator('#total').innerText()) === '1 document', 'how many match');
  await page.locator('#search').fill('no such thing');
  await page.getByText('Nothing matches').waitFor();
  await page.getByRole('button', { name: 'Show all documents' }).click();
  await until(async () => (await rows(page).count()) === 100, 'all of them');
  equal(await page.locator('#search').inputValue(), '', 'the field is empty again');
  await page.goBack();
  await page.getByText('Nothing matches').waitFor();
  mock.fail('GET', /documents$/, 400, 'invalid_argument', 'the query ends inside a quotation', 1);
  await page.locator('#search').fill('"yahoo');
  await page.getByRole('alert').getByText('the query ends inside a quotation').waitFor();
  await page.locator('#search').fill('yahoo');
  await first(page).waitFor();
  equal(await page.getByText('the query ends inside').isVisible(), false, 'the complaint is gone');
}

async function narrowsByFacets(page, visit) {
  await visit('#documents');
  await first(page).waitFor();
  await until(async () => (await facet(page, 'Alerts').innerText()).includes('3'), 'the number of alerts');
  await facet(page, 'Alerts').click();
  await until(async () => (await rows(page).count()) === 3, 'the alerts');
  await until(async () => (await page.locator('#total').innerText()) === '3 documents', 'alerts counted');
  await facet(page, 'squid').click();
  await until(() => page.url().includes('sensor=squid'), 'both in the address');
  await until(
    async () => (await facet(page, 'Other events').innerText()).includes('162'),
    'each facet counts with the other choice',
  );
  await facet(page, 'Alerts').click();
  await until(
    async () => (await page.locator('#total').innerText()) === '165 documents',
    'the second click widens again',
  );
  equal(await facet(page, 'squid').getAttribute('aria-pressed'), 'true', 'the choice is told');
}

async function showsADocument(page, visit) {
  await visit('#documents');
  await first(page).click();
  const detail = page.getByRole('complementary', { name: 'One document' });
  await detail.getByText('xkqzvbn.com looks generated').waitFor();
  const names = await detail.locator('dt').allInnerTexts();
  equal(
    names.slice(0, 4),
    ['threat:triage:score', 'threat:triage:level', 'is_alert', 'is_malicious'],
    'what decides comes first',
  );
  check(names.includes('original_string') && names.length === 18, `all fields are there: ${names.length}`);
  await screenshot(page, 'documents-detail');
  await detail.getByRole('button', { name: 'Copy the document as JSON' }).click();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  equal(copied['threat:triage:score'], 100, 'the copy is the document');
  await detail.getByRole('button', { name: 'Search for the value of full_hostname' }).click({ force: true });
  await until(() => page.url().includes('q=xkqzvbn.com'), 'a search for the value');
}

async function staysLive(page, visit, mock) {
  await visit('#documents');
  await first(page).waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  mock.addDocuments(fixtures.alert('late-one.example', 85), fixtures.alert('late-two.example', 45));
  await page.getByText('http://late-two.example/', { exact: false }).first().waitFor();
  check((await first(page).innerText()).includes('late-two'), 'the newest is on top');
  check((await rows(page).nth(1).innerText()).includes('late-one'), 'in the order of arrival');
  await until(async () => (await facet(page, 'Alerts').innerText()).includes('5'), 'the facets follow');
  await page.keyboard.press('p');
  mock.addDocuments(fixtures.squid('while-paused.example'));
  await page.getByRole('button', { name: '1 new document: show' }).waitFor();
  equal(await page.getByText('http://while-paused.example/').count(), 0, 'paused means still');
  await page.getByRole('button', { name: '1 new document: show' }).click();
  await page.getByText('http://while-paused.example/', { exact: false }).first().waitFor();
  equal(await page.locator('#pause').getAttribute('aria-pressed'), 'false', 'and it goes on');
  check(await page.evaluate(() => window.sameDocument), 'the page was not loaded again');
}

async function survivesAFlood(page, visit, mock) {
  await visit('#documents');
  await first(page).waitFor();
  for (let i = 0; i < 30; i++)
    mock.addDocuments(...Array.from({ length: 100 }, (_, j) => fixtures.squid(`flood-${i}-${j}.example`)));
  await page.getByText('http://flood-29-99.example/', { exact: false }).first().waitFor();
  check((await rows(page).count()) <= 1000, 'the page keeps a bounded number of rows');
}

async function onlyWhatMatchesComesIn(page, visit, mock) {
  await visit('#documents?alert=true');
  await until(async () => (await rows(page).count()) === 3, 'the alerts');
  mock.addDocuments(fixtures.squid('harmless.example'), fixtures.alert('harmful.example', 90));
  await until(async () => (await rows(page).count()) === 4, 'one more');
  check((await first(page).innerText()).includes('harmful'), 'the one that matches');
}

async function fillsTheGapOfALostConnection(page, visit, mock) {
  await visit('#documents');
  await first(page).waitFor();
  await mock.goDown();
  await page.getByRole('alert').getByText('Connection lost').waitFor();
  equal(await rows(page).count(), 100, 'what was known stays');
  mock.documents.unshift(fixtures.alert('in-the-gap.example', 75));
  await mock.comeBack();
  await page.getByText('http://in-the-gap.example/', { exact: false }).first().waitFor();
  await until(async () => !(await page.locator('#lost').isVisible()), 'the end of the message');
}

async function isWalkedByKeyboard(page, visit) {
  await visit('#documents');
  await first(page).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  const place = () =>
    page.evaluate(() => [...document.querySelectorAll('.documents tbody tr')].indexOf(document.activeElement));
  equal(await place(), 2, 'j, j, down');
  await page.keyboard.press('k');
  equal(await place(), 1, 'k');
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: 'One document' }).waitFor();
  await page.keyboard.press('j');
  equal(await rows(page).nth(2).getAttribute('aria-selected'), 'true', 'an open detail follows the row');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary', { name: 'One document' }).waitFor({ state: 'hidden' });
  equal(await place(), 2, 'the focus is on the row again');
  equal(await page.locator('.documents tbody tr[tabindex="0"]').count(), 1, 'one row takes part in the tab order');
}

async function takesMarkupAsText(page, visit, mock) {
  mock.documents.unshift(fixtures.nastyDocument());
  await visit('#documents');
  await first(page).click();
  await page.getByText('<b onmouseover=alert(1)>name</b>').waitFor();
  await page.getByText('"><svg onload=window.hacked=1>').first().waitFor();
  equal(
    await page.locator('main script, main img, main b, main i, main u').count(),
    0,
    'no element came from a document',
  );
  check(
    await page.locator('.facet', { hasText: '<i>squid</i>' }).isVisible(),
    'a sensor with markup is a facet like any',
  );
}

async function takesLongValues(page, visit, mock) {
  const long = 'x'.repeat(2_000_000);
  mock.documents.unshift(fixtures.squid('long.example', { url: long }));
  await visit('#documents');
  await first(page).click();
  await page.getByText('more characters').first().waitFor();
  const shown = await page.locator('body').evaluate((body) => body.textContent.length);
  check(shown < 100_000, `the page shows a readable part of a long value: ${shown} characters`);
  const detail = page.getByRole('complementary', { name: 'One document' });
  await detail.getByRole('button', { name: 'Copy the value of url' }).click({ force: true });
  equal((await page.evaluate(() => navigator.clipboard.readText())).length, long.length, 'the copy is whole');
}

async function reportsTrouble(page, visit, mock) {
  mock.fail('GET', /documents/, 500, 'internal', 'the store cannot be read: disk I/O error');
  await visit('#documents');
  await page.getByRole('alert').filter({ hasText: 'disk I/O error' }).first().waitFor();
  mock.failures = [];
  await page.getByRole('button', { name: 'Try now' }).click();
  await first(page).waitFor();
}

async function saysHowToBegin(page, visit, mock) {
  mock.documents = [];
  await visit('#documents');
  await page.getByText('No documents yet').waitFor();
  await page.getByText('modelyard sensor run squid').waitFor();
  await screenshot(page, 'documents-empty');
  mock.addDocuments(fixtures.squid('the-first.example'));
  await page.getByText('http://the-first.example/', { exact: false }).first().waitFor();
  equal(await page.getByText('No documents yet').isVisible(), false, 'the hint is gone');
}

async function coversThePhone(page, visit) {
  await visit('#documents');
  await first(page).tap();
  const detail = page.getByRole('complementary', { name: 'One document' });
  await detail.waitFor();
  const box = await detail.boundingBox();
  equal([box.x, box.y, box.width, box.height], [0, 0, PHONE.width, PHONE.height], 'the detail covers the screen');
  check(await detail.locator('h2').evaluate((node) => node === document.activeElement), 'and has the focus');
  await screenshot(page, 'phone-detail');
  await detail.getByRole('button', { name: 'Close' }).tap();
  await detail.waitFor({ state: 'hidden' });
}

export async function documentCases(tester) {
  const refused = /the server responded with a status of/;
  const lost = /net::ERR_|the server responded with a status of/;
  await withMock(tester, 'newest first, older on demand', showsNewestFirst);
  await withMock(tester, 'searches while typing', searches, { expected: refused });
  await withMock(tester, 'narrows by facets', narrowsByFacets);
  await withMock(tester, 'shows all fields of one', showsADocument);
  await withMock(tester, 'stays live, can be paused', staysLive);
  await withMock(tester, 'survives a flood', survivesAFlood);
  await withMock(tester, 'only what matches comes in', onlyWhatMatchesComesIn);
  await withMock(tester, 'fills the gap of a lost connection', fillsTheGapOfALostConnection, { expected: lost });
  await withMock(tester, 'is walked by keyboard', isWalkedByKeyboard);
  await withMock(tester, 'takes markup as text', takesMarkupAsText);
  await withMock(tester, 'takes long values', takesLongValues);
  await withMock(tester, 'reports trouble and recovers', reportsTrouble, { expected: refused });
  await withMock(tester, 'says how to begin', saysHowToBegin);
  await withMock(tester, 'the detail covers a phone', coversThePhone, { viewport: PHONE, touch: true });
}
