#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every seed of a list again that once found a bug: regressions.sh GONGJI-SIM LIST. A line of the list is
# "SEED NODES FAULTS what it was"; NODES 0 and FAULTS "-" are as the seed says.
sim=$1
failed=0
while read -r seed nodes faults what; do
    case $seed in '' | '#'*) continue ;; esac
    set -- --seed "$seed" --nodes "$nodes"
    [ "$faults" = - ] || set -- "$@" --only "$faults"
    if ! "$sim" "$@" --no-minimise; then
        echo "again: seed $seed: $what"
        failed=1
    fi
done <"$2"
exit $failed
