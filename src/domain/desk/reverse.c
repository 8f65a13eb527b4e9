/* SPDX-License-Identifier: Apache-2.0
 *
 * Reversal by (sender, msgid), for a client that never heard what became of its request. Safe in any order and
 * any number of times. It changes no outcome: a request that was done stays done, and its effect is undone by
 * a transaction of its own, tried until it succeeds.
 *
 *   request found                 what happens                                     answer
 *   ----------------------------  -----------------------------------------------  -------------------------
 *   none                          REFUSED (reversed) is written before it comes    reversed
 *   OPEN, runs here               what runs is aborted, REFUSED (reversed)         reversed
 *   OPEN of an earlier epoch      nothing runs: REFUSED (reversed)                 reversed
 *   the same, may be committed    nothing (waits for a peer, or for people)        in progress
 *   REFUSED                       nothing                                          reversed
 *   DONE before the horizon       nothing: TOO_OLD, never "reversed"               refused: TOO_OLD
 *   DONE settle                   the rest is refunded                             reversing, then reversed
 *   DONE bind                     the binding ends, both homes are told            reversing, then reversed
 *   DONE refund, unbind, order    nothing                                          refused: NOT_SUPPORTED
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

#define NEVER  GJ_DESK_MONO_NEVER
#define DAY_MS INT64_C(86400000)

enum gj_reverse_step gj_reverse_step_of(const struct gj_request_row *row, bool found, bool interrupted,
                                        bool is_old) {
    if (!found) return GJ_REVERSE_TOMBSTONE;
    if (gj_text_equal(row->state, "OPEN")) return interrupted ? GJ_REVERSE_CLOSE : GJ_REVERSE_CANCEL;
    if (gj_text_equal(row->state, "REFUSED")) return GJ_REVERSE_NOTHING;
    if (gj_text_equal(row->reversal, "reversed")) return GJ_REVERSE_NOTHING;
    /* What was begun in time goes on. */
    if (is_old && row->reversal[0] == '\0') return GJ_REVERSE_TOO_OLD;
    if (gj_text_equal(row->kind, gj_request_word(GJ_REQUEST_SETTLE))) return GJ_REVERSE_REFUND;
    if (gj_text_equal(row->kind, gj_request_word(GJ_REQUEST_BIND))) return GJ_REVERSE_UNBIND;
    return GJ_REVERSE_NOT_POSSIBLE;
}

static void fill_answer(struct gj_ans_reversal *ret, const char *state, const char *omsgid) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->state, sizeof(ret->state), state);
    gj_text_set(ret->omsgid, sizeof(ret->omsgid), omsgid);
}

static void answer(struct gj_turn *turn, uint64_t waiter, const char *state, const char *omsgid) {
    struct gj_ans_reversal reversal;
    fill_answer(&reversal, state, omsgid);
    gj_turn_reply(turn, waiter, GJ_ANSWER_REVERSAL, &reversal);
}

/* --- settlements ------------------------------------------------------------------------------------------------ */

/* The refund inside a reversal has a biz key of its own; admission lets no client take it. */
static void reversal_msgid(const struct gj_turn *turn, const char *sender, const char *omsgid,
                           char ret[GJ_MSGID_MAX + 1]) {
    const struct gj_slice parts[] = {GJ_SLICE_LIT("reversal"), gj_slice_of(sender, strlen(sender) + 1),
                                     gj_slice_of(omsgid, strlen(omsgid) + 1)};
    uint8_t hash[GJ_HASH_BYTES];
    turn->hasher->hash(turn->hasher->ctx, GJ_HASH_SM3, parts, 3, hash);
    gj_text_set(ret, GJ_MSGID_MAX + 1, GJ_DESK_REVERSAL_PREFIX);
    gj_hex_encode(ret + sizeof(GJ_DESK_REVERSAL_PREFIX) - 1, hash, 16);
}

static void mark_request(struct gj_turn *turn, const char *sender, const char *msgid, const char *reversal) {
    struct gj_request_row row;
    if (!gj_request_find(turn, sender, msgid, &row)) return;
    if (gj_text_equal(row.reversal, reversal) || !gj_text_equal(row.state, "DONE")) return;
    gj_request_set_reversal(turn, &row, reversal);
}

void gj_reverse_mark(struct gj_turn *turn, struct gj_settlement_row *row) {
    gj_text_set(row->state, sizeof(row->state), "reversing");
    gj_store_put(turn->store, &gj_table_settlement, row);
    mark_request(turn, row->sender, row->msgid, "reversing");
}

