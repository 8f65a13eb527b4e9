/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a plan: check the bill, ask the patient's home, ask the payers' nodes, compose, write the plan
 * down. Read-only for every account. A settlement goes through the same steps and then to settle.c.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"
#include "wire/certno.h"
#include "wire/parcel.h"

/* --- the request ------------------------------------------------------------------------------------------ */

struct bill_fault {
    enum gj_err err;
    const char *field;
};

/* Fills |ret_use| with the use's word. */
static struct bill_fault check_use(const struct gj_req_bill *req, char ret_use[GJ_WORD_MAX + 1]) {
    bool stated = req->use[0] != '\0';
    enum gj_use use = stated ? gj_use_of(req->use) : gj_use_of_med_type(req->med_type);
    if (use == GJ_USE_COUNT) return (struct bill_fault){GJ_ERR_BAD_FIELD, stated ? "use" : "med_type"};
    gj_text_set(ret_use, GJ_WORD_MAX + 1, gj_use_word(use));
    return (struct bill_fault){GJ_OK, ""};
}

static struct bill_fault check_amounts(const struct gj_req_bill *req) {
    int64_t parts;
    if (gj_fen_add(req->fund_pay_sumamt, req->psn_part_amt, &parts) != GJ_OK || parts > req->medfee_sumamt)
        return (struct bill_fault){GJ_ERR_BAD_AMOUNT, "medfee_sumamt"};
    if (req->acct_payable_amt > req->psn_part_amt)
        return (struct bill_fault){GJ_ERR_BAD_AMOUNT, "acct_payable_amt"};
    return (struct bill_fault){GJ_OK, ""};
}

static struct bill_fault check_bill(const struct gj_domain *domain, const struct gj_req_bill *req) {
    if (!gj_certno_is_valid(req->psn_cert_type, req->certno))
        return (struct bill_fault){GJ_ERR_BAD_CERTNO, "certno"};
    if (gj_desk_node_of(domain, req->insuplc_admdvs) == NULL)
        return (struct bill_fault){GJ_ERR_BAD_FIELD, "insuplc_admdvs"};
    const char *care = gj_desk_node_of(domain, req->mdtrtarea_admvs);
    if (care == NULL || !gj_desk_is_self(domain, care))
        return (struct bill_fault){GJ_ERR_BAD_FIELD, "mdtrtarea_admvs"};
    /* What the regions owe each other is counted under the place of care: the institution's own region. */
    bool fits = strlen(req->fixmedins_code) == 12 &&
                strncmp(req->fixmedins_code + 1, req->mdtrtarea_admvs, GJ_REGION_MAX) == 0;
    if (!fits) return (struct bill_fault){GJ_ERR_BAD_FIELD, "fixmedins_code"};
    /* An institution bills for itself; a bureau's channel for any institution of its regions. */
    if (!gj_desk_is_channel(req->sender) && !gj_text_equal(req->sender, req->fixmedins_code))
        return (struct bill_fault){GJ_ERR_BAD_FIELD, "fixmedins_code"};
    return check_amounts(req);
}

