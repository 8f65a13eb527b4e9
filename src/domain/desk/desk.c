/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions, and the admission of requests: who may ask here, what was asked before, how an answer becomes
 * final. It decides no payment; it never keeps a request longer than its session.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

/* --- sessions ------------------------------------------------------------------------------------------- */

struct gj_session *gj_session_open(struct gj_domain *domain, enum gj_session_kind kind, const char *sender,
                                   const char *msgid, uint64_t waiter) {
    if (domain->n_sessions == GJ_SESSIONS_MAX) return NULL;
    uint32_t slot = 0;
    while (slot < domain->high && domain->sessions[slot].phase != GJ_PHASE_FREE)
        slot++;
    if (slot == domain->high) domain->high++;
    struct gj_session *session = &domain->sessions[slot];
    memset(session, 0, offsetof(struct gj_session, u));
    session->kind = kind;
    session->phase = GJ_PHASE_WAITING;
    session->generation = ++domain->generation;
    session->deadline.ms = GJ_DESK_MONO_NEVER;
    session->attempt = 1;
    session->waiters[0] = waiter;
    gj_text_set(session->sender, sizeof(session->sender), sender);
    gj_text_set(session->msgid, sizeof(session->msgid), msgid);
    domain->n_sessions++;
    return session;
}

void gj_session_close(struct gj_domain *domain, struct gj_session *session) {
    GJ_ASSERT(session->phase != GJ_PHASE_FREE);
    session->phase = GJ_PHASE_FREE;
    session->generation = 0;
    domain->n_sessions--;
    while (domain->high > 0 && domain->sessions[domain->high - 1].phase == GJ_PHASE_FREE)
        domain->high--;
}

static bool runs_transactions(enum gj_session_kind kind) {
    return kind != GJ_SESSION_VERIFY && kind != GJ_SESSION_PLAN;
}

struct gj_session *gj_session_of_biz(struct gj_domain *domain, const char *sender, const char *msgid) {
    for (uint32_t i = 0; i < domain->high; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE || !runs_transactions(session->kind)) continue;
        if (gj_text_equal(session->msgid, msgid) && gj_text_equal(session->sender, sender)) return session;
    }
    return NULL;
}

struct gj_session *gj_session_of_settlement(struct gj_domain *domain, const char *setl_id) {
    for (uint32_t i = 0; i < domain->high; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE) continue;
        if (session->kind != GJ_SESSION_REFUND && session->kind != GJ_SESSION_REVERSAL) continue;
        if (gj_text_equal(session->u.refund.setl_id, setl_id)) return session;
    }
    return NULL;
}

struct gj_session *gj_session_of_plan(struct gj_domain *domain, const char *sender, const char *plan_id) {
    for (uint32_t i = 0; i < domain->high; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE || session->kind != GJ_SESSION_SETTLE) continue;
        if (gj_text_equal(session->u.bill.req.plan_id, plan_id) && gj_text_equal(session->sender, sender))
            return session;
    }
    return NULL;
}

bool gj_session_add_waiter(struct gj_session *session, uint64_t waiter) {
    for (uint32_t i = 0; i < GJ_DESK_WAITERS_MAX; i++) {
        if (session->waiters[i] != 0) continue;
        session->waiters[i] = waiter;
        return true;
    }
    return false;
}

void gj_session_ask(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session, uint32_t slot,
                    enum gj_kind kind, const char *node, const void *body) {
    struct gj_question *question = &session->questions[slot];
    GJ_ASSERT(!question->open);
    question->open = true;
    gj_text_set(question->node, sizeof(question->node), node);
    session->n_open++;
    session->deadline.ms = turn->now.mono.ms + GJ_PLAN_ANSWER_MS;
    gj_protocol_send(domain->protocol, turn, kind, node, body, NULL, GJ_PLAN_ANSWER_MS, &question->id);
}

void gj_session_drop_questions(struct gj_session *session) {
    for (uint32_t i = 0; i < GJ_SOURCES_MAX; i++)
        session->questions[i].open = false;
    session->n_open = 0;
}

bool gj_session_node_is_dead(const struct gj_session *session, const char *node) {
    for (uint32_t i = 0; i < session->n_dead; i++) {
        if (gj_text_equal(session->dead[i], node)) return true;
    }
    return false;
}

/* --- running a transaction -------------------------------------------------------------------------------- */

