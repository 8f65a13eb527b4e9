/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of a client's request (see request.h). The row of a final request carries its answer,
 * so that the same call hears the same words for ever. Bodies are kept only as a keyed digest.
 */
#include "protocol/request.h"

#include <string.h>

#include "base/check.h"
#include "protocol/state.h"

#define OPEN    "OPEN"
#define DONE    "DONE"
#define REFUSED "REFUSED"

static void body_mac(struct gj_turn *turn, const char *kind, struct gj_slice body,
                     uint8_t ret[GJ_HASH_BYTES]) {
    const struct gj_slice parts[] = {GJ_SLICE_LIT("gongji-request/1"), gj_slice_str(kind), GJ_SLICE_LIT("\0"),
                                     body};
    turn->hasher->mac(turn->hasher->ctx, parts, sizeof parts / sizeof parts[0], ret);
}

bool gj_request_find(struct gj_turn *turn, const char *sender, const char *msgid,
                     struct gj_request_row *ret_row) {
    *ret_row = (struct gj_request_row){0};
    gj_text_set(ret_row->sender, sizeof ret_row->sender, sender);
    gj_text_set(ret_row->msgid, sizeof ret_row->msgid, msgid);
    return gj_store_get(turn->store, &gj_table_request, ret_row, turn->scratch);
}

/* Undecided, or waiting for a peer that has not told us what it knows; or a RESYNC brought the commit back, and not what
 * its client was told. */
bool gj_request_may_be_committed(struct gj_turn *turn, const struct gj_request_row *row) {
    struct gj_coord_row coord = {.txid = row->txid};
    if (gj_txid_is_none(&row->txid)) return false;
    if (gj_adopt_is_staged(turn, &row->txid)) return true;
    return gj_store_get(turn->store, &gj_table_coord, &coord, turn->scratch) &&
           !gj_text_equal(coord.state, "ABORTED");
}

bool gj_request_is_interrupted(const struct gj_protocol *protocol, struct gj_turn *turn,
                               const struct gj_request_row *row) {
    return gj_text_equal(row->state, OPEN) && row->epoch != protocol->epoch &&
           !gj_request_may_be_committed(turn, row);
}

/* A request that a RESYNC brought back has no body to compare with: there the kind decides. */
static bool is_same_body(const struct gj_request_row *row, const char *kind,
                         const uint8_t mac[GJ_HASH_BYTES]) {
    static const uint8_t unknown[GJ_HASH_BYTES];
    if (memcmp(row->body_mac, unknown, sizeof unknown) == 0) return gj_text_equal(row->kind, kind);
    return memcmp(row->body_mac, mac, GJ_HASH_BYTES) == 0;
}

enum gj_request_verdict gj_request_admit(struct gj_protocol *protocol, struct gj_turn *turn,
                                         const char *sender, const char *msgid, const char *kind,
                                         struct gj_slice body, struct gj_request_row *ret_row) {
    uint8_t mac[GJ_HASH_BYTES];
    body_mac(turn, kind, body, mac);
    if (!gj_request_find(turn, sender, msgid, ret_row)) {
        memcpy(ret_row->body_mac, mac, sizeof mac);
        gj_text_set(ret_row->kind, sizeof ret_row->kind, kind);
        gj_text_set(ret_row->state, sizeof ret_row->state, OPEN);
        ret_row->epoch = protocol->epoch;
        ret_row->opened_ms = turn->now.wall.ms;
        gj_store_put(turn->store, &gj_table_request, ret_row);
        return GJ_REQUEST_IS_NEW;
    }
    /* A reversal that came first has no body to compare with: it answers whatever comes under its key. */
    bool is_tombstone =
        gj_text_equal(ret_row->reversal, "reversed") && gj_text_equal(ret_row->state, REFUSED);
    if (!is_tombstone && !is_same_body(ret_row, kind, mac)) return GJ_REQUEST_IS_CONFLICT;
    if (!gj_text_equal(ret_row->state, OPEN)) return GJ_REQUEST_IS_FINAL;
    if (!gj_request_is_interrupted(protocol, turn, ret_row)) return GJ_REQUEST_IS_OPEN;
    ret_row->epoch = protocol->epoch;
    ret_row->opened_ms = turn->now.wall.ms;
    gj_store_put(turn->store, &gj_table_request, ret_row);
    return GJ_REQUEST_IS_RESUMED;
}

void gj_request_reopen(struct gj_turn *turn, const struct gj_core *core, const char *kind,
                       struct gj_request_row *ret_row) {
    *ret_row = (struct gj_request_row){.epoch = core->txid.epoch, .opened_ms = turn->now.wall.ms};
    gj_text_set(ret_row->sender, sizeof ret_row->sender, core->sender);
    gj_text_set(ret_row->msgid, sizeof ret_row->msgid, core->msgid);
    gj_text_set(ret_row->kind, sizeof ret_row->kind, kind);
    gj_text_set(ret_row->state, sizeof ret_row->state, OPEN);
    gj_store_put(turn->store, &gj_table_request, ret_row);
}

