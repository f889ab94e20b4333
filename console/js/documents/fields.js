// SPDX-License-Identifier: Apache-2.0
import { clip } from '../format.js';

// What the page knows of a document's fields. Pure: documents in, plain values out. Names have colons in the store;
// the same names with dots are understood too.

export function field(document, name) {
  return document[name] ?? document[name.replaceAll(':', '.')];
}

const isTrue = (value) => value === true || value === 'true';

export function sensor(document) {
  return String(field(document, 'source:type') ?? '');
}

export function score(document) {
  const value = Number(field(document, 'threat:triage:score') ?? field(document, 'threat:triage:level') ?? NaN);
  return Number.isFinite(value) ? value : null;
}

export function isError(document) {
  return sensor(document) === 'error' || field(document, 'failed_sensor_type') !== undefined;
}

// { tone, word }: the tone chooses a colour, the word says it to those who do not see it.
export function severity(document) {
  if (isError(document)) return { tone: 'error', word: 'error' };
  const value = score(document) ?? 0;
  if (value >= 70) return { tone: 'high', word: 'high' };
  if (value >= 40) return { tone: 'medium', word: 'medium' };
  if (value > 0) return { tone: 'low', word: 'low' };
  return isTrue(field(document, 'is_alert')) ? { tone: 'medium', word: 'alert' } : { tone: 'none', word: '' };
}

// The event's own time: milliseconds since 1970, as number or digits; seconds are understood.
export function time(document) {
  const value = field(document, 'timestamp');
  const number = Number(value);
  if (value === undefined || value === null || value === '' || !Number.isFinite(number))
    return new Date(Date.parse(value) || NaN);
  return new Date(Math.abs(number) < 1e11 ? number * 1000 : number);
}

const HEADLINES = [
  'message',
  'url',
  'full_hostname',
  'domain_without_subdomains',
  'query',
  'signature',
  'sig_name',
  'name',
  'original_string',
  'raw_message',
];

const LINE = 400; // characters of an event's line

// { text, from, to, verdict } for one line.
export function summary(document) {
  const text = HEADLINES.map((name) => field(document, name)).find(
    (value) => value !== undefined && value !== null && value !== '',
  );
  const verdict = field(document, 'is_malicious');
  return {
    text: clip(String(text ?? Object.keys(document).slice(0, 4).join(', ')), LINE),
    method: String(field(document, 'method') ?? ''),
    from: String(field(document, 'ip_src_addr') ?? ''),
    to: String(field(document, 'ip_dst_addr') ?? ''),
    verdict: verdict === undefined || verdict === null ? '' : String(verdict),
  };
}

const FIRST = ['threat:triage:score', 'threat:triage:level', 'is_alert', 'is_malicious', 'source:type', 'timestamp'];

// [[name, value]]: what decides first, the rest by name; the rules of the triage are told apart (reasons()).
export function sortedFields(document) {
  const rank = (name) => {
    const at = FIRST.indexOf(name.replaceAll('.', ':'));
    return at < 0 ? FIRST.length : at;
  };
  return Object.entries(document)
    .filter(([name]) => !/^threat[:.]triage[:.]rules[:.]/.test(name))
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

// [{ name, comment, score, reason }] from threat:triage:rules:0:name and so on.
export function reasons(document) {
  const rules = new Map();
  for (const [name, value] of Object.entries(document)) {
    const found = /^threat[:.]triage[:.]rules[:.](\d+)[:.](name|comment|score|reason)$/.exec(name);
    if (!found) continue;
    const number = Number(found[1]);
    if (!rules.has(number)) rules.set(number, {});
    rules.get(number)[found[2]] = value;
  }
  return [...rules].sort(([a], [b]) => a - b).map(([, rule]) => rule);
}

export function show(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
