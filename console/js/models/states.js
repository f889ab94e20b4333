// SPDX-License-Identifier: Apache-2.0
// What each state means: a tone for its colour, a sentence for its tooltip. The word itself is always shown too.

const DEPLOYMENT = {
  starting: ['busy', 'Instances are being started.'],
  ready: ['good', 'All wanted instances answer.'],
  degraded: ['warn', 'Some of the wanted instances do not answer.'],
  'crash-loop': ['bad', 'It failed three times in a row; the next start waits longer each time.'],
  waiting: ['busy', 'It waits for something; the text says for what.'],
  'update-failed': ['bad', 'The new revision did not come up; the former one keeps serving.'],
  removing: ['quiet', 'Calls in flight are finished, then it is gone.'],
};

const INSTANCE = {
  requested: ['busy', 'A place to run is asked for.'],
  localizing: ['busy', 'The payload is brought to its place.'],
  starting: ['busy', 'The script runs; endpoint.dat is awaited.'],
  ready: ['good', 'It answers.'],
  unhealthy: ['warn', 'It runs but does not answer well.'],
  unreachable: ['warn', 'Its runner has not been heard of.'],
  draining: ['quiet', 'Calls in flight are finished, then it stops.'],
  failed: ['bad', 'It ended.'],
};

export const deploymentTone = (state) => DEPLOYMENT[state]?.[0] ?? 'quiet';
export const deploymentHint = (state) => DEPLOYMENT[state]?.[1] ?? '';
export const instanceTone = (state) => INSTANCE[state]?.[0] ?? 'quiet';
export const instanceHint = (state) => INSTANCE[state]?.[1] ?? '';

export const needsAttention = (deployment) => ['bad', 'warn'].includes(deploymentTone(deployment.state));