enum gj_retry gj_desk_retry_of(const struct gj_refusal *refusal) {
    switch (refusal->class) {
    case GJ_VOTE_COVER:
    case GJ_VOTE_PLAN_STALE:
        return GJ_RETRY_NOW;
    case GJ_VOTE_BUSY:
    case GJ_VOTE_DATE:
        return GJ_RETRY_LATER;
    case GJ_VOTE_YES: /* nobody said no: a time-out, a restart, a reversal */
        return refusal->code == GJ_ERR_TIMED_OUT ? GJ_RETRY_NOW : GJ_RETRY_NEVER;
    case GJ_VOTE_RULE:
        return refusal->code == GJ_ERR_EXPIRED ? GJ_RETRY_NOW : GJ_RETRY_NEVER;
    }
    return GJ_RETRY_NEVER;
}

bool gj_desk_passes(enum gj_err code) {
    return code == GJ_ERR_GATE || code == GJ_ERR_NO_HELLO || code == GJ_ERR_BUSY || code == GJ_ERR_DRAINING;
}

void gj_session_start_attempt(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    GJ_ASSERT(session->kind != GJ_SESSION_VERIFY);
    switch (session->kind) {
    case GJ_SESSION_PLAN:
    case GJ_SESSION_SETTLE:
        gj_plan_start(domain, turn, session);
        return;
    case GJ_SESSION_BIND:
        gj_bind_start(domain, turn, session);
        return;
    case GJ_SESSION_REFUND:
    case GJ_SESSION_REVERSAL:
        gj_refund_start(domain, turn, session);
        return;
    case GJ_SESSION_VERIFY:
        return; /* has one attempt */
    }
}

void gj_session_attempt_failed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                               const struct gj_refusal *refusal, const char *node) {
    if (session->kind == GJ_SESSION_REVERSAL) {
        gj_reverse_put_off(domain, turn, session);
        return;
    }
    enum gj_retry retry = gj_desk_retry_of(refusal);
    if (retry == GJ_RETRY_NEVER || session->attempt == GJ_ATTEMPTS_MAX) {
        gj_session_refuse(domain, turn, session, refusal->code, refusal->rule, node);
        return;
    }
    if (refusal->code == GJ_ERR_TIMED_OUT && node[0] != '\0' && !gj_session_node_is_dead(session, node)) {
        gj_text_set(session->dead[session->n_dead], sizeof(session->dead[0]), node);
        session->n_dead++;
    }
    session->attempt++;
    if (retry == GJ_RETRY_NOW) {
        gj_session_start_attempt(domain, turn, session);
        return;
    }
    uint8_t jitter;
    gj_turn_random(turn, &jitter, 1);
    /* A node that has just started is ready when its greetings are answered, and those are sent again each second. */
    int64_t base_ms =
        gj_desk_passes(refusal->code) && node[0] != '\0' ? GJ_HELLO_RESEND_MS : GJ_DESK_RETRY_MS;
    int64_t delay_ms = base_ms << (session->attempt - 2);
    session->phase = GJ_PHASE_WAITING;
    session->deadline.ms = turn->now.mono.ms + delay_ms + delay_ms * jitter / 256;
}

void gj_session_begin(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                      const struct gj_tx_order *order) {
    struct gj_refusal no = {.class = GJ_VOTE_BUSY, .code = GJ_ERR_BUSY};
    struct gj_txid txid = {.epoch = 0};
    const uint64_t generation = session->generation;
    session->phase = GJ_PHASE_BEGINNING;
    session->deadline.ms = GJ_DESK_MONO_NEVER;
    enum gj_err err = gj_protocol_begin(domain->protocol, turn, order, &txid, &no);
    /* Without a remote participant decided() has run by now, and has closed the session. */
    if (session->generation != generation || session->phase != GJ_PHASE_BEGINNING) return;
    if (err == GJ_ERR_RULE || err == GJ_ERR_BUSY) {
        gj_session_attempt_failed(domain, turn, session, &no, "");
        return;
    }
    if (err != GJ_OK) {
        if (session->kind == GJ_SESSION_REVERSAL)
            gj_reverse_put_off(domain, turn, session);
        else
            gj_session_refuse(domain, turn, session, err, "", "");
        return;
    }
    session->phase = GJ_PHASE_DECIDING;
    session->txid = txid;
    struct gj_request_row row;
    if (session->kind != GJ_SESSION_REVERSAL &&
        gj_request_find(turn, session->sender, session->msgid, &row) && gj_text_equal(row.state, "OPEN"))
        gj_request_note_tx(turn, &row, &txid);
}

/* --- ends ------------------------------------------------------------------------------------------------- */

static bool is_stored(enum gj_session_kind kind) {
    return kind == GJ_SESSION_BIND || kind == GJ_SESSION_SETTLE || kind == GJ_SESSION_REFUND;
}

