// SPDX-License-Identifier: Apache-2.0
// Server-sent events over fetch: EventSource can send no Authorization header and says nothing of why it failed.
import { ApiError, request } from './api.js';

const FIRST_WAIT = 500; // ms; doubled after each failure
const LONGEST_WAIT = 15_000;
const SILENCE = 35_000; // ms without a byte: the server writes a comment line each 10 s, so the connection is dead
const EVENT_MAX = 64 << 20; // characters

// Yields { event, data } from chunks of text. Pure: fed by tests too.
export class EventParser {
  #rest = '';
  #event = '';
  #data = [];
  #size = 0;

  *feed(text) {
    this.#rest += text;
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf('\n', from);
      if (end < 0) break;
      const line = this.#rest.slice(from, this.#rest[end - 1] === '\r' ? end - 1 : end);
      from = end + 1;
      if (line === '') {
        if (this.#data.length) yield { event: this.#event || 'message', data: this.#data.join('\n') };
        this.#event = '';
        this.#data = [];
        this.#size = 0;
      } else if (line.startsWith('event:')) {
        this.#event = line.slice(6).trimStart();
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
        this.#size += line.length;
      }
    }
    this.#rest = this.#rest.slice(from);
    if (this.#rest.length + this.#size > EVENT_MAX) throw new ApiError(0, 'protocol', 'an event is too long');
  }
}

function lasting(error) {
  return (
    error instanceof ApiError && error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status)
  );
}

// Keeps one stream open until stop(), with growing, jittered waits between attempts. onState: { live: true } | {
// live: false, message, retryAt } | { live: false, message, refused: true }: no further attempt.
export class EventStream {
  #target;
  #onEvent;
  #onState;
  #run = null; // AbortController of the running attempt; null when stopped
  #wake = null;

  constructor(target, { onEvent, onState = () => {} }) {
    this.#target = target;
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  start() {
    if (this.#run) return;
    this.#run = new AbortController();
    this.#keep(this.#run);
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
    this.#wake?.();
  }

  retryNow() {
    this.#wake?.();
  }

  async #keep(run) {
    let failures = 0;
    while (!run.signal.aborted) {
      try {
        const quiet = await this.#attempt(run, () => (failures = 0));
        if (quiet) continue; // a dead connection that nobody noticed: the next attempt tells whether it matters
        throw new ApiError(0, 'unavailable', 'the server ended the stream');
      } catch (error) {
        if (run.signal.aborted) return;
        if (lasting(error)) {
          this.#onState({ live: false, message: error.message, refused: true });
          return;
        }
        // Somebody who would not give the token is not asked again until they want to.
        const wait =
          error.status === 401
            ? Infinity
            : Math.min(FIRST_WAIT * 2 ** failures++, LONGEST_WAIT) * (0.75 + Math.random() / 2);
        this.#onState({ live: false, message: error.message, retryAt: Date.now() + wait });
        await this.#sleep(wait);
      }
    }
  }

  // True when it was given up for silence, false when the server ended it.
  async #attempt(run, onOpen) {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    run.signal.addEventListener('abort', abort);
    let silent = false;
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silent = true;
        attempt.abort();
      }, SILENCE);
    };
    try {
      alive();
      const response = await request('GET', this.#target, {
        headers: { accept: 'text/event-stream' },
        signal: attempt.signal,
      });
      onOpen();
      this.#onState({ live: true });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        alive();
        const { value, done } = await reader.read();
        if (done) return false;
        for (const { event, data } of parser.feed(value)) {
          if (!run.signal.aborted) this.#onEvent(event, JSON.parse(data));
        }
      }
    } catch (error) {
      if (silent && !run.signal.aborted) return true;
      throw error;
    } finally {
      clearTimeout(timer);
      attempt.abort();
      run.signal.removeEventListener('abort', abort);
    }
  }

  #sleep(wait) {
    return new Promise((resolve) => {
      const timer = Number.isFinite(wait) ? setTimeout(resolve, wait) : 0;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
