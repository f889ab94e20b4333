#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
if ! command -v node >/dev/null; then
  echo 'No node in PATH. Install it: apt-get install nodejs.' >&2
  exit 1
fi
exec node model.mjs
