/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the exhaustive search begins, and the end of each of its leaves: nodes that run without faults. A client's
 * transaction is brought to the point where the next parcel begins it; from there on the search decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "exhaustive.h"

#define ARENA_BYTES  ((size_t)16 * 1024 * 1024)
#define CALM_MS      2000 /* how long the nodes run before anything is asked */
#define ASK_EVERY_MS 5000

/* --- the client ----------------------------------------------------------------------------------------- */
uint64_t ex_submit(struct ex *ex, size_t node, enum gj_request_kind kind, const void *body,
                   const char *msgid) {
    struct sim *sim = ex->sim;
    sim->tickets = realloc(sim->tickets, (sim->n_tickets + 1) * sizeof *sim->tickets);
    GJ_ASSERT(sim->tickets != NULL);
    struct sim_ticket *of = &sim->tickets[sim->n_tickets++];
    *of = (struct sim_ticket){.node = node};
    gj_text_set(of->request, sizeof of->request, gj_request_word(kind));
    gj_text_set(of->sender, sizeof of->sender, ex->sender);
    gj_text_set(of->msgid, sizeof of->msgid, msgid);
    ex_set_clock(ex, node);
    sim_say(sim, "the client asks %s: %s %s", sim_node_name(node), gj_request_word(kind), msgid);
    return gj_cluster_submit(sim->cluster, node, kind, body);
}

void ex_ask(struct ex *ex) {
    ex->ticket = ex_submit(ex, ex->client_node, ex->start, &ex->body, ex->msgid);
    ex->waits = true;
}

/* --- without faults ------------------------------------------------------------------------------------- */
static size_t oldest(const struct ex *ex) {
    size_t best = 0;
    for (size_t i = 1; i < ex->sim->n_heap; i++)
        if (ex->sim->heap[i]->number < ex->sim->heap[best]->number) best = i;
    return best;
}

static void pass_time(struct ex *ex, int64_t ms) {
    for (size_t i = 0; i < ex->sim->n; i++)
        ex->mono_ms[i] += ms;
    ex->wall_ms += ms;
}

/* One thing that is due at this instant; false: there is none. */
static bool calm_step(struct ex *ex) {
    struct sim *sim = ex->sim;
    if (sim->n_heap > 0) {
        struct sim_flight *flight = ex_take(ex, oldest(ex));
        if (ex_is_up(ex, flight->to)) ex_deliver(ex, flight);
        free(flight);
        return true;
    }
    for (size_t i = 0; i < sim->n; i++) {
        struct gj_engine *engine = gj_cluster_engine(sim->cluster, i);
        if (engine == NULL || gj_engine_next_due(engine).ms > ex->mono_ms[i]) continue;
        ex_step(ex, i);
        return true;
    }
    return false;
}

/* All clocks move on to what is due next, at most |ms|. */
static void calm_wait(struct ex *ex, int64_t ms) {
    for (size_t i = 0; i < ex->sim->n; i++) {
        const struct gj_engine *engine = gj_cluster_engine(ex->sim->cluster, i);
        int64_t due = engine == NULL ? INT64_MAX : gj_engine_next_due(engine).ms;
        if (due - ex->mono_ms[i] < ms) ms = due - ex->mono_ms[i];
    }
    pass_time(ex, ms);
}

static void begin_calm(struct ex *ex) {
    int64_t latest = 0;
    ex->is_free = true;
    for (size_t i = 0; i < ex->sim->n; i++)
        if (ex->mono_ms[i] > latest) latest = ex->mono_ms[i];
    for (size_t i = 0; i < ex->sim->n; i++)
        ex->mono_ms[i] = latest;
}

void ex_end(struct ex *ex) {
    begin_calm(ex);
    const int64_t end_ms = ex->mono_ms[0] + SIM_LIVENESS_MS;
    int64_t ask_ms = ex->mono_ms[0] + ASK_EVERY_MS;
    struct ck *ck = ex->sim->ck;
    for (size_t i = 0; i < ex->sim->n; i++)
        if (!ex_is_up(ex, i)) ex_start(ex, i, false);
    while (ck_failed(ck) == NULL) {
        if (calm_step(ex)) continue;
        if (ex->has_answer && ck_unfinished(ck)[0] == '\0') break;
        if (ex->mono_ms[0] >= end_ms)
            ck_fail(ck, "end", 0, NULL, "not done after %d ms without faults: %s", SIM_LIVENESS_MS,
                    ck_unfinished(ck)[0] != '\0' ? ck_unfinished(ck) : "the client has no answer");
        if (!ex->has_answer && ex->mono_ms[0] >= ask_ms) {
            ex_ask(ex);
            ex_step(ex, ex->client_node);
            ask_ms = ex->mono_ms[0] + ASK_EVERY_MS;
        }
        calm_wait(ex, ask_ms > ex->mono_ms[0] ? ask_ms - ex->mono_ms[0] : ASK_EVERY_MS);
    }
    if (ck_failed(ck) == NULL) ck_end(ck);
    for (size_t i = 0; i < ex->sim->n && ck_failed(ck) == NULL; i++)
        ex_compare(ex, i);
}

