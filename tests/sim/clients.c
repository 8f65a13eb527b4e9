/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of the nodes: hospitals and bureaus that bind, plan, settle, refund, reverse and unbind on a few hot
 * accounts, that repeat a message until it has its final answer, and that sometimes reverse what they never heard of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "sim.h"

#define KNOWN_MAX       64
#define MISTAKE_PERCENT 4
#define LATE_MS         320000 /* after a plan's life a client may still ask what became of it */
#define TRIES_MAX       25     /* in the phase with faults; then the client gives up for good */

union body {
    struct gj_req_bill bill;
    struct gj_req_bind bind;
    struct gj_req_unbind unbind;
    struct gj_req_order order;
    struct gj_req_refund refund;
    struct gj_req_reverse reverse;
    struct gj_req_verify verify;
    struct gj_req_get get;
};

struct op {
    enum gj_request_kind kind;
    union body body;
    struct gj_binding_item items[GJ_SOURCES_MAX]; /* of an order */
    size_t node;
    char sender[GJ_SENDER_MAX + 1], msgid[GJ_MSGID_MAX + 1];
    bool has_agreed;   /* to so much cash and no more */
    bool plan_is_used; /* it was settled by an earlier message */
    int64_t agreed_cash_fen;
};

struct client {
    size_t node;
    unsigned number, messages;
    bool has_op, waits, has_next;
    struct op op, next; /* |next|: what follows, whatever became of the first */
    uint64_t ticket;
    unsigned life, tries;
    int64_t due_ms;
};

struct settled {
    size_t node;
    char setl_id[GJ_REF_MAX + 1], msgid[GJ_MSGID_MAX + 1], sender[GJ_SENDER_MAX + 1];
    int64_t fen;
};
struct bound {
    char id[GJ_REF_MAX + 1], msgid[GJ_MSGID_MAX + 1], sender[GJ_SENDER_MAX + 1];
    size_t at, payer, recipient;
    bool is_ended;
};

struct sim_clients {
    struct client all[SIM_CLIENTS_MAX];
    size_t n;
    struct settled settled[KNOWN_MAX];
    struct bound bound[KNOWN_MAX];
    size_t n_settled, n_bound; /* ever; the places are used again */
};

static uint64_t below(struct sim *sim, uint64_t n) {
    return sim_below(sim, SIM_WORK, n);
}

static size_t pick(struct sim *sim, size_t ever) {
    return (size_t)below(sim, ever < KNOWN_MAX ? ever : KNOWN_MAX);
}

/* --- making requests ------------------------------------------------------------------------------------ */
static void name_op(struct op *op, struct client *client, size_t node, enum gj_request_kind kind) {
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->node = node;
    (void)snprintf(op->sender, sizeof op->sender, "%s/c%u", sim_node_name(node), client->number);
    (void)snprintf(op->msgid, sizeof op->msgid, "m%u-%u", client->number, ++client->messages);
}

/* Small bills mostly, so that the money lasts; some that nothing covers. */
static int64_t draw_fen(struct sim *sim) {
    return 1 + (int64_t)below(sim, UINT64_C(500) << below(sim, 7));
}

