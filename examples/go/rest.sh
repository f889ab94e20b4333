#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds where it runs; the compiler's cache makes every start after the first one quick. A model for production
# would carry the finished binary and start it here.
set -eu
if ! command -v go >/dev/null; then
  echo 'No go in PATH. Install it: apt-get install golang-go.' >&2
  exit 1
fi
if [ ! -w "${HOME:-/nonexistent}" ]; then
  export GOCACHE="$PWD/.gocache" GOPATH="$PWD/.gopath"
fi
export CGO_ENABLED=0 GOFLAGS=-mod=mod GOTOOLCHAIN=local GOPROXY=off
go build -o model .
exec ./model
