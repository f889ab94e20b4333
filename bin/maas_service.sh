#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts the service that runs models, as a YARN application: the reference's maas_service.sh. -h shows the options.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/find_modelyard.sh"
# In a checkout the bundle that YARN's nodes get is made here, unless somebody only asks for the options.
wants_help=0
for word in "$@"; do
  case $word in -h | -help | --help) wants_help=1 ;; esac
done
if [ -n "$checkout" ] && [ -z "${MODELYARD_BUNDLE:-}" ] && [ "$wants_help" = 0 ]; then
  MODELYARD_BUNDLE=$("$checkout/tools/bundle") || exit 1
  export MODELYARD_BUNDLE
fi
exec "$modelyard" maas-service -- "$@"
