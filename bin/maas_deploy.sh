#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deploys models to a cluster, lists and removes them: the reference's maas_deploy.sh. -h shows the options.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$here/find_modelyard.sh"
exec "$modelyard" maas-deploy -- "$@"
