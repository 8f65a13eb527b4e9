/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at what the checker knows, for the coverage: would this record hear that message, what was a node at when
 * it died. Nothing here judges.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

static bool is_same_digest(const struct ck_row *row, const uint8_t *digest) {
    return digest != NULL && memcmp(ck_row_digest(row, "digest"), digest, CK_DIGEST) == 0;
}

/* A txid without a record: of an epoch that this node had, and not beyond what it has given out. */
static bool was_issued(const struct ck *ck, size_t node, const char *txid) {
    char key[CK_KEY_MAX];
    unsigned epoch = 0;
    uint64_t seq = 0;
    (void)sscanf(txid, "%*[^/]/%u/%" SCNu64, &epoch, &seq);
    if (epoch == ck_epoch(ck, node))
        return (int64_t)seq < ck_row_int(ck_row_find(ck, node, "node", "1"), "next_seq");
    (void)snprintf(key, sizeof key, "%u", epoch);
    return epoch < ck_epoch(ck, node) && ck_row_find(ck, node, "epoch", key) != NULL;
}

bool ck_coord_hears(const struct ck *ck, size_t node, size_t from, const char *txid, const uint8_t *digest) {
    char key[CK_KEY_MAX];
    const struct ck_row *row = ck_row_find(ck, node, "coord", txid);
    if (row == NULL) return was_issued(ck, node, txid);
    (void)snprintf(key, sizeof key, "%s %s", txid, ck->nodes[from].name);
    return ck_row_find(ck, node, "vote", key) != NULL && is_same_digest(row, digest);
}

bool ck_part_hears(const struct ck *ck, size_t node, const char *txid, const uint8_t *digest) {
    const struct ck_row *row = ck_row_find(ck, node, "part", txid);
    return row == NULL || is_same_digest(row, digest);
}

bool ck_has(const struct ck *ck, size_t node, const char *table, const char *state) {
    const struct ck_row *row, *next;
    HASH_ITER(hh, ck->nodes[node].rows, row, next) {
        if (ck_row_is(row, table) && strcmp(ck_row_text(row, "state"), state) == 0) return true;
    }
    return false;
}

bool ck_is_writing(const struct ck *ck, size_t node, const char *table, const char *state) {
    const struct ck_node *of = &ck->nodes[node];
    for (size_t i = 0; i < of->n_changes; i++) {
        const struct ck_change *change = &of->changes[i];
        if (change->is_delete || !ck_row_is(change->row, table)) continue;
        if (state == NULL || strcmp(ck_row_text(change->row, "state"), state) == 0) return true;
    }
    return false;
}

bool ck_nth(const struct ck *ck, size_t node, const char *table, const char *state, unsigned n,
            char ret_txid[72]) {
    const struct ck_row *row, *next;
    HASH_ITER(hh, ck->nodes[node].rows, row, next) {
        if (!ck_row_is(row, table) || strcmp(ck_row_text(row, "state"), state) != 0 || n-- > 0) continue;
        (void)ck_row_txid(row, "txid", ret_txid);
        return true;
    }
    return false;
}
