// SPDX-License-Identifier: Apache-2.0
// A browser, a page for each case, and the promises that every case keeps: no request to another host, nothing on the
// browser's error console that the case did not announce, no uncaught error.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SCREENS = path.join(ROOT, 'build/console-screens');
const PATIENCE = 20_000; // ms until what should appear has failed to

export const DESKTOP = { width: 1360, height: 860 };
export const PHONE = { width: 390, height: 844 };

export function check(condition, text) {
  if (!condition) throw new Error(text);
}

export function equal(actual, expected, text) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(a === e, `${text}: ${a} instead of ${e}`);
}

// Waits for a condition, in the page or here; never for a time.
export async function until(condition, text) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    check(Date.now() < deadline, `${text} did not come within ${PATIENCE / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function launch() {
  const executablePath =
    process.env.CHROMIUM ??
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  check(executablePath, 'no Chromium: apt-get install chromium');
  mkdirSync(SCREENS, { recursive: true });
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server'],
  });
}

export class Tester {
  passed = 0;
  failed = 0;
  #browser;
  #only;

  constructor(browser, only) {
    this.#browser = browser;
    this.#only = only;
  }

  // test(page, visit): visit(path) opens a page of the server. `expected`: what the browser may complain about.
  async test(name, server, test, { viewport = DESKTOP, scheme = 'light', expected = /^$/, touch = false } = {}) {
    if (this.#only && !name.includes(this.#only)) return;
    const context = await this.#browser.newContext({
      viewport,
      colorScheme: scheme,
      hasTouch: touch,
      isMobile: touch,
      reducedMotion: 'reduce',
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const complaints = [];
    const complain = (text) => expected.test(text) || complaints.push(text);
    page.on(
      'console',
      (message) => message.type() === 'error' && complain(`${message.text()} ${message.location().url}`),
    );
    page.on('pageerror', (error) => complain(`uncaught: ${error.stack}`));
    context.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url()))
        complaints.push(`a request to ${request.url()}`);
    });
    const started = Date.now();
    try {
      await test(page, (where = '') => page.goto(server.url + where));
      check(!(await page.evaluate(() => window.hacked)), 'markup from the server was run');
      check(!complaints.length, complaints.join('\n'));
      this.passed += 1;
      console.log(`ok     ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.failed += 1;
      console.log(
        [`FAILED ${name}: ${error.message}`, ...complaints, ...error.stack.split('\n').slice(1, 6)].join('\n'),
      );
      await page.screenshot({ path: path.join(SCREENS, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
    } finally {
      await context.close();
    }
  }
}

export function screenshot(page, name) {
  return page.screenshot({ path: path.join(SCREENS, `${name}.png`) });
}

// Nothing sticks out to the right: neither the document nor any box that does not scroll by itself.
export async function noSidewaysScroll(page, where) {
  const { wide, extra } = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (node) =>
      node &&
      node !== document.body &&
      (/auto|scroll|hidden/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const wide = [...document.body.querySelectorAll('*')]
      .filter(
        (node) =>
          node.checkVisibility() &&
          node.getBoundingClientRect().right > width + 1 &&
          !scrolls(node.parentElement) &&
          getComputedStyle(node).position !== 'absolute',
      )
      .map((node) => `${node.tagName}.${node.className}`);
    return { wide: wide.slice(0, 5), extra: document.documentElement.scrollWidth - width };
  });
  check(extra <= 0 && !wide.length, `${where} is ${extra} px too wide: ${wide.join(', ')}`);
}
