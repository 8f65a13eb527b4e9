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

bool ck_tx_is_unheard(const struct ck *ck, const struct ck_tx *tx) {
    if (!ck_is_lost_at(ck, tx, tx->coordinator) || ck->nodes[tx->coordinator].is_in_old_epoch) return false;
    for (size_t i = 0; i < ck->n; i++)
        if (i != tx->coordinator && ck_part_state(ck, i, tx->txid)[0] != '\0') return false;
    return true;
}

void ck_tx_reset(struct ck_tx *tx) {
    struct ck_tx fresh = {.coordinator = tx->coordinator, .epoch = tx->epoch, .hh = tx->hh};
    (void)snprintf(fresh.key, sizeof fresh.key, "%s", tx->key);
    (void)snprintf(fresh.txid, sizeof fresh.txid, "%s", tx->txid);
    *tx = fresh;
}

/* --- what cannot come back ---------------------------------------------------------------------------------- */
static bool has_leg_at(const struct ck *ck, const struct ck_tx *tx, size_t node) {
    for (uint32_t i = 0; i < tx->n_legs; i++)
        if (ck_node_of(ck, tx->legs[i].node) == node) return true;
    return false;
}

static bool rests_on_a_case(const struct ck *ck, const struct ck_tx *tx, size_t node) {
    for (uint32_t i = 0; i < tx->n_legs; i++) {
        const struct ck_tx *original = tx->legs[i].is_refund ? ck_tx_find(ck, tx->legs[i].original) : NULL;
        if (original != NULL && ck_is_case(ck, original, node)) return true;
    }
    return false;
}

bool ck_is_case(const struct ck *ck, const struct ck_tx *tx, size_t node) {
    if (!ck_is_lost_at(ck, tx, node)) return false;
    if (node != tx->coordinator && ck_is_lost_at(ck, tx, tx->coordinator)) return true;
    size_t home = ck_node_of(ck, tx->home);
    bool is_copied = home != ck->n && home != node && !ck_is_lost_at(ck, tx, home);
    if (node == tx->coordinator && has_leg_at(ck, tx, node) && !is_copied) return true;
    return rests_on_a_case(ck, tx, node);
}

bool ck_is_case_anywhere(const struct ck *ck, const struct ck_tx *tx) {
    for (size_t i = 0; i < ck->n && tx->is_loose; i++)
        if (ck_is_case(ck, tx, i)) return true;
    return false;
}

/* A refund that nobody else knows of is money that later draws may have rested on. */
static bool lacks_a_refund(const struct ck *ck, size_t node) {
    const struct ck_tx *tx, *next;
    HASH_ITER(hh, ck->txs, tx, next) {
        if (strcmp(tx->kind, "refund") == 0 && ck_is_case(ck, tx, node)) return true;
    }
    return false;
}

void ck_case_opened(struct ck *ck, size_t node, const char *txid) {
    if (ck->nodes[node].lies) return; /* what was said with its key its engine may never have held */
    const struct ck_tx *tx = ck_tx_find(ck, txid);
    if (tx == NULL || !(ck_is_case(ck, tx, node) || lacks_a_refund(ck, node)))
        ck_fail(ck, "case", node, txid, "a case is opened, and others' stores hold all of it");
}

/* Of a binding that the other home has lost for good. */
static bool is_case_notice(const struct ck *ck, size_t node, const struct ck_row *notice) {
    static const char *const sides[] = {"payer", "recipient"};
    char key[CK_KEY_MAX], txid[72];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(key, sizeof key, "%s %s", ck_row_text(notice, "binding_id"), sides[i]);
        const struct ck_row *row = ck_row_find(ck, node, "binding", key);
        const struct ck_tx *tx = row == NULL ? NULL : ck_tx_find(ck, ck_row_txid(row, "txid", txid));
        if (tx != NULL && ck_is_case_anywhere(ck, tx)) return true;
    }
    return false;
}

bool ck_is_case_row(const struct ck *ck, size_t node, const struct ck_row *row) {
    char txid[72];
    if (ck_row_is(row, "notice")) return is_case_notice(ck, node, row);
    bool is_clients = ck_row_is(row, "settlement") || ck_row_is(row, "request") || ck_row_is(row, "bound");
    if (is_clients && ck->nodes[node].n_restores > 0 && lacks_a_refund(ck, node)) return true;
    bool is_own = ck_row_is(row, "replayed") || ck_row_is(row, "request");
    bool names_tx = is_own || ck_row_is(row, "coord") || ck_row_is(row, "binding");
    const struct ck_tx *tx = names_tx ? ck_tx_find(ck, ck_row_txid(row, "txid", txid)) : NULL;
    if (tx == NULL) return false;
    return is_own ? ck_is_case(ck, tx, node) : ck_is_case_anywhere(ck, tx);
}

bool ck_is_case_request(const struct ck *ck, size_t node, const char *sender, const char *msgid) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %s", sender, msgid);
    const struct ck_row *row = ck_row_find(ck, node, "request", key);
    if (ck->nodes[node].n_restores > 0 && lacks_a_refund(ck, node)) return true;
    return row != NULL && strcmp(ck_row_text(row, "state"), "OPEN") == 0 && ck_is_case_row(ck, node, row);
}

bool ck_is_case_pair(const struct ck *ck, const char *key) {
    char pair[CK_KEY_MAX];
    const struct ck_tx *tx, *next;
    HASH_ITER(hh, ck->txs, tx, next) {
        bool is_case = ck_is_case_anywhere(ck, tx);
        for (uint32_t i = 0; i < tx->n_legs && is_case; i++) {
            const struct ck_leg *leg = &tx->legs[i];
            (void)snprintf(pair, sizeof pair, "R/%s/%s", leg->from, leg->to);
            if (strcmp(pair, key) == 0) return true;
            (void)snprintf(pair, sizeof pair, "R/%s/%s", leg->to, leg->from);
            if (strcmp(pair, key) == 0) return true;
        }
    }
    return false;
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

static void remember_heard(struct ck *ck, size_t node, const struct ck_image *image) {
    const struct ck_row *row, *next;
    memset(ck->nodes[node].heard, 0, sizeof ck->nodes[node].heard);
    HASH_ITER(hh, image->rows, row, next) {
        size_t peer = ck_row_is(row, "peer") ? ck_node_of(ck, ck_row_text(row, "node")) : ck->n;
        uint32_t epoch = peer < ck->n ? (uint32_t)ck_row_int(row, "epoch") : 0;
        if (peer < ck->n && epoch > ck->nodes[node].heard[peer]) ck->nodes[node].heard[peer] = epoch;
    }
}

bool ck_was_put_back(const struct ck *ck, size_t node) {
    return ck->nodes[node].n_restores > 0;
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
    remember_heard(ck, node, image);
    memset(of->last_epoch, 0, sizeof of->last_epoch);
    memset(of->last_id, 0, sizeof of->last_id);
    free_rows(&of->rows);
    ck_sums_free(&of->accounts);
    ck_sums_free(&of->entries);
    ck_sums_free(&of->usage);
    of->rows = copy_rows(image->rows);
    of->accounts = copy_sums(image->accounts);
    of->entries = copy_sums(image->entries);
    of->usage = copy_sums(image->usage);
}
