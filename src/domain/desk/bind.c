/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding a payer and a recipient: both homes judge their own person, then one transaction writes both sides.
 * Also the verification of a person and the order of a recipient's payers. The desk judges no rule itself;
 * it only chooses which of several refusals is named.
 */
#include <string.h>

#include "base/check.h"
#include "domain/desk/desk.h"
#include "wire/certno.h"

enum side { PAYER, RECIPIENT };
static const char *const side_words[] = {[PAYER] = "payer", [RECIPIENT] = "recipient"};

/* Which rule is named when several fail. */
static const char *const rule_order[] = {"R1",  "R7",  "R2",  "R4",  "R3",  "R8",  "R6",  "R20", "R21",
                                         "R22", "R12", "R10", "R11", "R13", "R14", "R15", "R16", "R33"};
#define RULES (sizeof(rule_order) / sizeof(rule_order[0]))

uint32_t gj_bind_rank(enum gj_err code, const char *rule) {
    /* Nobody can be judged who is not known; a rule is certain; an unreachable home may come back. */
    if (code == GJ_ERR_PERSON_UNKNOWN) return 0;
    if (gj_err_class_of(code) == GJ_CLASS_IO) return (uint32_t)RULES + 3;
    if (gj_err_is_retryable(code)) return (uint32_t)RULES + 2;
    for (uint32_t i = 0; i < RULES; i++) {
        if (gj_text_equal(rule_order[i], rule)) return i + 1;
    }
    return (uint32_t)RULES + 1;
}

/* --- verify ----------------------------------------------------------------------------------------------- */

static void fill_person(struct gj_person *ret, const char *type, const char *certno, const char *name) {
    gj_text_set(ret->psn_cert_type, sizeof(ret->psn_cert_type), type);
    gj_text_set(ret->certno, sizeof(ret->certno), certno);
    gj_text_set(ret->psn_name, sizeof(ret->psn_name), name);
}

/* The enrolment as the client may see it: yes or no and the status, or why nothing can be said. */
static void answer_verified(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                            const struct gj_verified *verified) {
    if (verified->code[0] != '\0') {
        gj_session_refuse(domain, turn, session, gj_protocol_code_of_peer(verified->code), verified->rule,
                          "");
        return;
    }
    struct gj_ans_verify answer;
    memset(&answer, 0, sizeof(answer));
    answer.enrolled = verified->enrolled;
    gj_text_set(answer.psn_insu_stas, sizeof(answer.psn_insu_stas), verified->psn_insu_stas);
    gj_text_set(answer.insutype, sizeof(answer.insutype), verified->insutype);
    gj_session_finish(domain, turn, session, GJ_OK, "", "", GJ_ANSWER_VERIFY, &answer);
}

static const char *check_verify(const struct gj_domain *domain, const struct gj_req_verify *req,
                                enum gj_err *ret_err) {
    bool is_known = gj_text_equal(req->purpose, "check") || gj_text_equal(req->purpose, "binding") ||
                    gj_text_equal(req->purpose, "settlement");
    *ret_err = GJ_ERR_BAD_FIELD;
    if (!is_known) return "purpose";
    if (gj_desk_node_of(domain, req->insuplc_admdvs) == NULL) return "insuplc_admdvs";
    *ret_err = GJ_ERR_BAD_CERTNO;
    return gj_certno_is_valid(req->psn_cert_type, req->certno) ? NULL : "certno";
}

