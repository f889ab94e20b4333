# SPDX-License-Identifier: Apache-2.0
# Sourced by the verbs. They run in the project's folder.
set -euo pipefail

cores=$(nproc)

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    say "./dev: installing packages needs root: run it as root, or install sudo"
    exit 1
  fi
}

# configure PRESET FOLDER: only where it has not been done; ninja runs CMake again when a list changes.
configure() {
  [ -f "$2/build.ninja" ] || cmake --preset "$1" >/dev/null
}
