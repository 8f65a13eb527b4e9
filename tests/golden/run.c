/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one case in one layout: every step is the request that a hospital's, a pharmacy's or a bureau's system
 * would send, to the node that is answerable for its sender. Nothing here changes an account.
 */
#include "golden.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/money.h"

struct bound {
    char binding_id[GJ_REF_MAX + 1];
    size_t payer, recipient;
};

struct settled {
    char label[GJ_GOLDEN_WORD_MAX + 1];
    char setl_id[GJ_REF_MAX + 1];
    size_t patient;
};

struct run {
    const struct gj_golden_case *c;
    struct gj_golden_world world;
    struct gj_golden_report *report;
    struct bound bound[GJ_GOLDEN_BINDINGS_MAX + GJ_GOLDEN_STEPS_MAX];
    size_t n_bound;
    struct settled settled[GJ_GOLDEN_STEPS_MAX];
    size_t n_settled;
    unsigned messages, settlements;
};

static void next_msgid(struct run *run, char *dst) {
    (void)snprintf(dst, GJ_MSGID_MAX + 1, "G%04u", ++run->messages % 10000u);
}

/* The channel of the bureau at a region's node. */
static void channel(const char *region, char *dst) {
    (void)snprintf(dst, GJ_SENDER_MAX + 1, "%s/golden", gj_golden_node_of(region));
}

/* --- answers as outcomes --------------------------------------------------------------------------------------- */
/* Any answer but the one that was asked for: a refusal by its rule, or why not. */
static void refused(enum gj_answer_kind kind, const void *body, struct gj_golden_outcome *ret) {
    const struct gj_ans_problem *problem = body;
    const char *reason = "another answer";
    if (kind == GJ_ANSWER_NONE) reason = "no answer";
    if (kind == GJ_ANSWER_PROBLEM) {
        reason = problem->rule[0] != '\0' ? problem->rule : problem->code;
        if (strcmp(problem->code, gj_err_name(GJ_ERR_REVERSED)) == 0) reason = "reversed";
        if (strcmp(problem->code, gj_err_name(GJ_ERR_EXCEEDS_ORIGINAL)) == 0) reason = "exceeds_original";
        if (strcmp(problem->outcome, "refused") != 0) reason = problem->outcome;
    }
    (void)snprintf(ret->refused, sizeof ret->refused, "%.24s", reason);
}

/* False if no binding of this case has that id. */
static bool payer_of(const struct run *run, const char *binding_id, size_t *ret) {
    for (size_t i = 0; i < run->n_bound; i++) {
        *ret = run->bound[i].payer;
        if (strcmp(run->bound[i].binding_id, binding_id) == 0) return true;
    }
    return false;
}

static void take_lines(struct run *run, size_t patient, const struct gj_pay_line *lines, uint32_t n,
                       struct gj_golden_outcome *ret) {
    for (uint32_t i = 0; i < n; i++) {
        struct gj_golden_amount *amount = &ret->amounts[ret->n_amounts++];
        bool is_self = strcmp(lines[i].payer, "self") == 0;
        *amount = (struct gj_golden_amount){patient, gj_golden_pot_of(lines[i].acct_type), lines[i].amount};
        bool is_known = is_self || payer_of(run, lines[i].binding_id, &amount->who);
        if (!is_known || amount->pot == GJ_POT_COUNT)
            gj_golden_differs(run->report, "an unknown source pays: %s %s", lines[i].binding_id,
                              lines[i].acct_type);
    }
}

static void take_explain(const struct run *run, size_t patient, const struct gj_explain_line *lines,
                         uint32_t n, struct gj_golden_outcome *ret) {
    for (uint32_t i = 0; i < n; i++) {
        struct gj_golden_reason *reason = &ret->explain[ret->n_explain];
        reason->who = patient;
        if (strcmp(lines[i].source, "self") != 0 && !payer_of(run, lines[i].binding_id, &reason->who))
            continue;
        gj_text_set(reason->rule, sizeof reason->rule, lines[i].rule);
        ret->n_explain++;
    }
}

static void compare(struct run *run, const struct gj_golden_step *step, const char *what,
                    const struct gj_golden_outcome *outcome) {
    gj_golden_compare(run->c, step, what, outcome, run->report);
}

static enum gj_answer_kind ask(struct run *run, const char *region, enum gj_request_kind kind,
                               const void *body, const void **ret_body) {
    enum gj_answer_kind answer =
        gj_cluster_request(run->world.cluster, gj_golden_node(&run->world, region), kind, body, ret_body);
    return answer;
}