static void make_bill(struct sim *sim, struct client *client, struct op *op, enum gj_request_kind kind) {
    struct sim_person who = sim_person(sim, (size_t)below(sim, sim_people(sim)));
    struct gj_req_person known;
    char yuan[GJ_YUAN_TEXT_CAP];
    name_op(op, client, client->node, kind);
    struct gj_req_bill *bill = &op->body.bill;
    const char *care = sim_region(op->node, (unsigned)below(sim, 2));
    sim_person_name(&who, &known);
    gj_text_set(bill->sender, sizeof bill->sender, op->sender);
    gj_text_set(bill->msgid, sizeof bill->msgid, op->msgid);
    (void)snprintf(bill->fixmedins_code, sizeof bill->fixmedins_code, "H%s00001", care);
    gj_text_set(bill->mdtrtarea_admvs, sizeof bill->mdtrtarea_admvs, care);
    gj_text_set(bill->insuplc_admdvs, sizeof bill->insuplc_admdvs, who.region);
    gj_text_set(bill->psn_cert_type, sizeof bill->psn_cert_type, "01");
    gj_text_set(bill->certno, sizeof bill->certno, known.certno);
    gj_text_set(bill->psn_name, sizeof bill->psn_name, known.psn_name);
    gj_text_set(bill->mdtrt_cert_type, sizeof bill->mdtrt_cert_type, "02");
    gj_text_set(bill->mdtrt_cert_no, sizeof bill->mdtrt_cert_no, known.certno);
    gj_text_set(bill->med_type, sizeof bill->med_type,
                below(sim, 30) == 0  ? "21"
                : below(sim, 3) == 0 ? "41"
                                     : "11");
    bill->psn_part_amt = draw_fen(sim);
    bill->acct_payable_amt =
        bill->psn_part_amt - (int64_t)(below(sim, 3) == 0 ? below(sim, (uint64_t)bill->psn_part_amt) : 0);
    bill->fund_pay_sumamt = (int64_t)below(sim, 10000);
    bill->medfee_sumamt = bill->psn_part_amt + bill->fund_pay_sumamt;
    if (kind != GJ_REQUEST_SETTLE) return;
    int64_t cash = below(sim, 10) == 0 ? 0 : bill->psn_part_amt;
    gj_text_set(bill->expected_psn_cash_pay, sizeof bill->expected_psn_cash_pay, gj_yuan_format(yuan, cash));
    op->has_agreed = true;
    op->agreed_cash_fen = cash;
}

static void make_bind(struct sim *sim, struct client *client, struct op *op) {
    static const char *const relations[] = {"spouse", "parent", "child"};
    struct sim_person payer = sim_person(sim, (size_t)below(sim, 2 * sim->n));
    struct sim_person recipient = sim_person(sim, (size_t)below(sim, sim_people(sim)));
    if (recipient.number == payer.number)
        recipient = sim_person(sim, (size_t)(payer.number % sim_people(sim)));
    name_op(op, client, client->node, GJ_REQUEST_BIND);
    struct gj_req_bind *bind = &op->body.bind;
    gj_text_set(bind->sender, sizeof bind->sender, op->sender);
    gj_text_set(bind->msgid, sizeof bind->msgid, op->msgid);
    gj_text_set(bind->consent_ref, sizeof bind->consent_ref, "consent");
    gj_text_set(bind->relation, sizeof bind->relation, relations[below(sim, 3)]);
    bind->position = below(sim, 3);
    sim_person_name(&payer, &bind->payer);
    sim_person_name(&recipient, &bind->recipient);
}

static void make_unbind(struct sim *sim, struct client *client, struct op *op) {
    struct bound *bound = &sim->clients->bound[pick(sim, sim->clients->n_bound)];
    bool by_payer = below(sim, 2) == 0;
    struct sim_person who = sim_person(sim, by_payer ? bound->payer : bound->recipient);
    name_op(op, client, who.node, GJ_REQUEST_UNBIND);
    gj_text_set(op->body.unbind.sender, sizeof op->body.unbind.sender, op->sender);
    gj_text_set(op->body.unbind.msgid, sizeof op->body.unbind.msgid, op->msgid);
    gj_text_set(op->body.unbind.binding_id, sizeof op->body.unbind.binding_id, bound->id);
    gj_text_set(op->body.unbind.by, sizeof op->body.unbind.by, by_payer ? "payer" : "recipient");
    bound->is_ended = true;
}

