/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold when the faults have stopped: everything is decided everywhere, nothing is held, both ends of
 * each pair of regions agree, both sides of each binding say the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

/* A record that asks for more: its table, the field that says so, the words that do. NULL field: its being there; no
 * words: a flag. */
static const struct open_record {
    const char *table, *field, *words[3];
} open_records[] = {
    {"part", "state", {"PREPARED", "PREPARING", "RESOLVED"}},
    {"coord", "state", {"BEGUN", "COMMITTED"}},
    {"hold", NULL, {NULL}},
    {"replayed", NULL, {NULL}},
    {"resync", NULL, {NULL}},
    {"node", "resync", {NULL}},
    {"notice", NULL, {NULL}},
    {"request", "state", {"OPEN"}},
    {"request", "reversal", {"reversing"}},
    {"settlement", "state", {"reversing"}},
    {"binding", "state", {"pending"}},
    {"bound", "state", {"reversing"}},
};

static bool is_open(const struct ck_row *row) {
    for (size_t i = 0; i < sizeof open_records / sizeof open_records[0]; i++) {
        const struct open_record *of = &open_records[i];
        if (!ck_row_is(row, of->table)) continue;
        if (of->field == NULL) return true;
        if (of->words[0] == NULL && ck_row_int(row, of->field) != 0) return true;
        for (size_t k = 0; k < 3 && of->words[k] != NULL; k++)
            if (strcmp(ck_row_text(row, of->field), of->words[k]) == 0) return true;
    }
    return false;
}

const char *ck_unfinished(struct ck *ck) {
    ck->unfinished[0] = '\0';
    for (size_t i = 0; i < ck->n; i++) {
        const struct ck_row *row, *next;
        if (ck->nodes[i].lies) continue;
        HASH_ITER(hh, ck->nodes[i].rows, row, next) {
            if (!is_open(row) || ck_waits_for_a_liar(ck, row) || ck_is_case_row(ck, i, row)) continue;
            (void)snprintf(ck->unfinished, sizeof ck->unfinished, "%s: %s", ck->nodes[i].name, row->key);
            return ck->unfinished;
        }
    }
    return "";
}

/* I7: what one region owes another is what the other is owed. */
static void check_pairs(struct ck *ck) {
    struct ck_sum *pairs = NULL;
    for (size_t i = 0; i < ck->n; i++) {
        int64_t all = 0;
        const struct ck_sum *sum, *next;
        HASH_ITER(hh, ck->nodes[i].accounts, sum, next) {
            all += sum->fen;
            if (sum->key[0] == 'R') ck_sum_of(&pairs, sum->key)->fen += sum->fen;
        }
        if (all != 0) ck_fail(ck, "I7", i, NULL, "the ledger sums to %" PRId64, all);
    }
    ck_add_released(ck, &pairs);
    const struct ck_sum *pair, *next;
    HASH_ITER(hh, pairs, pair, next) {
        if (pair->fen != 0 && !ck_is_liars_pair(ck, pair->key) && !ck_is_case_pair(ck, pair->key))
            ck_fail(ck, "I7", 0, NULL, "the two ends of %s differ by %" PRId64, pair->key, pair->fen);
    }
    ck_sums_free(&pairs);
}

static void check_outcome(struct ck *ck, const struct ck_tx *tx) {
    const char *state = ck_coord_state(ck, tx->coordinator, tx->txid);
    bool committed = strcmp(state, "ENDED") == 0;
    if (ck_txid_is_liars(ck, tx->txid) || ck_is_case_anywhere(ck, tx)) return;
    for (size_t i = 0; i < ck->n; i++) {
        if (ck->nodes[i].lies || tx->is_released[i]) continue;
        const char *part = ck_part_state(ck, i, tx->txid);
        bool is_known = strcmp(part, "COMMITTED") == 0 || strcmp(part, "COLLECTED") == 0;
        if (committed && ck_tx_lists(tx, i) && !is_known)
            ck_fail(ck, "I1", i, tx->txid, "committed, and \"%s\" here", part);
        if (!committed && strcmp(part, "COMMITTED") == 0)
            ck_fail(ck, "I1", i, tx->txid, "COMMITTED here, \"%s\" at its coordinator", state);
    }
}

/* Both homes of a relation tell the same story. */
static void check_binding(struct ck *ck, size_t node, const struct ck_row *row) {
    char key[CK_KEY_MAX], txid[72];
    bool is_payer = strcmp(ck_row_text(row, "side"), "payer") == 0;
    (void)snprintf(key, sizeof key, "%s %s", ck_row_text(row, "binding_id"),
                   is_payer ? "recipient" : "payer");
    for (size_t i = 0; i < ck->n; i++) {
        const struct ck_row *other = ck_row_find(ck, i, "binding", key);
        if (other == NULL) continue;
        if (ck->nodes[i].lies) return;
        if (strcmp(ck_row_text(row, "state"), ck_row_text(other, "state")) != 0)
            ck_fail(ck, "end", node, ck_row_txid(row, "txid", txid), "%s is %s, the other side, at %s, %s",
                    row->key, ck_row_text(row, "state"), ck->nodes[i].name, ck_row_text(other, "state"));
        return;
    }
    /* Made by hand, and the truth was an abort: it has ended here and was never anywhere else. */
    const char *part = ck_part_state(ck, node, ck_row_txid(row, "txid", txid));
    if (strcmp(ck_row_text(row, "state"), "ended") == 0 && strcmp(part, "ABORTED") == 0) return;
    ck_fail(ck, "end", node, NULL, "%s has no other side", row->key);
}

void ck_end(struct ck *ck) {
    for (size_t i = 0; i < ck->n; i++) {
        const struct ck_row *row, *next;
        HASH_ITER(hh, ck->nodes[i].rows, row, next) {
            if (is_open(row) && !ck->nodes[i].lies && !ck_waits_for_a_liar(ck, row) &&
                !ck_is_case_row(ck, i, row))
                ck_fail(ck, "end", i, NULL, "left undone: %s", row->key);
        }
    }
    check_pairs(ck);
    const struct ck_tx *tx, *next_tx;
    HASH_ITER(hh, ck->txs, tx, next_tx) {
        check_outcome(ck, tx);
    }
    for (size_t i = 0; i < ck->n; i++) {
        const struct ck_row *row, *next;
        HASH_ITER(hh, ck->nodes[i].rows, row, next) {
            if (ck_row_is(row, "binding") && !ck->nodes[i].lies && !ck_is_liars_relation(ck, row) &&
                !ck_is_case_row(ck, i, row))
                check_binding(ck, i, row);
        }
    }
}
