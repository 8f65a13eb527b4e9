/* SPDX-License-Identifier: Apache-2.0
 *
 * A store that goes back in time: the checker's copy of it goes with it. What the node has forgotten is true as long as
 * any other store holds it, and must come back; what none holds never happened. A word that was said and that nobody
 * holds counts no longer: it is of an epoch that is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "private.h"
#include "store/store.h"

struct ck_image {
    struct ck_row *rows;
    struct ck_sum *accounts, *entries, *usage;
};

/* --- copies ----------------------------------------------------------------------------------------------- */
static struct ck_row *copy_rows(struct ck_row *from) {
    struct ck_row *copy = NULL, *row, *next;
    HASH_ITER(hh, from, row, next) {
        struct ck_row *one = ck_row_new(row->table, row->rec);
        HASH_ADD_STR(copy, key, one);
    }
    return copy;
}

static void free_rows(struct ck_row **rows) {
    struct ck_row *row, *next;
    HASH_ITER(hh, *rows, row, next) {
        HASH_DEL(*rows, row);
        ck_row_free(row);
    }
}

static struct ck_sum *copy_sums(struct ck_sum *from) {
    struct ck_sum *copy = NULL, *sum, *next;
    HASH_ITER(hh, from, sum, next) {
        struct ck_sum *one = ck_sum_of(&copy, sum->key);
        one->fen = sum->fen;
        one->held_fen = sum->held_fen;
        one->n = sum->n;
    }
    return copy;
}

struct ck_image *ck_image_take(const struct ck *ck, size_t node) {
    const struct ck_node *of = &ck->nodes[node];
    struct ck_image *image = calloc(1, sizeof *image);
    GJ_ASSERT(image != NULL);
    image->rows = copy_rows(of->rows);
    image->accounts = copy_sums(of->accounts);
    image->entries = copy_sums(of->entries);
    image->usage = copy_sums(of->usage);
    return image;
}

void ck_image_free(struct ck_image **image_p) {
    struct ck_image *image = *image_p;
    if (image == NULL) return;
    *image_p = NULL;
    free_rows(&image->rows);
    ck_sums_free(&image->accounts);
    ck_sums_free(&image->entries);
    ck_sums_free(&image->usage);
    free(image);
}

void ck_image_write(const struct ck_image *image, struct gj_store *store) {
    struct ck_row *row, *next;
    HASH_ITER(hh, image->rows, row, next) {
        gj_store_put(store, row->table, row->rec);
    }
}

/* --- what is known -------------------------------------------------------------------------------------------- */
static bool is_word(const char *state, const char *a, const char *b) {
    return strcmp(state, a) == 0 || strcmp(state, b) == 0;
}

bool ck_is_known(const struct ck *ck, const struct ck_tx *tx, bool committed, size_t but) {
    for (size_t i = 0; i < ck->n; i++) {
        if (i == but) continue;
        const char *part = ck_part_state(ck, i, tx->txid), *coord = ck_coord_state(ck, i, tx->txid);
        if (committed && (strcmp(part, "COMMITTED") == 0 || is_word(coord, "COMMITTED", "ENDED")))
            return true;
        if (!committed && (is_word(part, "ABORTED", "REFUSED") || strcmp(coord, "ABORTED") == 0)) return true;
    }
    return false;
}

/* Only its coordinator keeps votes; who has decided by a NO keeps that. */
bool ck_vote_is_known(const struct ck *ck, const struct ck_tx *tx, size_t node) {
    char key[CK_KEY_MAX];
    bool yes = tx->vote[node] == 'Y';
    (void)snprintf(key, sizeof key, "%s %s", tx->txid, ck->nodes[node].name);
    const struct ck_row *vote = ck_row_find(ck, tx->coordinator, "vote", key);
    if (strcmp(ck_row_text(vote, "vote"), yes ? "YES" : "NO") == 0) return true;
    return ck_is_known(ck, tx, yes, node);
}

bool ck_is_lost_at(const struct ck *ck, const struct ck_tx *tx, size_t node) {
    return tx->is_loose && ck->nodes[node].n_restores > 0;
}

/* --- going back ----------------------------------------------------------------------------------------------- */
static const char *state_in(struct ck_row *rows, const char *table, const char *txid) {
    char key[CK_KEY_MAX];
    struct ck_row *row;
    (void)snprintf(key, sizeof key, "%s %s", table, txid);
    HASH_FIND_STR(rows, key, row);
    return ck_row_text(row, "state");
}

static void forget(struct ck *ck, size_t node, const struct ck_image *image, struct ck_tx *tx) {
    const char *part = state_in(image->rows, "part", tx->txid),
               *coord = state_in(image->rows, "coord", tx->txid);
    const char *part_was = ck_part_state(ck, node, tx->txid), *coord_was = ck_coord_state(ck, node, tx->txid);
    if (strcmp(part, part_was) == 0 && strcmp(coord, coord_was) == 0) return;
    tx->is_loose = true;
    tx->had_prepared[node] = tx->had_prepared[node] || tx->was_prepared[node];
    tx->was_prepared[node] = is_word(part, "PREPARED", "COMMITTED") || strcmp(part, "ABORTED") == 0;
    tx->is_refused[node] = strcmp(part, "REFUSED") == 0;
    if (is_word(coord_was, "COMMITTED", "ENDED") && !is_word(coord, "COMMITTED", "ENDED"))
        ck_uncount_refunds(ck, tx);
}

void ck_image_put_back(struct ck *ck, size_t node, const struct ck_image *image) {
    struct ck_node *of = &ck->nodes[node];
    struct ck_tx *tx, *next;
    ck_rollback(ck, node);
    of->in_doubt = false;
    of->n_restores++;
    HASH_ITER(hh, ck->txs, tx, next) {
        forget(ck, node, image, tx);
    }
    free_rows(&of->rows);
    ck_sums_free(&of->accounts);
    ck_sums_free(&of->entries);
    ck_sums_free(&of->usage);
    of->rows = copy_rows(image->rows);
    of->accounts = copy_sums(image->accounts);
    of->entries = copy_sums(image->entries);
    of->usage = copy_sums(image->usage);
}
