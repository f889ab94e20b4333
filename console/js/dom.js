// SPDX-License-Identifier: Apache-2.0
// The only way the page makes nodes. Text from the server goes in as text nodes and attributes, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

// h('button', { class: 'primary', type: 'button', on: { click } }, 'Deploy'). Null, undefined and false are left out.
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === 'data') {
      Object.assign(node.dataset, value);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

// These touch the document only where something changed, so focus, selection and scrolling survive live updates.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

// Makes the children of `parent` follow `items`: parts.get(key(item)) is kept and updated, made when new, removed
// when gone. A part is { node, update(item) }.
export function follow(parent, parts, items, key, make) {
  const wanted = new Set(items.map(key));
  for (const [id, part] of parts) {
    if (wanted.has(id)) continue;
    part.node.remove(); // first, so that those that stay are not moved: a moved node loses the focus
    parts.delete(id);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let part = parts.get(id);
    if (!part) {
      part = make(item);
      parts.set(id, part);
    }
    part.update(item);
    if (part.node === place) place = place.nextElementSibling;
    else parent.insertBefore(part.node, place);
  }
}
