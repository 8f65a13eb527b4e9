/* SPDX-License-Identifier: Apache-2.0
 *
 * Refunds: a transaction of their own that undoes legs of one settlement that this node coordinated. The last
 * source drawn is given back first (R80); where the money lands is the payer's node's to say (R81). One at a
 * time per settlement, and never more than was paid. The same path serves the refund inside a reversal.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

bool gj_refund_split(int64_t amount_fen, const struct gj_settlement_leg_row *legs, uint32_t n,
                     int64_t ret_take[GJ_LEGS_MAX]) {
    int64_t left = amount_fen;
    memset(ret_take, 0, GJ_LEGS_MAX * sizeof(ret_take[0]));
    for (uint32_t i = n; i > 0 && left > 0; i--) {
        int64_t room = legs[i - 1].amount_fen - legs[i - 1].refunded_fen;
        ret_take[i - 1] = gj_fen_min(gj_fen_max(room, 0), left);
        left -= ret_take[i - 1];
    }
    return left == 0;
}

/* May |sender| see and refund this settlement? Its own sender, its institution, or a channel of the bureau. */
bool gj_settle_is_senders(const struct gj_settlement_row *row, const char *sender) {
    return gj_desk_speaks_for(sender, row->sender) || gj_desk_speaks_for(sender, row->fixmedins_code) ||
           gj_desk_is_channel(sender);
}

/* Behind it the other nodes may have thrown their records away: nobody could prove any more what was paid. */
static bool is_too_old(const struct gj_turn *turn, const struct gj_settlement_row *row) {
    return gj_date_days_between(row->business_date, gj_date_of(turn->now.wall)) > GJ_REFUND_HORIZON_DAYS;
}

void gj_refund_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_refund *req, struct gj_slice request) {
    struct gj_settlement_row row;
    struct gj_request_row known;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    if (req->amount == 0) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_AMOUNT, "", "amount", NULL);
        return;
    }
    bool is_there = gj_settle_find(turn, req->setl_id, &row) && gj_settle_is_senders(&row, req->sender);
    bool is_repeat = gj_request_find(turn, req->sender, req->msgid, &known);
    /* Not stored as refused: the same message may come again when the other refund is over. */
    bool is_busy = is_there && (gj_session_of_settlement(domain, req->setl_id) != NULL ||
                                gj_text_equal(row.state, "reversing"));
    if (is_busy && !is_repeat) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BUSY, "", "setl_id", NULL);
        return;
    }
    /* What a crash interrupted is open still: its next attempt waits for the other refund. */
    if (is_busy && gj_request_is_interrupted(domain->protocol, turn, &known)) {
        gj_desk_problem(turn, waiter, "in_progress", GJ_ERR_IN_PROGRESS, "", "", &known.txid);
        return;
    }
    if (!gj_desk_admit(domain, turn, waiter, GJ_REQUEST_REFUND, req->sender, req->msgid, request)) return;
    if (is_there && is_too_old(turn, &row)) {
        gj_desk_refuse_now(turn, waiter, req->sender, req->msgid, GJ_ERR_TOO_OLD, "setl_id");
        return;
    }
    if (!is_there || is_busy || req->amount > row.acct_pay - row.refunded_fen) {
        enum gj_err err = !is_there ? GJ_ERR_NOT_FOUND : is_busy ? GJ_ERR_BUSY : GJ_ERR_EXCEEDS_ORIGINAL;
        gj_desk_refuse_now(turn, waiter, req->sender, req->msgid, err,
                           is_there && !is_busy ? "amount" : "setl_id");
        return;
    }
    struct gj_session *session = gj_session_open(domain, GJ_SESSION_REFUND, req->sender, req->msgid, waiter);
    GJ_ASSERT(session != NULL); /* admission looked */
    struct gj_session_refund *refund = &session->u.refund;
    memset(refund, 0, sizeof(*refund));
    gj_text_set(refund->setl_id, sizeof(refund->setl_id), req->setl_id);
    gj_text_set(refund->reason, sizeof(refund->reason), req->reason);
    refund->amount_fen = req->amount;
    gj_refund_start(domain, turn, session);
}

/* --- the transaction ------------------------------------------------------------------------------------------ */

