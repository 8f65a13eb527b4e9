#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sizes that keep a room liveable, licence lines, and words that admit something is missing.
set -eu
cd "$1"
bad=0
complain() { echo "$*"; bad=1; }

for room in src/*/ src/*/*/; do
    n=$(find "$room" -maxdepth 1 -name '*.c' | wc -l)
    [ "$n" -le 12 ] || complain "$room has $n .c files: 12 at most"
done
for room in src/*/; do
    [ -f "$room/README.md" ] || complain "$room has no README.md"
done
for file in $(find src tests -name '*.[ch]' -o -name '*.def'); do
    lines=$(wc -l <"$file")
    case $file in
    src/*.c) [ "$lines" -le 600 ] || complain "$file has $lines lines: 600 at most" ;;
    esac
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$file has no SPDX line"
    # Tables may be as wide as they are: lists, and what clang-format leaves alone.
    case $file in
    *.def) ;;
    *) awk -v f="$file" '/clang-format off/ {t=1} /clang-format on/ {t=0} !t && length($0) > 130 {printf "%s:%d: longer than 130\n", f, NR; b=1} END {exit b}' "$file" || bad=1 ;;
    esac
done
for script in dev .ci/run tests/lint/*; do
    [ -f "$script" ] || continue
    head -n 3 "$script" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$script has no SPDX line"
done
if grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' src tests --include='*.c' --include='*.h' --include='*.def' --include='*.py'; then
    complain "words that admit something is missing"
fi
# Functions that are never the right one, and a counted list of where they are.
if grep -rnE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|rand|alloca)\(' src; then
    complain "banned functions"
fi
# Functions longer than 60 lines: from the line that opens the body to its "}" in the first column.
for file in $(find src -name '*.c'); do
    awk -v f="$file" '/^[a-z].*\) \{$/ || /^\{$/ || /^ +[a-z].*\) \{$/ && !start && prev ~ /^[a-z]/ {start=NR} {prev=$0} /^\}/ && start {if (NR-start-1 > 60) {printf "%s:%d: function of %d lines: 60 at most\n", f, start, NR-start-1; b=1} start=0} END {exit b}' "$file" || bad=1
done
exit $bad