void gj_reverse_settled(struct gj_turn *turn, struct gj_settlement_row *row) {
    if (!gj_text_equal(row->state, "reversing") || row->refunded_fen < row->acct_pay) return;
    gj_text_set(row->state, sizeof(row->state), "reversed");
    gj_store_put(turn->store, &gj_table_settlement, row);
    mark_request(turn, row->sender, row->msgid, "reversed");
}

void gj_reverse_done(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_ans_reversal reversal;
    fill_answer(&reversal, "reversed", session->u.refund.omsgid);
    gj_session_finish(domain, turn, session, GJ_OK, "", "", GJ_ANSWER_REVERSAL, &reversal);
}

static void schedule(struct gj_domain *domain, const struct gj_turn *turn) {
    const int64_t due_ms = turn->now.mono.ms + domain->reversals_delay_ms;
    domain->reversals_due.ms = gj_fen_min(domain->reversals_due.ms, due_ms);
}

void gj_reverse_put_off(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_ans_reversal reversal;
    fill_answer(&reversal, "reversing", session->u.refund.omsgid);
    schedule(domain, turn);
    gj_session_finish(domain, turn, session, GJ_OK, "", "", GJ_ANSWER_REVERSAL, &reversal);
}

/* Runs the refund of all that is left; false if there is no session to be had now. */
static bool start_refund(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                         const struct gj_settlement_row *row) {
    char msgid[GJ_MSGID_MAX + 1];
    reversal_msgid(turn, row->sender, row->msgid, msgid);
    struct gj_session *session = gj_session_open(domain, GJ_SESSION_REVERSAL, row->sender, msgid, waiter);
    if (session == NULL) return false;
    struct gj_session_refund *refund = &session->u.refund;
    memset(refund, 0, sizeof(*refund));
    gj_text_set(refund->setl_id, sizeof(refund->setl_id), row->setl_id);
    gj_text_set(refund->omsgid, sizeof(refund->omsgid), row->msgid);
    gj_text_set(refund->reason, sizeof(refund->reason), "reversal");
    refund->amount_fen = row->acct_pay - row->refunded_fen;
    gj_refund_start(domain, turn, session);
    return true;
}

static void reverse_settlement(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                               const struct gj_request_row *request) {
    struct gj_settlement_row row;
    if (!gj_settle_find(turn, request->result_ref, &row)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_FOUND, "", "omsgid", NULL);
        return;
    }
    if (gj_text_equal(row.state, "settled")) {
        gj_reverse_mark(turn, &row);
        domain->reversals_delay_ms = GJ_DESK_REVERSAL_RETRY_MS;
    }
    gj_reverse_settled(turn, &row); /* nothing was paid, or all is refunded already */
    if (gj_text_equal(row.state, "reversed")) {
        answer(turn, waiter, "reversed", request->msgid);
        return;
    }
    struct gj_session *running = gj_session_of_settlement(domain, row.setl_id);
    if (running == NULL && start_refund(domain, turn, waiter, &row)) return;
    bool joins =
        running != NULL && running->kind == GJ_SESSION_REVERSAL && gj_session_add_waiter(running, waiter);
    schedule(domain, turn);
    if (!joins) answer(turn, waiter, "reversing", request->msgid);
}

/* --- bindings ----------------------------------------------------------------------------------------------------- */

static void reverse_binding(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                            const struct gj_request_row *request) {
    struct gj_bound_row row;
    memset(&row, 0, sizeof(row));
    gj_text_set(row.binding_id, sizeof(row.binding_id), request->result_ref);
    if (!gj_store_get(turn->store, &gj_table_bound, &row, turn->scratch)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_FOUND, "", "omsgid", NULL);
        return;
    }
    if (gj_text_equal(row.state, "bound")) {
        gj_text_set(row.state, sizeof(row.state), "reversing");
        gj_store_put(turn->store, &gj_table_bound, &row);
        mark_request(turn, row.sender, row.msgid, "reversing");
        if (gj_revoke_bound(domain, turn, &row)) gj_reverse_unbound(turn, &row);
    }
    answer(turn, waiter, row.state, request->msgid);
}

void gj_reverse_unbound(struct gj_turn *turn, struct gj_bound_row *row) {
    if (!gj_text_equal(row->state, "reversing")) return;
    gj_text_set(row->state, sizeof(row->state), "reversed");
    gj_store_put(turn->store, &gj_table_bound, row);
    mark_request(turn, row->sender, row->msgid, "reversed");
}

/* --- the request ---------------------------------------------------------------------------------------------------- */