/* The way back of a drawn leg, or the home's record of it where |drawn| is NULL. */
static void refund_leg(const struct gj_settlement_row *row, const struct gj_settlement_leg_row *drawn,
                       const struct gj_session_refund *refund, int64_t amount_fen, struct gj_tx_leg *leg) {
    struct gj_leg_detail *detail = &leg->detail;
    memset(leg, 0, sizeof(*leg));
    leg->amount_fen = amount_fen;
    gj_text_set(leg->node, sizeof(leg->node), drawn != NULL ? drawn->node : row->home);
    gj_text_set(leg->from_region, sizeof(leg->from_region), row->mdtrtarea_admvs);
    gj_text_set(leg->to_region, sizeof(leg->to_region), drawn != NULL ? drawn->region : row->insuplc_admdvs);
    gj_text_set(detail->type, sizeof(detail->type), drawn != NULL ? "refund" : "unconsume");
    gj_text_set(detail->recipient_region, sizeof(detail->recipient_region), row->insuplc_admdvs);
    gj_text_set(detail->mdtrtarea_admvs, sizeof(detail->mdtrtarea_admvs), row->mdtrtarea_admvs);
    gj_text_set(detail->fixmedins_code, sizeof(detail->fixmedins_code), row->fixmedins_code);
    gj_text_set(detail->use, sizeof(detail->use), row->use);
    gj_text_set(detail->setl_id, sizeof(detail->setl_id), row->setl_id);
    gj_text_set(detail->refund_id, sizeof(detail->refund_id), refund->refund_id);
    detail->original = row->txid;
    detail->original_leg = drawn != NULL ? drawn->leg : row->consume_leg;
    if (drawn == NULL) {
        gj_text_set(detail->person_ref, sizeof(detail->person_ref), row->person_ref);
        return;
    }
    gj_text_set(detail->account, sizeof(detail->account), drawn->account);
    gj_text_set(detail->binding_ref, sizeof(detail->binding_ref), drawn->binding_id);
    gj_text_set(detail->payer_region, sizeof(detail->payer_region), drawn->region);
}

static void cannot_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                         enum gj_err err) {
    if (session->kind == GJ_SESSION_REVERSAL)
        gj_reverse_put_off(domain, turn, session);
    else
        gj_session_refuse(domain, turn, session, err, "", "amount");
}

void gj_refund_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_session_refund *refund = &session->u.refund;
    struct gj_settlement_row row;
    int64_t take[GJ_LEGS_MAX];
    uint32_t n_drawn = 0;
    if (!gj_settle_find(turn, refund->setl_id, &row)) {
        cannot_start(domain, turn, session, GJ_ERR_NOT_FOUND);
        return;
    }
    struct gj_settlement_leg_row *drawn = gj_settle_legs(turn, refund->setl_id, &n_drawn);
    struct gj_tx_leg *legs = gj_arena_array(turn->scratch, n_drawn + 1, sizeof(*legs));
    if (legs == NULL || !gj_refund_split(refund->amount_fen, drawn, n_drawn, take)) {
        cannot_start(domain, turn, session, legs == NULL ? GJ_ERR_NO_SPACE : GJ_ERR_EXCEEDS_ORIGINAL);
        return;
    }
    if (refund->refund_id[0] == '\0') gj_desk_new_id(turn, "F", refund->refund_id);
    struct gj_tx_order order = {
        .business_date = gj_date_of(turn->now.wall), .legs = legs, .original = row.txid};
    for (uint32_t i = n_drawn; i > 0; i--) { /* in the order of giving back */
        if (take[i - 1] > 0) refund_leg(&row, &drawn[i - 1], refund, take[i - 1], &legs[order.n_legs++]);
    }
    refund_leg(&row, NULL, refund, 0, &legs[order.n_legs++]);
    gj_text_set(order.kind, sizeof(order.kind), "refund");
    gj_text_set(order.sender, sizeof(order.sender), session->sender);
    gj_text_set(order.msgid, sizeof(order.msgid), session->msgid);
    gj_text_set(order.all_details_to, sizeof(order.all_details_to), row.home);
    gj_session_begin(domain, turn, session, &order);
}

/* --- the record ------------------------------------------------------------------------------------------------- */

/* Which account the payer's node chose for |leg|; the origin if it said nothing. */
static const char *account_of(const struct gj_decision *decision, uint32_t leg, const char *origin) {
    for (uint32_t i = 0; i < decision->n_facts; i++) {
        if (decision->facts[i].leg == leg) return decision->facts[i].account;
    }
    return origin;
}

