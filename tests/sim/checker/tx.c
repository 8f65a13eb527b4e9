/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's transactions: one entry per txid for the whole system, fed by every node's records and words.
 * I1, I2, I3, I5, I6, I9, I13, I14, I17 are judged here, at the moment when a record becomes durable.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "private.h"

size_t ck_node_of(const struct ck *ck, const char *name) {
    for (size_t i = 0; i < ck->n; i++)
        if (strcmp(ck->nodes[i].name, name) == 0) return i;
    return ck->n;
}

struct ck_tx *ck_tx_find(const struct ck *ck, const char *txid) {
    struct ck_tx *tx;
    HASH_FIND_STR(ck->txs, txid, tx);
    return tx;
}

struct ck_tx *ck_tx_by_key(struct ck *ck, const char *key, const char *txid) {
    struct ck_tx *tx = ck_tx_find(ck, key);
    if (tx != NULL) return tx;
    tx = calloc(1, sizeof *tx);
    GJ_ASSERT(tx != NULL);
    (void)snprintf(tx->key, sizeof tx->key, "%s", key);
    (void)snprintf(tx->txid, sizeof tx->txid, "%s", txid);
    char name[32] = "";
    unsigned epoch = 0;
    (void)sscanf(txid, "%31[^/]/%u", name, &epoch);
    tx->coordinator = ck_node_of(ck, name);
    tx->epoch = epoch;
    HASH_ADD_STR(ck->txs, key, tx);
    return tx;
}

struct ck_tx *ck_tx_get(struct ck *ck, const char *txid) {
    return ck_tx_by_key(ck, txid, txid);
}

bool ck_tx_lists(const struct ck_tx *tx, size_t node) {
    for (uint32_t i = 0; i < tx->n_participants; i++)
        if (tx->participants[i] == node) return true;
    return false;
}

/* --- what a transaction is ------------------------------------------------------------------------------ */
void ck_tx_digest(struct ck *ck, size_t node, struct ck_tx *tx, const uint8_t *digest) {
    static const uint8_t none[CK_DIGEST];
    if (memcmp(tx->digest, none, CK_DIGEST) == 0) memcpy(tx->digest, digest, CK_DIGEST);
    if (memcmp(tx->digest, digest, CK_DIGEST) == 0) return;
    ck_fail(ck, "I13", node, tx->txid, "two digests under one txid");
}

static void read_leg(struct ck_leg *leg, struct mp from) {
    (void)mp_text(mp_get(from, "node"), leg->node, sizeof leg->node);
    (void)mp_text(mp_get(from, "from_region"), leg->from, sizeof leg->from);
    (void)mp_text(mp_get(from, "to_region"), leg->to, sizeof leg->to);
    leg->fen = mp_int(mp_get(from, "amount"));
}

void ck_tx_core(struct ck *ck, size_t node, struct ck_tx *tx, const uint8_t *core, size_t len) {
    struct mp map = mp_whole(core, len);
    uint8_t digest[CK_DIGEST] = {tx->digest[0] == 1 ? 1 : 2}; /* the simulator's keys have SHA-256 */
    char txid[72], name[32];
    ck_hash(digest[0], core, len, digest + 1);
    ck_tx_digest(ck, node, tx, digest);
    if (tx->has_core || ck->has_failed) return;
    tx->has_core = true;
    if (strcmp(mp_text(mp_get(map, "txid"), txid, sizeof txid), tx->txid) != 0)
        ck_fail(ck, "I13", node, tx->txid, "its core names %s", txid);
    (void)mp_text(mp_get(map, "kind"), tx->kind, sizeof tx->kind);
    (void)mp_text(mp_get(map, "sender"), tx->sender, sizeof tx->sender);
    (void)mp_text(mp_get(map, "msgid"), tx->msgid, sizeof tx->msgid);
    struct mp list = mp_get(map, "participants"), legs = mp_get(map, "legs");
    for (uint32_t i = 0; i < mp_count(list) && i < CK_PARTICIPANTS_MAX; i++) {
        size_t who = ck_node_of(ck, mp_text(mp_get(mp_at(list, i), "node"), name, sizeof name));
        if (who == ck->n || who == tx->coordinator || ck_tx_lists(tx, who))
            ck_fail(ck, "I13", node, tx->txid, "participant %s is unknown, the coordinator, or named twice",
                    name);
        tx->participants[tx->n_participants++] = who;
    }
    for (uint32_t i = 0; i < mp_count(legs) && i < CK_LEGS_MAX; i++)
        read_leg(&tx->legs[tx->n_legs++], mp_at(legs, i));
    ck->totals.legs += tx->n_legs;
}

