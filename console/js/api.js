// SPDX-License-Identifier: Apache-2.0
// Requests to the server that gave the page, and to nobody else.
import { askToken, token } from './token.js';

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// api('/api/v1/logs', { name: 'dga', tail: 200 }): pairs whose value is null, undefined or '' are left out, arrays
// repeat.
export function address(path, query = {}) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') pairs.append(name, one);
    }
  }
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
}

export function segments(...parts) {
  return parts.map(encodeURIComponent).join('/');
}

async function errorOf(response) {
  let code = 'failed';
  let message = `the server answered ${response.status} ${response.statusText}`.trim();
  try {
    const { error } = await response.json();
    code = error?.code ?? code;
    message = error?.message ?? message;
  } catch {
    // Not our error body: a proxy in between, or a model's own answer.
  }
  return new ApiError(response.status, code, message);
}

// A Response with a good status, or a thrown ApiError; status 0 when nobody answered. A 401 asks for the token and
// tries again.
export async function request(method, target, { body, headers = {}, signal } = {}) {
  for (;;) {
    const used = token();
    const authorization = used ? { authorization: `Bearer ${used}` } : {};
    let response;
    try {
      response = await fetch(target, {
        method,
        body,
        headers: { ...headers, ...authorization },
        signal,
        cache: 'no-store',
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError(0, 'unavailable', 'the server does not answer');
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status !== 401 || !(await askToken(used, error.message))) throw error;
  }
}

export async function get(target, options) {
  return (await request('GET', target, options)).json();
}