/* --- the start ------------------------------------------------------------------------------------------ */
static void name_request(struct ex *ex, const char *msgid) {
    (void)snprintf(ex->sender, sizeof ex->sender, "%s/c1", sim_node_name(ex->client_node));
    gj_text_set(ex->msgid, sizeof ex->msgid, msgid);
    memset(&ex->body, 0, sizeof ex->body);
}

static void make_bind(struct ex *ex, const char *msgid, size_t payer, size_t recipient) {
    struct gj_req_bind *bind = &ex->body.bind;
    struct sim_person from = sim_person(ex->sim, payer), to = sim_person(ex->sim, recipient);
    name_request(ex, msgid);
    ex->start = GJ_REQUEST_BIND;
    gj_text_set(bind->sender, sizeof bind->sender, ex->sender);
    gj_text_set(bind->msgid, sizeof bind->msgid, msgid);
    gj_text_set(bind->consent_ref, sizeof bind->consent_ref, "consent");
    gj_text_set(bind->relation, sizeof bind->relation, "parent");
    sim_person_name(&from, &bind->payer);
    sim_person_name(&to, &bind->recipient);
}

/* A bill that the patient, at node 1, can pay only with every relative's help. */
static void make_bill(struct ex *ex, const char *msgid) {
    struct gj_req_bill *bill = &ex->body.bill;
    struct sim_person who = sim_person(ex->sim, 1);
    struct gj_req_person known;
    char yuan[GJ_YUAN_TEXT_CAP];
    const char *care = sim_region(ex->client_node, 0);
    const size_t payers = ex->sim->n > 2 ? ex->sim->n - 2 : 1;
    name_request(ex, msgid);
    ex->start = GJ_REQUEST_SETTLE;
    sim_person_name(&who, &known);
    gj_text_set(bill->sender, sizeof bill->sender, ex->sender);
    gj_text_set(bill->msgid, sizeof bill->msgid, msgid);
    (void)snprintf(bill->fixmedins_code, sizeof bill->fixmedins_code, "H%s00001", care);
    gj_text_set(bill->mdtrtarea_admvs, sizeof bill->mdtrtarea_admvs, care);
    gj_text_set(bill->insuplc_admdvs, sizeof bill->insuplc_admdvs, who.region);
    gj_text_set(bill->psn_cert_type, sizeof bill->psn_cert_type, known.psn_cert_type);
    gj_text_set(bill->certno, sizeof bill->certno, known.certno);
    gj_text_set(bill->psn_name, sizeof bill->psn_name, known.psn_name);
    gj_text_set(bill->mdtrt_cert_type, sizeof bill->mdtrt_cert_type, "02");
    gj_text_set(bill->mdtrt_cert_no, sizeof bill->mdtrt_cert_no, known.certno);
    gj_text_set(bill->med_type, sizeof bill->med_type, "11");
    bill->psn_part_amt = SIM_PLAIN_FEN / 2 + (int64_t)payers * SIM_PLAIN_FEN;
    bill->acct_payable_amt = bill->medfee_sumamt = bill->psn_part_amt;
    gj_text_set(bill->expected_psn_cash_pay, sizeof bill->expected_psn_cash_pay, gj_yuan_format(yuan, 0));
}

/* What fails here needs no search: nothing was chosen yet. */
static void must_go_well(const struct ex *ex, bool goes_on) {
    static const struct ck_failure stuck = {.invariant = "end", .text = "the transaction does not begin"};
    const struct ck_failure *failure = ck_failed(ex->sim->ck);
    if (failure == NULL && goes_on) return;
    if (failure == NULL) failure = &stuck;
    (void)printf("FAILED after 0 choices: %s\n%s at %s: %s %s\n", failure->invariant, failure->invariant,
                 sim_node_name(failure->node), failure->text, failure->txid);
    exit(1);
}

