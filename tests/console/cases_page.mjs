// SPDX-License-Identifier: Apache-2.0
// What belongs to no view: connection, token, colours, widths, the parsers.
import { check, DESKTOP, equal, noSidewaysScroll, PHONE, screenshot, until } from './harness.mjs';
import { MockServer } from './mock_server.mjs';

async function withMock(tester, name, test, options) {
  const mock = await new MockServer().start();
  try {
    await tester.test(`page: ${name}`, mock, (page, visit) => test(page, visit, mock), options);
  } finally {
    await mock.stop();
  }
}

async function losesAndFindsTheServer(page, visit, mock) {
  await visit();
  await page.getByText('Live', { exact: true }).waitFor();
  await mock.goDown();
  const banner = page.getByRole('alert').filter({ hasText: 'Connection lost' });
  await banner.waitFor();
  check(
    /Showing what was known at \d\d:\d\d:\d\d/.test(await banner.innerText()),
    `it says how old the picture is: ${await banner.innerText()}`,
  );
  equal(await page.locator('.deployment').count(), 4, 'what was known stays on the page');
  await screenshot(page, 'models-lost');
  mock.deployments = mock.deployments.filter((d) => d.name === 'dga');
  await mock.comeBack();
  await page
    .getByRole('button', { name: 'Try now' })
    .click()
    .catch(() => {}); // it may have come back by itself
  await until(async () => (await page.locator('.deployment').count()) === 2, 'the new state');
  await banner.waitFor({ state: 'hidden' });
  await page.getByText('Live', { exact: true }).waitFor();
}

async function retriesAnEndedStream(page, visit, mock) {
  await visit();
  await page.locator('.deployment').first().waitFor();
  const before = mock.asked('GET', /deployments\/watch$/).length;
  mock.endStreams();
  await until(() => mock.asked('GET', /deployments\/watch$/).length > before, 'another attempt by itself');
  await page.getByText('Live', { exact: true }).waitFor();
}

async function asksForTheToken(page, visit, mock) {
  mock.token = 's3cret';
  await visit();
  const dialog = page.getByRole('dialog', { name: 'This server wants a token' });
  await dialog.waitFor();
  await page.getByRole('textbox', { name: 'Token' }).fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('The token was refused.').waitFor();
  await screenshot(page, 'token');
  await page.getByRole('textbox', { name: 'Token' }).fill('s3cret');
  await page.keyboard.press('Enter');
  await page.locator('.deployment').first().waitFor();
  equal(await page.getByRole('dialog').count(), 0, 'it is asked once');
  check(
    !JSON.stringify(await page.evaluate(() => ({ ...localStorage }))).includes('s3cret'),
    'the token is not kept beyond the session',
  );
  await page.reload();
  await page.locator('.deployment').first().waitFor();
  equal(await page.getByRole('dialog').count(), 0, 'nor after a reload of the same tab');
}

async function canDoWithoutToken(page, visit, mock) {
  mock.token = 's3cret';
  await visit();
  const dialog = page.getByRole('dialog', { name: 'This server wants a token' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('alert').filter({ hasText: 'this server wants a token' }).waitFor();
  equal(await page.getByText('Live', { exact: true }).count(), 0, 'it does not claim to be live');
  const asked = mock.asked('GET', /deployments\/watch$/).length;
  await page.getByRole('button', { name: 'Try now' }).click();
  await dialog.waitFor();
  equal(mock.asked('GET', /deployments\/watch$/).length, asked + 1, 'nobody is asked again unless they want to');
  await page.getByRole('textbox', { name: 'Token' }).fill('s3cret');
  await page.keyboard.press('Enter');
  await page.locator('.deployment').first().waitFor();
}

async function followsTheColours(page, visit) {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await visit();
  await page.locator('.deployment').first().waitFor();
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const dark = await background();
  check(light !== dark, 'the system decides at first');
  await page.keyboard.press('t');
  equal(await background(), light, 'light by choice');
  await page.keyboard.press('t');
  equal(await background(), dark, 'dark by choice');
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  equal(await background(), dark, 'the choice outlasts the system');
  await page.reload();
  equal(await background(), dark, 'and a reload');
  equal(await page.locator('#theme').getAttribute('aria-label'), 'Colours: dark', 'it is told in words');
}

// Text against what is painted behind it, by the WCAG formula: 4.5 for all that is read.
async function hasContrast(page, visit, mock) {
  mock.documents[1]['source:type'] = 'asa';
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const where of ['#models/phishing/2.1/logs', '#documents']) {
      await visit(where);
      await page.reload();
      await page
        .locator(where.startsWith('#models') ? '.log-line' : '.documents tbody tr')
        .first()
        .waitFor();
      const poor = await page.evaluate(poorContrast);
      check(!poor.length, `${scheme} ${where}: ${poor.join('; ')}`);
    }
  }
}

