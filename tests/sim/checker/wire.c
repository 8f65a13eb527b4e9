/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node says, judged at the moment when it leaves: the record that must be behind it is durable (I4), no
 * node takes back a vote (I5), no two nodes tell different outcomes (I1), a node in RESYNC is silent (I18).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

struct said {
    size_t node;
    const struct ck_item *item;
    struct ck_tx *tx; /* of the header; NULL: none */
};

static const char *part_of(const struct ck *ck, const struct said *said) {
    return ck_part_state(ck, said->node, said->tx->txid);
}

static const char *coord_of(const struct ck *ck, const struct said *said) {
    return ck_coord_state(ck, said->node, said->tx->txid);
}

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

static void early(struct ck *ck, const struct said *said, const char *txid, const char *what,
                  const char *state) {
    ck_fail(ck, "I4", said->node, txid, "%s left %s, and the record behind it is \"%s\"", what,
            ck->nodes[said->node].name, state);
}

static void same_digest(struct ck *ck, const struct said *said, struct ck_tx *tx, struct mp map) {
    size_t len;
    const uint8_t *digest = mp_bytes(mp_get(map, "digest"), &len);
    if (digest != NULL && len == CK_DIGEST) ck_tx_digest(ck, said->node, tx, digest);
}

/* --- one rule per kind ---------------------------------------------------------------------------------- */
static void on_core(struct ck *ck, const struct said *said) {
    size_t len;
    const uint8_t *core = mp_bytes(mp_get(said->item->body, "core"), &len);
    struct mp list = mp_get(said->item->body, "supersedes");
    if (coord_of(ck, said)[0] == '\0') early(ck, said, said->tx->txid, "a core", "");
    if (core != NULL) ck_tx_core(ck, said->node, said->tx, core, len);
    for (uint32_t i = 0; i < mp_count(list); i++) {
        char txid[72];
        struct ck_tx *earlier = ck_tx_get(ck, mp_text(mp_get(mp_at(list, i), "txid"), txid, sizeof txid));
        ck_tx_decided(ck, said->node, earlier, false);
    }
}

static void on_legs(struct ck *ck, const struct said *said) {
    if (coord_of(ck, said)[0] == '\0') early(ck, said, said->tx->txid, "legs", "");
    same_digest(ck, said, said->tx, said->item->body);
}

static void on_vote(struct ck *ck, const struct said *said) {
    bool yes = mp_true(mp_get(said->item->body, "yes"));
    const char *state = part_of(ck, said);
    bool stands = yes ? said->tx->was_prepared[said->node] || is(state, "ABORTED") : is(state, "REFUSED");
    if (!stands) early(ck, said, said->tx->txid, yes ? "a YES" : "a NO", state);
    same_digest(ck, said, said->tx, said->item->body);
    ck_tx_vote(ck, said->node, said->tx, yes);
}

static void on_facts(struct ck *ck, const struct said *said) {
    const struct ck_row *row = ck_row_find(ck, said->node, "part", said->tx->txid);
    if (ck_row_bin(row == NULL ? NULL : row, "facts").len == 0)
        early(ck, said, said->tx->txid, "facts", part_of(ck, said));
}

static void on_commit(struct ck *ck, const struct said *said) {
    const char *state = coord_of(ck, said);
    if (said->node != said->tx->coordinator || !(is(state, "COMMITTED") || is(state, "ENDED")))
        early(ck, said, said->tx->txid, "a commit", state);
    same_digest(ck, said, said->tx, said->item->body);
    ck_tx_decided(ck, said->node, said->tx, true);
    ck_certificate(ck, said->node, said->tx, said->item->body);
}

static void on_abort(struct ck *ck, const struct said *said) {
    if (said->node != said->tx->coordinator)
        ck_fail(ck, "I17", said->node, said->tx->txid, "an abort of somebody else");
    /* Of what it never began it has no digest but that of the question. */
    if (coord_of(ck, said)[0] != '\0') same_digest(ck, said, said->tx, said->item->body);
    ck_tx_decided(ck, said->node, said->tx, false);
}

static void on_ack(struct ck *ck, const struct said *said) {
    struct mp list = mp_get(said->item->body, "txids");
    for (uint32_t i = 0; i < mp_count(list); i++) {
        char txid[72];
        (void)mp_text(mp_get(mp_at(list, i), "txid"), txid, sizeof txid);
        const char *state = ck_part_state(ck, said->node, txid);
        if (!is(state, "COMMITTED") && !is(state, "COLLECTED")) early(ck, said, txid, "an ack", state);
    }
}