/* Counts what came back on each drawn leg and fills the payees. Returns their number. */
static uint32_t put_back(struct gj_turn *turn, const struct gj_settlement_row *row,
                         const struct gj_decision *decision, int64_t amount_fen,
                         struct gj_pay_line payees[GJ_LEGS_MAX]) {
    int64_t take[GJ_LEGS_MAX];
    uint32_t n_drawn = 0, n = 0;
    struct gj_settlement_leg_row *drawn = gj_settle_legs(turn, row->setl_id, &n_drawn);
    bool is_whole = gj_refund_split(amount_fen, drawn, n_drawn, take);
    GJ_ASSERT(is_whole || gj_store_err(turn->store) != GJ_OK); /* nothing else refunded it meanwhile */
    for (uint32_t i = n_drawn; i > 0; i--) {
        struct gj_settlement_leg_row *leg = &drawn[i - 1];
        if (take[i - 1] == 0) continue;
        leg->refunded_fen += take[i - 1];
        gj_store_put(turn->store, &gj_table_settlement_leg, leg);
        gj_settle_line(leg, account_of(decision, n, leg->account), &payees[n]);
        payees[n].amount = take[i - 1];
        payees[n].refunded = 0;
        n++;
    }
    return n;
}

static void put_refund(struct gj_turn *turn, const struct gj_refund_made *made,
                       const struct gj_settlement_row *settlement, const struct gj_decision *decision,
                       struct gj_pay_line *payees, uint32_t n_payees, struct gj_refund_row *row) {
    uint8_t memory[16384];
    struct gj_buf out;
    struct gj_fault fault;
    const struct gj_payee_list list = {.lines = payees, .n_lines = n_payees};
    memset(row, 0, sizeof(*row));
    gj_text_set(row->refund_id, sizeof(row->refund_id), made->refund_id);
    gj_text_set(row->setl_id, sizeof(row->setl_id), settlement->setl_id);
    row->txid = decision->txid;
    gj_text_set(row->sender, sizeof(row->sender), made->sender);
    gj_text_set(row->msgid, sizeof(row->msgid), made->msgid);
    gj_text_set(row->reason, sizeof(row->reason), made->reason);
    row->business_date = decision->core->business_date;
    row->amount = made->amount_fen;
    row->remaining = settlement->acct_pay - settlement->refunded_fen;
    gj_buf_init(&out, memory, sizeof(memory));
    enum gj_err err = gj_shape_encode(&gj_shape_payee_list, &list, &out, &fault);
    GJ_ASSERT(err == GJ_OK);
    row->payees = gj_buf_slice(&out);
    gj_store_put(turn->store, &gj_table_refund, row);
}

uint32_t gj_refund_record(struct gj_domain *domain, struct gj_turn *turn,
                          struct gj_settlement_row *settlement, const struct gj_decision *decision,
                          const struct gj_refund_made *made, struct gj_pay_line payees[GJ_LEGS_MAX],
                          struct gj_refund_row *ret_row) {
    uint32_t n = put_back(turn, settlement, decision, made->amount_fen, payees);
    settlement->refunded_fen += made->amount_fen;
    gj_store_put(turn->store, &gj_table_settlement, settlement);
    put_refund(turn, made, settlement, decision, payees, n, ret_row);
    gj_books_post_destination(&domain->books, turn, decision->core, settlement->fixmedins_code,
                              settlement->setl_id);
    gj_reverse_settled(turn, settlement);
    return n;
}

void gj_refund_answer(const struct gj_refund_row *row, struct gj_pay_line *payees, uint32_t n_payees,
                      struct gj_ans_refund *ret) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->refund_id, sizeof(ret->refund_id), row->refund_id);
    gj_text_set(ret->setl_id, sizeof(ret->setl_id), row->setl_id);
    ret->txid = row->txid;
    ret->business_date = row->business_date;
    ret->amount = row->amount;
    ret->remaining = row->remaining;
    ret->payees = payees;
    ret->n_payees = n_payees;
}

void gj_refund_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                         const struct gj_decision *decision) {
    const struct gj_session_refund *refund = &session->u.refund;
    struct gj_settlement_row settlement;
    struct gj_pay_line payees[GJ_LEGS_MAX];
    struct gj_refund_row row;
    struct gj_ans_refund answer;
    if (!gj_settle_find(turn, refund->setl_id, &settlement)) {
        GJ_ASSERT(gj_store_err(turn->store) != GJ_OK); /* a settlement is never removed */
        return;
    }
    const struct gj_refund_made made = {.refund_id = refund->refund_id,
                                        .reason = refund->reason,
                                        .sender = session->sender,
                                        .msgid = session->msgid,
                                        .amount_fen = refund->amount_fen};
    session->txid = decision->txid;
    uint32_t n = gj_refund_record(domain, turn, &settlement, decision, &made, payees, &row);
    if (session->kind == GJ_SESSION_REVERSAL) {
        gj_reverse_done(domain, turn, session);
        return;
    }
    gj_refund_answer(&row, payees, n, &answer);
    gj_session_finish(domain, turn, session, GJ_OK, "", row.refund_id, GJ_ANSWER_REFUND, &answer);
}