function poorContrast() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const list = [];
    for (let at = node; at; at = at.parentElement) list.unshift(getComputedStyle(at).backgroundColor);
    return list;
  };
  const poor = [];
  for (const node of document.body.querySelectorAll('*')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest(':disabled, .off-screen, noscript')) continue;
    const back = behind(node);
    const [a, b] = [luminance(paint(back)), luminance(paint([...back, getComputedStyle(node).color]))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5)
      poor.push(`${node.className || node.tagName} "${node.textContent.trim().slice(0, 20)}" ${contrast.toFixed(2)}`);
  }
  return poor.slice(0, 8);
}

async function fitsThePhone(page, visit) {
  for (const where of [
    '',
    '#models/dga/10.0/logs',
    '#models/dga/10.0/try',
    '#models/dga/10.0/revisions',
    '#documents',
    '#documents?q=nothing-has-this',
  ]) {
    await visit(where);
    await page.reload();
    await page
      .locator(where.startsWith('#documents') ? '#total:not(:empty)' : '.deployment')
      .first()
      .waitFor({ state: 'attached' });
    await until(async () => (await page.locator('body').getAttribute('data-connection')) === 'live', 'the connection');
    await noSidewaysScroll(page, where || 'models');
    await screenshot(page, `phone-${where.replace(/\W+/g, '-') || 'models'}`);
  }
  await visit('');
  await page.locator('#deploy').tap();
  await page.getByRole('dialog').waitFor();
  await noSidewaysScroll(page, 'the deploy dialog');
  await screenshot(page, 'phone-deploy');
}

async function fitsEveryWidth(page, visit) {
  for (const width of [320, 600, 768, 1000, 1280, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    for (const where of ['#models/dga/10.0/events', '#models', '#documents']) {
      await visit(where);
      await page
        .locator(where === '#documents' ? '.documents tbody tr' : '.deployment')
        .first()
        .waitFor({ state: 'attached' });
      await noSidewaysScroll(page, `${where} at ${width}`);
      equal(await page.evaluate(() => scrollY), 0, `${where} at ${width} begins at its top`);
    }
  }
}

async function isRefusedNothing(page, visit) {
  const response = await visit();
  check((await response.headerValue('content-security-policy')).includes("default-src 'self'"), 'the policy is there');
  const broken = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.inlineRan = 1';
    document.body.append(script);
    return window.inlineRan;
  });
  equal(broken, undefined, 'the policy refuses inline script');
}

async function parsesEvents(page, visit) {
  await visit();
  const events = await page.evaluate(async () => {
    const { EventParser } = await import('/console/js/stream.js');
    const text =
      ': comment\n\nevent: a\ndata: {"x":\ndata: 1}\n\ndata:bare\r\n\r\nevent: nothing\n\n' +
      'id: 7\nevent:b\ndata: ü\n\ndata: unfinished';
    const whole = [...new EventParser().feed(text)];
    const parser = new EventParser();
    const pieces = [...text].flatMap((letter) => [...parser.feed(letter)]);
    return { whole, same: JSON.stringify(whole) === JSON.stringify(pieces) };
  });
  equal(
    events.whole,
    [
      { event: 'a', data: '{"x":\n1}' },
      { event: 'message', data: 'bare' },
      { event: 'b', data: 'ü' },
    ],
    'events',
  );
  check(events.same, 'the same in pieces of one letter');
}