static void on_inquire(struct ck *ck, const struct said *said) {
    struct mp list = mp_get(said->item->body, "items");
    for (uint32_t i = 0; i < mp_count(list); i++) {
        char txid[72];
        struct mp item = mp_at(list, i);
        struct ck_tx *tx = ck_tx_at(ck, said->node, mp_text(mp_get(item, "txid"), txid, sizeof txid));
        same_digest(ck, said, tx, item);
        if (!mp_true(mp_get(item, "yes"))) continue;
        if (!tx->was_prepared[said->node]) early(ck, said, txid, "an inquiry with a YES", "");
        ck_tx_vote(ck, said->node, tx, true);
    }
}

static void status_line(struct ck *ck, const struct said *said, struct mp item) {
    char txid[72], state[32];
    struct ck_tx *tx = ck_tx_at(ck, said->node, mp_text(mp_get(item, "txid"), txid, sizeof txid));
    (void)mp_text(mp_get(item, "state"), state, sizeof state);
    /* What is collected has no digest any more: the answer names the one that was asked with. */
    if (!is(state, "COLLECTED")) same_digest(ck, said, tx, item);
    const char *part = ck_part_state(ck, said->node, txid), *coord = ck_coord_state(ck, said->node, txid);
    if (is(state, "PENDING")) {
        /* Only a coordinator that has not decided; a decision in the same batch overtakes the word. */
        if (coord[0] == '\0') early(ck, said, txid, "a status PENDING", coord);
        return;
    }
    /* PREPARED may have been decided later in the same batch. */
    bool was_ready = tx->was_prepared[said->node] || is(part, "ABORTED");
    bool stands = is(state, "PREPARED") ? was_ready : is(state, part);
    if (!stands) early(ck, said, txid, state, part);
    if (is(state, "REFUSED")) ck_tx_vote(ck, said->node, tx, false);
    if (is(state, "COMMITTED")) ck_tx_decided(ck, said->node, tx, true);
    if (is(state, "ABORTED")) ck_tx_decided(ck, said->node, tx, false);
}

static void on_status(struct ck *ck, const struct said *said) {
    struct mp list = mp_get(said->item->body, "items");
    for (uint32_t i = 0; i < mp_count(list); i++)
        status_line(ck, said, mp_at(list, i));
}

static void on_hello(struct ck *ck, const struct said *said) {
    int64_t epoch = mp_int(mp_get(said->item->body, "boot_epoch"));
    if (epoch != ck_epoch(ck, said->node)) early(ck, said, NULL, "a HELLO", "of another epoch");
}

static void on_revoked(struct ck *ck, const struct said *said) {
    static const char *const sides[] = {"payer", "recipient"};
    char id[64], key[CK_KEY_MAX];
    (void)mp_text(mp_get(said->item->body, "binding_ref"), id, sizeof id);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(key, sizeof key, "%s %s", id, sides[i]);
        const struct ck_row *row = ck_row_find(ck, said->node, "binding", key);
        if (row != NULL && !is(ck_row_text(row, "state"), "ended"))
            early(ck, said, NULL, "a word that a binding ended", ck_row_text(row, "state"));
    }
}

static const struct rule {
    const char *kind;
    bool names_tx;
    void (*judge)(struct ck *ck, const struct said *said);
} rules[] = {
    {"core", true, on_core},        {"legs", true, on_legs},        {"vote", true, on_vote},
    {"vote_facts", true, on_facts}, {"commit", true, on_commit},    {"abort", true, on_abort},
    {"ack", false, on_ack},         {"inquire", false, on_inquire}, {"status", false, on_status},
    {"hello", false, on_hello},     {"revoked", false, on_revoked},
};

/* --- a parcel ------------------------------------------------------------------------------------------- */
/* I13: ids only grow, whatever happens to the node. */
static void check_id(struct ck *ck, const struct said *said, size_t to) {
    struct ck_node *of = &ck->nodes[said->node];
    size_t len;
    const uint8_t *id = mp_bytes(mp_get(said->item->header, "id"), &len);
    uint32_t epoch = 0;
    uint64_t counter = 0;
    for (size_t i = 0; id != NULL && i < len; i++) {
        if (i < 4) epoch = epoch << 8 | id[i];
        if (i >= 4) counter = counter << 8 | id[i];
    }
    bool grows = epoch > of->last_epoch[to] || (epoch == of->last_epoch[to] && counter > of->last_id[to]);
    if (of->is_in_old_epoch) return; /* nobody believes it */
    if (len != 12 || !grows)
        ck_fail(ck, "I13", said->node, NULL, "message id %u/%" PRIu64 " after %u/%" PRIu64, epoch, counter,
                of->last_epoch[to], of->last_id[to]);
    of->last_epoch[to] = epoch;
    of->last_id[to] = counter;
}