static const void *settle_now(struct ex *ex) {
    const void *answer = NULL;
    ex_ask(ex);
    ex_step(ex, ex->client_node);
    while (!ex->has_answer) {
        must_go_well(ex, ex->waits);
        if (!calm_step(ex)) calm_wait(ex, ASK_EVERY_MS);
    }
    for (int64_t end_ms = ex->mono_ms[0] + CALM_MS; ex->mono_ms[0] < end_ms;)
        if (!calm_step(ex)) calm_wait(ex, end_ms - ex->mono_ms[0]);
    (void)gj_cluster_answer(ex->sim->cluster, ex->ticket, &answer);
    return answer;
}

static void make_refund(struct ex *ex) {
    make_bill(ex, "paid");
    const struct gj_ans_settlement *paid = settle_now(ex);
    struct gj_req_refund *refund = &ex->body.refund;
    char setl_id[GJ_REF_MAX + 1];
    const int64_t fen = paid->acct_pay;
    gj_text_set(setl_id, sizeof setl_id, paid->setl_id);
    name_request(ex, "back");
    ex->start = GJ_REQUEST_REFUND;
    gj_text_set(refund->sender, sizeof refund->sender, ex->sender);
    gj_text_set(refund->msgid, sizeof refund->msgid, "back");
    gj_text_set(refund->setl_id, sizeof refund->setl_id, setl_id);
    refund->amount = fen;
}

static struct ex *open_world(size_t nodes) {
    struct ex *ex = calloc(1, sizeof *ex);
    struct sim *sim = calloc(1, sizeof *sim);
    GJ_ASSERT(ex != NULL && sim != NULL);
    ex->sim = sim;
    ex->is_free = true;
    sim->options.is_plain = true;
    sim->n = nodes;
    sim->arena_memory = malloc(ARENA_BYTES);
    GJ_ASSERT(sim->arena_memory != NULL);
    for (size_t i = 0; i < SIM_NODES_MAX; i++)
        sim->nodes[i].sink_left = -1;
    sim_world_open(sim);
    ex->wall_ms = gj_cluster_now(sim->cluster, 0).wall.ms;
    for (size_t i = 0; i < nodes; i++) {
        ex->mono_ms[i] = gj_cluster_now(sim->cluster, 0).mono.ms;
        ex_start(ex, i, false);
    }
    for (size_t i = 0; i < nodes; i++)
        ex_catch_up(ex, i);
    while (calm_step(ex)) {
    }
    return ex;
}

/* Everything up to |actions| parcels after the client's question; returns how many it takes to begin. */
static struct ex *open_at(size_t nodes, enum gj_request_kind kind, unsigned actions, unsigned *ret_needed) {
    struct ex *ex = open_world(nodes);
    size_t first_payer = nodes > 2 ? 2 : 0;
    for (size_t i = first_payer; i < (nodes > 2 ? nodes : 1) && kind != GJ_REQUEST_BIND; i++) {
        char msgid[32];
        (void)snprintf(msgid, sizeof msgid, "bind%zu", i);
        make_bind(ex, msgid, i, 1);
        (void)settle_now(ex);
    }
    if (kind == GJ_REQUEST_BIND) make_bind(ex, "bind", first_payer, 1);
    if (kind == GJ_REQUEST_SETTLE) make_bill(ex, "bill");
    if (kind == GJ_REQUEST_REFUND) make_refund(ex);
    const uint64_t before = ck_totals_of(ex->sim->ck)->transactions;
    ex_ask(ex);
    ex_step(ex, ex->client_node);
    for (*ret_needed = 0; *ret_needed < actions; ++*ret_needed) {
        if (ck_totals_of(ex->sim->ck)->transactions > before) break;
        must_go_well(ex, calm_step(ex));
    }
    return ex;
}

struct ex *ex_open(size_t nodes, enum gj_request_kind kind) {
    unsigned needed = 0;
    struct ex *ex = open_at(nodes, kind, UINT32_MAX, &needed);
    ex_close(&ex);
    ex = open_at(nodes, kind, needed > 0 ? needed - 1 : 0, &needed);
    must_go_well(ex, true);
    for (size_t i = 0; i < nodes; i++)
        sim_disk_back_up(ex->sim, i);
    memset(&ex->sim->coverage, 0, sizeof ex->sim->coverage);
    ex->is_free = false;
    ex->changed = nodes;
    return ex;
}

void ex_close(struct ex **ex_p) {
    struct ex *ex = *ex_p;
    if (ex == NULL) return;
    *ex_p = NULL;
    sim_network_done(ex->sim);
    free(ex->sim->tickets);
    sim_world_close(ex->sim);
    sim_story_free(&ex->sim->story);
    free(ex->sim->arena_memory);
    free(ex->sim);
    free(ex);
}
