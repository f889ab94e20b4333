// SPDX-License-Identifier: Apache-2.0
// What a person chose to deploy, looked at before it is sent: a folder with exactly one .sh, or a tar of one.
import { tar } from '../tar.js';

// files: the File objects of a chosen folder, each with webkitRelativePath "FOLDER/…".
export function folderPayload(files) {
  const entries = [];
  let name = '';
  for (const file of files) {
    const [top, ...rest] = file.webkitRelativePath.split('/');
    name = top;
    const path = rest.join('/');
    if (path && path !== 'endpoint.dat' && rest[0] !== '.git' && !rest.includes('__pycache__'))
      entries.push({ path, file });
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  const scripts = entries.map((entry) => entry.path).filter((path) => /^[^/]+\.sh$/.test(path));
  const payload = {
    name,
    files: entries.length,
    size: entries.reduce((sum, entry) => sum + entry.file.size, 0),
    problem: '',
  };
  if (scripts.length === 0)
    payload.problem = `${name} has no .sh at its top level; the script that starts the model is needed.`;
  if (scripts.length > 1) {
    const found = scripts.join(', ');
    payload.problem = `${name} has more than one .sh at its top level: ${found}. Keep the one that starts the model.`;
  }
  payload.script = scripts[0];
  payload.body = payload.problem ? null : tar(entries);
  return payload;
}

export function archivePayload(file) {
  const name = file.name.replace(/\.(tar|tgz|tar\.\w+)$/i, '');
  return { name, files: 1, size: file.size, problem: '', script: null, body: file };
}

// "A=1\n\nB = x y" -> ["A=1", "B = x y"]; the first line that is no K=V is thrown.
export function environment(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line.trim());
  const wrong = lines.find((line) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(line));
  if (wrong !== undefined) throw new Error(`"${wrong}" in the environment is not NAME=VALUE.`);
  return lines;
}
