/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores alone: what all nodes' records say together when nobody has watched them come. Every decision is compared
 * with every other node's, every vote and certificate that is kept is verified, every leg is looked up at both
 * ends. What only the order of things can show (I3, I4, I5 over time, I9, I11) is not judged here.
 */
#include <stdio.h>
#include <string.h>

#include "private.h"

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

static bool is_committed(const char *state) {
    return is(state, "COMMITTED") || is(state, "ENDED");
}

static struct ck_tx *tx_of(struct ck *ck, const struct ck_row *row) {
    char txid[72];
    return ck_tx_get(ck, ck_row_txid(row, "txid", txid));
}

/* Runs |act| over every record of a table, at every node. */
static void each(struct ck *ck, const char *table,
                 void (*act)(struct ck *ck, size_t node, struct ck_row *row)) {
    for (size_t i = 0; i < ck->n; i++) {
        struct ck_row *row, *next;
        HASH_ITER(hh, ck->nodes[i].rows, row, next) {
            if (table == NULL || ck_row_is(row, table)) act(ck, i, row);
        }
    }
}

/* --- what transactions there are ------------------------------------------------------------------------ */
static void learn_coord(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    struct gj_slice core = ck_row_bin(row, "core");
    ck->totals.transactions++;
    if (tx->coordinator != node || ck_row_int(row, "epoch") != tx->epoch)
        ck_fail(ck, "I13", node, tx->txid, "the record of a transaction that is not of this node, or epoch");
    if (tx->epoch > ck_epoch(ck, node))
        ck_fail(ck, "I13", node, tx->txid, "of an epoch that has not begun: %u", ck_epoch(ck, node));
    ck_tx_digest(ck, node, tx, ck_row_digest(row, "digest"));
    ck_tx_core(ck, node, tx, core.ptr, core.len);
    ck_tx_originals(tx, row);
    if (!is(ck_row_text(row, "sender"), tx->sender) || !is(ck_row_text(row, "msgid"), tx->msgid))
        ck_fail(ck, "I6", node, tx->txid, "its record and its core are of two biz keys");
}

/* The core as its coordinator signed it; a tombstone has none. */
static void learn_part(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    struct gj_slice bytes = ck_row_bin(row, "core_evidence");
    size_t len;
    ck_tx_digest(ck, node, tx, ck_row_digest(row, "digest"));
    if (bytes.len == 0) return;
    bool is_whole = ck_parcel_read(bytes.ptr, bytes.len, &ck->evidence) && ck->evidence.n == 1;
    const struct ck_item *item = &ck->evidence.items[0];
    const uint8_t *core = is_whole ? mp_bytes(mp_get(item->body, "core"), &len) : NULL;
    if (core == NULL || !is(item->kind, "core") || ck_node_of(ck, ck->evidence.sender) != tx->coordinator ||
        !ck_parcel_is_signed(ck, &ck->evidence) || !ck_item_is_inside(&ck->evidence, item)) {
        ck_fail(ck, "I16", node, tx->txid, "the core that it was prepared under does not verify");
        return;
    }
    ck_tx_core(ck, node, tx, core, len);
}

/* --- what was decided ----------------------------------------------------------------------------------- */
static void decide_coord(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    const char *state = ck_row_text(row, "state");
    if (is(state, "ABORTED")) ck->totals.aborted++;
    if (is(state, "ABORTED")) ck_tx_decided(ck, node, tx, false);
    if (!is_committed(state)) return;
    ck->totals.committed++;
    if (is(tx->kind, "refund")) ck->totals.refunds++;
    if (is(tx->kind, "bind")) ck->totals.bindings++;
    ck_tx_decided(ck, node, tx, true);
    ck_tx_biz(ck, node, tx);
}