/* The stored answer of a request that was reversed before it was done. */
static void refuse_reversed(struct gj_domain *domain, struct gj_turn *turn, const char *sender,
                            const char *msgid) {
    uint8_t memory[2048];
    struct gj_buf out;
    struct gj_ans_problem problem;
    memset(&problem, 0, sizeof(problem));
    gj_text_set(problem.outcome, sizeof(problem.outcome), "refused");
    gj_text_set(problem.code, sizeof(problem.code), gj_err_name(GJ_ERR_REVERSED));
    gj_buf_init(&out, memory, sizeof(memory));
    enum gj_err err = gj_answer_encode(GJ_ANSWER_PROBLEM, &problem, &out);
    GJ_ASSERT(err == GJ_OK);
    gj_request_refuse_reversed(domain->protocol, turn, sender, msgid, gj_buf_slice(&out));
}

/* False if the transaction was decided in this very moment, or may be committed of old: then the answer is that one's. */
static bool cancel_open(struct gj_domain *domain, struct gj_turn *turn, const struct gj_request_row *row) {
    struct gj_session *session = gj_session_of_biz(domain, row->sender, row->msgid);
    if (session == NULL) {
        if (gj_request_may_be_committed(turn, row)) return false;
        refuse_reversed(domain, turn, row->sender, row->msgid);
        return true;
    }
    if (session->phase != GJ_PHASE_DECIDING) {
        gj_session_refuse_reversed(domain, turn, session);
        return true;
    }
    /* decided() runs inside and refuses the session. */
    return gj_protocol_cancel(domain->protocol, turn, &session->txid);
}

void gj_reverse_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        const struct gj_req_reverse *req) {
    struct gj_request_row row;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    enum gj_err err = gj_protocol_accepts_work(domain->protocol, turn);
    if (err != GJ_OK) {
        gj_desk_problem(turn, waiter, "refused", err, "", "", NULL);
        return;
    }
    bool found = gj_request_find(turn, req->sender, req->omsgid, &row);
    bool interrupted = found && gj_request_is_interrupted(domain->protocol, turn, &row);
    bool is_old = found && turn->now.wall.ms - row.opened_ms > GJ_REFUND_HORIZON_DAYS * DAY_MS;
    switch (gj_reverse_step_of(&row, found, interrupted, is_old)) {
    case GJ_REVERSE_TOMBSTONE:
    case GJ_REVERSE_CLOSE:
        refuse_reversed(domain, turn, req->sender, req->omsgid);
        break;
    case GJ_REVERSE_CANCEL:
        if (cancel_open(domain, turn, &row)) break;
        gj_desk_problem(turn, waiter, "in_progress", GJ_ERR_IN_PROGRESS, "", "", &row.txid);
        return;
    case GJ_REVERSE_NOTHING:
        break;
    case GJ_REVERSE_REFUND:
        reverse_settlement(domain, turn, waiter, &row);
        return;
    case GJ_REVERSE_UNBIND:
        reverse_binding(domain, turn, waiter, &row);
        return;
    case GJ_REVERSE_TOO_OLD:
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_TOO_OLD, "", "omsgid", NULL);
        return;
    case GJ_REVERSE_NOT_POSSIBLE:
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_SUPPORTED, "", row.kind, NULL);
        return;
    }
    answer(turn, waiter, "reversed", req->omsgid);
}

/* --- the timer ------------------------------------------------------------------------------------------------------- */

void gj_reverse_tick(struct gj_domain *domain, struct gj_turn *turn) {
    struct gj_settlement_row from;
    struct gj_rows rows;
    memset(&from, 0, sizeof(from));
    gj_text_set(from.state, sizeof(from.state), "reversing");
    const struct gj_settlement_row *after =
        domain->reversal_cursor.setl_id[0] != '\0' ? &domain->reversal_cursor : NULL;
    gj_store_find(turn->store, &gj_table_settlement, "settlement_by_state", &from, 1, after,
                  GJ_DESK_PER_TICK / 4, turn->scratch, &rows);
    struct gj_settlement_row *items = rows.items;
    domain->reversals_due.ms = NEVER;
    for (size_t i = 0; i < rows.n; i++) {
        if (gj_session_of_settlement(domain, items[i].setl_id) == NULL)
            (void)start_refund(domain, turn, 0, &items[i]); /* at the limit of sessions: the next round */
    }
    if (rows.more && rows.n > 0) {
        domain->reversal_cursor = items[rows.n - 1];
        domain->reversal_cursor.explain = GJ_SLICE_NONE;
        domain->reversals_due = turn->now.mono;
        return;
    }
    bool is_empty = rows.n == 0 && after == NULL;
    domain->reversal_cursor.setl_id[0] = '\0';
    if (is_empty) {
        domain->reversals_due.ms = NEVER;
        return;
    }
    domain->reversals_due.ms = turn->now.mono.ms + domain->reversals_delay_ms;
    domain->reversals_delay_ms = gj_fen_min(domain->reversals_delay_ms * 2, GJ_COMMIT_RESEND_MAX_MS);
}