void ck_tx_vote(struct ck *ck, size_t node, struct ck_tx *tx, bool yes) {
    char value = yes ? 'Y' : 'N';
    if (tx->vote[node] != value && ck_is_lost_at(ck, tx, node) && !ck_vote_is_known(ck, tx, node))
        tx->vote[node] = 0; /* it never arrived, and is of an epoch that is over */
    if (tx->vote[node] == 0) tx->vote[node] = value;
    if (tx->vote[node] != value)
        ck_fail(ck, "I5", node, tx->txid, "%s said %c before and says %c now", ck->nodes[node].name,
                tx->vote[node], value);
}

void ck_tx_decided(struct ck *ck, size_t node, struct ck_tx *tx, bool committed) {
    if (!committed && tx->is_released[node]) return; /* a liar's doing, and his signature is kept */
    if (committed && !tx->is_committed) tx->committed_by = node;
    if (!committed && !tx->is_aborted) tx->aborted_by = node;
    if (tx->is_loose && !committed && tx->is_committed && !ck_is_known(ck, tx, true, ck->n))
        tx->is_committed = false;
    if (tx->is_loose && committed && tx->is_aborted && !ck_is_known(ck, tx, false, ck->n))
        tx->is_aborted = false;
    tx->is_committed = tx->is_committed || committed;
    tx->is_aborted = tx->is_aborted || !committed;
    if (tx->is_committed && tx->is_aborted)
        ck_fail(ck, "I1", node, tx->txid, "committed by %s, aborted by %s", ck->nodes[tx->committed_by].name,
                ck->nodes[tx->aborted_by].name);
}

/* --- the coordinator's record --------------------------------------------------------------------------- */
uint32_t ck_epoch(const struct ck *ck, size_t node) {
    return (uint32_t)ck_row_int(ck_row_find(ck, node, "node", "1"), "boot_epoch");
}

const char *ck_request_state(const struct ck *ck, size_t node, const char *sender, const char *msgid) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %s", sender, msgid);
    return ck_row_text(ck_row_find(ck, node, "request", key), "state");
}

bool ck_in_resync(const struct ck *ck, size_t node) {
    return ck_row_int(ck_row_find(ck, node, "node", "1"), "resync") != 0;
}

uint32_t ck_heard_epoch(const struct ck *ck, size_t node, size_t peer) {
    return ck->nodes[node].heard[peer];
}

/* Without a record, and at or below the mark of its coordinator's epoch: it was collected. */
static bool is_collected(const struct ck *ck, size_t node, const char *txid) {
    char name[32] = "", key[CK_KEY_MAX];
    unsigned epoch = 0;
    int64_t seq = 0;
    if (sscanf(txid, "%31[^/]/%u/%" SCNd64, name, &epoch, &seq) != 3) return false;
    (void)snprintf(key, sizeof key, "%s %u", name, epoch);
    const struct ck_row *mark = ck_row_find(ck, node, "collected", key);
    return mark != NULL && seq <= ck_row_int(mark, "seq");
}

const char *ck_part_state(const struct ck *ck, size_t node, const char *txid) {
    const struct ck_row *row = ck_row_find(ck, node, "part", txid);
    return row == NULL && is_collected(ck, node, txid) ? "COLLECTED" : ck_row_text(row, "state");
}

const char *ck_coord_state(const struct ck *ck, size_t node, const char *txid) {
    return ck_row_text(ck_row_find(ck, node, "coord", txid), "state");
}

bool ck_tx_may_commit(const struct ck *ck, const struct ck_tx *tx) {
    const char *state = ck_coord_state(ck, tx->coordinator, tx->txid);
    if (strcmp(state, "COMMITTED") == 0 || strcmp(state, "ENDED") == 0) return true;
    if (strcmp(state, "BEGUN") != 0 || ck_epoch(ck, tx->coordinator) != tx->epoch) return false;
    for (uint32_t i = 0; i < tx->n_participants; i++)
        if (tx->is_refused[tx->participants[i]] && !ck->nodes[tx->participants[i]].lies) return false;
    return true;
}