void gj_request_note_commit(const struct gj_protocol *protocol, struct gj_turn *turn,
                            const struct gj_core *core) {
    struct gj_request_row row;
    bool is_known = gj_request_find(turn, core->sender, core->msgid, &row);
    if (is_known && (!gj_text_equal(row.state, OPEN) || row.epoch == protocol->epoch)) return;
    if (!is_known) gj_request_reopen(turn, core, core->kind, &row);
    gj_request_note_tx(turn, &row, &core->txid);
}

void gj_request_note_tx(struct gj_turn *turn, struct gj_request_row *row, const struct gj_txid *txid) {
    GJ_ASSERT(gj_text_equal(row->state, OPEN));
    row->txid = *txid;
    gj_store_put(turn->store, &gj_table_request, row);
}

void gj_request_finish(struct gj_turn *turn, struct gj_request_row *row, bool done, enum gj_err code,
                       const char *rule, const char *result_ref, struct gj_slice answer) {
    GJ_ASSERT(gj_text_equal(row->state, OPEN));
    gj_text_set(row->state, sizeof row->state, done ? DONE : REFUSED);
    gj_text_set(row->code, sizeof row->code, code == GJ_OK ? "" : gj_err_name(code));
    gj_text_set(row->rule, sizeof row->rule, rule);
    gj_text_set(row->result_ref, sizeof row->result_ref, result_ref);
    row->answer = answer;
    gj_store_put(turn->store, &gj_table_request, row);
    gj_turn_event(turn, done ? GJ_EVENT_REQUEST_DONE : GJ_EVENT_REQUEST_REFUSED, code, &row->txid, NULL, 0);
}

void gj_request_refuse_reversed(struct gj_protocol *protocol, struct gj_turn *turn, const char *sender,
                                const char *msgid, struct gj_slice answer) {
    struct gj_request_row row;
    if (!gj_request_find(turn, sender, msgid, &row)) {
        gj_text_set(row.kind, sizeof row.kind, "reversed");
        row.epoch = protocol->epoch;
        row.opened_ms = turn->now.wall.ms;
    }
    GJ_ASSERT(row.state[0] == '\0' || gj_text_equal(row.state, OPEN));
    gj_text_set(row.state, sizeof row.state, REFUSED);
    gj_text_set(row.reversal, sizeof row.reversal, "reversed");
    gj_text_set(row.code, sizeof row.code, gj_err_name(GJ_ERR_REVERSED));
    row.answer = answer;
    gj_store_put(turn->store, &gj_table_request, &row);
    gj_turn_event(turn, GJ_EVENT_REQUEST_REFUSED, GJ_ERR_REVERSED, &row.txid, NULL, 0);
}

void gj_request_set_reversal(struct gj_turn *turn, struct gj_request_row *row, const char *reversal) {
    bool starts = row->reversal[0] == '\0';
    bool ends = gj_text_equal(row->reversal, "reversing") && gj_text_equal(reversal, "reversed");
    GJ_ASSERT(gj_text_equal(row->state, DONE) && (starts || ends));
    gj_text_set(row->reversal, sizeof row->reversal, reversal);
    gj_store_put(turn->store, &gj_table_request, row);
}

static void close_one(struct gj_turn *turn, struct gj_request_row *row) {
    struct gj_ans_problem problem = {.txid = row->txid};
    struct gj_buf buf;
    uint8_t *memory = gj_arena_alloc(turn->scratch, 1024);
    if (memory == NULL) return;
    gj_text_set(problem.outcome, sizeof problem.outcome, "refused");
    gj_text_set(problem.code, sizeof problem.code, gj_err_name(GJ_ERR_INTERRUPTED));
    gj_buf_init(&buf, memory, 1024);
    enum gj_err err = gj_answer_encode(GJ_ANSWER_PROBLEM, &problem, &buf);
    GJ_ASSERT(err == GJ_OK);
    gj_request_finish(turn, row, false, GJ_ERR_INTERRUPTED, "", "", gj_buf_slice(&buf));
}

void gj_request_close_interrupted(struct gj_protocol *protocol, struct gj_turn *turn, size_t limit) {
    struct gj_request_row key = {0};
    struct gj_rows rows;
    if (!protocol->past_is_settled) return;
    gj_text_set(key.state, sizeof key.state, OPEN);
    /* In the order of opened_ms: the oldest first. */
    gj_store_find(turn->store, &gj_table_request, "request_by_state", &key, 1, NULL, limit, turn->scratch,
                  &rows);
    struct gj_request_row *items = rows.items;
    for (size_t i = 0; i < rows.n; i++) {
        bool is_over = turn->now.wall.ms - items[i].opened_ms > GJ_PLAN_LIFE_MS;
        if (!is_over || !gj_request_is_interrupted(protocol, turn, &items[i])) continue;
        close_one(turn, &items[i]);
    }
}
