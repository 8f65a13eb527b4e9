#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pure rooms call nothing outside themselves but this list: no clock, no randomness, no I/O, no malloc, no log.
set -eu
build=$2
bad=0
for room in protocol domain; do
    [ -f "$build/libgj_$room.a" ] || { echo "$build/libgj_$room.a is not built"; exit 1; }
    calls=$(nm -u "$build/libgj_$room.a" | awk '$1 == "U" {print $2}' | sort -u |
        grep -vE '^(gj_[a-z0-9_]+|mem(cpy|cmp|set|move|chr)|str(len|cmp|ncmp|chr|rchr)|bcmp|__mem(cpy|set|move)_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$' |
        grep -vE '^(__(asan|ubsan|tsan|gcov|sanitizer)_|_?_?gcov)' || true)
    if [ -n "$calls" ]; then
        echo "libgj_$room.a calls what a pure room must not:"
        echo "$calls"
        bad=1
    fi
done
exit $bad
