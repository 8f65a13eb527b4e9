#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every seed of a list again that once found a bug: regressions.sh GONGJI-SIM LIST. A line of the list is
# "SEED OPTIONS # what it was".
sim=$1
failed=0
while IFS='#' read -r run what; do
    [ -n "$run" ] || continue
    # shellcheck disable=SC2086
    set -- $run
    seed=$1
    shift
    if ! "$sim" --seed "$seed" "$@" --no-minimise --quiet; then
        echo "again: seed $seed:$what"
        failed=1
    fi
done <"$2"
exit $failed