/* A settlement states what the client agreed to: a plan, or the cash it expects. */
static struct bill_fault check_agreement(const struct gj_req_bill *req, int64_t *ret_cash, bool *ret_stated) {
    *ret_stated = req->expected_psn_cash_pay[0] != '\0';
    if (!*ret_stated && req->plan_id[0] == '\0')
        return (struct bill_fault){GJ_ERR_BAD_INPUT, "plan_id or expected_psn_cash_pay"};
    const char *text = req->expected_psn_cash_pay;
    if (*ret_stated && (gj_yuan_parse(text, strlen(text), ret_cash) != GJ_OK || *ret_cash < 0))
        return (struct bill_fault){GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay"};
    return (struct bill_fault){GJ_OK, ""};
}

/* Not stored as refused: the same message may come again when the other one is over. */
static bool plan_is_busy(struct gj_domain *domain, struct gj_turn *turn, const struct gj_req_bill *req) {
    struct gj_request_row known;
    if (req->plan_id[0] == '\0' || gj_session_of_plan(domain, req->sender, req->plan_id) == NULL)
        return false;
    /* What is final or runs is told at any time; what was interrupted would start again. */
    return !gj_request_find(turn, req->sender, req->msgid, &known) ||
           gj_request_is_interrupted(domain->protocol, turn, &known);
}

static bool admit_plan(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter) {
    enum gj_err err = gj_protocol_accepts_work(domain->protocol, turn);
    if (err == GJ_OK && domain->n_sessions == GJ_SESSIONS_MAX) err = GJ_ERR_BUSY;
    if (err == GJ_OK) return true;
    gj_desk_problem(turn, waiter, "refused", err, "", "", NULL);
    return false;
}

void gj_plan_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     enum gj_request_kind kind, const struct gj_req_bill *req, struct gj_slice request) {
    const bool settles = kind == GJ_REQUEST_SETTLE;
    char use[GJ_WORD_MAX + 1];
    int64_t agreed = 0;
    bool stated = false;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    struct bill_fault fault = check_bill(domain, req);
    if (fault.err == GJ_OK) fault = check_use(req, use);
    if (fault.err == GJ_OK && settles) fault = check_agreement(req, &agreed, &stated);
    if (fault.err != GJ_OK) {
        gj_desk_problem(turn, waiter, "refused", fault.err, "", fault.field, NULL);
        return;
    }
    if (settles && plan_is_busy(domain, turn, req)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BUSY, "", "plan_id", NULL);
        return;
    }
    bool admitted = settles ? gj_desk_admit(domain, turn, waiter, kind, req->sender, req->msgid, request)
                            : admit_plan(domain, turn, waiter);
    if (!admitted) return;
    struct gj_session *session = gj_session_open(domain, settles ? GJ_SESSION_SETTLE : GJ_SESSION_PLAN,
                                                 req->sender, req->msgid, waiter);
    GJ_ASSERT(session != NULL); /* admission looked */
    struct gj_session_bill *bill = &session->u.bill;
    memset(bill, 0, offsetof(struct gj_session_bill, answer));
    bill->req = *req;
    bill->has_agreed = stated;
    bill->agreed_cash_fen = agreed;
    gj_text_set(bill->use, sizeof(bill->use), use);
    gj_text_set(bill->home, sizeof(bill->home), gj_desk_node_of(domain, req->insuplc_admdvs));
    if (gj_books_check_institution(turn, req->fixmedins_code, gj_date_of(turn->now.wall)) != GJ_OK) {
        gj_session_refuse(domain, turn, session, GJ_ERR_INSTITUTION, "", "fixmedins_code");
        return;
    }
    if (settles)
        gj_settle_start(domain, turn, session);
    else
        gj_plan_start(domain, turn, session);
}

/* --- the home --------------------------------------------------------------------------------------------- */

static void fill_ask(const struct gj_session_bill *bill, struct gj_plan_ask *ask) {
    const struct gj_req_bill *req = &bill->req;
    memset(ask, 0, sizeof(*ask));
    gj_text_set(ask->sender, sizeof(ask->sender), req->sender);
    gj_text_set(ask->insuplc_admdvs, sizeof(ask->insuplc_admdvs), req->insuplc_admdvs);
    gj_text_set(ask->mdtrtarea_admvs, sizeof(ask->mdtrtarea_admvs), req->mdtrtarea_admvs);
    gj_text_set(ask->fixmedins_code, sizeof(ask->fixmedins_code), req->fixmedins_code);
    gj_text_set(ask->person.psn_cert_type, sizeof(ask->person.psn_cert_type), req->psn_cert_type);
    gj_text_set(ask->person.certno, sizeof(ask->person.certno), req->certno);
    gj_text_set(ask->person.psn_name, sizeof(ask->person.psn_name), req->psn_name);
    gj_text_set(ask->mdtrt_cert_type, sizeof(ask->mdtrt_cert_type), req->mdtrt_cert_type);
    gj_text_set(ask->mdtrt_cert_no, sizeof(ask->mdtrt_cert_no), req->mdtrt_cert_no);
    gj_text_set(ask->use, sizeof(ask->use), bill->use);
    gj_text_set(ask->med_type, sizeof(ask->med_type), req->med_type);
    ask->acct_payable_amt = req->acct_payable_amt;
    ask->business_date = bill->date;
}

void gj_plan_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_plan_ask ask;
    bill->date = gj_date_of(turn->now.wall);
    bill->n_covers = 0;
    if (gj_session_node_is_dead(session, bill->home)) {
        gj_session_refuse(domain, turn, session, GJ_ERR_HOME_UNREACHABLE, "", bill->home);
        return;
    }
    fill_ask(bill, &ask);
    if (gj_desk_is_self(domain, bill->home)) {
        struct gj_plan_answer answer;
        memset(&answer, 0, sizeof(answer));
        gj_books_plan(&domain->books, turn, &ask, &answer);
        gj_plan_home_answered(domain, turn, session, &answer, GJ_SLICE_NONE);
        return;
    }
    session->phase = GJ_PHASE_HOME;
    gj_session_ask(domain, turn, session, 0, GJ_KIND_PLAN, bill->home, &ask);
}