void gj_verify_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_verify *req) {
    enum gj_err err;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    const char *field = check_verify(domain, req, &err);
    if (field == NULL) err = gj_protocol_accepts_work(domain->protocol, turn);
    struct gj_session *session = NULL;
    if (err == GJ_OK) {
        session = gj_session_open(domain, GJ_SESSION_VERIFY, req->sender, req->msgid, waiter);
        if (session == NULL) err = GJ_ERR_BUSY;
    }
    if (err != GJ_OK) {
        gj_desk_problem(turn, waiter, "refused", err, "", field == NULL ? "" : field, NULL);
        return;
    }
    struct gj_verify ask;
    memset(&ask, 0, sizeof(ask));
    gj_text_set(ask.purpose, sizeof(ask.purpose), req->purpose);
    gj_text_set(ask.consent_ref, sizeof(ask.consent_ref), req->consent_ref);
    gj_text_set(ask.insuplc_admdvs, sizeof(ask.insuplc_admdvs), req->insuplc_admdvs);
    fill_person(&ask.person, req->psn_cert_type, req->certno, req->psn_name);
    ask.business_date = gj_date_of(turn->now.wall);
    const char *node = gj_desk_node_of(domain, req->insuplc_admdvs);
    session->phase = GJ_PHASE_VERIFY;
    if (!gj_desk_is_self(domain, node)) {
        gj_session_ask(domain, turn, session, 0, GJ_KIND_VERIFY, node, &ask);
        return;
    }
    struct gj_verified verified;
    gj_books_verify(&domain->books, turn, &ask, &verified);
    answer_verified(domain, turn, session, &verified);
}

/* --- bind: the request -------------------------------------------------------------------------------------- */

static const struct gj_req_person *person_of(const struct gj_req_bind *req, enum side side) {
    return side == PAYER ? &req->payer : &req->recipient;
}

static bool is_same_person(const struct gj_turn *turn, const struct gj_req_bind *req) {
    uint8_t payer[GJ_HASH_BYTES], recipient[GJ_HASH_BYTES];
    gj_person_token(turn->hasher, req->payer.psn_cert_type, req->payer.certno, payer);
    gj_person_token(turn->hasher, req->recipient.psn_cert_type, req->recipient.certno, recipient);
    return memcmp(payer, recipient, sizeof(payer)) == 0;
}

static const char *check_bind(const struct gj_domain *domain, const struct gj_turn *turn,
                              const struct gj_req_bind *req, enum gj_err *ret_err) {
    *ret_err = GJ_ERR_BAD_CERTNO;
    if (!gj_certno_is_valid(req->payer.psn_cert_type, req->payer.certno)) return "payer.certno";
    if (!gj_certno_is_valid(req->recipient.psn_cert_type, req->recipient.certno)) return "recipient.certno";
    *ret_err = GJ_ERR_BAD_FIELD;
    enum gj_relation relation = gj_relation_of(req->relation);
    if (relation == GJ_RELATION_COUNT || relation == GJ_RELATION_SELF) return "relation";
    if (gj_desk_node_of(domain, req->payer.insuplc_admdvs) == NULL) return "payer.insuplc_admdvs";
    if (gj_desk_node_of(domain, req->recipient.insuplc_admdvs) == NULL) return "recipient.insuplc_admdvs";
    return is_same_person(turn, req) ? "recipient.certno" : NULL;
}

void gj_bind_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_bind *req, struct gj_slice request) {
    enum gj_err err;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    const char *field = check_bind(domain, turn, req, &err);
    if (field != NULL) {
        gj_desk_problem(turn, waiter, "refused", err, "", field, NULL);
        return;
    }
    if (!gj_desk_admit(domain, turn, waiter, GJ_REQUEST_BIND, req->sender, req->msgid, request)) return;
    struct gj_session *session = gj_session_open(domain, GJ_SESSION_BIND, req->sender, req->msgid, waiter);
    GJ_ASSERT(session != NULL); /* admission looked */
    struct gj_session_bind *bind = &session->u.bind;
    memset(bind, 0, sizeof(*bind));
    bind->req = *req;
    gj_desk_new_id(turn, "B", bind->binding_id);
    for (enum side side = PAYER; side <= RECIPIENT; side++) {
        const char *node = gj_desk_node_of(domain, person_of(req, side)->insuplc_admdvs);
        gj_text_set(bind->node[side], sizeof(bind->node[side]), node);
    }
    gj_bind_start(domain, turn, session);
}

/* --- bind: both homes judge ----------------------------------------------------------------------------------- */