/* --- bindings ---------------------------------------------------------------------------------------------------- */
static void bind(struct run *run, const struct gj_golden_binding *binding, const char *at,
                 struct gj_golden_outcome *ret) {
    struct gj_req_bind req = {.position = binding->order};
    const void *body;
    channel(at, req.sender);
    next_msgid(run, req.msgid);
    gj_text_set(req.consent_ref, sizeof req.consent_ref, "golden-consent");
    gj_text_set(req.relation, sizeof req.relation, binding->relation);
    gj_golden_person(&run->world, binding->payer, &req.payer);
    gj_golden_person(&run->world, binding->recipient, &req.recipient);
    enum gj_answer_kind kind = ask(run, at, GJ_REQUEST_BIND, &req, &body);
    const struct gj_ans_binding *answer = body;
    if (kind != GJ_ANSWER_BINDING || strcmp(answer->state, "active") != 0) {
        refused(kind, body, ret);
        return;
    }
    struct bound *bound = &run->bound[run->n_bound++];
    *bound = (struct bound){.payer = binding->payer, .recipient = binding->recipient};
    gj_text_set(bound->binding_id, sizeof bound->binding_id, answer->binding_id);
}

/* A position beyond the end means last, so that the first comes first. */
static void bind_all(struct run *run) {
    for (uint64_t order = 1; order <= GJ_SOURCES_MAX; order++) {
        for (size_t i = 0; i < run->c->n_bindings; i++) {
            const struct gj_golden_binding *binding = &run->c->bindings[i];
            struct gj_golden_outcome outcome = {.refused = ""};
            if (binding->order != order) continue;
            bind(run, binding, run->world.home[binding->recipient], &outcome);
            if (outcome.refused[0] != '\0')
                gj_golden_differs(run->report, "binding of %s to %s: refused %s",
                                  run->c->people[binding->recipient].name,
                                  run->c->people[binding->payer].name, outcome.refused);
        }
    }
}

static void step_bind(struct run *run, const struct gj_golden_step *step) {
    struct gj_golden_binding binding = {.payer = step->who, .recipient = step->other};
    struct gj_golden_outcome outcome = {.refused = ""};
    gj_text_set(binding.relation, sizeof binding.relation, step->relation);
    bind(run, &binding, run->world.home[step->who], &outcome);
    compare(run, step, "bind", &outcome);
}

static const struct bound *find_bound(struct run *run, const struct gj_golden_step *step, size_t payer,
                                      size_t recipient) {
    for (size_t i = 0; i < run->n_bound; i++)
        if (run->bound[i].payer == payer && run->bound[i].recipient == recipient) return &run->bound[i];
    gj_golden_differs(run->report, "line %u: %s does not pay for %s", step->line, run->c->people[payer].name,
                      run->c->people[recipient].name);
    return NULL;
}

static void step_unbind(struct run *run, const struct gj_golden_step *step) {
    const struct bound *bound = find_bound(run, step, step->who, step->other);
    const char *home = run->world.home[step->who];
    struct gj_golden_outcome outcome = {.refused = ""};
    struct gj_req_unbind req = {.by = "payer"};
    const void *body;
    if (bound == NULL) return;
    channel(home, req.sender);
    next_msgid(run, req.msgid);
    gj_text_set(req.binding_id, sizeof req.binding_id, bound->binding_id);
    enum gj_answer_kind kind = ask(run, home, GJ_REQUEST_UNBIND, &req, &body);
    const struct gj_ans_binding *answer = body;
    if (kind != GJ_ANSWER_BINDING || strcmp(answer->state, "ended") != 0) refused(kind, body, &outcome);
    compare(run, step, "unbind", &outcome);
}

static void step_order(struct run *run, const struct gj_golden_step *step) {
    struct gj_binding_item items[GJ_SOURCES_MAX];
    struct gj_golden_outcome outcome = {.refused = ""};
    struct gj_req_order req = {.bindings = items, .n_bindings = (uint32_t)step->n_payers};
    const char *home = run->world.home[step->who];
    const void *body;
    for (size_t i = 0; i < step->n_payers; i++) {
        const struct bound *bound = find_bound(run, step, step->payers[i], step->who);
        if (bound == NULL) return;
        gj_text_set(items[i].binding_id, sizeof items[i].binding_id, bound->binding_id);
    }
    channel(home, req.sender);
    next_msgid(run, req.msgid);
    gj_golden_person(&run->world, step->who, &req.recipient);
    enum gj_answer_kind kind = ask(run, home, GJ_REQUEST_ORDER, &req, &body);
    if (kind != GJ_ANSWER_ORDER) refused(kind, body, &outcome);
    compare(run, step, "order", &outcome);
}

