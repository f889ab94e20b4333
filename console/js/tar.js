// SPDX-License-Identifier: Apache-2.0
// A tar writer for the folder that a person chose: POSIX ustar, with a pax record where a path does not fit into it.
// Contents stay File objects inside one Blob, so nothing is read into memory here.

const BLOCK = 512;
const encoder = new TextEncoder();

function put(header, at, length, bytes) {
  header.set(bytes.subarray(0, length), at);
}

function octal(header, at, length, value) {
  put(header, at, length, encoder.encode(value.toString(8).padStart(length - 1, '0')));
}

// Prefix and name as ustar wants them: at most 155 and 100 bytes, cut at a slash. Null if there is no such cut.
function split(path) {
  const bytes = encoder.encode(path);
  if (bytes.length <= 100) return { prefix: new Uint8Array(), name: bytes };
  for (let slash = bytes.length - 101; slash <= Math.min(155, bytes.length - 2); slash++) {
    if (slash > 0 && bytes[slash] === 0x2f)
      return { prefix: bytes.subarray(0, slash), name: bytes.subarray(slash + 1) };
  }
  return null;
}

function header({ path, size, mode, seconds, type }) {
  const block = new Uint8Array(BLOCK);
  const parts = split(path) ?? { prefix: new Uint8Array(), name: encoder.encode(path).subarray(0, 100) };
  put(block, 0, 100, parts.name);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, size);
  octal(block, 136, 12, seconds);
  block[156] = type.charCodeAt(0);
  put(block, 257, 8, encoder.encode('ustar\x0000'));
  put(block, 345, 155, parts.prefix);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(block, 148, 8, encoder.encode(`${sum.toString(8).padStart(6, '0')}\0 `));
  return block;
}

const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

// "LENGTH path=PATH\n", where LENGTH counts its own digits.
function paxPath(path) {
  const rest = ` path=${path}\n`;
  const bytes = encoder.encode(rest).length;
  let length = bytes + 1;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return encoder.encode(`${length}${rest}`);
}

// entries: [{ path, file }], path relative with '/', file a Blob or File. Scripts are executable, the rest is not.
export function tar(entries) {
  const parts = [];
  for (const { path, file } of entries) {
    const mode = path.endsWith('.sh') ? 0o755 : 0o644;
    const seconds = Math.floor((file.lastModified ?? 0) / 1000);
    if (!split(path)) {
      const record = paxPath(path);
      parts.push(
        header({ path: 'pax', size: record.length, mode: 0o644, seconds, type: 'x' }),
        record,
        padding(record.length),
      );
    }
    parts.push(header({ path, size: file.size, mode, seconds, type: '0' }), file, padding(file.size));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: 'application/x-tar' });
}