static void make_order(struct sim *sim, struct client *client, struct op *op) {
    const struct sim_clients *clients = sim->clients;
    size_t recipient = clients->bound[pick(sim, clients->n_bound)].recipient;
    struct sim_person who = sim_person(sim, recipient);
    name_op(op, client, who.node, GJ_REQUEST_ORDER);
    struct gj_req_order *order = &op->body.order;
    gj_text_set(order->sender, sizeof order->sender, op->sender);
    gj_text_set(order->msgid, sizeof order->msgid, op->msgid);
    sim_person_name(&who, &order->recipient);
    size_t n = clients->n_bound < KNOWN_MAX ? clients->n_bound : KNOWN_MAX;
    for (size_t i = n; i > 0 && order->n_bindings < GJ_SOURCES_MAX; i--) {
        const struct bound *bound = &clients->bound[i - 1];
        if (bound->recipient != recipient || bound->is_ended) continue;
        gj_text_set(op->items[order->n_bindings++].binding_id, GJ_REF_MAX + 1, bound->id);
    }
}

static void make_refund(struct sim *sim, struct client *client, struct op *op) {
    const struct settled *of = &sim->clients->settled[pick(sim, sim->clients->n_settled)];
    name_op(op, client, of->node, GJ_REQUEST_REFUND);
    struct gj_req_refund *refund = &op->body.refund;
    gj_text_set(refund->sender, sizeof refund->sender, op->sender);
    gj_text_set(refund->msgid, sizeof refund->msgid, op->msgid);
    gj_text_set(refund->setl_id, sizeof refund->setl_id, of->setl_id);
    refund->amount = below(sim, 3) == 0 ? of->fen : 1 + (int64_t)below(sim, (uint64_t)of->fen);
    if (below(sim, 20) == 0) refund->amount += 1;
}

static void make_reverse(struct client *client, struct op *op, size_t node, const char *sender,
                         const char *omsgid) {
    name_op(op, client, node, GJ_REQUEST_REVERSE);
    gj_text_set(op->sender, sizeof op->sender, sender);
    gj_text_set(op->msgid, sizeof op->msgid, omsgid);
    gj_text_set(op->body.reverse.sender, sizeof op->body.reverse.sender, sender);
    gj_text_set(op->body.reverse.omsgid, sizeof op->body.reverse.omsgid, omsgid);
}

/* Something that is done, or that another client is at just now. */
static void make_some_reverse(struct sim *sim, struct client *client, struct op *op) {
    const struct sim_clients *clients = sim->clients;
    const struct client *other = &clients->all[below(sim, clients->n)];
    bool at_work = other->has_op && other->op.kind != GJ_REQUEST_REVERSE && other->op.msgid[0] != '\0';
    if (at_work && below(sim, 2) == 0) {
        make_reverse(client, op, other->op.node, other->op.sender, other->op.msgid);
    } else if (clients->n_bound > 0 && below(sim, 6) == 0) {
        const struct bound *bound = &clients->bound[pick(sim, clients->n_bound)];
        make_reverse(client, op, bound->at, bound->sender, bound->msgid);
    } else if (clients->n_settled > 0) {
        const struct settled *of = &clients->settled[pick(sim, clients->n_settled)];
        make_reverse(client, op, of->node, of->sender, of->msgid);
    } else {
        make_bind(sim, client, op);
    }
}

static void make_verify(struct sim *sim, struct client *client, struct op *op) {
    struct sim_person who = sim_person(sim, (size_t)below(sim, sim_people(sim)));
    struct gj_req_person known;
    name_op(op, client, client->node, GJ_REQUEST_VERIFY);
    struct gj_req_verify *verify = &op->body.verify;
    sim_person_name(&who, &known);
    gj_text_set(verify->sender, sizeof verify->sender, op->sender);
    gj_text_set(verify->msgid, sizeof verify->msgid, op->msgid);
    gj_text_set(verify->purpose, sizeof verify->purpose, "check");
    gj_text_set(verify->consent_ref, sizeof verify->consent_ref, "consent");
    gj_text_set(verify->insuplc_admdvs, sizeof verify->insuplc_admdvs, who.region);
    gj_text_set(verify->psn_cert_type, sizeof verify->psn_cert_type, "01");
    gj_text_set(verify->certno, sizeof verify->certno, known.certno);
    gj_text_set(verify->psn_name, sizeof verify->psn_name, known.psn_name);
    op->msgid[0] = '\0'; /* not stored: nothing to compare an answer with */
}

