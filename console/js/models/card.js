// SPDX-License-Identifier: Apache-2.0
import { follow, h, setAttribute, setHidden, setText } from '../dom.js';
import { count, milliseconds, plain, rate, since } from '../format.js';
import { InstanceRow } from './instance.js';
import { Sparkline } from './sparkline.js';
import { deploymentHint, deploymentTone } from './states.js';

function figure(label, title, ...content) {
  return h('div', { class: 'figure', title }, h('dt', {}, label), h('dd', {}, content));
}

const number = () => h('span', { class: 'number' });

// One deployment: its state, numbers, instances, last error and what can be done with it. Made once, then updated in
// place.
export class DeploymentCard {
  deployment;
  #title = h('a', { class: 'deployment-name' });
  #version = h('span', { class: 'version' });
  #state = h('span', { class: 'state' });
  #greatest = h('span', { class: 'tag', title: 'Calls that name no version go here.' }, 'default');
  #ready = number();
  #calls = number();
  #p50 = number();
  #p99 = number();
  #restarts = number();
  #uptime = number();
  #spark = new Sparkline();
  #wanted = h('span', { class: 'number wanted' });
  #less;
  #more;
  #cause = h('p', { class: 'problem-cause' });
  #log = h('pre', { class: 'problem-log', tabindex: '0', 'aria-label': 'The last lines of its log' });
  #problem = h('div', { class: 'problem-box' }, this.#cause, this.#log);
  #list = h('ul', { class: 'instances', 'aria-label': 'Instances' });
  #instances = new Map();
  node;

  // actions: { open(deployment, tab), scale(deployment, instances), remove(deployment) }
  constructor(actions) {
    const button = (text, label, click, extra = {}) =>
      h('button', { type: 'button', title: label, on: { click }, ...extra }, text);
    this.#less = button('−', 'One instance less', () => actions.scale(this.deployment, this.deployment.wanted - 1));
    this.#more = button('+', 'One instance more', () => actions.scale(this.deployment, this.deployment.wanted + 1));
    this.node = h(
      'article',
      { class: 'deployment', tabindex: '0' },
      h(
        'div',
        { class: 'deployment-head' },
        h('h2', {}, this.#title, this.#version),
        this.#state,
        this.#greatest,
        h(
          'div',
          { class: 'deployment-actions' },
          h(
            'div',
            { class: 'scaler', role: 'group', 'aria-label': 'Wanted instances' },
            this.#less,
            this.#wanted,
            this.#more,
          ),
          button('Logs', 'Logs, events, try a call', () => actions.open(this.deployment, 'logs'), {
            class: 'open-logs',
          }),
          button('Remove', 'End this deployment', () => actions.remove(this.deployment), { class: 'quiet remove' }),
        ),
      ),
      h(
        'dl',
        { class: 'figures' },
        figure('Ready', 'Instances that answer, of those that are wanted', this.#ready),
        figure('Calls / s', 'Calls per second, as callers report them', this.#calls, this.#spark.node),
        figure('Latency p50', 'Half of the calls were answered within', this.#p50),
        figure('p99', '99 of 100 calls were answered within', this.#p99),
        figure('Restarts', 'Instances that had to be started again', this.#restarts),
        figure('Up', 'How long its oldest instance has been ready', this.#uptime),
      ),
      this.#problem,
      this.#list,
    );
  }

  update({ deployment, greatest }) {
    this.deployment = deployment;
    const { name, version, state, wanted, ready } = deployment;
    setText(this.#title, name);
    setAttribute(this.#title, 'href', `#models/${encodeURIComponent(name)}/${encodeURIComponent(version)}/logs`);
    setText(this.#version, `@ ${version}`);
    setText(this.#state, state);
    setAttribute(this.#state, 'data-tone', deploymentTone(state));
    setAttribute(this.#state, 'title', deploymentHint(state));
    setAttribute(this.node, 'data-tone', deploymentTone(state));
    setAttribute(this.node, 'aria-label', `${name} version ${version}, ${state}, ${ready} of ${wanted} ready`);
    setHidden(this.#greatest, !greatest);
    setText(this.#ready, `${count(ready)} / ${count(wanted)}`);
    setText(this.#calls, rate(deployment.calls_per_second));
    setText(this.#p50, milliseconds(deployment.latency_ms?.p50));
    setText(this.#p99, milliseconds(deployment.latency_ms?.p99));
    setText(this.#restarts, count(deployment.restarts));
    setAttribute(this.#restarts, 'data-some', deployment.restarts > 0 ? 'yes' : null);
    setText(this.#wanted, count(wanted));
    this.#less.disabled = wanted <= 1 || state === 'removing';
    this.#less.title = wanted <= 1 ? 'Remove ends the deployment' : 'One instance less';
    this.#more.disabled = state === 'removing';
    this.#showProblem(deployment.error ?? '', deploymentTone(state));
    follow(
      this.#list,
      this.#instances,
      deployment.instances ?? [],
      (instance) => instance.id,
      () => new InstanceRow(),
    );
    this.tick();
  }

  // The first line is the cause, what follows are the last lines of the log.
  #showProblem(error, tone) {
    const [cause, ...lines] = error.trimEnd().split('\n');
    setText(this.#cause, cause);
    setText(this.#log, lines.map(plain).join('\n'));
    setHidden(this.#log, !lines.length);
    setHidden(this.#problem, !error);
    setAttribute(this.#problem, 'data-tone', tone);
  }

  // Once a second: what changes by itself.
  tick() {
    const starts = (this.deployment.instances ?? [])
      .filter((i) => i.state === 'ready')
      .map((i) => i.since)
      .filter(Boolean)
      .sort();
    setText(this.#uptime, starts.length ? since(starts[0]) : '–');
    for (const row of this.#instances.values()) row.tick();
  }

  sample() {
    this.#spark.push(this.deployment.calls_per_second);
  }
}