static void judge(struct ck *ck, size_t from, size_t to, const struct ck_item *item) {
    struct said said = {.node = from, .item = item};
    char text[72];
    ck->totals.messages++;
    if (!is(mp_text(mp_get(item->header, "from"), text, sizeof text), ck->nodes[from].name))
        ck_fail(ck, "wire", from, NULL, "a message in the name of %s", text);
    check_id(ck, &said, to);
    /* A replay brings a core, a commit as messages of their own. */
    static const char *const greetings[] = {"hello",  "welcome", "error", "replay_ask",
                                            "replay", "core",    "commit"};
    bool is_greeting = false;
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++)
        is_greeting = is_greeting || is(item->kind, greetings[i]);
    if (!is(item->kind, "error")) ck->nodes[from].n_said++;
    if (ck->nodes[from].is_in_old_epoch && !is_greeting)
        ck_fail(ck, "I13", from, NULL, "a %s in an epoch that it had before its store was put back",
                item->kind);
    if (ck_in_resync(ck, from) && !is_greeting) ck_fail(ck, "I18", from, NULL, "a %s in RESYNC", item->kind);
    if (mp_text(mp_get(item->header, "tx"), text, sizeof text)[0] != '\0') said.tx = ck_tx_at(ck, from, text);
    if (is(item->kind, "welcome")) ck_step_welcomed(ck, from, to, item->body);
    ck_step_said(ck, from, item->kind, said.tx);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!is(rules[i].kind, item->kind)) continue;
        if (rules[i].names_tx && said.tx == NULL)
            ck_fail(ck, "wire", from, NULL, "a %s without a txid", item->kind);
        if (!ck->has_failed) rules[i].judge(ck, &said);
    }
}

uint64_t ck_said(const struct ck *ck, size_t node) {
    return ck->nodes[node].n_said;
}

void ck_sent(struct ck *ck, size_t from, size_t to, const uint8_t *frame, size_t len) {
    struct ck_parcel *parcel = &ck->parcel;
    if (ck->nodes[from].in_transaction)
        ck_fail(ck, "I4", from, NULL, "a parcel left inside a store transaction");
    if (!ck_parcel_read(frame, len, parcel)) {
        ck_fail(ck, "wire", from, NULL, "a frame that the format does not allow");
        return;
    }
    if (!is(parcel->sender, ck->nodes[from].name) || parcel->epoch != ck_epoch(ck, from))
        ck_fail(ck, "I13", from, NULL, "a parcel of %s, epoch %u", parcel->sender, parcel->epoch);
    for (uint32_t i = 0; i < parcel->n && !ck->has_failed; i++) {
        judge(ck, from, to, &parcel->items[i]);
        if (!ck_item_is_inside(parcel, &parcel->items[i]))
            ck_fail(ck, "I16", from, NULL, "a message outside its tree");
    }
}

/* --- answers to clients --------------------------------------------------------------------------------- */
#define ANSWER_PROBLEM 1

void ck_replied(struct ck *ck, size_t node, const char *request, const char *sender, const char *msgid,
                const uint8_t *answer, size_t len) {
    char key[CK_KEY_MAX], word[32];
    ck->totals.replies++;
    if (ck->nodes[node].in_transaction) ck_fail(ck, "I4", node, NULL, "an answer inside a store transaction");
    if (len < 2) return;
    (void)snprintf(key, sizeof key, "%s %s", sender, msgid);
    const struct ck_row *row = ck_row_find(ck, node, "request", key);
    struct mp map = mp_whole(answer + 1, len - 1);
    const char *state = ck_row_text(row, "state");
    bool is_problem = answer[0] == ANSWER_PROBLEM;
    if (is(request, "reverse")) {
        if (is_problem) return;
        bool told = is(mp_text(mp_get(map, "state"), word, sizeof word), "reversed");
        /* Who is told "reversing" may have been overtaken by the end of it, in the same batch. */
        const char *reversal = ck_row_text(row, "reversal");
        bool is_so = is(reversal, word) || (!told && is(reversal, "reversed"));
        bool stands = is(state, "REFUSED") || (is(state, "DONE") && is_so);
        if (!stands)
            ck_fail(ck, told ? "I6" : "I4", node, NULL, "%s: told %s, and it is %s", key, word, state);
        return;
    }
    if (!is_problem && !is(state, "DONE")) {
        ck_fail(ck, "I4", node, NULL, "%s: answered, and its record is \"%s\"", key, state);
        return;
    }
    struct gj_slice stored = ck_row_bin(row, "answer");
    bool is_stored = stored.len == len && memcmp(stored.ptr, answer, len) == 0;
    if (!is_problem && !is_stored) ck_fail(ck, "I6", node, NULL, "%s: not the answer that is stored", key);
    (void)mp_text(mp_get(map, "code"), word, sizeof word);
    bool is_final = is_problem && (is(word, "REVERSED") || is(word, "RULE") || is(word, "INTERRUPTED"));
    if (is_final && is(state, "DONE"))
        ck_fail(ck, "I6", node, NULL, "%s: DONE, and refused with %s", key, word);
}
