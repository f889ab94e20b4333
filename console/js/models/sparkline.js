// SPDX-License-Identifier: Apache-2.0
import { setAttribute, svg } from '../dom.js';

const SECONDS = 90; // of history, one value a second
const WIDTH = 90;
const HEIGHT = 22;

// The last minute and a half of one number as a line. Sampled once a second from what was last said.
export class Sparkline {
  #values = [];
  #line = svg('polyline', { class: 'spark-line' });
  #area = svg('polygon', { class: 'spark-area' });
  node = svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    this.#area,
    this.#line,
  );

  push(value) {
    this.#values.push(Number.isFinite(value) ? value : 0);
    if (this.#values.length > SECONDS) this.#values.shift();
    const top = Math.max(...this.#values, 1);
    const start = WIDTH - this.#values.length + 1;
    const points = this.#values.map((v, i) => `${start + i},${(HEIGHT - 2 - (v / top) * (HEIGHT - 4)).toFixed(1)}`);
    setAttribute(this.#line, 'points', points.join(' '));
    setAttribute(this.#area, 'points', [`${start},${HEIGHT}`, ...points, `${WIDTH},${HEIGHT}`].join(' '));
  }
}
