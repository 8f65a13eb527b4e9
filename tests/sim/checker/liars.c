/* SPDX-License-Identifier: Apache-2.0
 *
 * What the checker asks of a world with a liar in it. His own records are true, for his engine is honest; his words
 * are not. What he coordinates is a transaction of its own at each node that hears of it: they need not agree. But no
 * honest node may ever do by his word what he cannot prove, or what breaks its own books.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "private.h"

void ck_set_liar(struct ck *ck, size_t node, const char *const *regions, size_t n_regions) {
    ck->nodes[node].lies = true;
    ck->liar_regions = regions;
    ck->n_liar_regions = n_regions;
}

void ck_set_lame(struct ck *ck) {
    ck->is_lame = true;
}

bool ck_is_lame(const struct ck *ck) {
    bool is_lame = ck->is_lame;
    for (size_t i = 0; i < ck->n; i++)
        is_lame = is_lame || (ck->nodes[i].lies && ck_in_resync(ck, i));
    return is_lame;
}

bool ck_txid_is_liars(const struct ck *ck, const char *txid) {
    for (size_t i = 0; i < ck->n; i++) {
        size_t len = strlen(ck->nodes[i].name);
        if (ck->nodes[i].lies && strncmp(txid, ck->nodes[i].name, len) == 0 && txid[len] == '/') return true;
    }
    return false;
}

struct ck_tx *ck_tx_at(struct ck *ck, size_t node, const char *txid) {
    char key[CK_KEY_MAX];
    if (ck->nodes[node].lies || !ck_txid_is_liars(ck, txid)) return ck_tx_get(ck, txid);
    (void)snprintf(key, sizeof key, "%s %s", ck->nodes[node].name, txid);
    return ck_tx_by_key(ck, key, txid);
}

bool ck_tx_is_tainted(const struct ck *ck, const struct ck_tx *tx) {
    bool is_tainted = ck_txid_is_liars(ck, tx->txid);
    for (uint32_t i = 0; i < tx->n_participants; i++) {
        size_t who = tx->participants[i];
        is_tainted = is_tainted || tx->is_released[who] || ck->nodes[who].lies;
    }
    return is_tainted;
}

/* --- decisions ------------------------------------------------------------------------------------------ */
static void one_of_each_key(struct ck *ck, size_t node, const struct ck_tx *tx) {
    char key[CK_KEY_MAX];
    struct ck_biz *biz;
    (void)snprintf(key, sizeof key, "%s %s|%s", ck->nodes[node].name, tx->sender, tx->msgid);
    HASH_FIND_STR(ck->biz, key, biz);
    if (biz != NULL) {
        ck_fail(ck, "I6", node, tx->txid, "%s was committed as %s", key, biz->txid);
        return;
    }
    biz = calloc(1, sizeof *biz);
    GJ_ASSERT(biz != NULL);
    (void)snprintf(biz->key, sizeof biz->key, "%s", key);
    (void)snprintf(biz->txid, sizeof biz->txid, "%s", tx->txid);
    HASH_ADD_STR(ck->biz, key, biz);
}

void ck_liars_decision(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row,
                       bool committed) {
    struct gj_slice proof = ck_row_bin(row, "proof");
    if (!committed) return; /* that there is a proof was looked at, and nobody has to agree */
    for (uint32_t i = 0; i < tx->n_participants; i++) {
        size_t who = tx->participants[i];
        if (ck->nodes[who].lies) continue;
        const struct ck_tx *theirs = ck_tx_at(ck, who, tx->txid);
        if (!theirs->was_prepared[who] || memcmp(theirs->digest, tx->digest, CK_DIGEST) != 0)
            ck_fail(ck, "I2", node, tx->txid, "committed by a liar's word, and %s was never ready for this",
                    ck->nodes[who].name);
    }
    one_of_each_key(ck, node, tx);
    if (!ck_parcel_read(proof.ptr, proof.len, &ck->parcel) || ck->parcel.n != 1) return;
    ck_certificate(ck, node, tx, ck->parcel.items[0].body);
}

void ck_liars_refusal(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row) {
    struct gj_slice proof = ck_row_bin(row, "proof");
    if (!ck_parcel_read(proof.ptr, proof.len, &ck->evidence) || ck->evidence.n != 1) return;
    size_t signer = ck_node_of(ck, ck->evidence.sender);
    if (signer == ck->n || !ck->nodes[signer].lies || signer == tx->coordinator) return;
    tx->is_released[node] = ck->has_split = true;
}

/* --- the end -------------------------------------------------------------------------------------------- */
/* Bound here and aborted there, by one liar's two words: there is nobody who could acknowledge its end. */
static bool is_of_a_liars_binding(const struct ck *ck, const struct ck_row *notice) {
    static const char *const sides[] = {"payer", "recipient"};
    char key[CK_KEY_MAX], txid[72];
    for (size_t i = 0; i < ck->n * 2; i++) {
        (void)snprintf(key, sizeof key, "%s %s", ck_row_text(notice, "binding_id"), sides[i % 2]);
        const struct ck_row *row = ck_row_find(ck, i / 2, "binding", key);
        if (row != NULL && ck_txid_is_liars(ck, ck_row_txid(row, "txid", txid))) return true;
    }
    return false;
}

bool ck_waits_for_a_liar(struct ck *ck, const struct ck_row *row) {
    char txid[72];
    bool is_crippled = ck_is_lame(ck) || ck->has_split;
    if (ck_row_is(row, "part") || ck_row_is(row, "hold") || ck_row_is(row, "binding"))
        return ck_txid_is_liars(ck, ck_row_txid(row, "txid", txid));
    if (ck_row_is(row, "notice")) {
        size_t who = ck_node_of(ck, ck_row_text(row, "node"));
        return (is_crippled && who < ck->n && ck->nodes[who].lies) || is_of_a_liars_binding(ck, row);
    }
    if (!ck_row_is(row, "coord")) return is_crippled;
    const struct ck_tx *tx = ck_tx_find(ck, ck_row_txid(row, "txid", txid));
    return is_crippled && tx != NULL && strcmp(ck_row_text(row, "state"), "COMMITTED") == 0 &&
           ck_tx_is_tainted(ck, tx);
}

bool ck_is_liars_pair(const struct ck *ck, const char *key) {
    for (size_t i = 0; i < ck->n_liar_regions; i++)
        if (strstr(key, ck->liar_regions[i]) != NULL) return true;
    return false;
}

bool ck_is_liars_relation(const struct ck *ck, const struct ck_row *row) {
    char txid[72];
    const struct ck_tx *tx = ck_tx_find(ck, ck_row_txid(row, "txid", txid));
    return ck_txid_is_liars(ck, txid) || (tx != NULL && ck_tx_is_tainted(ck, tx));
}

void ck_add_released(const struct ck *ck, struct ck_sum **pairs) {
    char key[CK_KEY_MAX];
    const struct ck_tx *tx, *next;
    HASH_ITER(hh, ck->txs, tx, next) {
        bool is_refund = strcmp(tx->kind, "refund") == 0;
        for (uint32_t i = 0; i < tx->n_legs && tx->is_committed; i++) {
            const struct ck_leg *leg = &tx->legs[i];
            size_t node = ck_node_of(ck, leg->node);
            if (node == ck->n || !tx->is_released[node]) continue;
            (void)snprintf(key, sizeof key, "R/%s/%s", is_refund ? leg->to : leg->from,
                           is_refund ? leg->from : leg->to);
            ck_sum_of(pairs, key)->fen += is_refund ? -leg->fen : leg->fen;
        }
    }
}