static struct gj_slice encode_answer(uint8_t *memory, size_t cap, enum gj_answer_kind kind,
                                     const void *body) {
    struct gj_buf out;
    gj_buf_init(&out, memory, cap);
    enum gj_err err = gj_answer_encode(kind, body, &out);
    GJ_ASSERT(err == GJ_OK);
    return gj_buf_slice(&out);
}

static void reply_all(struct gj_turn *turn, const struct gj_session *session, struct gj_slice answer) {
    for (uint32_t i = 0; i < GJ_DESK_WAITERS_MAX; i++) {
        if (session->waiters[i] != 0) gj_turn_reply_bytes(turn, session->waiters[i], answer);
    }
}

/* Stores a final answer. A row that is not OPEN belongs to a batch that was rolled back: nothing to store. */
static void store_final(struct gj_turn *turn, const char *sender, const char *msgid,
                        const struct gj_txid *txid, enum gj_err code, const char *rule,
                        const char *result_ref, struct gj_slice answer) {
    struct gj_request_row row;
    if (!gj_request_find(turn, sender, msgid, &row) || !gj_text_equal(row.state, "OPEN")) return;
    if (!gj_txid_is_none(txid) && !gj_txid_equal(txid, &row.txid)) gj_request_note_tx(turn, &row, txid);
    gj_request_finish(turn, &row, code == GJ_OK, code, rule, result_ref, answer);
}

void gj_session_finish(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       enum gj_err code, const char *rule, const char *result_ref, enum gj_answer_kind kind,
                       const void *body) {
    uint8_t memory[GJ_DESK_ANSWER_MAX];
    struct gj_slice answer = encode_answer(memory, sizeof(memory), kind, body);
    enum gj_event_code event = code == GJ_OK ? GJ_EVENT_REQUEST_DONE : GJ_EVENT_REQUEST_REFUSED;
    if (is_stored(session->kind))
        store_final(turn, session->sender, session->msgid, &session->txid, code, rule, result_ref, answer);
    else
        gj_turn_event(turn, event, code, &session->txid, "", session->attempt);
    reply_all(turn, session, answer);
    gj_session_close(domain, session);
}

static void fill_problem(struct gj_ans_problem *ret, const char *outcome, enum gj_err code, const char *rule,
                         const char *detail, const struct gj_txid *txid) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->outcome, sizeof(ret->outcome), outcome);
    gj_text_set(ret->code, sizeof(ret->code), gj_err_name(code));
    gj_text_set(ret->rule, sizeof(ret->rule), rule);
    gj_text_set(ret->detail, sizeof(ret->detail), detail);
    if (txid != NULL) ret->txid = *txid;
}

void gj_session_refuse(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       enum gj_err code, const char *rule, const char *detail) {
    struct gj_ans_problem problem;
    fill_problem(&problem, "refused", code, rule, detail, &session->txid);
    gj_session_finish(domain, turn, session, code, rule, "", GJ_ANSWER_PROBLEM, &problem);
}

void gj_session_refuse_reversed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    uint8_t memory[2048];
    struct gj_ans_problem problem;
    fill_problem(&problem, "refused", GJ_ERR_REVERSED, "", "", &session->txid);
    struct gj_slice answer = encode_answer(memory, sizeof(memory), GJ_ANSWER_PROBLEM, &problem);
    gj_request_refuse_reversed(domain->protocol, turn, session->sender, session->msgid, answer);
    reply_all(turn, session, answer);
    gj_session_close(domain, session);
}

/* --- admission --------------------------------------------------------------------------------------------- */

const char *gj_desk_node_of(const struct gj_domain *domain, const char *region) {
    return gj_directory_node_of_region(domain->books.directory, region);
}

bool gj_desk_is_self(const struct gj_domain *domain, const char *node) {
    return gj_directory_is_self(domain->books.directory, node);
}

void gj_desk_problem(struct gj_turn *turn, uint64_t waiter, const char *outcome, enum gj_err code,
                     const char *rule, const char *detail, const struct gj_txid *txid) {
    struct gj_ans_problem problem;
    fill_problem(&problem, outcome, code, rule, detail, txid);
    gj_turn_reply(turn, waiter, GJ_ANSWER_PROBLEM, &problem);
}

void gj_desk_wrong_node(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter, const char *node) {
    const struct gj_directory_node *right = gj_directory_node(domain->books.directory, node);
    struct gj_ans_problem problem;
    fill_problem(&problem, "wrong_node", GJ_ERR_WRONG_NODE, "", "", NULL);
    gj_text_set(problem.node, sizeof(problem.node), node);
    if (right != NULL) gj_text_set(problem.url, sizeof(problem.url), right->url);
    gj_turn_reply(turn, waiter, GJ_ANSWER_PROBLEM, &problem);
}