static bool is_one_of(const char *state, const char *a, const char *b) {
    return strcmp(state, a) == 0 || strcmp(state, b) == 0;
}

/* What a refund undoes is in the details, which only its coordinator has whole. */
void ck_tx_originals(struct ck_tx *tx, const struct ck_row *row) {
    struct gj_slice bin = ck_row_bin(row, "legs");
    struct mp parts = mp_get(mp_whole(bin.ptr, bin.len), "legs");
    for (uint32_t i = 0; i < mp_count(parts); i++) {
        struct mp part = mp_at(parts, i);
        size_t len;
        const uint8_t *detail = mp_bytes(mp_get(part, "detail"), &len);
        struct mp map = mp_whole(detail, len);
        int64_t leg = mp_int(mp_get(part, "leg"));
        char type[32];
        if (leg < 0 || leg >= (int64_t)tx->n_legs) continue;
        struct ck_leg *of = &tx->legs[leg];
        of->is_refund = strcmp(mp_text(mp_get(map, "type"), type, sizeof type), "refund") == 0;
        if (strcmp(type, "consume") == 0 || strcmp(type, "unconsume") == 0)
            (void)snprintf(tx->home, sizeof tx->home, "%s", of->node);
        if (!of->is_refund) continue;
        (void)mp_text(mp_get(map, "original"), of->original, sizeof of->original);
        of->original_leg = (uint32_t)mp_int(mp_get(map, "original_leg"));
    }
}

static void coord_is_new(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *now) {
    struct gj_slice core = ck_row_bin(now, "core");
    if (tx->was_in_store && ck_tx_is_unheard(ck, tx)) ck_tx_reset(tx);
    bool is_adopted = ck_is_lost_at(ck, tx, node) && tx->was_in_store && tx->epoch < ck_epoch(ck, node) &&
                      strcmp(ck_row_text(now, "state"), "COMMITTED") == 0 && ck_is_known(ck, tx, true, node);
    if (tx->was_in_store && !is_adopted) ck_fail(ck, "I13", node, tx->txid, "a txid is used again");
    if (tx->coordinator != node || ck_row_int(now, "epoch") != tx->epoch ||
        (ck_epoch(ck, node) != tx->epoch && !is_adopted))
        ck_fail(ck, "I13", node, tx->txid, "not of the node's present epoch %u", ck_epoch(ck, node));
    tx->was_in_store = true;
    ck->totals.transactions++;
    ck_tx_digest(ck, node, tx, ck_row_digest(now, "digest"));
    ck_tx_core(ck, node, tx, core.ptr, core.len);
    ck_tx_originals(tx, now);
    ck_step_begun(ck, node, tx, now);
}

