// SPDX-License-Identifier: Apache-2.0
import { request, segments } from '../api.js';
import { openDialog } from '../dialog.js';
import { h } from '../dom.js';
import { plural } from '../format.js';
import { toast } from '../toast.js';

const at = ({ name, version }) => `/api/v1/deployments/${segments(name, version)}`;

// The answer is what the next live update shows; only a refusal needs words.
export async function scale(deployment, instances) {
  try {
    await request('PUT', at(deployment), {
      body: JSON.stringify({ instances }),
      headers: { 'content-type': 'application/json' },
    });
    toast(`${deployment.name} ${deployment.version}: ${plural(instances, 'instance')} wanted`);
  } catch (error) {
    toast(`${deployment.name} ${deployment.version} was not scaled: ${error.message}`, { problem: true });
  }
}

export async function remove(deployment) {
  const { name, version } = deployment;
  const running = deployment.instances?.length ?? 0;
  const stops = running === 1 ? 'its instance stops' : `its ${plural(running, 'instance')} stop`;
  const done = await openDialog({
    title: `Remove ${name} ${version}?`,
    body: h('p', {}, `Calls in flight are finished, then ${stops}. `, 'Calls to it fail from then on.'),
    confirm: 'Remove',
    danger: true,
    accept: async () => {
      await request('DELETE', at(deployment));
      return true;
    },
  });
  if (done) toast(`${name} ${version} is being removed`);
}
