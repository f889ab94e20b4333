// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them.

export function count(value) {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '–';
}

export function rate(value) {
  if (!Number.isFinite(value) || value <= 0) return '0';
  if (value < 10) return value.toFixed(1);
  return count(value);
}

export function milliseconds(value) {
  if (!Number.isFinite(value) || value <= 0) return '–';
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

// "48 s", "12 min", "3 h 20 min", "5 d 2 h"
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

export function since(iso, now = Date.now()) {
  const start = Date.parse(iso ?? '');
  return Number.isNaN(start) ? '–' : duration((now - start) / 1000);
}

const two = (n) => String(n).padStart(2, '0');

export function clock(date) {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

// The time alone for today, the day in front of it otherwise. Local time.
export function when(date, now = new Date()) {
  if (Number.isNaN(date.getTime())) return '–';
  if (date.toDateString() === now.toDateString()) return clock(date);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date)}`;
}

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

// Colour sequences and other control characters of a terminal say nothing here.
export function plain(line) {
  return line.replace(
    /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*(\u0007|$)|[\u0000-\u0008\u000b-\u001f\u007f]/g,
    '',
  );
}

// What a person can read of a long text; the rest is said to be there.
export function clip(text, most) {
  return text.length <= most ? text : `${text.slice(0, most)}… (${count(text.length - most)} more characters)`;
}
