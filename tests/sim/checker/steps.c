/* SPDX-License-Identifier: Apache-2.0
 *
 * What one step must have done, beyond what its outcome shows later: a PREPARE is judged in its time and ends the
 * attempts before it, a refund is not refused for want of its original and goes where its pack says, and a node that
 * may have lost its newest flushes begins nothing before all others have greeted this very start.
 */
#include <stdio.h>
#include <string.h>

#include "private.h"

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* --- a PREPARE ------------------------------------------------------------------------------------------ */
/* Who takes the new attempt has done with the old ones in the same store transaction: none can still be prepared, now
 * or by a PREPARE that comes late. */
static void check_superseded(struct ck *ck, size_t node, const struct ck_tx *tx, struct mp list) {
    for (uint32_t i = 0; i < mp_count(list); i++) {
        char earlier[72];
        const char *state =
            ck_part_state(ck, node, mp_text(mp_get(mp_at(list, i), "txid"), earlier, sizeof earlier));
        if (state[0] == '\0' || is(state, "PREPARED"))
            ck_fail(ck, "step", node, tx->txid, "judged, and %s that it supersedes is \"%s\"", earlier,
                    state);
    }
}

/* A later attempt names the earlier ones, or a node that has one prepared would refuse it. */
void ck_step_begun(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row) {
    const char *attempt = strrchr(tx->txid, '/');
    bool is_first = attempt == NULL || is(attempt, "/1");
    /* A node that was put back may have forgotten them; nobody else can have one prepared without its knowing again. */
    if (!is_first && ck->nodes[node].n_restores == 0 && ck_row_bin(row, "supersedes").len == 0)
        ck_fail(ck, "step", node, tx->txid, "a later attempt, and it supersedes none");
}

/* One live attempt of each biz key and coordinator; and nothing is refused that nobody ever began. */
void ck_step_asked(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row) {
    const char *biz = ck_row_text(row, "biz_live");
    const struct ck_row *other, *next;
    char txid[72];
    bool is_anybodys = ck->nodes[tx->coordinator].lies || ck->nodes[tx->coordinator].n_restores > 0;
    if (ck->nodes[node].lies || ck_in_resync(ck, node)) return;
    if (!is_anybodys && !tx->was_in_store)
        ck_fail(ck, "step", node, tx->txid, "%s, and its coordinator never began it",
                ck_row_text(row, "state"));
    if (!is(ck_row_text(row, "state"), "PREPARED") || biz[0] == '\0') return;
    HASH_ITER(hh, ck->nodes[node].rows, other, next) {
        if (!ck_row_is(other, "part") || !is(ck_row_text(other, "biz_live"), biz)) continue;
        const struct ck_tx *live = ck_tx_at(ck, node, ck_row_txid(other, "txid", txid));
        if (live != tx && live->coordinator == tx->coordinator)
            ck_fail(ck, "I6", node, tx->txid, "prepared beside %s, both of %s", live->txid, biz);
    }
}

void ck_step_judged(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row) {
    struct gj_slice evidence = ck_row_bin(row, "core_evidence");
    size_t len = 0;
    bool is_adopted = ck_in_resync(ck, node) || ck_is_lost_at(ck, tx, node);
    if (is_adopted || ck->nodes[node].lies || evidence.len == 0) return;
    if (!ck_parcel_read(evidence.ptr, evidence.len, &ck->evidence)) return;
    struct mp body = ck->evidence.items[0].body;
    const uint8_t *core = mp_bytes(mp_get(body, "core"), &len);
    if (core == NULL) return;
    int64_t expires_ms = mp_int(mp_get(mp_whole(core, len), "expires_at"));
    int64_t late_ms = ck_row_int(row, "since_ms") - expires_ms;
    if (is(ck_row_text(row, "state"), "PREPARED") && late_ms > 0)
        ck_fail(ck, "step", node, tx->txid, "prepared %lld ms after it had expired", (long long)late_ms);
    if (ck->nodes[tx->coordinator].lies) return; /* may say what it likes of its other transactions */
    check_superseded(ck, node, tx, mp_get(body, "supersedes"));
    /* Its coordinator has committed the original, and brings the proof. */
    bool is_refused = is(ck_row_text(row, "state"), "REFUSED") && is(ck_row_text(row, "kind"), "refund");
    if (is_refused && is(ck_row_text(row, "code"), "NOT_FOUND"))
        ck_fail(ck, "I10", node, tx->txid, "a refund was refused because its original is not known");
}

/* --- a refund ------------------------------------------------------------------------------------------- */
static const char *sub_of(const char *account) {
    const char *slash = strrchr(account, '/');
    return slash == NULL ? account : slash + 1;
}

static bool was_touched(const struct ck *ck, size_t node, const struct ck_row *row) {
    const struct ck_node *of = &ck->nodes[node];
    for (size_t i = 0; i < of->n_touched && row != NULL; i++)
        if (of->touched[i].now == row) return true;
    return false;
}

