// SPDX-License-Identifier: Apache-2.0
// One place that knows whether the page is live: the streams report here, the banner and the mark in the header show
// it.
import { setHidden, setText } from './dom.js';
import { clock } from './format.js';
import { EventStream } from './stream.js';

const HIDDEN_FOR = 10_000; // ms; a page that nobody looks at gives its connections back (a browser has six per server)

const streams = new Set();
let lastLive = null;

// A stream that follows the page: closed while the tab is hidden, opened again when it is seen.
export class LiveStream {
  state = { live: false };
  #stream;
  #wanted = false;

  constructor(target, onEvent, onState = () => {}) {
    this.#stream = new EventStream(target, {
      onEvent: (event, data) => {
        lastLive = new Date();
        onEvent(event, data);
      },
      onState: (state) => {
        this.state = state;
        if (state.live) lastLive = new Date();
        onState(state);
        show();
      },
    });
  }

  start() {
    this.#wanted = true;
    streams.add(this);
    this.#stream.start();
  }

  stop() {
    this.#wanted = false;
    streams.delete(this);
    this.#stream.stop();
    show();
  }

  pause() {
    if (this.#wanted) this.#stream.stop();
  }

  resume() {
    if (this.#wanted) this.#stream.start();
  }

  retryNow() {
    this.#stream.retryNow();
  }
}

function countdown(next) {
  const seconds = Math.ceil((next - Date.now()) / 1000);
  return seconds > 0 ? `Next try in ${seconds} s.` : 'Trying again.';
}

function show() {
  const all = [...streams];
  const lost = all.filter((stream) => !stream.state.live && stream.state.retryAt);
  const live = all.length > 0 && all.every((stream) => stream.state.live || stream.state.refused);
  document.body.dataset.connection = lost.length ? 'lost' : live ? 'live' : 'connecting';
  setText(document.getElementById('link-text'), lost.length ? 'Not connected' : live ? 'Live' : 'Connecting');
  setHidden(document.getElementById('lost'), !lost.length);
  if (!lost.length) return;
  const next = Math.min(...lost.map((stream) => stream.state.retryAt));
  const known = lastLive ? `Showing what was known at ${clock(lastLive)}` : 'Nothing is known yet';
  setText(document.getElementById('lost-text'), `Connection lost: ${lost[0].state.message}. ${known}.`);
  // Apart from the text, and not read out: it changes every second.
  setText(document.getElementById('lost-next'), Number.isFinite(next) ? countdown(next) : '');
}

export function watchConnection() {
  document.getElementById('lost-retry').addEventListener('click', () => streams.forEach((stream) => stream.retryNow()));
  addEventListener('online', () => streams.forEach((stream) => stream.retryNow()));
  setInterval(show, 1000);
  let timer;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => streams.forEach((stream) => stream.pause()), HIDDEN_FOR);
    else streams.forEach((stream) => stream.resume());
  });
}
