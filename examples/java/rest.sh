#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A single source file: java compiles it in memory and runs it.
set -eu
if ! command -v java >/dev/null; then
  echo 'No java in PATH. Install it: apt-get install default-jdk-headless.' >&2
  exit 1
fi
exec java -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dsun.net.httpserver.nodelay=true Model.java