/* R81: while the binding lives a refund goes to its origin, afterwards where the pack says. */
void ck_step_refund_held(struct ck *ck, size_t node, const struct ck_row *hold, const char *txid) {
    char key[CK_KEY_MAX];
    const char *binding_ref = ck_row_text(hold, "binding_ref");
    if (!is(ck_row_text(hold, "type"), "refund") || ck->nodes[node].lies) return;
    (void)snprintf(key, sizeof key, "%s payer", binding_ref);
    const struct ck_row *binding = ck_row_find(ck, node, "binding", key);
    if (was_touched(ck, node, binding)) return; /* before or after: the same batch ended it */
    bool has_left = binding_ref[0] != '\0' && !is(ck_row_text(binding, "state"), "active");
    bool wants_suspense = has_left && ck->rules.exit_means_suspense;
    if (wants_suspense != is(sub_of(ck_row_text(hold, "account")), "suspense"))
        ck_fail(ck, "I21", node, txid, "R81: a refund goes to %s, and the binding is \"%s\"",
                ck_row_text(hold, "account"), ck_row_text(binding, "state"));
}

static const char *account_of_leg(const struct ck *ck, size_t node, const char *txid, uint32_t leg) {
    char key[CK_KEY_MAX];
    (void)snprintf(key, sizeof key, "%s %u", txid, leg);
    const struct ck_row *hold = ck_row_find(ck, node, "hold", key);
    if (hold != NULL) return ck_row_text(hold, "account");
    (void)snprintf(key, sizeof key, "%s#%02u", txid, leg);
    return ck_row_text(ck_books_line(ck, node, key, "P/"), "account");
}

/* What the client is told of the sub-accounts is what the payers' nodes have chosen. */
void ck_step_refunded(struct ck *ck, size_t node, const struct ck_row *row) {
    char txid[72], told[32];
    struct gj_slice bin = ck_row_bin(row, "payees");
    struct mp lines = mp_get(mp_whole(bin.ptr, bin.len), "lines");
    const struct ck_tx *tx = ck_tx_find(ck, ck_row_txid(row, "txid", txid));
    for (uint32_t i = 0; tx != NULL && i < mp_count(lines) && i < tx->n_legs; i++) {
        size_t payer = ck_node_of(ck, tx->legs[i].node);
        if (payer == ck->n || ck->nodes[payer].lies || ck->nodes[node].lies) continue;
        if (ck_row_find(ck, payer, "resolution", txid) != NULL) continue; /* given back by hand meanwhile */
        const char *account = account_of_leg(ck, payer, txid, i);
        (void)mp_text(mp_get(mp_at(lines, i), "acct_type"), told, sizeof told);
        if (tx->is_loose && account[0] == '\0') continue; /* not there again yet */
        if (!is(told, sub_of(account)))
            ck_fail(ck, "I10", node, txid, "leg %u is told as %s, and goes to \"%s\"", i, told, account);
    }
}

/* --- a doubtful start ----------------------------------------------------------------------------------- */
void ck_started(struct ck *ck, size_t node, bool is_doubtful) {
    ck->nodes[node].doubtful_epoch = is_doubtful ? ck_epoch(ck, node) : 0;
}

void ck_step_welcomed(struct ck *ck, size_t from, size_t to, struct mp welcome) {
    size_t len = 0;
    const uint8_t *nonce = mp_bytes(mp_get(welcome, "nonce"), &len);
    if (nonce != NULL && len == CK_NONCE) memcpy(ck->nodes[to].welcome[from], nonce, CK_NONCE);
}

/* Has |peer| answered the HELLO of this start? A liar may have, unheard by us. */
static bool has_welcomed(const struct ck *ck, size_t node, size_t peer) {
    struct gj_slice nonce = ck_row_bin(ck_row_find(ck, node, "node", "1"), "nonce");
    return peer == node || ck->nodes[peer].lies ||
           (nonce.len == CK_NONCE && memcmp(ck->nodes[node].welcome[peer], nonce.ptr, CK_NONCE) == 0);
}

/* New work waits for everybody, a vote and an abort for everybody that the transaction lists. */
void ck_step_said(struct ck *ck, size_t node, const char *kind, const struct ck_tx *tx) {
    const struct ck_node *of = &ck->nodes[node];
    /* A core of an earlier epoch goes with a replay. */
    bool is_work = is(kind, "core") && (tx == NULL || tx->epoch == ck_epoch(ck, node)),
         is_word = is(kind, "vote") || is(kind, "abort");
    if (of->lies || of->doubtful_epoch == 0 || of->doubtful_epoch != ck_epoch(ck, node)) return;
    if (!is_work && !(is_word && tx != NULL && tx->has_core)) return;
    for (size_t i = 0; i < ck->n; i++) {
        bool is_asked = is_work || i == tx->coordinator || ck_tx_lists(tx, i);
        if (is_asked && !has_welcomed(ck, node, i))
            ck_fail(ck, "I3", node, tx == NULL ? NULL : tx->txid,
                    "a %s after a doubtful start, and %s has not answered its HELLO", kind,
                    ck->nodes[i].name);
    }
}