/* --- mistakes that people make: each is refused in its own way, and changes nothing ----------------------- */
static void spoil_bill(struct sim *sim, const struct op *op, struct gj_req_bill *bill) {
    switch (below(sim, 6)) {
    case 0:
        bill->fixmedins_code[11] = '9'; /* nobody's hospital */
        break;
    case 1:
        bill->medfee_sumamt += 1;
        break;
    case 2:
        gj_text_set(bill->plan_id, sizeof bill->plan_id, "Pnone");
        break;
    case 3:
        bill->certno[17] = bill->certno[17] == '1' ? '2' : '1';
        break;
    case 4:
        gj_text_set(bill->psn_name, sizeof bill->psn_name, "测试0");
        break;
    default: /* somebody else's client */
        (void)snprintf(bill->sender, sizeof bill->sender, "%s/c1",
                       sim_node_name((op->node + 1 + (size_t)below(sim, sim->n - 1)) % sim->n));
        break;
    }
}

static void spoil(struct sim *sim, struct op *op) {
    if (op->kind == GJ_REQUEST_SETTLE || op->kind == GJ_REQUEST_PLAN) spoil_bill(sim, op, &op->body.bill);
    if (op->kind == GJ_REQUEST_BIND && below(sim, 2) == 0) op->body.bind.recipient = op->body.bind.payer;
    if (op->kind == GJ_REQUEST_BIND)
        gj_text_set(op->body.bind.relation, sizeof op->body.bind.relation, "sibling");
    if (op->kind == GJ_REQUEST_REFUND && below(sim, 2) == 0) op->body.refund.amount = 0;
    if (op->kind == GJ_REQUEST_REFUND) gj_text_set(op->body.refund.setl_id, GJ_REF_MAX + 1, "Snone");
    /* An order is the bureau's to give, not a hospital's. */
    if (op->kind == GJ_REQUEST_ORDER)
        (void)snprintf(op->body.order.sender, sizeof op->body.order.sender, "H%s00001",
                       sim_region(op->node, 0));
}

static void make_op(struct sim *sim, struct client *client) {
    struct op *op = &client->op;
    uint64_t draw = below(sim, 100);
    bool is_first = client->messages < 3;
    client->has_next = false;
    if (is_first || draw < 8) {
        make_bind(sim, client, op);
    } else if (draw < 14) {
        make_bill(sim, client, op, GJ_REQUEST_PLAN);
    } else if (draw < 28 && sim->clients->n_settled > 0) {
        make_refund(sim, client, op);
    } else if (draw < 38) {
        make_some_reverse(sim, client, op);
    } else if (draw < 41 && sim->clients->n_bound > 0) {
        make_unbind(sim, client, op);
    } else if (draw < 44 && sim->clients->n_bound > 0) {
        make_order(sim, client, op);
    } else if (draw < 46) {
        make_verify(sim, client, op);
    } else if (draw < 50) {
        /* A reversal that comes before what it reverses. */
        make_bill(sim, client, &client->next, GJ_REQUEST_SETTLE);
        make_reverse(client, op, client->next.node, client->next.sender, client->next.msgid);
        client->has_next = true;
    } else {
        make_bill(sim, client, op, GJ_REQUEST_SETTLE);
    }
    if (!is_first && below(sim, 100) < MISTAKE_PERCENT) spoil(sim, op);
    client->has_op = true;
    client->tries = 0;
}

/* --- asking --------------------------------------------------------------------------------------------- */
void sim_ticket(struct sim *sim, uint64_t ticket, size_t node, const char *request, const char *sender,
                const char *msgid) {
    if (sim->n_tickets == sim->cap_tickets) {
        sim->cap_tickets = sim->cap_tickets == 0 ? 256 : 2 * sim->cap_tickets;
        sim->tickets = realloc(sim->tickets, sim->cap_tickets * sizeof *sim->tickets);
        GJ_ASSERT(sim->tickets != NULL);
    }
    GJ_ASSERT(ticket == sim->n_tickets + 1);
    struct sim_ticket *of = &sim->tickets[sim->n_tickets++];
    *of = (struct sim_ticket){.node = node};
    gj_text_set(of->request, sizeof of->request, request);
    gj_text_set(of->sender, sizeof of->sender, sender);
    gj_text_set(of->msgid, sizeof of->msgid, msgid);
}

