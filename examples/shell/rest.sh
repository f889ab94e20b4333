#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model in shell. No shell can accept a connection, so listen.pl (perl-base, part of every Debian) does that and
# nothing else; HTTP and the model are in answer.bash.
set -eu
exec perl listen.pl bash ./answer.bash