/* Does a remote home's answer speak of this bill? */
static bool echoes(const struct gj_session_bill *bill, const struct gj_plan_answer *answer) {
    const struct gj_req_bill *req = &bill->req;
    return gj_text_equal(answer->sender, req->sender) && gj_text_equal(answer->use, bill->use) &&
           gj_text_equal(answer->mdtrtarea_admvs, req->mdtrtarea_admvs) &&
           gj_text_equal(answer->fixmedins_code, req->fixmedins_code) &&
           answer->acct_payable_amt == req->acct_payable_amt && answer->business_date == bill->date;
}

/* A home answers for money that it hosts; for another node's payer it can only say that he must not be asked. */
static bool answers_for_its_own(const struct gj_domain *domain, const struct gj_session_bill *bill,
                                const struct gj_plan_answer *answer) {
    for (uint32_t i = 0; i < answer->n_sources; i++) {
        const struct gj_source *source = &answer->sources[i];
        const char *node = gj_desk_node_of(domain, source->region);
        if (!source->evaluated || source->cover == 0) continue;
        if (node == NULL || !gj_text_equal(node, bill->home)) return false;
    }
    return true;
}

static enum gj_err keep_answer(struct gj_session_bill *bill, const struct gj_plan_answer *answer,
                               struct gj_slice evidence) {
    bill->home_local = evidence.len == 0;
    struct gj_buf out;
    gj_buf_init(&out, bill->answer, sizeof(bill->answer));
    if (bill->home_local) {
        struct gj_fault fault;
        GJ_TRY(gj_shape_encode(&gj_shape_plan_answer, answer, &out, &fault));
    } else {
        gj_buf_put_slice(&out, evidence);
        if (gj_buf_check(&out) != GJ_OK) return GJ_ERR_TOO_LARGE;
    }
    bill->answer_len = (uint32_t)out.len;
    return GJ_OK;
}

const struct gj_plan_answer *gj_plan_home(struct gj_turn *turn, bool local, struct gj_slice answer) {
    struct gj_fault fault;
    if (local) {
        struct gj_plan_answer *body = gj_arena_alloc(turn->scratch, sizeof(*body));
        if (body == NULL) return NULL;
        if (gj_shape_decode(&gj_shape_plan_answer, answer, turn->scratch, body, &fault) != GJ_OK) return NULL;
        return body;
    }
    struct gj_parcel parcel;
    struct gj_message message;
    if (gj_parcel_read(answer, turn->scratch, &parcel) != GJ_OK || parcel.n_items != 1) return NULL;
    if (gj_message_decode(parcel.items[0].message, turn->scratch, &message, &fault) != GJ_OK) return NULL;
    return message.kind == GJ_KIND_PLAN_ANSWER ? message.body : NULL;
}

/* --- the payers ------------------------------------------------------------------------------------------- */

static void take_cover(struct gj_plan_cover *cover, const struct gj_cover_answer *answer) {
    cover->state = GJ_COVER_ANSWERED;
    cover->cover = answer->cover;
    cover->pack = answer->pack;
    gj_text_set(cover->account, sizeof(cover->account), answer->account);
    gj_text_set(cover->rule, sizeof(cover->rule), answer->rule);
}

static void take_evaluated(struct gj_plan_cover *cover, const struct gj_source *source) {
    cover->state = GJ_COVER_ANSWERED;
    cover->cover = source->cover;
    cover->pack = source->pack;
    gj_text_set(cover->account, sizeof(cover->account), source->account);
    gj_text_set(cover->rule, sizeof(cover->rule), source->rule);
}

static void ask_source(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       uint32_t slot, const struct gj_source *source, struct gj_cover_ask *ask) {
    struct gj_plan_cover *cover = &session->u.bill.covers[slot];
    const char *node = gj_desk_node_of(domain, source->region);
    if (node == NULL || gj_session_node_is_dead(session, node)) {
        cover->state = GJ_COVER_UNREACHABLE;
        return;
    }
    gj_text_set(ask->binding_ref, sizeof(ask->binding_ref), source->binding_ref);
    if (gj_desk_is_self(domain, node)) {
        struct gj_cover_answer answer;
        memset(&answer, 0, sizeof(answer));
        gj_books_cover(&domain->books, turn, ask, &answer);
        take_cover(cover, &answer);
        return;
    }
    cover->state = GJ_COVER_ASKED;
    gj_session_ask(domain, turn, session, slot, GJ_KIND_COVER, node, ask);
}