/* --- settlements ----------------------------------------------------------------------------------------------------- */
static void fill_bill(struct run *run, const struct gj_golden_step *step, struct gj_req_bill *ret) {
    struct gj_req_person patient;
    memset(ret, 0, sizeof *ret);
    gj_golden_person(&run->world, step->who, &patient);
    gj_text_set(ret->sender, sizeof ret->sender, run->world.institution);
    gj_text_set(ret->fixmedins_code, sizeof ret->fixmedins_code, run->world.institution);
    gj_text_set(ret->mdtrtarea_admvs, sizeof ret->mdtrtarea_admvs, run->world.care);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, patient.insuplc_admdvs);
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, patient.psn_cert_type);
    gj_text_set(ret->certno, sizeof ret->certno, patient.certno);
    gj_text_set(ret->psn_name, sizeof ret->psn_name, patient.psn_name);
    gj_text_set(ret->mdtrt_cert_type, sizeof ret->mdtrt_cert_type, "02");
    gj_text_set(ret->mdtrt_cert_no, sizeof ret->mdtrt_cert_no, patient.certno);
    gj_text_set(ret->med_type, sizeof ret->med_type, step->med_type);
    gj_text_set(ret->use, sizeof ret->use, step->use);
    ret->medfee_sumamt = step->bill_fen;
    ret->fund_pay_sumamt = step->bill_fen - step->payable_fen;
    ret->psn_part_amt = step->payable_fen;
    ret->acct_payable_amt = step->payable_fen;
}

/* Plans the bill, compares, and returns whether there is a plan to settle. */
static bool plan(struct run *run, const struct gj_golden_step *step, struct gj_req_bill *bill,
                 char ret_plan_id[GJ_REF_MAX + 1]) {
    struct gj_golden_outcome outcome = {.refused = ""};
    const void *body;
    next_msgid(run, bill->msgid);
    enum gj_answer_kind kind = ask(run, run->world.care, GJ_REQUEST_PLAN, bill, &body);
    const struct gj_ans_plan *answer = body;
    if (kind != GJ_ANSWER_PLAN) {
        refused(kind, body, &outcome);
    } else {
        take_lines(run, step->who, answer->payers, answer->n_payers, &outcome);
        take_explain(run, step->who, answer->explain, answer->n_explain, &outcome);
        outcome.has_cash = true;
        outcome.cash_fen = answer->psn_cash_pay;
        gj_text_set(ret_plan_id, GJ_REF_MAX + 1, answer->plan_id);
    }
    compare(run, step, "plan", &outcome);
    return kind == GJ_ANSWER_PLAN;
}

/* What the patient agreed to: by turns the plan, or the cash. A bill that must be refused agrees to any cash. */
static void agree(struct run *run, const struct gj_golden_step *step, const char *plan_id,
                  struct gj_req_bill *bill) {
    char cash[GJ_YUAN_TEXT_CAP];
    bool by_plan = run->settlements++ % 2 == (run->world.layout == GJ_LAYOUT_SPREAD ? 1u : 0u);
    if (plan_id[0] != '\0' && by_plan) {
        gj_text_set(bill->plan_id, sizeof bill->plan_id, plan_id);
        return;
    }
    int64_t fen = step->expect.refused[0] != '\0' ? step->payable_fen : step->expect.cash_fen;
    gj_text_set(bill->expected_psn_cash_pay, sizeof bill->expected_psn_cash_pay, gj_yuan_format(cash, fen));
}

static void remember(struct run *run, const struct gj_golden_step *step, const char *setl_id) {
    struct settled *settled = &run->settled[run->n_settled++];
    *settled = (struct settled){.patient = step->who};
    gj_text_set(settled->label, sizeof settled->label, step->label);
    gj_text_set(settled->setl_id, sizeof settled->setl_id, setl_id);
}

static void step_settle(struct run *run, const struct gj_golden_step *step) {
    struct gj_golden_outcome outcome = {.refused = ""};
    struct gj_req_bill bill;
    char plan_id[GJ_REF_MAX + 1] = "";
    const void *body;
    fill_bill(run, step, &bill);
    /* Only a request has a msgid that can be reversed; its plan would be a good one. */
    bool is_reversed = strcmp(step->expect.refused, "reversed") == 0;
    if (!is_reversed && !plan(run, step, &bill, plan_id) && step->expect.refused[0] == '\0') return;
    agree(run, step, plan_id, &bill);
    next_msgid(run, bill.msgid);
    if (step->msgid[0] != '\0') gj_text_set(bill.msgid, sizeof bill.msgid, step->msgid);
    enum gj_answer_kind kind = ask(run, run->world.care, GJ_REQUEST_SETTLE, &bill, &body);
    const struct gj_ans_settlement *answer = body;
    if (kind != GJ_ANSWER_SETTLEMENT) {
        refused(kind, body, &outcome);
    } else {
        take_lines(run, step->who, answer->payers, answer->n_payers, &outcome);
        take_explain(run, step->who, answer->explain, answer->n_explain, &outcome);
        outcome.has_cash = true;
        outcome.cash_fen = answer->psn_cash_pay;
        remember(run, step, answer->setl_id);
    }
    compare(run, step, "settle", &outcome);
}

