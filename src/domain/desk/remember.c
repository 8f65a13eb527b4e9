/* SPDX-License-Identifier: Apache-2.0
 *
 * What the desk knew of a commit of its own that this store has forgotten, made again from the core and the details
 * that the peers hold: the settlement, the refund, the binding, and the answer that the client was given. What only
 * we knew (the explanation of a plan, the body of the request) stays empty. It posts only what a coordinator posts.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

/* The detail of the first leg of a type, and which leg it is; NULL if it did not come. */
static const struct gj_leg_detail *detail_of(const struct gj_tx_view *tx, const char *type,
                                             uint64_t *ret_leg) {
    for (uint32_t i = 0; i < tx->n_parts; i++) {
        if (!gj_text_equal(tx->details[i].type, type)) continue;
        *ret_leg = tx->parts[i].leg;
        return &tx->details[i];
    }
    return NULL;
}

/* The request is done, with its answer. Whoever asks again hears it, as far as the kind is the same: of the body nothing
 * is known. False if its client was told something else. */
static bool put_request(struct gj_turn *turn, const struct gj_core *core, enum gj_request_kind kind,
                        const char *result_ref, enum gj_answer_kind answer_kind, const void *answer) {
    uint8_t memory[GJ_DESK_ANSWER_MAX];
    struct gj_request_row row;
    struct gj_buf out;
    if (!gj_request_find(turn, core->sender, core->msgid, &row))
        gj_request_reopen(turn, core, gj_request_word(kind), &row);
    if (!gj_text_equal(row.state, "OPEN")) return gj_text_equal(row.state, "DONE");
    gj_buf_init(&out, memory, sizeof(memory));
    enum gj_err err = gj_answer_encode(answer_kind, answer, &out);
    GJ_ASSERT(err == GJ_OK);
    gj_request_note_tx(turn, &row, &core->txid);
    gj_request_finish(turn, &row, true, GJ_OK, "", result_ref, gj_buf_slice(&out));
    return true;
}

/* --- settlement --------------------------------------------------------------------------------------------- */

static void put_drawn_leg(struct gj_turn *turn, const struct gj_core *core, uint64_t leg,
                          const struct gj_leg_detail *detail) {
    struct gj_settlement_leg_row row;
    memset(&row, 0, sizeof(row));
    gj_text_set(row.setl_id, sizeof(row.setl_id), detail->setl_id);
    row.leg = leg;
    gj_text_set(row.payer, sizeof(row.payer), detail->binding_ref[0] != '\0' ? "relative" : "self");
    gj_text_set(row.node, sizeof(row.node), core->legs[leg].node);
    gj_text_set(row.region, sizeof(row.region), core->legs[leg].from_region);
    gj_text_set(row.account, sizeof(row.account), detail->account);
    row.amount_fen = core->legs[leg].amount;
    gj_text_set(row.binding_id, sizeof(row.binding_id), detail->binding_ref);
    if (detail->binding_ref[0] != '\0') gj_text_set(row.relation, sizeof(row.relation), detail->relation);
    gj_store_put(turn->store, &gj_table_settlement_leg, &row);
}

static void fill_settlement(const struct gj_tx_view *tx, const struct gj_leg_detail *detail, uint64_t leg,
                            struct gj_settlement_row *row) {
    const struct gj_core *core = tx->core;
    memset(row, 0, sizeof(*row));
    gj_text_set(row->setl_id, sizeof(row->setl_id), detail->setl_id);
    row->txid = core->txid;
    gj_text_set(row->sender, sizeof(row->sender), core->sender);
    gj_text_set(row->msgid, sizeof(row->msgid), core->msgid);
    gj_text_set(row->state, sizeof(row->state), "settled");
    gj_text_set(row->fixmedins_code, sizeof(row->fixmedins_code), detail->fixmedins_code);
    gj_text_set(row->mdtrtarea_admvs, sizeof(row->mdtrtarea_admvs), detail->mdtrtarea_admvs);
    gj_text_set(row->insuplc_admdvs, sizeof(row->insuplc_admdvs), detail->recipient_region);
    gj_text_set(row->home, sizeof(row->home), core->legs[leg].node);
    row->consume_leg = leg;
    gj_text_set(row->person_ref, sizeof(row->person_ref), detail->person_ref);
    gj_text_set(row->use, sizeof(row->use), detail->use);
    row->business_date = core->business_date;
    row->medfee_sumamt = detail->medfee_sumamt;
    row->fund_pay_sumamt = detail->fund_pay_sumamt;
    row->psn_part_amt = detail->psn_part_amt;
    row->acct_pay = detail->acct_pay;
    row->acct_mulaid_pay = detail->acct_mulaid_pay;
}

