// SPDX-License-Identifier: Apache-2.0
// Versions as versions: runs of digits compare as numbers, so 10.0 comes after 9.0. Only for the order on the page.

const pieces = (text) => text.match(/\d+|[^\d.]+/g) ?? [];

export function compareVersions(a, b) {
  const left = pieces(a);
  const right = pieces(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (left[i] === undefined) return -1;
    if (right[i] === undefined) return 1;
    const bothNumbers = /^\d/.test(left[i]) && /^\d/.test(right[i]);
    const order = bothNumbers
      ? Number(left[i]) - Number(right[i])
      : left[i] < right[i]
        ? -1
        : left[i] > right[i]
          ? 1
          : 0;
    if (order) return order;
  }
  return 0;
}

// [{ name, deployments }]: names in alphabetical order, the greatest version first.
export function groupByName(deployments) {
  const groups = new Map();
  for (const deployment of deployments) {
    if (!groups.has(deployment.name)) groups.set(deployment.name, []);
    groups.get(deployment.name).push(deployment);
  }
  return [...groups]
    .map(([name, list]) => ({ name, deployments: list.sort((a, b) => compareVersions(b.version, a.version)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