static void planned(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_slice kept = gj_slice_of(bill->answer, bill->answer_len);
    const struct gj_plan_answer *home = gj_plan_home(turn, bill->home_local, kept);
    if (home == NULL || home->n_sources != bill->n_covers) {
        gj_session_refuse(domain, turn, session, GJ_ERR_NO_SPACE, "", "");
        return;
    }
    struct gj_composed composed;
    gj_compose(bill->req.acct_payable_amt, bill->req.insuplc_admdvs, home, bill->covers, &composed);
    if (composed.err != GJ_OK) {
        gj_session_refuse(domain, turn, session, composed.err, "", "");
        return;
    }
    if (session->kind == GJ_SESSION_SETTLE) {
        gj_settle_planned(domain, turn, session, home, &composed);
        return;
    }
    struct gj_ans_plan answer;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    gj_plan_store(turn, session, home, &composed, &answer, lines);
    gj_session_finish(domain, turn, session, GJ_OK, "", "", GJ_ANSWER_PLAN, &answer);
}

static void ask_sources(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                        const struct gj_plan_answer *home) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_cover_ask ask;
    memset(&ask, 0, sizeof(ask));
    ask.amount = bill->req.acct_payable_amt - gj_compose_own(bill->req.acct_payable_amt, home);
    ask.business_date = bill->date;
    gj_text_set(ask.recipient_region, sizeof(ask.recipient_region), bill->req.insuplc_admdvs);
    gj_text_set(ask.mdtrtarea_admvs, sizeof(ask.mdtrtarea_admvs), bill->req.mdtrtarea_admvs);
    gj_text_set(ask.use, sizeof(ask.use), bill->use);
    /* A plan has no earlier attempts; a settlement's must not stand in its own way at the payers. */
    if (session->kind == GJ_SESSION_SETTLE)
        gj_protocol_supersedes(domain->protocol, turn, session->sender, session->msgid, &ask.supersedes,
                               &ask.n_supersedes);
    session->phase = GJ_PHASE_COVER;
    bill->n_covers = home->n_sources;
    memset(bill->covers, 0, sizeof(bill->covers));
    for (uint32_t i = 0; i < home->n_sources; i++) {
        if (home->sources[i].evaluated)
            take_evaluated(&bill->covers[i], &home->sources[i]);
        else if (ask.amount > 0)
            ask_source(domain, turn, session, i, &home->sources[i], &ask);
    }
    if (session->n_open == 0) planned(domain, turn, session);
}

void gj_plan_home_answered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                           const struct gj_plan_answer *answer, struct gj_slice evidence) {
    struct gj_session_bill *bill = &session->u.bill;
    if (answer->code[0] != '\0') {
        gj_session_refuse(domain, turn, session, gj_protocol_code_of_peer(answer->code), answer->rule, "");
        return;
    }
    if (evidence.len > 0 && (!echoes(bill, answer) || !answers_for_its_own(domain, bill, answer))) {
        gj_turn_event(turn, GJ_EVENT_VIOLATION, GJ_ERR_BAD_EVIDENCE, NULL, bill->home, 0);
        gj_session_refuse(domain, turn, session, GJ_ERR_BAD_EVIDENCE, "", bill->home);
        return;
    }
    enum gj_err err = keep_answer(bill, answer, evidence);
    if (err != GJ_OK) {
        gj_session_refuse(domain, turn, session, err, "", bill->home);
        return;
    }
    ask_sources(domain, turn, session, answer);
}

void gj_plan_cover_answered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                            uint32_t slot, const struct gj_cover_answer *answer) {
    take_cover(&session->u.bill.covers[slot], answer);
    if (session->n_open == 0) planned(domain, turn, session);
}

void gj_plan_unanswered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                        uint32_t slot, enum gj_err code) {
    if (session->phase == GJ_PHASE_HOME && gj_desk_passes(code)) {
        const struct gj_refusal later = {.class = GJ_VOTE_BUSY, .code = code};
        gj_session_attempt_failed(domain, turn, session, &later, session->u.bill.home);
        return;
    }
    if (session->phase == GJ_PHASE_HOME) {
        enum gj_err told = code == GJ_ERR_TIMED_OUT ? GJ_ERR_HOME_UNREACHABLE : code;
        gj_session_refuse(domain, turn, session, told, "", session->u.bill.home);
        return;
    }
    session->u.bill.covers[slot].state = GJ_COVER_UNREACHABLE;
    if (session->n_open == 0) planned(domain, turn, session);
}
