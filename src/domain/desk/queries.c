/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads: what a client may ask about. They change nothing, need no new-work permission, and tell a sender only
 * what is his.
 */
#include <string.h>

#include "base/money.h"
#include "domain/desk/desk.h"

static void not_found(struct gj_turn *turn, uint64_t waiter) {
    gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_FOUND, "", "id", NULL);
}

/* No sender: the caller's own right to see everything was checked at the edge. */
static bool may_see(const struct gj_req_get *req, const struct gj_settlement_row *row) {
    return req->sender[0] == '\0' || gj_settle_is_senders(row, req->sender);
}

static void get_settlement(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                           const struct gj_req_get *req) {
    struct gj_settlement_row row;
    struct gj_ans_settlement answer;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    (void)domain;
    if (!gj_settle_find(turn, req->id, &row) || !may_see(req, &row)) {
        not_found(turn, waiter);
        return;
    }
    gj_settle_answer(turn, &row, lines, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_SETTLEMENT, &answer);
}

static void get_plan(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_get *req) {
    (void)domain;
    if (!gj_plan_read(turn, req->id, req->sender, waiter)) not_found(turn, waiter);
}

/* The side that lives here knows whether it is active; the coordinator knows only that it was made. */
static void get_binding(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        const struct gj_req_get *req) {
    struct gj_ans_binding answer;
    struct gj_bound_row row;
    (void)domain;
    if (req->sender[0] != '\0' && !gj_bind_is_senders(turn, req->id, req->sender)) {
        not_found(turn, waiter);
        return;
    }
    if (gj_books_binding(turn, req->id, &answer)) {
        gj_turn_reply(turn, waiter, GJ_ANSWER_BINDING, &answer);
        return;
    }
    memset(&row, 0, sizeof(row));
    if (gj_text_copy(row.binding_id, sizeof(row.binding_id), req->id) != GJ_OK ||
        !gj_store_get(turn->store, &gj_table_bound, &row, turn->scratch)) {
        not_found(turn, waiter);
        return;
    }
    gj_bind_answer(&row, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_BINDING, &answer);
}

static void get_refund(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_get *req) {
    struct gj_refund_row row;
    struct gj_settlement_row settlement;
    struct gj_payee_list payees;
    struct gj_ans_refund answer;
    struct gj_fault fault;
    (void)domain;
    memset(&row, 0, sizeof(row));
    bool is_there = gj_text_copy(row.refund_id, sizeof(row.refund_id), req->id) == GJ_OK &&
                    gj_store_get(turn->store, &gj_table_refund, &row, turn->scratch) &&
                    gj_settle_find(turn, row.setl_id, &settlement) && may_see(req, &settlement);
    if (!is_there ||
        gj_shape_decode(&gj_shape_payee_list, row.payees, turn->scratch, &payees, &fault) != GJ_OK) {
        not_found(turn, waiter);
        return;
    }
    gj_refund_answer(&row, payees.lines, payees.n_lines, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_REFUND, &answer);
}

/* What became of a message: the third outcome, in progress, carries the txid. */
static void get_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        const struct gj_req_get *req) {
    struct gj_request_row row;
    struct gj_ans_request answer;
    (void)domain;
    if (strlen(req->id) > GJ_MSGID_MAX || !gj_request_find(turn, req->sender, req->id, &row)) {
        not_found(turn, waiter);
        return;
    }
    if (gj_text_equal(row.state, "OPEN")) {
        gj_desk_problem(turn, waiter, "in_progress", GJ_ERR_IN_PROGRESS, "", "", &row.txid);
        return;
    }
    memset(&answer, 0, sizeof(answer));
    gj_text_set(answer.sender, sizeof(answer.sender), row.sender);
    gj_text_set(answer.msgid, sizeof(answer.msgid), row.msgid);
    gj_text_set(answer.kind, sizeof(answer.kind), row.kind);
    gj_text_set(answer.state, sizeof(answer.state), gj_text_equal(row.state, "DONE") ? "done" : "refused");
    gj_text_set(answer.reversal, sizeof(answer.reversal), row.reversal);
    gj_text_set(answer.code, sizeof(answer.code), row.code);
    gj_text_set(answer.rule, sizeof(answer.rule), row.rule);
    answer.txid = row.txid;
    if (gj_text_equal(row.kind, gj_request_word(GJ_REQUEST_SETTLE)))
        gj_text_set(answer.setl_id, sizeof(answer.setl_id), row.result_ref);
    gj_turn_reply(turn, waiter, GJ_ANSWER_REQUEST, &answer);
}

static void get_transaction(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                            const struct gj_req_get *req) {
    struct gj_txid txid;
    struct gj_tx_line line;
    memset(&line, 0, sizeof(line));
    if (gj_txid_parse(req->id, strlen(req->id), &txid) != GJ_OK ||
        !gj_protocol_transaction(domain->protocol, turn, &txid, &line)) {
        not_found(turn, waiter);
        return;
    }
    const struct gj_ans_transactions answer = {.transactions = &line, .n_transactions = 1};
    gj_turn_reply(turn, waiter, GJ_ANSWER_TRANSACTIONS, &answer);
}

static void get_transactions(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                             const struct gj_req_get *req) {
    struct gj_ans_transactions answer;
    memset(&answer, 0, sizeof(answer));
    gj_protocol_transactions(domain->protocol, turn, req->state, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_TRANSACTIONS, &answer);
}

static void get_cases(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                      const struct gj_req_get *req) {
    struct gj_ans_cases answer;
    (void)domain;
    gj_protocol_cases(turn, req->after, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_CASES, &answer);
}

static void get_resync(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_get *req) {
    struct gj_ans_resync answer;
    (void)req;
    gj_protocol_describe_resync(domain->protocol, turn, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_RESYNC, &answer);
}

static void get_node(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_get *req) {
    struct gj_ans_node answer;
    (void)req;
    memset(&answer, 0, sizeof(answer));
    gj_protocol_describe(domain->protocol, turn, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_NODE, &answer);
}

static const struct {
    const char *what;
    void (*get)(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                const struct gj_req_get *req);
} reads[] = {
    {"settlement", get_settlement},
    {"plan", get_plan},
    {"binding", get_binding},
    {"refund", get_refund},
    {"request", get_request},
    {"transaction", get_transaction},
    {"transactions", get_transactions},
    {"cases", get_cases},
    {"resync", get_resync},
    {"node", get_node},
};

void gj_query_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                      const struct gj_req_get *req) {
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        if (!gj_text_equal(reads[i].what, req->what)) continue;
        reads[i].get(domain, turn, waiter, req);
        return;
    }
    gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_FIELD, "", "what", NULL);
}
