# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it with $here set. Sets $modelyard, the program: beside the scripts (bundle, package), in
# build/bin (checkout), else in PATH; and $checkout, the checkout's folder or "".
# shellcheck shell=bash
checkout=
if [ -n "${MODELYARD_BINARY:-}" ]; then
  modelyard=$MODELYARD_BINARY
elif [ -x "$here/modelyard" ]; then
  modelyard=$here/modelyard
elif [ -x "$here/../build/bin/modelyard" ]; then
  modelyard=$here/../build/bin/modelyard
  checkout=$here/..
elif command -v modelyard >/dev/null; then
  modelyard=$(command -v modelyard)
else
  echo "modelyard: the program is neither beside $here nor in build/bin: ./dev build makes it" >&2
  exit 1
fi