/* At the door of a full queue: nothing was done, and the same may be asked again. */
static void hear_busy(struct sim *sim, struct client *client) {
    client->due_ms = sim->now_ms + 50 + (int64_t)sim_below(sim, SIM_NARROW, 1000);
    sim->coverage.rows[SIM_ROW_QUEUE_BUSY]++;
    sim_say(sim, "client %u hears of %s: BUSY", client->number, client->op.msgid);
}

static void ask(struct sim *sim, struct client *client) {
    struct op *op = &client->op;
    if (sim->nodes[op->node].is_down) {
        client->due_ms = sim->now_ms + 200 + (int64_t)below(sim, 2000);
        return;
    }
    if (sim_network_is_full(sim, op->node)) {
        hear_busy(sim, client);
        return;
    }
    if (op->kind == GJ_REQUEST_ORDER) op->body.order.bindings = op->items;
    client->ticket = gj_cluster_submit(sim->cluster, op->node, op->kind, &op->body);
    sim_ticket(sim, client->ticket, op->node, gj_request_word(op->kind), op->sender,
               op->kind == GJ_REQUEST_PLAN ? "" : op->msgid);
    sim->nodes[op->node].has_request = true;
    client->life = sim->nodes[op->node].life;
    client->waits = true;
    client->tries++;
    client->due_ms = sim->now_ms + 1500 + (int64_t)below(sim, 15000);
    sim->totals.requests++;
    sim_say(sim, "client %u asks %s: %s %s", client->number, sim_node_name(op->node),
            gj_request_word(op->kind), op->msgid);
}

/* --- hearing -------------------------------------------------------------------------------------------- */
static void learn_settlement(struct sim *sim, const struct op *op, const struct gj_ans_settlement *answer) {
    if (answer->acct_pay + answer->acct_mulaid_pay == 0) return;
    struct settled *of = &sim->clients->settled[sim->clients->n_settled++ % KNOWN_MAX];
    *of = (struct settled){.node = op->node, .fen = answer->acct_pay};
    if (of->fen == 0) of->fen = answer->acct_mulaid_pay;
    gj_text_set(of->setl_id, sizeof of->setl_id, answer->setl_id);
    gj_text_set(of->msgid, sizeof of->msgid, op->msgid);
    gj_text_set(of->sender, sizeof of->sender, op->sender);
}

static size_t who_is(const struct gj_req_person *person) {
    return (size_t)strtoul(person->psn_name + strlen("测试"), NULL, 10) - 1;
}

static void learn_binding(struct sim *sim, const struct op *op, const struct gj_ans_binding *answer) {
    if (op->kind != GJ_REQUEST_BIND) return;
    struct bound *of = &sim->clients->bound[sim->clients->n_bound++ % KNOWN_MAX];
    *of = (struct bound){
        .at = op->node, .payer = who_is(&op->body.bind.payer), .recipient = who_is(&op->body.bind.recipient)};
    gj_text_set(of->id, sizeof of->id, answer->binding_id);
    gj_text_set(of->msgid, sizeof of->msgid, op->msgid);
    gj_text_set(of->sender, sizeof of->sender, op->sender);
}

/* A plan that was made is settled by a message of its own. */
static void settle_plan(struct sim *sim, struct client *client, const struct gj_ans_plan *plan) {
    struct op *next = &client->next;
    if (below(sim, 5) == 0) return; /* the patient thought better of it */
    *next = client->op;
    next->kind = GJ_REQUEST_SETTLE;
    (void)snprintf(next->msgid, sizeof next->msgid, "m%u-%u", client->number, ++client->messages);
    gj_text_set(next->body.bill.msgid, sizeof next->body.bill.msgid, next->msgid);
    gj_text_set(next->body.bill.plan_id, sizeof next->body.bill.plan_id, plan->plan_id);
    next->body.bill.accept_changed = below(sim, 2) == 0;
    next->has_agreed = !next->body.bill.accept_changed;
    next->agreed_cash_fen = plan->psn_cash_pay;
    client->has_next = true;
}

