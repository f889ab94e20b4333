#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts the model with the first python3 that has Flask: the one in PATH may be another than the one Debian's
# python3-flask belongs to.
set -eu
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import flask' 2>/dev/null; then
    exec "$python" dga.py
  fi
done
echo 'No python3 here can import flask. Install it: apt-get install python3-flask, or pip install flask.' >&2
exit 1