static void fill_bind_ask(const struct gj_session_bind *bind, enum side side, struct gj_verify *ask) {
    const struct gj_req_person *person = person_of(&bind->req, side);
    const struct gj_req_person *other = person_of(&bind->req, side == PAYER ? RECIPIENT : PAYER);
    memset(ask, 0, sizeof(*ask));
    gj_text_set(ask->purpose, sizeof(ask->purpose), "binding");
    gj_text_set(ask->consent_ref, sizeof(ask->consent_ref), bind->req.consent_ref);
    gj_text_set(ask->insuplc_admdvs, sizeof(ask->insuplc_admdvs), person->insuplc_admdvs);
    fill_person(&ask->person, person->psn_cert_type, person->certno, person->psn_name);
    ask->business_date = bind->date;
    gj_text_set(ask->role, sizeof(ask->role), side_words[side]);
    gj_text_set(ask->relation, sizeof(ask->relation), bind->req.relation);
    gj_text_set(ask->other_region, sizeof(ask->other_region), other->insuplc_admdvs);
}

static enum gj_err side_code(const struct gj_session_bind *bind, enum side side) {
    const struct gj_verified *verified = &bind->verified[side];
    if (!bind->reachable[side]) return side == PAYER ? GJ_ERR_PAYER_UNREACHABLE : GJ_ERR_HOME_UNREACHABLE;
    if (verified->code[0] != '\0') return gj_protocol_code_of_peer(verified->code);
    return verified->person_ref[0] == '\0' ? GJ_ERR_PERSON_UNKNOWN : GJ_OK;
}

static void begin_bind(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);

/* Both sides have spoken, or did not answer: names one refusal, or begins. */
static void judged(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    const struct gj_session_bind *bind = &session->u.bind;
    enum gj_err code[2] = {side_code(bind, PAYER), side_code(bind, RECIPIENT)};
    if (code[PAYER] == GJ_OK && code[RECIPIENT] == GJ_OK) {
        begin_bind(domain, turn, session);
        return;
    }
    enum side named = code[PAYER] != GJ_OK ? PAYER : RECIPIENT;
    if (code[PAYER] != GJ_OK && code[RECIPIENT] != GJ_OK) {
        uint32_t payer = gj_bind_rank(code[PAYER], bind->verified[PAYER].rule);
        uint32_t recipient = gj_bind_rank(code[RECIPIENT], bind->verified[RECIPIENT].rule);
        named = recipient < payer ? RECIPIENT : PAYER;
    }
    struct gj_refusal refusal = {.class = GJ_VOTE_RULE, .code = code[named]};
    if (code[named] == GJ_ERR_BUSY) refusal.class = GJ_VOTE_BUSY; /* another binding of him is undecided */
    gj_text_set(refusal.rule, sizeof(refusal.rule), bind->verified[named].rule);
    gj_session_attempt_failed(domain, turn, session, &refusal, side_words[named]);
}

void gj_bind_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    struct gj_session_bind *bind = &session->u.bind;
    struct gj_verify ask;
    session->phase = GJ_PHASE_VERIFY;
    bind->date = gj_date_of(turn->now.wall);
    memset(bind->verified, 0, sizeof(bind->verified));
    for (enum side side = PAYER; side <= RECIPIENT; side++) {
        const char *node = bind->node[side];
        bind->reachable[side] = !gj_session_node_is_dead(session, node);
        if (!bind->reachable[side]) continue;
        fill_bind_ask(bind, side, &ask);
        if (gj_desk_is_self(domain, node))
            gj_books_verify(&domain->books, turn, &ask, &bind->verified[side]);
        else
            gj_session_ask(domain, turn, session, side, GJ_KIND_VERIFY, node, &ask);
    }
    if (session->n_open == 0) judged(domain, turn, session);
}

void gj_bind_verified(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                      uint32_t slot, const struct gj_verified *verified) {
    if (session->kind == GJ_SESSION_VERIFY) {
        answer_verified(domain, turn, session, verified);
        return;
    }
    session->u.bind.verified[slot] = *verified;
    if (session->n_open == 0) judged(domain, turn, session);
}