void ck_tx_biz(struct ck *ck, size_t node, const struct ck_tx *tx) {
    char key[CK_KEY_MAX];
    struct ck_biz *biz;
    (void)snprintf(key, sizeof key, "%s|%s", tx->sender, tx->msgid);
    HASH_FIND_STR(ck->biz, key, biz);
    const struct ck_tx *known = biz == NULL ? NULL : ck_tx_find(ck, biz->txid);
    if (known != NULL && (known == tx || (known->is_loose && !ck_is_known(ck, known, true, ck->n)))) {
        (void)snprintf(biz->txid, sizeof biz->txid, "%s", tx->txid);
        return;
    }
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

/* I2: whoever is listed must have been ready, and durably so. */
static void coord_committed(struct ck *ck, size_t node, struct ck_tx *tx) {
    for (uint32_t i = 0; i < tx->n_participants; i++) {
        size_t who = tx->participants[i];
        const char *state = ck_part_state(ck, who, tx->txid);
        if (ck->nodes[who].lies || ck->nodes[node].lies || tx->is_released[who]) continue;
        if (ck_is_lost_at(ck, tx, who) && tx->had_prepared[who])
            continue; /* and it has voted: it will know again */
        bool is_ready = is_one_of(state, "PREPARED", "COMMITTED") || strcmp(state, "RESOLVED") == 0;
        if (!tx->was_prepared[who] || !is_ready)
            ck_fail(ck, "I2", node, tx->txid, "committed, and %s is \"%s\"", ck->nodes[who].name, state);
    }
    if (ck_epoch(ck, node) != tx->epoch && !(ck_is_lost_at(ck, tx, node) && ck_is_known(ck, tx, true, node)))
        ck_fail(ck, "I1", node, tx->txid, "committed in epoch %u, begun in another", ck_epoch(ck, node));
    ck_tx_biz(ck, node, tx);
    ck->totals.committed++;
    if (strcmp(tx->kind, "refund") == 0) ck->totals.refunds++;
    if (strcmp(tx->kind, "bind") == 0) ck->totals.bindings++;
    ck_tx_decided(ck, node, tx, true);
}

static void coord_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    struct ck_tx *tx = ck_tx_get(ck, ck_row_txid(touch->now != NULL ? touch->now : touch->old, "txid", txid));
    const char *was = ck_row_text(touch->old, "state"), *is = ck_row_text(touch->now, "state");
    if (touch->now == NULL) {
        ck_fail(ck, "I14", node, tx->txid, "the coordinator's record %s is gone", was);
        return;
    }
    if (touch->old == NULL) coord_is_new(ck, node, tx, touch->now);
    if (touch->old != NULL) ck_tx_digest(ck, node, tx, ck_row_digest(touch->now, "digest"));
    if (strcmp(was, is) == 0) return;
    /* Without a remote participant BEGUN, COMMITTED and ENDED are one record. */
    bool is_alone = was[0] == '\0' && strcmp(is, "ENDED") == 0 && tx->n_participants == 0;
    /* Who acknowledges before there is anything to acknowledge is a liar. */
    is_alone =
        is_alone || (strcmp(was, "BEGUN") == 0 && strcmp(is, "ENDED") == 0 && ck_tx_is_tainted(ck, tx));
    bool is_way = is_alone || (is_one_of(was, "", "BEGUN") && is_one_of(is, "COMMITTED", "ABORTED")) ||
                  (was[0] == '\0' && strcmp(is, "BEGUN") == 0) ||
                  (strcmp(was, "COMMITTED") == 0 && strcmp(is, "ENDED") == 0);
    if (!is_way)
        ck_fail(ck, "I3", node, tx->txid, "the coordinator's record went from \"%s\" to %s", was, is);
    if (strcmp(is, "COMMITTED") == 0 || is_alone) coord_committed(ck, node, tx);
    if (strcmp(is, "ABORTED") != 0) return;
    ck->totals.aborted++;
    ck_tx_decided(ck, node, tx, false);
}

/* Nobody may stop telling the outcome before everybody has it. */
static void coord_ended(struct ck *ck, size_t node, const struct ck_tx *tx) {
    for (uint32_t i = 0; i < tx->n_participants; i++) {
        size_t who = tx->participants[i];
        if (ck->nodes[who].lies || ck->nodes[node].lies || ck_is_lost_at(ck, tx, who)) continue;
        if (!is_one_of(ck_part_state(ck, who, tx->txid), "COMMITTED", "COLLECTED"))
            ck_fail(ck, "I14", node, tx->txid, "ended, and %s is not COMMITTED", ck->nodes[who].name);
    }
}

/* --- the participant's record --------------------------------------------------------------------------- */
/* Does the evidence speak of that transaction, under its digest: in its header, as a line of a status, as an attempt
 * that it ends? */
static bool has_digest_of(const struct ck_tx *tx, struct mp map) {
    size_t len = 0;
    const uint8_t *digest = mp_bytes(mp_get(map, "digest"), &len);
    return digest != NULL && len == CK_DIGEST && memcmp(digest, tx->digest, CK_DIGEST) == 0;
}

static bool is_about_tx(const struct ck_item *item, const struct ck_tx *tx) {
    static const char *const lists[] = {"items", "supersedes"};
    char text[72];
    bool is_core = strcmp(item->kind, "core") == 0;
    if (!is_core && strcmp(mp_text(mp_get(item->header, "tx"), text, sizeof text), tx->txid) == 0)
        return has_digest_of(tx, item->body);
    for (size_t k = 0; k < 2; k++) {
        struct mp list = mp_get(item->body, lists[k]);
        for (uint32_t i = 0; i < mp_count(list); i++)
            if (strcmp(mp_text(mp_get(mp_at(list, i), "txid"), text, sizeof text), tx->txid) == 0 &&
                has_digest_of(tx, mp_at(list, i)))
                return true;
    }
    return false;
}

