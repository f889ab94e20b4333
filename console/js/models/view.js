// SPDX-License-Identifier: Apache-2.0
import { LiveStream } from '../connection.js';
import { follow, h, setAttribute, setHidden, setText } from '../dom.js';
import { count, rate } from '../format.js';
import { step } from '../keys.js';
import { remove, scale } from './actions.js';
import { DeploymentCard } from './card.js';
import { deploy, emptyModels } from './deploy.js';
import { Drawer } from './drawer.js';
import { needsAttention } from './states.js';
import { groupByName } from './versions.js';

const hashOf = ({ name, version }, tab) => `#models/${[name, version, tab].map(encodeURIComponent).join('/')}`;

// A number in the headline; with a click it is a button.
function tile(label, click) {
  const value = h('strong', { class: 'number' }, '–');
  const content = [value, h('span', {}, label)];
  const node = click
    ? h(
        'button',
        { type: 'button', class: 'tile', 'aria-pressed': 'false', title: 'Show these only', on: { click } },
        content,
      )
    : h('div', { class: 'tile' }, content);
  return { value, node };
}

// The deployments: live, grouped by name, with a drawer for one of them.
export class ModelsView {
  #deployments = null; // null until the server said what there is
  #cards = new Map(); // by name and version
  #groups = new Map();
  #route = { path: [] };
  #onProblems;
  #filter = h('input', {
    type: 'search',
    placeholder: 'Filter by name',
    'aria-label': 'Filter models by name',
    spellcheck: 'false',
    on: { input: () => this.#render() },
  });
  #tiles = {
    models: tile('models'),
    ready: tile('instances ready'),
    calls: tile('calls a second'),
    problems: tile('need attention', () => this.#toggleProblems()),
  };
  #problemsOnly = false;
  #short = h(
    'div',
    { class: 'tiles', hidden: true },
    Object.values(this.#tiles).map((t) => t.node),
  );
  #loading = h('p', { class: 'loading' }, 'Asking the server…');
  #empty = emptyModels(() => this.#deploy());
  #nothing = h('p', { class: 'empty', hidden: true }, 'No model has that in its name.');
  #list = h('div', { class: 'model-list' });
  #drawer = new Drawer(
    (tab) => this.#openAt(this.#current(), tab),
    () => this.#leave(),
  );
  #stream = new LiveStream('/api/v1/deployments/watch', (event, data) => event === 'deployments' && this.#take(data));
  #opener = null; // what had the focus before the drawer took it

  constructor(root, onProblems) {
    this.#onProblems = onProblems;
    setHidden(this.#empty, true);
    setHidden(this.#filter, true);
    root.append(
      h(
        'div',
        { class: 'split' },
        h(
          'div',
          { class: 'split-main' },
          h(
            'div',
            { class: 'view-head' },
            h('h1', {}, 'Models'),
            this.#short,
            this.#filter,
            h(
              'button',
              { type: 'button', class: 'primary', id: 'deploy', on: { click: () => this.#deploy() } },
              'Deploy',
            ),
          ),
          this.#loading,
          this.#empty,
          this.#nothing,
          this.#list,
        ),
        this.#drawer.node,
      ),
    );
    setInterval(() => this.#tick(), 1000);
  }

  // Runs as long as the page does: the header counts problems in every view.
  start() {
    this.#stream.start();
  }

  show(route) {
    this.#route = route;
    this.#showDrawer();
  }

  hide() {
    this.#drawer.close();
  }

  key(event, typing) {
    if (event.key === 'Escape') return this.#escape(typing);
    if (typing) return false;
    if (event.key === '/') {
      this.#filter.focus();
      return true;
    }
    if (event.target.closest?.('.drawer')) return false;
    const move = step(event);
    if (move) return this.#move(move);
    if (event.key === 'Enter' && event.target.classList?.contains('deployment')) {
      event.target.querySelector('.open-logs').click();
      return true;
    }
    return false;
  }

  #escape(typing) {
    if (typing && document.activeElement === this.#filter) {
      this.#filter.value = '';
      this.#filter.blur();
      this.#render();
      return true;
    }
    if (!this.#drawer.isOpen) return false;
    this.#leave();
    return true;
  }

  #move(by) {
    const cards = [...this.#list.querySelectorAll('.deployment')];
    if (!cards.length) return false;
    const at = cards.indexOf(document.activeElement?.closest('.deployment'));
    const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(Math.max(at + by, 0), cards.length - 1)];
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
    return true;
  }

  #take(deployments) {
    if (!Array.isArray(deployments)) return;
    this.#deployments = deployments;
    this.#render();
    this.#showDrawer();
  }

  #render() {
    const all = this.#deployments;
    setHidden(this.#loading, all !== null);
    if (!all) return;
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!all.some(needsAttention)) this.#problemsOnly = false;
    const shown = all
      .filter((deployment) =>
        words.every((word) => `${deployment.name} ${deployment.version}`.toLowerCase().includes(word)),
      )
      .filter((deployment) => !this.#problemsOnly || needsAttention(deployment));
    setHidden(this.#empty, all.length > 0);
    setHidden(this.#short, !all.length);
    setHidden(this.#nothing, !all.length || shown.length > 0);
    setHidden(this.#filter, all.length < 2 && !words.length);
    follow(
      this.#list,
      this.#groups,
      groupByName(shown),
      (group) => group.name,
      () => this.#group(),
    );
    this.#summary(all);
  }

  #group() {
    const node = h('section', { class: 'model' });
    const cards = new Map();
    return {
      node,
      update: ({ name, deployments }) => {
        setAttribute(node, 'aria-label', name);
        const rows = deployments.map((deployment, i) => ({ deployment, greatest: deployments.length > 1 && i === 0 }));
        follow(
          node,
          cards,
          rows,
          ({ deployment }) => deployment.version,
          () =>
            new DeploymentCard({
              open: (deployment, tab) => this.#openAt(deployment, tab),
              scale,
              remove,
            }),
        );
        for (const [version, card] of cards) this.#cards.set(JSON.stringify([name, version]), card);
      },
    };
  }

  #summary(all) {
    const sum = (of) => all.reduce((total, deployment) => total + (of(deployment) || 0), 0);
    const problems = all.filter(needsAttention).length;
    setText(this.#tiles.models.value, count(new Set(all.map((d) => d.name)).size));
    setText(this.#tiles.ready.value, `${count(sum((d) => d.ready))} / ${count(sum((d) => d.wanted))}`);
    setText(this.#tiles.calls.value, rate(sum((d) => d.calls_per_second)));
    setText(this.#tiles.problems.value, count(problems));
    setAttribute(this.#tiles.problems.node, 'data-tone', problems ? 'bad' : null);
    setAttribute(this.#tiles.problems.node, 'aria-pressed', String(this.#problemsOnly));
    this.#tiles.problems.node.disabled = !problems;
    this.#onProblems(problems);
  }

  #toggleProblems() {
    this.#problemsOnly = !this.#problemsOnly;
    this.#render();
  }

  #tick() {
    for (const [key, card] of this.#cards) {
      if (!card.node.isConnected) {
        this.#cards.delete(key);
        continue;
      }
      card.tick();
      card.sample();
    }
  }

  #current() {
    const [name, version] = this.#route.path;
    return this.#deployments?.find((d) => d.name === name && d.version === version);
  }

  #showDrawer() {
    if (this.#route.view !== 'models') return;
    const deployment = this.#current();
    if (deployment) {
      const opens = !this.#drawer.isOpen;
      if (opens) this.#opener = document.activeElement;
      this.#drawer.open(deployment, this.#route.path[2]);
      if (opens)
        this.#cards
          .get(JSON.stringify([deployment.name, deployment.version]))
          ?.node.scrollIntoView({ block: 'nearest' });
    } else if (this.#drawer.isOpen) {
      this.#drawer.close();
      this.#refocus();
    }
    for (const [key, card] of this.#cards) {
      setAttribute(
        card.node,
        'aria-current',
        deployment && key === JSON.stringify([deployment.name, deployment.version]) ? 'true' : null,
      );
    }
  }

  #refocus() {
    if (this.#opener?.isConnected) this.#opener.focus({ preventScroll: true });
    this.#opener = null;
  }

  #openAt(deployment, tab) {
    if (deployment) location.hash = hashOf(deployment, tab);
  }

  #leave() {
    location.hash = '#models';
  }

  async #deploy() {
    const done = await deploy();
    if (done) location.hash = hashOf(done, 'events');
  }
}