/* A client takes no more cash than it agreed to, and has a plan settled once, however often it tries. */
static void judge_settlement(struct sim *sim, struct client *client, const struct gj_ans_settlement *answer) {
    const struct op *op = &client->op;
    if (op->has_agreed && answer->psn_cash_pay > op->agreed_cash_fen)
        ck_fail(sim->ck, "client", op->node, NULL, "%s pays %lld in cash and agreed to %lld", op->msgid,
                (long long)answer->psn_cash_pay, (long long)op->agreed_cash_fen);
    if (op->plan_is_used)
        ck_fail(sim->ck, "client", op->node, NULL, "%s settles a plan that was settled before", op->msgid);
    bool is_wanted = client->messages % 4 == 0 && !client->has_next;
    if (op->body.bill.plan_id[0] == '\0' || !is_wanted) return;
    client->next = client->op;
    client->next.plan_is_used = client->has_next = true;
    (void)snprintf(client->next.msgid, sizeof client->next.msgid, "m%u-%u", client->number,
                   ++client->messages);
    gj_text_set(client->next.body.bill.msgid, sizeof client->next.body.bill.msgid, client->next.msgid);
}

/* Refusals after which the same message may be sent again. One that is stored is final whatever its code says: a
 * client learns that with a GET of its request, this one looks it up. */
static bool is_for_now(const struct sim *sim, const struct op *op, const struct gj_ans_problem *problem) {
    static const enum gj_err passing[] = {GJ_ERR_BUSY,       GJ_ERR_GATE,       GJ_ERR_RESYNC,
                                          GJ_ERR_DRAINING,   GJ_ERR_STORE_FULL, GJ_ERR_IN_PROGRESS,
                                          GJ_ERR_INTERRUPTED};
    if (strcmp(problem->outcome, "in_progress") == 0) return true;
    bool is_stored = strcmp(ck_request_state(sim->ck, op->node, op->sender, op->msgid), "REFUSED") == 0;
    if (is_stored && op->kind != GJ_REQUEST_REVERSE) return false;
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(problem->code, gj_err_name(passing[i])) == 0) return passing[i] != GJ_ERR_INTERRUPTED;
    return false;
}

static void finish(struct sim *sim, struct client *client) {
    client->has_op = client->waits = false;
    client->due_ms = sim->now_ms + (int64_t)below(sim, UINT64_C(50) << below(sim, 6));
    if (!client->has_next) return;
    client->op = client->next;
    client->has_op = true;
    client->has_next = false;
    client->tries = 0;
}

/* A liar voted for what it refused: what must be undone with it is a case for people. So is what a store put back has lost. */
static bool is_hopeless(const struct sim *sim, const struct client *client) {
    const struct op *op = &client->op;
    if (!sim->is_healed || client->tries <= TRIES_MAX) return false;
    return ck_is_lame(sim->ck) || ck_is_case_request(sim->ck, op->node, op->sender, op->msgid);
}

