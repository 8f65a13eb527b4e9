#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks commit.pml with spin, exhaustively: the protocol as it is must hold every property, and each deliberate fault
# must break the property that is there against it. "run.sh --long" adds larger bounds, for minutes and gigabytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=$here/commit.pml
command -v spin >/dev/null || { echo "model: no spin; ./dev installs it" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
passed=0
failed=0

pass() { passed=$((passed + 1)); printf 'ok      %s\n' "$*"; }
fail() { failed=$((failed + 1)); printf 'FAILED  %s\n' "$*"; }

# build NAME "C FLAGS" SPIN_FLAGS...: $work/NAME/pan
build() {
    folder=$work/$1
    c_flags=$2
    shift 2
    mkdir "$folder"
    (cd "$folder" && spin "$@" -a "$model" >spin.log 2>&1) || { cat "$folder/spin.log"; exit 1; }
    # Generated code: its warnings are spin's.
    # shellcheck disable=SC2086
    (cd "$folder" && "${CC:-gcc}" -O1 -w -DNOREDUCE $c_flags -o pan pan.c)
}

# Figures of the last run in FOLDER.
figures() {
    awk '/states, stored/ {s = $1} /depth reached/ {sub(",", "", $6); d = $6} /total actual memory/ {m = $1}
         /elapsed time/ {t = $4} END {printf "%s states, depth %s, %.0f MB, %s s", s, d, m, t}' "$1/out"
}

# search FOLDER ARGS...: runs it; false unless all states were visited and nothing was wrong.
search() {
    folder=$1
    shift
    (cd "$folder" && ./pan -m1000000 "$@" >out 2>&1) || return 1
    grep -q 'errors: 0' "$folder/out" && ! grep -qE 'not completed|out of memory|max search depth|MEMLIM' "$folder/out"
}

# good NAME "C FLAGS" SPIN_FLAGS...: the protocol as it is.
good() {
    name=$1
    c_flags=$2
    shift 2
    slug=$(echo "$name" | tr -c 'a-z0-9\n' '_')
    build "$slug" "-DSAFETY $c_flags" "$@"
    if search "$work/$slug"; then
        pass "$name: $(figures "$work/$slug")"
    else
        fail "$name: $(grep -E '^pan:|errors:' "$work/$slug/out" | tr '\n' ' ')"
        echo "        to see it: cd to an empty folder; spin $* -a $model; gcc -w -DSAFETY -DNOREDUCE -o pan pan.c;"
        echo "        ./pan -m1000000; ./pan -r -n"
    fi
}

# Cells that an honest world does not reach: alarms (the property no_alarm says so), and ACKs of what was not committed.
never="coordinator NONE ACK
coordinator COLLECTING ACK
coordinator PAST ACK
coordinator ABORTED ACK
coordinator COMMITTED NO
coordinator ENDED NO
participant NONE COMMIT
participant PREPARING COMMIT
participant REFUSED COMMIT
participant ABORTED COMMIT
participant COMMITTED ABORT"

# Each row of the tables is used by the model, but for those.
cells_are_visited() {
    sed -n 's/^ *T(\([a-z]*\), \([A-Z]*\), \([A-Z]*\), [a-z_]*)$/\1 \2 \3/p' "$here"/*.pml | sort >"$work/cells"
    cat "$work"/*/out | sed -n 's/^cell //p' | sort -u >"$work/visited"
    echo "$never" | sort >"$work/never"
    comm -23 "$work/cells" "$work/visited" >"$work/unvisited"
    if [ -s "$work/visited" ] && cmp -s "$work/unvisited" "$work/never"; then
        pass "cells: $(wc -l <"$work/visited") of $(wc -l <"$work/cells") visited, the others are for a dishonest world"
    else
        fail "cells: these differ from the list of those that are never reached:"
        diff "$work/unvisited" "$work/never" || true
    fi
}

good "three nodes" -DMEMLIM=2000 -DVISITS
good "three nodes, states without a writer" -DMEMLIM=2000 -DVISITS -DLATER_STATES
good "three nodes, mail lost for good, mail left over" -DMEMLIM=2000 -DLOSSY -DPROMPT -DWITNESSED
good "four nodes, safety" -DMEMLIM=2000 -DN=3 -DSAFETY_ONLY -DPROMPT -DWITNESSED
cells_are_visited
if [ "${1:-}" = --long ]; then
    good "four nodes" "-DMEMLIM=8000 -DCOLLAPSE" -DN=3 -DPROMPT -DWITNESSED
    good "four nodes, safety, crash between record and send" "-DMEMLIM=8000 -DCOLLAPSE" -DN=3 -DSAFETY_ONLY -DWITNESSED
    good "three nodes, mail lost for good, gates" "-DMEMLIM=8000 -DCOLLAPSE" -DLOSSY -DPROMPT
fi

# One program for all deliberate faults; without any it also proves that the end comes (LTL, acceptance cycles).
build mutations -DMEMLIM=2000 -DMUTATIONS -DLIVENESS
if MUTATION=0 PROPERTY=all search "$work/mutations" -a; then
    pass "three nodes, [] (healed -> <> all_decided): $(figures "$work/mutations")"
else
    fail "liveness: $(grep -E '^pan:|errors:' "$work/mutations/out" | tr '\n' ' ')"
fi

# mutation NUMBER PROPERTY TEXT
mutation() {
    number=$1
    property=$2
    text=$3
    case $property in
    it_ends) sign='acceptance cycle' ;;
    *) sign="assertion violated $property " ;;
    esac
    MUTATION=$number PROPERTY=$property search "$work/mutations" -a || true
    if grep -q "^pan:1: $sign" "$work/mutations/out"; then
        pass "mutation $number: $text -> $property"
    else
        fail "mutation $number: $text: $property still holds ($(figures "$work/mutations"))"
    fi
}