async function readsNumbersAndTimes(page, visit) {
  await visit();
  const rows = await page.evaluate(async () => {
    const f = await import('/console/js/format.js');
    const d = await import('/console/js/documents/fields.js');
    const v = await import('/console/js/models/versions.js');
    return [
      [f.duration(48), '48 s'],
      [f.duration(720), '12 min'],
      [f.duration(12_000), '3 h 20 min'],
      [f.duration(7200), '2 h'],
      [f.duration(180_000), '2 d 2 h'],
      [f.duration(-3), '0 s'],
      [f.milliseconds(0.44), '0.4 ms'],
      [f.milliseconds(310), '310 ms'],
      [f.milliseconds(12_340), '12.3 s'],
      [f.milliseconds(undefined), '–'],
      [f.rate(0), '0'],
      [f.rate(3.44), '3.4'],
      [f.rate(12_345.6), '12,346'],
      [f.bytes(900), '900 B'],
      [f.bytes(1536), '1.5 KiB'],
      [f.plain('\u001b[1;31mx\u001b[0m\u0007\ty'), 'x\ty'],
      [f.since('rubbish'), '–'],
      [d.time({ timestamp: 1795394740983 }).toISOString(), '2026-11-23T00:45:40.983Z'],
      [d.time({ timestamp: '1795394740983' }).getTime(), 1795394740983],
      [d.time({ timestamp: 1795394740 }).getTime(), 1795394740000],
      [String(d.time({}).getTime()), 'NaN'],
      [d.severity({ 'threat.triage.score': 70 }).tone, 'high'],
      [d.severity({ 'threat:triage:level': '40' }).tone, 'medium'],
      [d.severity({ is_alert: 'true' }).word, 'alert'],
      [d.severity({ 'source:type': 'error' }).tone, 'error'],
      [d.severity({}).tone, 'none'],
      [
        ['10.0', '9.0', '1', '1.0', '1.0-beta', '1.0.1'].sort(v.compareVersions).join(' '),
        '1 1.0 1.0-beta 1.0.1 9.0 10.0',
      ],
    ];
  });
  for (const [actual, expected] of rows) equal(actual, expected, 'a value');
}

async function takesPictures(page, visit) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [name, where, ready] of [
      ['models', '#models', '.deployment'],
      ['models-logs', '#models/dga/10.0/logs', '.log-line'],
      ['documents', '#documents', '.documents tbody tr'],
    ]) {
      await visit(where);
      await page.locator(ready).first().waitFor();
      await until(
        async () => (await page.locator('body').getAttribute('data-connection')) === 'live',
        'the connection',
      );
      await screenshot(page, `${name}-${scheme}`);
    }
  }
}

export async function pageCases(tester) {
  const lost = /net::ERR_/;
  await withMock(tester, 'loses and finds the server', losesAndFindsTheServer, { expected: lost });
  await withMock(tester, 'retries a stream that ended', retriesAnEndedStream, { expected: lost });
  await withMock(tester, 'asks for the token once', asksForTheToken, { expected: /status of 401/ });
  await withMock(tester, 'can do without a token', canDoWithoutToken, { expected: /status of 401/ });
  await withMock(tester, 'follows the colours', followsTheColours);
  await withMock(tester, 'has contrast', hasContrast);
  await withMock(tester, 'fits a phone', fitsThePhone, { viewport: PHONE, touch: true });
  await withMock(tester, 'fits every width', fitsEveryWidth);
  await withMock(tester, 'runs no inline script', isRefusedNothing, { expected: /Content Security Policy/ });
  await withMock(tester, 'parses events', parsesEvents);
  await withMock(tester, 'reads numbers, times and versions', readsNumbersAndTimes);
  await withMock(tester, 'takes pictures', takesPictures, { viewport: DESKTOP });
}