/* I17: what a record names as its proof must be one: a commit, its coordinator's abort or later core, a NO. */
void ck_tx_proof(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row,
                 bool committed) {
    struct gj_slice proof = ck_row_bin(row, "proof");
    if (proof.len == 0) return; /* taken out of another signed message: I9 and I1 judge it by the stores */
    if (!ck_parcel_read(proof.ptr, proof.len, &ck->evidence) || ck->evidence.n != 1) {
        ck_fail(ck, "I17", node, tx->txid, "its proof cannot be read");
        return;
    }
    const struct ck_item *item = &ck->evidence.items[0];
    size_t signer = ck_node_of(ck, ck->evidence.sender);
    bool is_about = is_about_tx(item, tx), of_coordinator = is_about && signer == tx->coordinator;
    bool of_listed = is_about && signer < ck->n && (!tx->has_core || ck_tx_lists(tx, signer));
    bool is_commit = of_coordinator && strcmp(item->kind, "commit") == 0;
    /* A core and a cover query name the earlier attempts that are over. */
    bool is_abort =
        of_coordinator && (strcmp(item->kind, "cover") == 0 || is_one_of(item->kind, "abort", "core"));
    bool is_no = of_listed && strcmp(item->kind, "vote") == 0 && !mp_true(mp_get(item->body, "yes"));
    bool is_refused = of_listed && strcmp(item->kind, "status") == 0;
    if (committed ? !is_commit : !(is_abort || is_no || is_refused))
        ck_fail(ck, "I17", node, tx->txid, "decided by a %s of %s", item->kind, ck->evidence.sender);
    if (!ck_parcel_is_signed(ck, &ck->evidence) || !ck_item_is_inside(&ck->evidence, item))
        ck_fail(ck, "I16", node, tx->txid, "the proof that is kept does not verify");
    if (of_coordinator && ck_key_is_over(ck, node, &ck->evidence))
        ck_fail(ck, "I17", node, tx->txid, "decided by a %s under a key that is revoked", item->kind);
}

static void part_left_prepared(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_touch *touch) {
    bool committed = strcmp(ck_row_text(touch->now, "state"), "COMMITTED") == 0;
    const char *state = ck_coord_state(ck, tx->coordinator, tx->txid);
    ck_tx_proof(ck, node, tx, touch->now, committed);
    /* What was held is given back only to who shows that it may be. */
    bool is_put_back = ck->nodes[node].n_restores > 0 || ck_in_resync(ck, node);
    if (ck_row_bin(touch->now, "proof").len == 0 && !committed && !is_put_back && !ck->nodes[node].lies)
        ck_fail(ck, "I17", node, tx->txid, "aborted, and no proof is kept");
    if (!ck->nodes[node].lies && ck->nodes[tx->coordinator].lies) {
        ck_liars_decision(ck, node, tx, touch->now, committed);
        return;
    }
    if (!committed) ck_liars_refusal(ck, node, tx, touch->now);
    bool is_lost =
        ck_is_lost_at(ck, tx, tx->coordinator) && tx->is_committed; /* a COMMIT that was under way */
    if (committed && !is_lost && !is_one_of(state, "COMMITTED", "ENDED"))
        ck_fail(ck, "I1", node, tx->txid, "committed here, and its coordinator is \"%s\"", state);
    if (!committed && !tx->is_released[node] && ck_tx_may_commit(ck, tx))
        ck_fail(ck, "I9", node, tx->txid, "aborted here, and its coordinator (%s) may still commit", state);
    ck_tx_decided(ck, node, tx, committed);
}