void gj_bind_unanswered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                        uint32_t slot, enum gj_err code) {
    if (session->kind == GJ_SESSION_VERIFY) {
        enum gj_err told = code == GJ_ERR_TIMED_OUT ? GJ_ERR_HOME_UNREACHABLE : code;
        gj_session_refuse(domain, turn, session, told, "", session->questions[slot].node);
        return;
    }
    if (gj_desk_passes(code)) {
        const struct gj_refusal later = {.class = GJ_VOTE_BUSY, .code = code};
        gj_session_drop_questions(session);
        gj_session_attempt_failed(domain, turn, session, &later, session->questions[slot].node);
        return;
    }
    struct gj_verified *verified = &session->u.bind.verified[slot];
    if (code == GJ_ERR_TIMED_OUT)
        session->u.bind.reachable[slot] = false;
    else
        gj_text_set(verified->code, sizeof(verified->code), gj_err_name(code));
    if (session->n_open == 0) judged(domain, turn, session);
}

/* --- bind: the transaction -------------------------------------------------------------------------------------- */

static void bind_leg(const struct gj_session_bind *bind, enum side side, struct gj_tx_leg *leg) {
    const enum side other = side == PAYER ? RECIPIENT : PAYER;
    struct gj_leg_detail *detail = &leg->detail;
    memset(leg, 0, sizeof(*leg));
    gj_text_set(leg->node, sizeof(leg->node), bind->node[side]);
    gj_text_set(leg->from_region, sizeof(leg->from_region), bind->req.payer.insuplc_admdvs);
    gj_text_set(leg->to_region, sizeof(leg->to_region), bind->req.recipient.insuplc_admdvs);
    gj_text_set(detail->type, sizeof(detail->type), side_words[side]);
    gj_text_set(detail->person_ref, sizeof(detail->person_ref), bind->verified[side].person_ref);
    gj_text_set(detail->other_person_ref, sizeof(detail->other_person_ref), bind->verified[other].person_ref);
    /* Both sides keep the payer's: it is what the recipient's plans show. */
    gj_text_set(detail->person_masked, sizeof(detail->person_masked), bind->verified[PAYER].person_masked);
    gj_text_set(detail->binding_ref, sizeof(detail->binding_ref), bind->binding_id);
    gj_text_set(detail->relation, sizeof(detail->relation), bind->req.relation);
    gj_text_set(detail->payer_region, sizeof(detail->payer_region), bind->req.payer.insuplc_admdvs);
    gj_text_set(detail->recipient_region, sizeof(detail->recipient_region),
                bind->req.recipient.insuplc_admdvs);
    gj_text_set(detail->consent_ref, sizeof(detail->consent_ref), bind->req.consent_ref);
    gj_text_set(detail->evidence_ref, sizeof(detail->evidence_ref), bind->req.evidence_ref);
    detail->position = bind->req.position;
}

static void begin_bind(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    const struct gj_session_bind *bind = &session->u.bind;
    struct gj_tx_leg legs[2];
    struct gj_pack_ref packs[2];
    uint32_t n_packs = 0;
    for (enum side side = PAYER; side <= RECIPIENT; side++) {
        bind_leg(bind, side, &legs[side]);
        if (bind->verified[side].pack.pack[0] != '\0') packs[n_packs++] = bind->verified[side].pack;
    }
    struct gj_tx_order order = {
        .business_date = bind->date, .packs = packs, .n_packs = n_packs, .legs = legs, .n_legs = 2};
    gj_text_set(order.kind, sizeof(order.kind), "bind");
    gj_text_set(order.sender, sizeof(order.sender), session->sender);
    gj_text_set(order.msgid, sizeof(order.msgid), session->msgid);
    gj_session_begin(domain, turn, session, &order);
}

