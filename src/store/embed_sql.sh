#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed_sql.sh OUT FILE...: the migrations NNNN_name.sql as C arrays, in the order of their numbers. Bytes and
# not string literals, because a portable string literal ends at 4095 characters. Fails on a gap in the numbers.
set -eu
LC_ALL=C
export LC_ALL

out=$1
shift
tmp=$out.tmp
trap 'rm -f "$tmp"' EXIT
mkdir -p "$(dirname "$out")"

files=$(for file; do printf '%s\n' "$file"; done | sort)
next=1
table=
: >"$tmp"
for file in $files; do
    base=$(basename "$file" .sql)
    number=$(printf '%s' "$base" | sed -n 's/^0*\([0-9][0-9]*\)_[a-z0-9_]*$/\1/p')
    if [ "$number" != "$next" ]; then
        echo "embed_sql.sh: expected migration number $next in the form NNNN_name.sql, found $base" >&2
        exit 1
    fi
    {
        echo "static const unsigned char migration_$number[] = {"
        od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
        echo "0x00};"
    } >>"$tmp"
    table="$table    {$number, \"$base\", migration_$number},
"
    next=$((next + 1))
done
if [ "$next" = 1 ]; then
    echo "embed_sql.sh: no migrations" >&2
    exit 1
fi
{
    echo "static const struct migration migrations[] = {"
    printf '%s' "$table"
    echo "};"
} >>"$tmp"
mv "$tmp" "$out"