/* The body of the signed commit that a record keeps as its proof. */
static void verify_commit(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row) {
    static struct ck_parcel parcel; /* the votes inside are read into ck->evidence */
    struct gj_slice proof = ck_row_bin(row, "proof");
    char txid[72];
    size_t len;
    if (proof.len == 0) return; /* taken out of a refund; its votes are verified at the coordinator */
    if (!ck_parcel_read(proof.ptr, proof.len, &parcel) || parcel.n != 1) return; /* told by ck_tx_proof */
    struct mp commit = parcel.items[0].body;
    const uint8_t *digest = mp_bytes(mp_get(commit, "digest"), &len);
    bool is_ours = is(mp_text(mp_get(parcel.items[0].header, "tx"), txid, sizeof txid), tx->txid) &&
                   digest != NULL && len == CK_DIGEST && memcmp(digest, tx->digest, CK_DIGEST) == 0;
    if (!is_ours || ck_node_of(ck, parcel.sender) != tx->coordinator)
        ck_fail(ck, "I16", node, tx->txid, "its certificate is of another transaction, or another's word");
    ck_certificate(ck, node, tx, commit);
}

static void decide_part(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    const char *state = ck_row_text(row, "state");
    char biz[CK_KEY_MAX];
    bool is_live = is(state, "PREPARED") || is(state, "COMMITTED") || is(state, "RESOLVED");
    if (is(state, "RESOLVED")) ck_tx_by_hand(ck, node, tx);
    (void)snprintf(biz, sizeof biz, "%s|%s", ck_row_text(row, "sender"), ck_row_text(row, "msgid"));
    if (!is(ck_row_text(row, "biz_live"), is_live ? biz : ""))
        ck_fail(ck, "I6", node, tx->txid, "%s, and its biz key is \"%s\"", state,
                ck_row_text(row, "biz_live"));
    if (is(state, "COMMITTED") || is(state, "ABORTED")) {
        ck_tx_proof(ck, node, tx, row, is(state, "COMMITTED"));
        ck_tx_decided(ck, node, tx, is(state, "COMMITTED"));
    }
    if (is(state, "COMMITTED")) verify_commit(ck, node, tx, row);
    if (is_live && !tx->has_core) ck_fail(ck, "I16", node, tx->txid, "%s without a core", state);
}

/* I2, I16: behind a committed transaction is one signed YES of each that it lists. */
static void check_votes(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    char key[CK_KEY_MAX];
    if (!is_committed(ck_row_text(row, "state"))) return;
    for (uint32_t i = 0; i < tx->n_participants; i++) {
        size_t who = tx->participants[i];
        if (who == ck->n) continue; /* told already */
        (void)snprintf(key, sizeof key, "%s %s", tx->txid, ck->nodes[who].name);
        const struct ck_row *vote = ck_row_find(ck, node, "vote", key);
        struct gj_slice evidence = ck_row_bin(vote, "evidence");
        if (!is(ck_row_text(vote, "vote"), "YES") || evidence.len == 0) {
            ck_fail(ck, "I2", node, tx->txid, "committed without a vote of %s", ck->nodes[who].name);
        } else if (ck_voter_of(ck, tx, evidence.ptr, evidence.len) != who) {
            ck_fail(ck, "I16", node, tx->txid, "the vote of %s does not verify", ck->nodes[who].name);
        } else {
            ck->totals.votes++;
        }
    }
}

/* A vote that a coordinator holds, and the voter's own record. */
static void check_voter(struct ck *ck, size_t node, struct ck_row *row) {
    char txid[72];
    size_t who = ck_node_of(ck, ck_row_text(row, "node"));
    const char *vote = ck_row_text(row, "vote");
    (void)ck_row_txid(row, "txid", txid);
    const char *part = ck_part_state(ck, who, txid);
    if (ck_coord_state(ck, node, txid)[0] == '\0')
        ck_fail(ck, "I14", node, txid, "a vote of %s, and no transaction", ck_row_text(row, "node"));
    if (is(vote, "YES") && (part[0] == '\0' || is(part, "REFUSED")))
        ck_fail(ck, "I5", node, txid, "%s voted YES, its own record is \"%s\"", ck_row_text(row, "node"),
                part);
    if (is(vote, "NO") && !is(part, "REFUSED"))
        ck_fail(ck, "I5", node, txid, "%s voted NO, its own record is \"%s\"", ck_row_text(row, "node"),
                part);
}