static const struct settled *find_settled(struct run *run, const struct gj_golden_step *step) {
    for (size_t i = 0; i < run->n_settled; i++)
        if (strcmp(run->settled[i].label, step->label) == 0) return &run->settled[i];
    gj_golden_differs(run->report, "line %u: no settlement was made as %s", step->line, step->label);
    return NULL;
}

static void step_refund(struct run *run, const struct gj_golden_step *step) {
    const struct settled *settled = find_settled(run, step);
    struct gj_golden_outcome outcome = {.refused = ""};
    struct gj_req_refund req = {.amount = step->amount_fen};
    const void *body;
    if (settled == NULL) return;
    gj_text_set(req.sender, sizeof req.sender, run->world.institution);
    next_msgid(run, req.msgid);
    gj_text_set(req.setl_id, sizeof req.setl_id, settled->setl_id);
    enum gj_answer_kind kind = ask(run, run->world.care, GJ_REQUEST_REFUND, &req, &body);
    const struct gj_ans_refund *answer = body;
    if (kind != GJ_ANSWER_REFUND)
        refused(kind, body, &outcome);
    else
        take_lines(run, settled->patient, answer->payees, answer->n_payees, &outcome);
    compare(run, step, "refund", &outcome);
}

static void step_reverse(struct run *run, const struct gj_golden_step *step) {
    struct gj_golden_outcome outcome = {.refused = ""};
    struct gj_req_reverse req = {.oinfno = ""};
    const void *body;
    gj_text_set(req.sender, sizeof req.sender, run->world.institution);
    gj_text_set(req.omsgid, sizeof req.omsgid, step->msgid);
    enum gj_answer_kind kind = ask(run, run->world.care, GJ_REQUEST_REVERSE, &req, &body);
    const struct gj_ans_reversal *answer = body;
    if (kind != GJ_ANSWER_REVERSAL || strcmp(answer->omsgid, step->msgid) != 0)
        refused(kind, body, &outcome);
    else if (strcmp(answer->state, "reversed") != 0)
        gj_text_set(outcome.refused, sizeof outcome.refused, answer->state);
    compare(run, step, "reverse", &outcome);
}

/* --- the case --------------------------------------------------------------------------------------------------------- */
static void run_step(struct run *run, const struct gj_golden_step *step) {
    switch (step->verb) {
    case GJ_VERB_SETTLE:
        step_settle(run, step);
        break;
    case GJ_VERB_REFUND:
        step_refund(run, step);
        break;
    case GJ_VERB_REVERSE:
        step_reverse(run, step);
        break;
    case GJ_VERB_BIND:
        step_bind(run, step);
        break;
    case GJ_VERB_UNBIND:
        step_unbind(run, step);
        break;
    case GJ_VERB_ORDER:
        step_order(run, step);
        break;
    case GJ_VERB_BALANCES:
        gj_golden_compare_balances(&run->world, step, run->report);
        break;
    case GJ_VERB_FOUND:
    case GJ_VERB_JOIN:
    case GJ_VERB_REMOVE:
    case GJ_VERB_EXIT:
    case GJ_VERB_DISSOLVE:
    case GJ_VERB_QUOTA:
    case GJ_VERB_TRANSFER:
    case GJ_VERB_JOB:
    case GJ_VERB_COUNT: /* a case with one of these was skipped */
        gj_assert_failed("the step can run", __FILE__, __LINE__);
    }
    gj_golden_settle_down(&run->world);
}

void gj_golden_run(const struct gj_golden_case *c, enum gj_golden_layout layout,
                   struct gj_golden_report *report) {
    static struct run run; /* the world must stay where it is, and is large */
    GJ_ASSERT(c->skip[0] == '\0');
    run = (struct run){.c = c, .report = report};
    report->text[0] = '\0';
    gj_golden_world_init(&run.world, c, layout);
    bind_all(&run);
    gj_golden_settle_down(&run.world);
    gj_golden_enrolment_change(&run.world);
    for (size_t i = 0; i < c->n_steps; i++)
        run_step(&run, &c->steps[i]);
    gj_golden_check_end(&run.world, report);
    gj_golden_world_done(&run.world);
}
