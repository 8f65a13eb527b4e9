#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The arrows between rooms: which room may include which, and which library's header belongs to one room only.
set -eu
cd "$1/src"
bad=0

# room: rooms it may include (itself always)
allowed() {
    case $1 in
    base) echo "" ;;
    wire) echo "base" ;;
    protocol) echo "wire base" ;;
    domain) echo "protocol wire base" ;;
    crypto) echo "wire base" ;;
    store) echo "domain protocol wire base" ;;
    conf) echo "crypto domain protocol wire base" ;;
    net) echo "base" ;;
    http) echo "wire base" ;;
    ops) echo "protocol wire base" ;;
    node) echo "ops conf http net store crypto domain protocol wire base" ;;
    cli) echo "conf net store crypto domain protocol wire base" ;;
    *) echo "" ;;
    esac
}

for room in */; do
    room=${room%/}
    files=$(find "$room" -name '*.[ch]' -o -name '*.def')
    # shellcheck disable=SC2086
    for target in $(grep -hoE '^#include "[a-z]+/' $files 2>/dev/null | sed 's/.*"//; s,/$,,' | sort -u); do
        [ "$target" = "$room" ] && continue
        case " $(allowed "$room") " in
        *" $target "*) ;;
        *) echo "src/$room must not include src/$target:"; grep -n "#include \"$target/" $files; bad=1 ;;
        esac
    done
done
# The two halves of the domain meet in books.h, and nowhere else.
if grep -nE '#include "domain/desk/' -r domain/books; then
    echo "src/domain/books must not include the desk"; bad=1
fi
if grep -nE '#include "domain/books/' -r domain/desk domain/*.[ch]; then
    echo "only domain/books.h is for others"; bad=1
fi

# header pattern: rooms that may have it
only_in() {
    pattern=$1
    shift
    for file in $(grep -rlE "#include <$pattern" . 2>/dev/null); do
        room=$(echo "$file" | cut -d/ -f2)
        case " $* " in
        *" $room "*) ;;
        *) echo "$file must not include <$pattern>: only in $*"; bad=1 ;;
        esac
    done
}
only_in 'zmq' net
only_in 'openssl' crypto
only_in 'microhttpd' http
only_in 'sqlite3' store
only_in 'msgpack' wire
only_in 'yaml' conf
only_in 'jansson' http cli
for clock in base wire protocol domain; do
    if grep -nE '#include <(time|unistd|sys/|pthread|stdio|stdlib|errno)' -rH "$clock" | grep -vE '^base/(check\.c|store\.c:.*<stdio)'; then
        echo "src/$clock is pure: no system headers"; bad=1
    fi
done
exit $bad