/* A liar's core as this node took it, with what it must do by it. */
static void learn_from_part(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row) {
    struct gj_slice evidence = ck_row_bin(row, "core_evidence");
    size_t len = 0;
    if (!ck_parcel_read(evidence.ptr, evidence.len, &ck->evidence) || ck->evidence.n != 1) return;
    const uint8_t *core = mp_bytes(mp_get(ck->evidence.items[0].body, "core"), &len);
    if (core == NULL) return;
    ck_tx_core(ck, node, tx, core, len);
    ck_tx_originals(tx, row);
}

/* I17: by hand only what two different people have agreed on; it decides nothing for anybody else. */
void ck_tx_by_hand(struct ck *ck, size_t node, const struct ck_tx *tx) {
    const struct ck_row *row = ck_row_find(ck, node, "resolution", tx->txid);
    const char *first = ck_row_text(row, "proposed_by"), *second = ck_row_text(row, "confirmed_by");
    if (first[0] == '\0' || second[0] == '\0' || strcmp(first, second) == 0)
        ck_fail(ck, "I17", node, tx->txid, "resolved by \"%s\" and \"%s\"", first, second);
}

/* I14: only what is decided goes, and it is known to have been there. */
static void part_is_gone(struct ck *ck, size_t node, const struct ck_tx *tx, const char *was) {
    bool is_decided = is_one_of(was, "COMMITTED", "ABORTED") || strcmp(was, "REFUSED") == 0;
    if (!is_decided || !is_collected(ck, node, tx->txid))
        ck_fail(ck, "I14", node, tx->txid, "the participant's record %s is gone", was);
}

static void part_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    (void)ck_row_txid(touch->now != NULL ? touch->now : touch->old, "txid", txid);
    struct ck_tx *tx = ck_tx_at(ck, node, txid);
    const char *was = ck_row_text(touch->old, "state"), *is = ck_row_text(touch->now, "state");
    if (touch->now == NULL) {
        part_is_gone(ck, node, tx, was);
        return;
    }
    ck_tx_digest(ck, node, tx, ck_row_digest(touch->now, "digest"));
    if (strcmp(was, is) == 0) return;
    bool is_way = (was[0] == '\0' && (is_one_of(is, "PREPARED", "REFUSED") || strcmp(is, "ABORTED") == 0)) ||
                  (is_one_of(was, "PREPARED", "RESOLVED") && is_one_of(is, "COMMITTED", "ABORTED")) ||
                  (strcmp(was, "PREPARED") == 0 && strcmp(is, "RESOLVED") == 0) ||
                  (ck_is_lost_at(ck, tx, node) && is_one_of(was, "", "REFUSED")); /* it knows again */
    /* What its liar signed and its engine never did comes back to it when it heals: that is between the two of them. */
    if (!is_way && ck->nodes[node].lies) return;
    if (!is_way) {
        ck_fail(ck, "I3", node, tx->txid, "the participant's record went from \"%s\" to %s", was, is);
        return;
    }
    if (tx->coordinator == node) ck_fail(ck, "I13", node, tx->txid, "a coordinator takes part in its own");
    ck_step_asked(ck, node, tx, touch->now);
    if (strcmp(is, "PREPARED") == 0) tx->was_prepared[node] = true;
    if (strcmp(is, "PREPARED") == 0 && !tx->has_core) learn_from_part(ck, node, tx, touch->now);
    if (strcmp(is, "REFUSED") == 0) tx->is_refused[node] = true;
    if (strcmp(is, "RESOLVED") == 0) ck_tx_by_hand(ck, node, tx);
    if (is_one_of(is, "PREPARED", "REFUSED")) ck_step_judged(ck, node, tx, touch->now);
    if (is_one_of(is, "COMMITTED", "ABORTED")) part_left_prepared(ck, node, tx, touch);
}

