// SPDX-License-Identifier: Apache-2.0
import { address, request, segments } from '../api.js';
import { h, setHidden, setText } from '../dom.js';
import { clip, plain } from '../format.js';

const TAIL = 500; // lines asked for at first
const MOST = 5000; // lines kept on the page
const LINE = 4000; // characters of a line that are shown
const AGAIN = 2000; // ms until a stream that ended is asked for again

// The pieces of a body of one JSON object a line. Rubbish is shown as it is: a log is the last thing to hide.
async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    yield parts.filter(Boolean).map(parse);
  }
  if (rest) yield [parse(rest)];
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { instance: '', stream: 'stdout', line: text };
  }
}

function option(value, label) {
  return h('option', { value }, label);
}

// The live log of a deployment's instances. Scrolling up holds the view still; at the bottom it follows.
export class LogsPane {
  #deployment;
  #instance = h('select', { 'aria-label': 'Instance' }, option('', 'All instances'));
  #stream = h(
    'select',
    { 'aria-label': 'Stream' },
    option('', 'stdout and stderr'),
    option('stdout', 'stdout'),
    option('stderr', 'stderr'),
  );
  #previous = h('input', { type: 'checkbox', id: 'log-previous' });
  #toEnd = h(
    'button',
    { type: 'button', class: 'to-end', hidden: true, on: { click: () => this.#scrollToEnd() } },
    'To the newest line',
  );
  #note = h('p', { class: 'pane-note', role: 'status' });
  #out = h('div', { class: 'log', role: 'log', 'aria-live': 'off', tabindex: '0', 'aria-label': 'Log lines' });
  #known = '';
  #run = null;
  #waiting = [];
  #frame = 0;
  node;

  constructor(deployment) {
    this.#deployment = deployment;
    const restart = () => this.#restart();
    for (const control of [this.#instance, this.#stream, this.#previous]) control.addEventListener('change', restart);
    this.#out.addEventListener('scroll', () => setHidden(this.#toEnd, this.#atEnd()));
    this.node = h(
      'div',
      { class: 'pane' },
      h(
        'div',
        { class: 'pane-tools' },
        this.#instance,
        this.#stream,
        h(
          'label',
          { class: 'check', for: 'log-previous', title: 'What instances that ended have left' },
          this.#previous,
          'ended ones',
        ),
      ),
      this.#note,
      this.#out,
      this.#toEnd,
    );
    restart();
  }

  update(deployment) {
    this.#deployment = deployment;
    const ids = (deployment.instances ?? []).map((instance) => instance.id);
    if (ids.join('\n') === this.#known) return;
    this.#known = ids.join('\n');
    const chosen = this.#instance.value;
    if (chosen && !ids.includes(chosen)) ids.push(chosen);
    this.#instance.replaceChildren(option('', 'All instances'), ...ids.map((id) => option(id, id)));
    this.#instance.value = chosen;
  }

  close() {
    this.#run?.abort();
    this.#run = null;
    cancelAnimationFrame(this.#frame);
  }

  #restart() {
    this.close();
    this.#waiting = [];
    this.#frame = 0;
    this.#run = new AbortController();
    this.#keep(this.#run);
  }

  async #keep(run) {
    const { name, version } = this.#deployment;
    while (!run.signal.aborted) {
      this.#out.replaceChildren();
      this.#waiting = [];
      const previous = this.#previous.checked;
      const target = address(`/api/v1/logs/${segments(name, version)}`, {
        instance: this.#instance.value,
        stream: this.#stream.value,
        tail: TAIL,
        follow: previous ? '' : 1,
        previous: previous ? 1 : '',
      });
      try {
        const response = await request('GET', target, { signal: run.signal });
        setText(this.#note, previous ? 'What the ended instances wrote last.' : 'Live');
        let any = false;
        for await (const batch of lines(response.body)) {
          if (run.signal.aborted) return;
          any = true;
          this.#show(batch);
        }
        if (!any) setText(this.#note, 'It wrote nothing.');
        if (previous) return;
        setText(this.#note, 'The log ended; asking again.');
      } catch (error) {
        if (run.signal.aborted) return;
        setText(this.#note, `The log cannot be read: ${error.message}`);
        if (error.status === 404 && previous) return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  // Batched by frames: a chatty model must not freeze the page.
  #show(batch) {
    this.#waiting.push(...batch);
    if (this.#waiting.length > MOST) this.#waiting.splice(0, this.#waiting.length - MOST);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const follow = this.#atEnd();
      this.#out.append(...this.#waiting.map((entry) => this.#line(entry)));
      this.#waiting = [];
      while (this.#out.childElementCount > MOST) this.#out.firstElementChild.remove();
      if (follow) this.#scrollToEnd();
    });
  }

  #line({ instance, stream, line }) {
    const several = (this.#deployment.instances ?? []).length > 1 || this.#previous.checked;
    return h(
      'div',
      { class: 'log-line', data: { stream: stream ?? '' } },
      several && h('span', { class: 'log-who', title: instance }, String(instance).slice(-6)),
      h('span', {}, clip(plain(String(line ?? '')), LINE)),
    );
  }

  #atEnd() {
    return this.#out.scrollHeight - this.#out.scrollTop - this.#out.clientHeight < 30;
  }

  #scrollToEnd() {
    this.#out.scrollTop = this.#out.scrollHeight;
    setHidden(this.#toEnd, true);
  }
}