bool gj_desk_owns_sender(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                         const char *sender) {
    const char *owner = gj_directory_node_of_sender(domain->books.directory, sender);
    if (owner == NULL) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_FIELD, "", "sender", NULL);
        return false;
    }
    if (gj_desk_is_self(domain, owner)) return true;
    gj_desk_wrong_node(domain, turn, waiter, owner);
    return false;
}

/* Would this call start work? What is final, or runs in this epoch, may be told at any time. */
static bool is_news(const struct gj_domain *domain, struct gj_turn *turn, const char *sender,
                    const char *msgid) {
    struct gj_request_row row;
    if (!gj_request_find(turn, sender, msgid, &row)) return true;
    return gj_request_is_interrupted(domain->protocol, turn, &row);
}

bool gj_desk_is_channel(const char *sender) {
    return strchr(sender, '/') != NULL;
}

bool gj_desk_speaks_for(const char *sender, const char *owner) {
    size_t len = strlen(sender);
    if (len == 0 || sender[len - 1] != '*') return gj_text_equal(sender, owner);
    return strncmp(sender, owner, len - 1) == 0;
}

bool gj_desk_admit(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter, enum gj_request_kind kind,
                   const char *sender, const char *msgid, struct gj_slice request) {
    if (strncmp(msgid, GJ_DESK_REVERSAL_PREFIX, sizeof(GJ_DESK_REVERSAL_PREFIX) - 1) == 0) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_BAD_FIELD, "", "msgid", NULL);
        return false;
    }
    if (is_news(domain, turn, sender, msgid)) {
        enum gj_err err = gj_protocol_accepts_work(domain->protocol, turn);
        if (err == GJ_OK && domain->n_sessions == GJ_SESSIONS_MAX) {
            gj_turn_event(turn, GJ_EVENT_LIMIT_REACHED, GJ_ERR_BUSY, NULL, "", GJ_SESSIONS_MAX);
            err = GJ_ERR_BUSY;
        }
        if (err != GJ_OK) {
            gj_desk_problem(turn, waiter, "refused", err, "", "", NULL);
            return false;
        }
    }
    struct gj_request_row row;
    const char *word = gj_request_word(kind);
    switch (gj_request_admit(domain->protocol, turn, sender, msgid, word, request, &row)) {
    case GJ_REQUEST_IS_NEW:
    case GJ_REQUEST_IS_RESUMED:
        return true;
    case GJ_REQUEST_IS_OPEN:
        gj_desk_problem(turn, waiter, "in_progress", GJ_ERR_IN_PROGRESS, "", "", &row.txid);
        return false;
    case GJ_REQUEST_IS_FINAL:
        gj_turn_reply_bytes(turn, waiter, row.answer);
        return false;
    case GJ_REQUEST_IS_CONFLICT:
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_CONFLICT, "", "msgid", NULL);
        return false;
    }
    return false;
}

void gj_desk_finish_now(struct gj_turn *turn, uint64_t waiter, const char *sender, const char *msgid,
                        enum gj_err code, const char *result_ref, enum gj_answer_kind kind,
                        const void *body) {
    uint8_t memory[GJ_DESK_ANSWER_MAX];
    const struct gj_txid none = {.epoch = 0};
    struct gj_slice answer = encode_answer(memory, sizeof(memory), kind, body);
    store_final(turn, sender, msgid, &none, code, "", result_ref, answer);
    gj_turn_reply_bytes(turn, waiter, answer);
}

void gj_desk_refuse_now(struct gj_turn *turn, uint64_t waiter, const char *sender, const char *msgid,
                        enum gj_err code, const char *detail) {
    struct gj_ans_problem problem;
    fill_problem(&problem, "refused", code, "", detail, NULL);
    gj_desk_finish_now(turn, waiter, sender, msgid, code, "", GJ_ANSWER_PROBLEM, &problem);
}

void gj_desk_new_id(struct gj_turn *turn, const char *prefix, char ret[GJ_REF_MAX + 1]) {
    uint8_t random[11];
    gj_turn_random(turn, random, sizeof(random));
    size_t len = strlen(prefix);
    GJ_ASSERT(len + 2 * sizeof(random) <= GJ_REF_MAX);
    gj_text_set(ret, GJ_REF_MAX + 1, prefix);
    gj_hex_encode(ret + len, random, sizeof(random));
}