/* --- the client's side ---------------------------------------------------------------------------------- */
static void check_request(struct ck *ck, size_t node, struct ck_row *row) {
    char txid[72];
    const char *state = ck_row_text(row, "state");
    (void)ck_row_txid(row, "txid", txid);
    if (is(state, "DONE") != (ck_row_bin(row, "answer").len > 0 && ck_row_text(row, "code")[0] == '\0'))
        ck_fail(ck, "I6", node, NULL, "%s is %s, and its answer is not", row->key, state);
    if (txid[0] == '\0') return;
    struct ck_tx *tx = ck_tx_get(ck, txid);
    bool committed = is_committed(ck_coord_state(ck, node, txid));
    if (is(state, "DONE") != committed)
        ck_fail(ck, "I6", node, txid, "%s is %s, its transaction is \"%s\"", row->key, state,
                ck_coord_state(ck, node, txid));
    if (!is(tx->sender, ck_row_text(row, "sender")) || !is(tx->msgid, ck_row_text(row, "msgid")))
        ck_fail(ck, "I6", node, txid, "%s names a transaction of %s %s", row->key, tx->sender, tx->msgid);
}

static void check_biz(struct ck *ck, size_t node, struct ck_row *row) {
    const struct ck_tx *tx = tx_of(ck, row);
    if (!is_committed(ck_row_text(row, "state"))) return;
    bool is_ours = strncmp(tx->msgid, "rev:", 4) == 0; /* a reversal's own refund has no client */
    if (!is_ours && !is(ck_request_state(ck, node, tx->sender, tx->msgid), "DONE"))
        ck_fail(ck, "I6", node, tx->txid, "committed, and its request is \"%s\"",
                ck_request_state(ck, node, tx->sender, tx->msgid));
}

/* --- money ---------------------------------------------------------------------------------------------- */
static void add_to_books(struct ck *ck, size_t node, struct ck_row *row) {
    ck_books_add(ck, node, row);
}

/* A line of the journal belongs to a leg that its core has. */
static void check_posting(struct ck *ck, size_t node, struct ck_row *row) {
    char txid[72], entry[CK_KEY_MAX];
    int64_t leg = ck_row_int(row, "leg");
    if (ck_row_txid(row, "txid", txid)[0] == '\0') return; /* an opening balance */
    const struct ck_tx *tx = ck_tx_get(ck, txid);
    const char *far_end = node == tx->coordinator ? "d" : "";
    (void)snprintf(entry, sizeof entry, "%s#%02u", txid, (unsigned)leg);
    size_t len = strlen(entry);
    const char *name = ck_row_text(row, "entry");
    const char *suffix = is(ck_row_text(row, "kind"), "mirror") ? "m" : far_end;
    bool is_named = strncmp(name, entry, len) == 0 && (name[len] == '\0' || is(name + len, suffix));
    if (leg < 0 || leg >= (int64_t)tx->n_legs || !is_named)
        ck_fail(ck, "I7", node, txid, "%s is of no leg", row->key);
}

static void check_money(struct ck *ck, size_t node, struct ck_row *row) {
    struct ck_tx *tx = tx_of(ck, row);
    const char *state = ck_row_text(row, "state");
    if (is_committed(state)) ck_books_decided(ck, node, tx);
    ck_books_held(ck, node, tx, is(state, "PREPARED") || is(state, "BEGUN"));
}

void ck_dump_judge(struct ck *ck, bool is_over) {
    each(ck, "coord", learn_coord);
    each(ck, "part", learn_part);
    each(ck, "coord", decide_coord);
    each(ck, "part", decide_part);
    each(ck, "coord", check_votes);
    each(ck, NULL, add_to_books);
    for (size_t i = 0; i < ck->n; i++)
        ck_books_compare(ck, i);
    each(ck, "posting", check_posting);
    each(ck, "coord", check_money);
    each(ck, "part", check_money);
    each(ck, "request", check_request);
    each(ck, "coord", check_biz);
    if (!is_over) return;
    each(ck, "vote", check_voter);
    struct ck_tx *tx, *next;
    HASH_ITER(hh, ck->txs, tx, next) {
        if (tx->is_committed) ck_notes(ck, tx);
    }
    ck_end(ck);
}