void gj_bind_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       const struct gj_decision *decision) {
    const struct gj_session_bind *bind = &session->u.bind;
    struct gj_bound_row row;
    struct gj_ans_binding answer;
    memset(&row, 0, sizeof(row));
    gj_text_set(row.binding_id, sizeof(row.binding_id), bind->binding_id);
    row.txid = decision->txid;
    gj_text_set(row.sender, sizeof(row.sender), session->sender);
    gj_text_set(row.msgid, sizeof(row.msgid), session->msgid);
    gj_text_set(row.state, sizeof(row.state), "bound");
    gj_text_set(row.relation, sizeof(row.relation), bind->req.relation);
    gj_text_set(row.payer_region, sizeof(row.payer_region), bind->req.payer.insuplc_admdvs);
    gj_text_set(row.recipient_region, sizeof(row.recipient_region), bind->req.recipient.insuplc_admdvs);
    row.begin_date = decision->core->business_date;
    gj_store_put(turn->store, &gj_table_bound, &row);
    gj_bind_answer(&row, &answer);
    session->txid = decision->txid;
    gj_session_finish(domain, turn, session, GJ_OK, "", row.binding_id, GJ_ANSWER_BINDING, &answer);
}

void gj_bind_answer(const struct gj_bound_row *row, struct gj_ans_binding *ret) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->binding_id, sizeof(ret->binding_id), row->binding_id);
    ret->txid = row->txid;
    gj_text_set(ret->state, sizeof(ret->state), gj_text_equal(row->state, "bound") ? "active" : "ended");
    gj_text_set(ret->relation, sizeof(ret->relation), row->relation);
    gj_text_set(ret->payer_region, sizeof(ret->payer_region), row->payer_region);
    gj_text_set(ret->recipient_region, sizeof(ret->recipient_region), row->recipient_region);
    ret->begin_date = row->begin_date;
}

bool gj_bind_is_senders(struct gj_turn *turn, const char *binding_id, const char *sender) {
    struct gj_bound_row row;
    memset(&row, 0, sizeof(row));
    if (gj_desk_is_channel(sender)) return true;
    return gj_text_copy(row.binding_id, sizeof(row.binding_id), binding_id) == GJ_OK &&
           gj_store_get(turn->store, &gj_table_bound, &row, turn->scratch) &&
           gj_desk_speaks_for(sender, row.sender);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

void gj_order_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                      const struct gj_req_order *req, struct gj_slice request) {
    const struct gj_req_person *who = &req->recipient;
    if (!gj_desk_owns_sender(domain, turn, waiter, req->sender)) return;
    const char *home = gj_desk_node_of(domain, who->insuplc_admdvs);
    if (home == NULL) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_FIELD, "", "recipient.insuplc_admdvs", NULL);
        return;
    }
    if (!gj_desk_is_self(domain, home)) { /* the list is kept at the recipient's home only */
        gj_desk_wrong_node(domain, turn, waiter, home);
        return;
    }
    if (!gj_desk_is_channel(req->sender)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_UNAUTHORIZED, "", "sender", NULL);
        return;
    }
    if (!gj_desk_admit(domain, turn, waiter, GJ_REQUEST_ORDER, req->sender, req->msgid, request)) return;
    struct gj_person person;
    memset(&person, 0, sizeof(person));
    fill_person(&person, who->psn_cert_type, who->certno, who->psn_name);
    enum gj_err err = gj_books_set_order(&domain->books, turn, &person, who->insuplc_admdvs, req->bindings,
                                         req->n_bindings);
    if (err != GJ_OK) {
        const char *field = err == GJ_ERR_PERSON_UNKNOWN ? "recipient" : "bindings";
        gj_desk_refuse_now(turn, waiter, req->sender, req->msgid, err, field);
        return;
    }
    const struct gj_ans_order answer = {.bindings = req->bindings, .n_bindings = req->n_bindings};
    gj_desk_finish_now(turn, waiter, req->sender, req->msgid, GJ_OK, "", GJ_ANSWER_ORDER, &answer);
}
