// SPDX-License-Identifier: Apache-2.0
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { since } from '../format.js';
import { instanceHint, instanceTone } from './states.js';

// One line for one instance. A url is made a link only when it is http: a model writes it, and could write anything.
export class InstanceRow {
  #state = h('span', { class: 'state small' });
  #id = h('span', { class: 'instance-id mono' });
  #link = h('a', { class: 'instance-url mono', target: '_blank', rel: 'noreferrer noopener' });
  #url = h('span', { class: 'instance-url mono' });
  #process = h('span', { class: 'instance-pid muted number' });
  #uptime = h('span', { class: 'muted number' });
  #restarts = h('span', { class: 'muted number' });
  #reason = h('span', { class: 'instance-reason' });
  node = h(
    'li',
    { class: 'instance' },
    this.#state,
    this.#id,
    this.#link,
    this.#url,
    this.#process,
    this.#uptime,
    this.#restarts,
    this.#reason,
  );
  #since = null;

  update(instance) {
    setText(this.#state, instance.state);
    setAttribute(this.#state, 'data-tone', instanceTone(instance.state));
    setAttribute(this.#state, 'title', instanceHint(instance.state));
    setText(this.#id, instance.id);
    setAttribute(this.#id, 'title', instance.id);
    const url = instance.url ?? '';
    const isHttp = /^https?:\/\//.test(url);
    setText(this.#link, isHttp ? url : '');
    setAttribute(this.#link, 'href', isHttp ? url : null);
    setHidden(this.#link, !isHttp);
    setText(this.#url, isHttp ? '' : url || 'no address yet');
    setHidden(this.#url, isHttp);
    setText(this.#process, instance.pid ? `pid ${instance.pid}` : '');
    setAttribute(this.#process, 'title', instance.host ? `on ${instance.host}` : null);
    setText(this.#restarts, instance.restarts ? `restarted ${instance.restarts}×` : '');
    setText(this.#reason, instance.reason ?? '');
    setHidden(this.#reason, !instance.reason);
    this.#since = instance.since;
    this.tick();
  }

  tick() {
    setText(this.#uptime, this.#since ? since(this.#since) : '');
    setAttribute(this.#uptime, 'title', this.#since ? `in this state since ${this.#since}` : null);
  }
}