/* --- the node's own record, requests -------------------------------------------------------------------- */
static void node_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    if (touch->old == NULL || touch->now == NULL) return;
    int64_t was = ck_row_int(touch->old, "boot_epoch"), is = ck_row_int(touch->now, "boot_epoch");
    int64_t seq_was = ck_row_int(touch->old, "next_seq"), seq_is = ck_row_int(touch->now, "next_seq");
    int64_t flush_was = ck_row_int(touch->old, "flush"), flush_is = ck_row_int(touch->now, "flush");
    if (is < was || (is == was && (seq_is < seq_was || flush_is <= flush_was)))
        ck_fail(ck, "I13", node, NULL,
                "epoch %" PRId64 " flush %" PRId64 " seq %" PRId64 " after %" PRId64 " %" PRId64 " %" PRId64,
                is, flush_is, seq_is, was, flush_was, seq_was);
    struct ck_node *of = &ck->nodes[node];
    bool is_known = false; /* then they refuse it, and one of them tells: wire.c */
    for (size_t i = 0; i < ck->n; i++)
        is_known = is_known || (i != node && ck->nodes[i].heard[node] >= is);
    if (is != was) of->is_in_old_epoch = is_known && is <= of->max_epoch;
    if (is != was && is <= of->max_epoch && of->n_restores == 0)
        ck_fail(ck, "I13", node, NULL, "epoch %" PRId64 " after %" PRIu32, is, of->max_epoch);
    if (is > of->max_epoch) of->max_epoch = (uint32_t)is;
}

static void request_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    const char *was = ck_row_text(touch->old, "state"), *is = ck_row_text(touch->now, "state");
    const char *rev_was = ck_row_text(touch->old, "reversal"), *rev_is = ck_row_text(touch->now, "reversal");
    if (touch->now == NULL) {
        ck_fail(ck, "I14", node, NULL, "the request %s is gone", touch->old->key);
        return;
    }
    if (!is_one_of(was, "DONE", "REFUSED")) return;
    if (strcmp(was, is) != 0 ||
        !gj_slice_equal(ck_row_bin(touch->old, "answer"), ck_row_bin(touch->now, "answer")))
        ck_fail(ck, "I6", node, NULL, "%s was %s for good and is %s now", touch->now->key, was, is);
    if (strcmp(rev_was, "reversed") == 0 && strcmp(rev_is, "reversed") != 0)
        ck_fail(ck, "I6", node, NULL, "%s was reversed and is \"%s\" now", touch->now->key, rev_is);
}

static void peer_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    size_t peer = ck_node_of(ck, ck_row_text(touch->now, "node"));
    uint32_t epoch = (uint32_t)ck_row_int(touch->now, "epoch");
    if (peer < ck->n && epoch > ck->nodes[node].heard[peer]) ck->nodes[node].heard[peer] = epoch;
    if (ck_row_int(touch->now, "flush") < ck_row_int(touch->old, "flush"))
        ck_fail(ck, "I13", node, NULL, "%s: what was seen of a peer's flushes went back", touch->now->key);
}

/* --- both passes ---------------------------------------------------------------------------------------- */
void ck_tx_touched(struct ck *ck, size_t node, const struct ck_touch *touch) {
    const struct ck_row *row = touch->now != NULL ? touch->now : touch->old;
    if (row == NULL) return; /* came and went within one store transaction */
    if (ck_row_is(row, "coord")) coord_touched(ck, node, touch);
    if (ck_row_is(row, "part")) part_touched(ck, node, touch);
    if (ck_row_is(row, "node")) node_touched(ck, node, touch);
    if (ck_row_is(row, "request")) request_touched(ck, node, touch);
    if (ck_row_is(row, "refund") && touch->old == NULL) ck_step_refunded(ck, node, touch->now);
    if (ck_row_is(row, "peer") && touch->now != NULL) peer_touched(ck, node, touch);
}

void ck_tx_settled(struct ck *ck, size_t node, const struct ck_touch *touch) {
    char txid[72];
    if (touch->now == NULL || ck->has_failed) return;
    bool is_coord = ck_row_is(touch->now, "coord");
    if (!is_coord && !ck_row_is(touch->now, "part")) return;
    const char *was = ck_row_text(touch->old, "state"), *is = ck_row_text(touch->now, "state");
    if (strcmp(was, is) == 0) return;
    struct ck_tx *tx = ck_tx_at(ck, node, ck_row_txid(touch->now, "txid", txid));
    bool is_new = strcmp(was, "COMMITTED") != 0;
    if (is_new && (strcmp(is, "COMMITTED") == 0 || strcmp(is, "ENDED") == 0)) ck_books_decided(ck, node, tx);
    if (strcmp(is, "ENDED") == 0) coord_ended(ck, node, tx);
    ck_books_held(ck, node, tx, strcmp(is, "PREPARED") == 0 || strcmp(is, "BEGUN") == 0);
}