mutation 1 I1_agreement "a vote leaves before its record is durable"
mutation 2 I1_agreement "COMMIT leaves before its record is durable"
mutation 3 ended_is_known_to_all "an ACK leaves before its record is durable"
mutation 4 I9_no_early_release "a timer releases the hold of a doubt"
mutation 5 I1_agreement "a tombstone made by an inquiry is answered, not recorded"
mutation 6 no_hold_after_abort "a tombstone made by an ABORT is forgotten"
mutation 7 all_decided "the epoch is not renewed by a restart"
mutation 8 I2_all_prepared "what was begun before a restart is taken for committed"
mutation 9 I2_all_prepared "the coordinator does not wait for the last vote"
mutation 10 I1_agreement "a certificate with a vote missing is accepted"
mutation 11 I5_one_vote "NO after YES: a PREPARE that comes again is judged again"
mutation 12 I5_one_vote "YES after NO: what was refused is judged again"
mutation 13 I9_no_early_release "a bare word of an abort is believed"
mutation 14 I1_agreement "the deadline does not look at the state"
mutation 15 all_decided "there is no deadline"
mutation 16 all_decided "an abort is told once and never again"
mutation 17 I1_agreement "the record of a commit is removed at the first ACK"
mutation 18 ended_is_known_to_all "one ACK is taken for all"
mutation 19 all_decided "a doubt is not taken up again after a restart"
mutation 20 all_decided "a commit is not taken up again after a restart"
mutation 21 I3_decision_stands "what is committed and not ended is presumed aborted by a restart"
mutation 22 I5_one_vote "who is in doubt tells others that he refused"
mutation 23 I7_posted_once "a commit that comes again is posted again"
mutation 24 I8_holds_are_right "an abort leaves the money reserved"
mutation 25 I8_holds_are_right "the hold is only in memory"
mutation 26 I4_record_first "PREPARE leaves before BEGUN is recorded"
mutation 27 I3_decision_stands "what was aborted is prepared again"
mutation 28 I5_one_vote "a NO leaves without a record"
mutation 29 no_alarm "the record of a commit is removed as that of an abort is"
mutation 30 all_decided "the other participants are not asked"
mutation 31 all_decided "who aborted keeps the proof to himself"
mutation 32 it_ends "a late ACK is answered with a COMMIT"

# Every fault in the model has its line above.
in_model=$(cat "$here"/*.pml | grep -o 'MUTATED([0-9]*)' | sort -u | wc -l)
in_list=$(grep -c '^mutation [0-9]' "$0")
[ "$in_model" = "$in_list" ] && pass "mutations: $in_list" || fail "mutations: $in_model in the model, $in_list in the list"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