static void hear(struct sim *sim, struct client *client) {
    const void *body;
    char what[64];
    enum gj_answer_kind kind = gj_cluster_answer(sim->cluster, client->ticket, &body);
    const struct gj_ans_problem *problem = body;
    client->waits = false;
    if (kind == GJ_ANSWER_PROBLEM) {
        (void)snprintf(what, sizeof what, "answer %.12s %.24s %.8s", problem->outcome, problem->code,
                       problem->rule);
        sim_coverage_reason(&sim->coverage, what, 1);
    }
    sim_say(sim, "client %u hears of %s: %s %s", client->number, client->op.msgid, gj_answer_word(kind),
            kind == GJ_ANSWER_PROBLEM ? what : "");
    if (kind == GJ_ANSWER_PROBLEM && is_for_now(sim, &client->op, problem) && client->op.msgid[0] != '\0') {
        client->due_ms = sim->now_ms + 200 + (int64_t)below(sim, 4000);
        if (is_hopeless(sim, client)) finish(sim, client);
        return;
    }
    if (kind == GJ_ANSWER_SETTLEMENT) learn_settlement(sim, &client->op, body);
    if (kind == GJ_ANSWER_SETTLEMENT && client->op.kind == GJ_REQUEST_SETTLE)
        judge_settlement(sim, client, body);
    if (kind == GJ_ANSWER_BINDING) learn_binding(sim, &client->op, body);
    if (kind == GJ_ANSWER_PLAN && client->op.kind == GJ_REQUEST_PLAN) settle_plan(sim, client, body);
    finish(sim, client);
}

/* No answer in time, or the node died: again, or reverse it, or go away for good. */
static void lose_patience(struct sim *sim, struct client *client) {
    const struct op *op = &client->op;
    bool is_stored = op->kind == GJ_REQUEST_SETTLE || op->kind == GJ_REQUEST_BIND;
    client->waits = false;
    gj_cluster_hangup(sim->cluster, client->ticket);
    sim->nodes[op->node].has_request = !sim->nodes[op->node].is_down;
    client->due_ms = sim->now_ms + 100 + (int64_t)below(sim, 3000);
    uint64_t draw = below(sim, 100);
    if (is_stored && draw < 12) {
        struct op reverse;
        make_reverse(client, &reverse, op->node, op->sender, op->msgid);
        client->op = reverse;
        client->tries = 0;
    } else if (is_hopeless(sim, client) || (!sim->is_healed && (draw >= 98 || client->tries > TRIES_MAX))) {
        finish(sim, client);
    } else if (draw >= 97 && is_stored && !sim->is_healed) {
        client->due_ms += LATE_MS;
    }
}

/* --- all of them ---------------------------------------------------------------------------------------- */
void sim_clients_open(struct sim *sim) {
    sim->clients = calloc(1, sizeof *sim->clients);
    GJ_ASSERT(sim->clients != NULL);
    sim->clients->n = 2 + (size_t)sim_below(sim, SIM_PLAN, SIM_CLIENTS_MAX - 1);
    for (size_t i = 0; i < sim->clients->n; i++) {
        struct client *client = &sim->clients->all[i];
        client->number = (unsigned)i + 1;
        client->node = i % sim->n;
        client->due_ms = sim->now_ms + 500 + (int64_t)below(sim, 500);
    }
}

void sim_clients_close(struct sim *sim) {
    free(sim->clients);
    free(sim->tickets);
}

static bool is_answered(const struct sim *sim, const struct client *client) {
    return client->waits && gj_cluster_is_answered(sim->cluster, client->ticket);
}

int64_t sim_clients_next_ms(const struct sim *sim) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < sim->clients->n; i++) {
        const struct client *client = &sim->clients->all[i];
        if ((sim->is_healed || sim->is_quiet) && !client->has_op) continue;
        int64_t due = is_answered(sim, client) ? sim->now_ms : client->due_ms;
        if (due < next) next = due;
    }
    return next;
}

void sim_clients_tick(struct sim *sim) {
    for (size_t i = 0; i < sim->clients->n; i++) {
        struct client *client = &sim->clients->all[i];
        if (is_answered(sim, client)) hear(sim, client);
        if (client->due_ms > sim->now_ms) continue;
        if (client->waits) {
            lose_patience(sim, client);
            continue;
        }
        if (!client->has_op && (sim->is_healed || sim->is_quiet)) continue;
        if (!client->has_op) make_op(sim, client);
        ask(sim, client);
    }
}

bool sim_clients_are_done(const struct sim *sim) {
    for (size_t i = 0; i < sim->clients->n; i++)
        if (sim->clients->all[i].has_op) return false;
    return true;
}
