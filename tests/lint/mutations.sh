#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each mutation of tests/sim/mutations applies to exactly one place of today's source, and has its row in the table.
set -eu
cd "$1"
exec python3 -B tests/sim/mutate.py --check
