// SPDX-License-Identifier: Apache-2.0
import { address, get, request } from '../api.js';
import { LiveStream } from '../connection.js';

const PAGE = 100;
const LIVE_MOST = 1000; // documents kept on the page; older ones are one click on "Older" away
const FACETS_EVERY = 1500; // ms between two countings while documents come in
const SHOW_EVERY = 200; // ms between two insertions

// The documents of one search: the first page, then what arrives, then older pages on demand. Newest first.
// on: { documents(list, added), facets(facets), pending(n), failed(message), loading(bool) }
export class Feed {
  documents = [];
  next = null; // what `before` takes; null: no older ones
  complete = true;
  paused = false;
  #query;
  #on;
  #stream;
  #keys = new Set();
  #pending = [];
  #showTimer = 0;
  #facetsTimer = 0;
  #abort = new AbortController();

  constructor(query, on) {
    this.#query = query;
    this.#on = on;
    // Watching before the first page is read leaves no gap; what comes twice is told apart by its text.
    this.#stream = new LiveStream(
      address('/api/v1/documents/watch', query),
      (event, data) => event === 'documents' && this.#arrived(data),
      (state) => {
        if (state.live) this.#load();
        else if (state.refused) on.failed(state.message);
      },
    );
  }

  start() {
    this.#on.loading(true);
    this.#stream.start();
  }

  close() {
    this.#stream.stop();
    this.#abort.abort();
    clearTimeout(this.#showTimer);
    clearTimeout(this.#facetsTimer);
  }

  setPaused(paused) {
    this.paused = paused;
    if (!paused) this.#showPending();
  }

  async older() {
    if (!this.next) return;
    const page = await this.#page(this.next);
    this.documents = [...this.documents, ...this.#unseen(page)];
    this.#on.documents(this.documents, new Set());
  }

  async #page(before) {
    const response = await request('GET', address('/api/v1/documents', { ...this.#query, limit: PAGE, before }), {
      signal: this.#abort.signal,
    });
    this.next = response.headers.get('modelyard-next');
    this.complete = response.headers.get('modelyard-complete') !== 'false';
    return response.json();
  }

  // Also after a lost connection: what was missed meanwhile is in the first page.
  async #load() {
    try {
      const page = await this.#page(null);
      this.#keys.clear();
      this.documents = this.#unseen(page);
      this.#on.loading(false);
      this.#on.documents(this.documents, new Set());
      await this.#countFacets();
    } catch (error) {
      if (error.name !== 'AbortError') this.#on.failed(error.message);
    }
  }

  #unseen(documents) {
    return documents.filter((document) => {
      const key = JSON.stringify(document);
      if (this.#keys.has(key)) return false;
      this.#keys.add(key);
      return true;
    });
  }

  #arrived(documents) {
    if (!Array.isArray(documents)) return;
    this.#pending.push(...documents);
    if (this.#pending.length > LIVE_MOST) this.#pending.splice(0, this.#pending.length - LIVE_MOST);
    if (this.paused) this.#on.pending(this.#pending.length);
    else this.#showTimer ||= setTimeout(() => this.#showPending(), SHOW_EVERY);
    this.#facetsTimer ||= setTimeout(() => {
      this.#facetsTimer = 0;
      this.#countFacets().catch(() => {}); // the numbers stay as they were; the stream tells of a lost connection
    }, FACETS_EVERY);
  }

  #showPending() {
    this.#showTimer = 0;
    const fresh = this.#unseen(this.#pending).reverse();
    this.#pending = [];
    this.#on.pending(0);
    if (!fresh.length) return;
    this.documents = [...fresh, ...this.documents];
    for (const gone of this.documents.splice(LIVE_MOST)) {
      this.#keys.delete(JSON.stringify(gone));
      this.next = null;
    }
    this.#on.documents(this.documents, new Set(fresh));
  }

  // Each facet is counted with the other one's choice, so its numbers say what a click would give.
  async #countFacets() {
    const { q, sensor, alert } = this.#query;
    const count = (query) => get(address('/api/v1/documents/facets', query), { signal: this.#abort.signal });
    const bySensor = await count({ q, alert });
    const byAlert = sensor || alert ? await count({ q, sensor }) : bySensor;
    this.#on.facets({
      total: alert ? (byAlert.alert?.[alert] ?? 0) : byAlert.total,
      sensor: bySensor.sensor,
      alert: byAlert.alert,
      complete: bySensor.complete !== false && byAlert.complete !== false,
    });
  }
}