/* Without the home's record of it neither the bill nor the settlement's number is known. */
static bool remember_settlement(struct gj_domain *domain, struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_settlement_row row;
    struct gj_ans_settlement answer;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    uint64_t leg = 0;
    const struct gj_leg_detail *consume = detail_of(tx, "consume", &leg);
    const struct gj_leg_detail *draw = detail_of(tx, "draw", &leg);
    if (consume == NULL) { /* whom it was for is known all the same: both ends of each leg must agree */
        if (draw != NULL)
            gj_books_post_destination(&domain->books, turn, tx->core, draw->fixmedins_code, draw->setl_id);
        return false;
    }
    consume = detail_of(tx, "consume", &leg);
    fill_settlement(tx, consume, leg, &row);
    gj_store_put(turn->store, &gj_table_settlement, &row);
    for (uint32_t i = 0; i < tx->n_parts; i++) {
        const struct gj_leg_detail *detail = &tx->details[i];
        if (gj_text_equal(detail->type, "draw")) put_drawn_leg(turn, tx->core, tx->parts[i].leg, detail);
    }
    gj_books_post_destination(&domain->books, turn, tx->core, row.fixmedins_code, row.setl_id);
    gj_settle_answer(turn, &row, lines, &answer);
    bool is_told = put_request(turn, tx->core, GJ_REQUEST_SETTLE, row.setl_id, GJ_ANSWER_SETTLEMENT, &answer);
    return is_told && tx->n_parts == tx->core->n_legs;
}

/* --- refund, binding ------------------------------------------------------------------------------------------ */

static int64_t sum_of(const struct gj_core *core) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < core->n_legs; i++)
        sum += core->legs[i].amount;
    return sum;
}

static bool remember_refund(struct gj_domain *domain, struct gj_turn *turn, const struct gj_tx_view *tx,
                            const struct gj_decision *decision) {
    struct gj_settlement_row settlement;
    struct gj_pay_line payees[GJ_LEGS_MAX];
    struct gj_refund_row row;
    struct gj_ans_refund answer;
    struct gj_request_row request;
    uint64_t leg = 0;
    const struct gj_core *core = tx->core;
    const bool is_reversal =
        strncmp(core->msgid, GJ_DESK_REVERSAL_PREFIX, strlen(GJ_DESK_REVERSAL_PREFIX)) == 0;
    const struct gj_leg_detail *detail = detail_of(tx, "unconsume", &leg);
    if (detail == NULL) detail = detail_of(tx, "refund", &leg);
    if (detail == NULL || !gj_settle_find(turn, detail->setl_id, &settlement)) return false;
    if (sum_of(core) > settlement.acct_pay - settlement.refunded_fen) return false;
    const struct gj_refund_made made = {.refund_id = detail->refund_id,
                                        .reason = is_reversal ? "reversal" : "",
                                        .sender = core->sender,
                                        .msgid = core->msgid,
                                        .amount_fen = sum_of(core)};
    if (is_reversal && gj_text_equal(settlement.state, "settled")) gj_reverse_mark(turn, &settlement);
    uint32_t n = gj_refund_record(domain, turn, &settlement, decision, &made, payees, &row);
    /* It has no client; a request row only since its commit came back. */
    if (is_reversal && !gj_request_find(turn, core->sender, core->msgid, &request)) return true;
    gj_refund_answer(&row, payees, n, &answer);
    return put_request(turn, core, GJ_REQUEST_REFUND, row.refund_id, GJ_ANSWER_REFUND, &answer);
}

static bool remember_binding(struct gj_turn *turn, const struct gj_tx_view *tx) {
    struct gj_bound_row row;
    struct gj_ans_binding answer;
    if (tx->n_parts == 0) return false;
    const struct gj_leg_detail *detail = &tx->details[0]; /* both sides say the same of what is kept here */
    memset(&row, 0, sizeof(row));
    gj_text_set(row.binding_id, sizeof(row.binding_id), detail->binding_ref);
    row.txid = tx->core->txid;
    gj_text_set(row.sender, sizeof(row.sender), tx->core->sender);
    gj_text_set(row.msgid, sizeof(row.msgid), tx->core->msgid);
    gj_text_set(row.state, sizeof(row.state), "bound");
    gj_text_set(row.relation, sizeof(row.relation), detail->relation);
    gj_text_set(row.payer_region, sizeof(row.payer_region), detail->payer_region);
    gj_text_set(row.recipient_region, sizeof(row.recipient_region), detail->recipient_region);
    row.begin_date = tx->core->business_date;
    gj_store_put(turn->store, &gj_table_bound, &row);
    gj_bind_answer(&row, &answer);
    return put_request(turn, tx->core, GJ_REQUEST_BIND, row.binding_id, GJ_ANSWER_BINDING, &answer);
}

bool gj_desk_remember(struct gj_domain *domain, struct gj_turn *turn, const struct gj_tx_view *tx,
                      const struct gj_decision *decision) {
    if (gj_text_equal(tx->core->kind, "settle")) return remember_settlement(domain, turn, tx);
    if (gj_text_equal(tx->core->kind, "refund")) return remember_refund(domain, turn, tx, decision);
    if (gj_text_equal(tx->core->kind, "bind")) return remember_binding(turn, tx);
    return false;
}
