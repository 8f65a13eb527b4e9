/* SPDX-License-Identifier: Apache-2.0
 *
 * The domain's front: its life, the table that the protocol calls, and who gets which input. It decides
 * nothing itself: requests go to the desk's machines, questions of peers to the books, legs to the books.
 */
#include "domain/domain.h"

#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

size_t gj_domain_size(void) {
    return sizeof(struct gj_domain);
}

struct gj_domain *gj_domain_init(void *memory, const struct gj_domain_config *config) {
    /* The sessions' memory is left alone: a slot is written when it is opened. */
    struct gj_domain *domain = memory;
    memset(domain, 0, offsetof(struct gj_domain, sessions));
    domain->books.directory = config->directory;
    domain->books.packs = config->packs;
    domain->protocol = config->protocol;
    domain->notices_due.ms = GJ_DESK_MONO_NEVER;
    domain->reversals_due.ms = GJ_DESK_MONO_NEVER;
    domain->purge_due.ms = GJ_DESK_MONO_NEVER;
    domain->notices_delay_ms = GJ_REVOKE_RESEND_MS;
    domain->reversals_delay_ms = GJ_DESK_REVERSAL_RETRY_MS;
    return domain;
}

void gj_domain_attach(struct gj_domain *domain, struct gj_protocol *protocol) {
    domain->protocol = protocol;
}

uint32_t gj_domain_open_requests(const struct gj_domain *domain) {
    return domain->n_sessions;
}

void gj_domain_forget_waiter(struct gj_domain *domain, uint64_t waiter) {
    for (uint32_t i = 0; i < domain->high; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE) continue;
        for (uint32_t k = 0; k < GJ_DESK_WAITERS_MAX; k++) {
            if (session->waiters[k] == waiter) session->waiters[k] = 0;
        }
    }
}

/* --- requests ------------------------------------------------------------------------------------------------- */

/* In RESYNC even what is stored may be an old word: only the node itself is told of, and opened. */
static bool is_answered_now(const struct gj_domain *domain, const struct gj_turn *turn,
                            enum gj_request_kind kind, const void *body) {
    static const char *const about_the_node[] = {"node", "resync", "transaction", "transactions", "cases"};
    const struct gj_req_get *get = body;
    if (gj_protocol_accepts_work(domain->protocol, turn) != GJ_ERR_RESYNC || kind == GJ_REQUEST_OPEN)
        return true;
    for (size_t i = 0; i < sizeof(about_the_node) / sizeof(about_the_node[0]); i++) {
        if (kind == GJ_REQUEST_GET && gj_text_equal(get->what, about_the_node[i])) return true;
    }
    return false;
}

void gj_domain_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       struct gj_slice request) {
    enum gj_request_kind kind = GJ_REQUEST_NONE;
    void *body = NULL;
    struct gj_fault fault = {.field = ""};
    enum gj_err err = gj_request_decode(request, turn->scratch, &kind, &body, &fault);
    if (err != GJ_OK) {
        gj_desk_problem(turn, waiter, "refused", err, "", fault.field, NULL);
        return;
    }
    if (!is_answered_now(domain, turn, kind, body)) {
        gj_desk_problem(turn, waiter, "refused", GJ_ERR_RESYNC, "", "", NULL);
        return;
    }
    switch (kind) {
    case GJ_REQUEST_VERIFY:
        gj_verify_request(domain, turn, waiter, body);
        return;
    case GJ_REQUEST_BIND:
        gj_bind_request(domain, turn, waiter, body, request);
        return;
    case GJ_REQUEST_UNBIND:
        gj_unbind_request(domain, turn, waiter, body, request);
        return;
    case GJ_REQUEST_ORDER:
        gj_order_request(domain, turn, waiter, body, request);
        return;
    case GJ_REQUEST_PLAN:
    case GJ_REQUEST_SETTLE:
        gj_plan_request(domain, turn, waiter, kind, body, request);
        return;
    case GJ_REQUEST_REFUND:
        gj_refund_request(domain, turn, waiter, body, request);
        return;
    case GJ_REQUEST_REVERSE:
        gj_reverse_request(domain, turn, waiter, body);
        return;
    case GJ_REQUEST_PROPOSE:
    case GJ_REQUEST_CONFIRM:
        gj_resolve_request(domain, turn, waiter, kind, body);
        return;
    case GJ_REQUEST_OPEN:
        gj_open_request(domain, turn, waiter, body);
        return;
    case GJ_REQUEST_GET:
        gj_query_request(domain, turn, waiter, body);
        return;
    case GJ_REQUEST_NONE:
    case GJ_REQUEST_COUNT:
        break;
    }
    gj_desk_problem(turn, waiter, "refused", GJ_ERR_NOT_SUPPORTED, "", "", NULL);
}

/* --- what the protocol calls ------------------------------------------------------------------------------------ */

static bool hold(void *app, struct gj_turn *turn, const struct gj_tx_view *tx, struct gj_refusal *ret_no,
                 struct gj_leg_fact *ret_facts, uint32_t *ret_n_facts) {
    const struct gj_domain *domain = app;
    return gj_books_hold(&domain->books, turn, tx, ret_no, ret_facts, ret_n_facts);
}

static void post(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    const struct gj_domain *domain = app;
    gj_books_post(&domain->books, turn, tx);
}

static void release(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    const struct gj_domain *domain = app;
    gj_books_release(&domain->books, turn, tx);
}

static int64_t adopt(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_vote_facts *facts) {
    const struct gj_domain *domain = app;
    return gj_books_adopt(&domain->books, turn, tx, facts);
}

static int64_t undo(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                    const struct gj_vote_facts *facts) {
    const struct gj_domain *domain = app;
    return gj_books_undo(&domain->books, turn, tx, facts);
}

static bool rehold(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                   const struct gj_vote_facts *facts, int64_t *ret_fen) {
    const struct gj_domain *domain = app;
    return gj_books_rehold(&domain->books, turn, tx, facts, ret_fen);
}

static bool covers(void *app, struct gj_turn *turn, const struct gj_tx_view *tx) {
    const struct gj_domain *domain = app;
    return gj_books_covers(&domain->books, turn, tx);
}

static bool remember(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_decision *decision) {
    return gj_desk_remember(app, turn, tx, decision);
}

static enum gj_err end_binding(void *app, struct gj_turn *turn, const char *from,
                               const struct gj_revoke *end) {
    struct gj_domain *domain = app;
    return gj_revoke_apply(domain, turn, from, end);
}

static bool ended_binding(void *app, struct gj_turn *turn, const char *node, struct gj_revoke *ret,
                          struct gj_txid *ret_txid) {
    const struct gj_domain *domain = app;
    return gj_books_ended_binding(&domain->books, turn, node, ret, ret_txid);
}

static void committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                      const struct gj_decision *decision) {
    GJ_ASSERT(session->kind != GJ_SESSION_VERIFY && session->kind != GJ_SESSION_PLAN);
    switch (session->kind) {
    case GJ_SESSION_BIND:
        gj_bind_committed(domain, turn, session, decision);
        return;
    case GJ_SESSION_SETTLE:
        gj_settle_committed(domain, turn, session, decision);
        return;
    case GJ_SESSION_REFUND:
    case GJ_SESSION_REVERSAL:
        gj_refund_committed(domain, turn, session, decision);
        return;
    case GJ_SESSION_VERIFY:
    case GJ_SESSION_PLAN:
        return; /* read-only: they begin nothing */
    }
}

static void decided(void *app, struct gj_turn *turn, const struct gj_decision *decision) {
    struct gj_domain *domain = app;
    struct gj_session *session = gj_session_of_biz(domain, decision->core->sender, decision->core->msgid);
    bool is_running =
        session != NULL &&
        (session->phase == GJ_PHASE_BEGINNING ||
         (session->phase == GJ_PHASE_DECIDING && gj_txid_equal(&session->txid, &decision->txid)));
    if (decision->committed) {
        /* A commit is decided in the epoch of its session; an older one is never resumed. */
        GJ_ASSERT(is_running);
        committed(domain, turn, session, decision);
        return;
    }
    if (!is_running) return; /* recovery: the request is interrupted, its client may send it again */
    if (decision->refusal.code == GJ_ERR_REVERSED) {
        gj_session_refuse_reversed(domain, turn, session);
        return;
    }
    gj_session_attempt_failed(domain, turn, session, &decision->refusal, decision->node);
}

/* --- questions of peers -------------------------------------------------------------------------------------------- */

static void answer_verify(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message,
                          const struct gj_msgid *id) {
    struct gj_verified answer;
    memset(&answer, 0, sizeof(answer));
    gj_books_verify(&domain->books, turn, message->body, &answer);
    gj_protocol_send(domain->protocol, turn, GJ_KIND_VERIFIED, message->header.from, &answer, id,
                     GJ_PLAN_ANSWER_MS, NULL);
}

static void answer_plan(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message,
                        const struct gj_msgid *id) {
    struct gj_plan_answer answer;
    memset(&answer, 0, sizeof(answer));
    gj_books_plan(&domain->books, turn, message->body, &answer);
    gj_protocol_send(domain->protocol, turn, GJ_KIND_PLAN_ANSWER, message->header.from, &answer, id,
                     GJ_PLAN_ANSWER_MS, NULL);
}

static void answer_cover(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message,
                         const struct gj_msgid *id, struct gj_slice evidence) {
    const struct gj_cover_ask *ask = message->body;
    struct gj_cover_answer answer;
    memset(&answer, 0, sizeof(answer));
    gj_protocol_apply_supersedes(domain->protocol, turn, message->header.from, ask->supersedes,
                                 ask->n_supersedes, evidence);
    gj_books_cover(&domain->books, turn, ask, &answer);
    gj_protocol_send(domain->protocol, turn, GJ_KIND_COVER_ANSWER, message->header.from, &answer, id,
                     GJ_PLAN_ANSWER_MS, NULL);
}

/* Who may ask what a bill would draw: the node of the place of care, which answers for its institutions. */
static bool is_place_of_care(const struct gj_domain *domain, const char *from, const char *mdtrtarea) {
    const char *node = gj_directory_node_of_region(domain->books.directory, mdtrtarea);
    return node != NULL && gj_text_equal(node, from);
}

static bool may_ask(const struct gj_domain *domain, const struct gj_message *message) {
    const struct gj_plan_ask *plan = message->body;
    const struct gj_cover_ask *cover = message->body;
    const char *from = message->header.from;
    if (message->kind == GJ_KIND_PLAN) return is_place_of_care(domain, from, plan->mdtrtarea_admvs);
    if (message->kind == GJ_KIND_COVER) return is_place_of_care(domain, from, cover->mdtrtarea_admvs);
    return true;
}

static void answer_peer(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message,
                        struct gj_slice evidence) {
    struct gj_msgid id;
    gj_msgid_read(message->header.id, &id);
    enum gj_err err = gj_protocol_accepts_work(domain->protocol, turn);
    if (!may_ask(domain, message)) err = GJ_ERR_WRONG_NODE;
    /* What is not known to be true is not told, nor anything to whom it is no business of. */
    if (err == GJ_ERR_GATE || err == GJ_ERR_RESYNC || err == GJ_ERR_WRONG_NODE) {
        struct gj_error body;
        memset(&body, 0, sizeof(body));
        gj_text_set(body.code, sizeof(body.code), gj_err_name(err));
        gj_protocol_send(domain->protocol, turn, GJ_KIND_ERROR, message->header.from, &body, &id,
                         GJ_PLAN_ANSWER_MS, NULL);
        return;
    }
    if (message->kind == GJ_KIND_VERIFY) answer_verify(domain, turn, message, &id);
    if (message->kind == GJ_KIND_PLAN) answer_plan(domain, turn, message, &id);
    if (message->kind == GJ_KIND_COVER) answer_cover(domain, turn, message, &id, evidence);
}

/* --- answers to ours -------------------------------------------------------------------------------------------------- */

/* The session that asked |node| with message |id|, and under which slot; the question is closed. */
static struct gj_session *take_question(struct gj_domain *domain, const char *node, const struct gj_msgid *id,
                                        uint32_t *ret_slot) {
    for (uint32_t i = 0; i < domain->high; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE || session->n_open == 0) continue;
        for (uint32_t slot = 0; slot < GJ_SOURCES_MAX; slot++) {
            struct gj_question *question = &session->questions[slot];
            bool is_it = question->open && question->id.counter == id->counter &&
                         question->id.epoch == id->epoch && gj_text_equal(question->node, node);
            if (!is_it) continue;
            question->open = false;
            session->n_open--;
            *ret_slot = slot;
            return session;
        }
    }
    return NULL;
}

static void unanswered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       uint32_t slot, enum gj_err err) {
    if (session->phase == GJ_PHASE_VERIFY)
        gj_bind_unanswered(domain, turn, session, slot, err);
    else
        gj_plan_unanswered(domain, turn, session, slot, err);
}

static void take_answer(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message,
                        struct gj_slice evidence) {
    struct gj_msgid id;
    uint32_t slot = 0;
    if (message->header.reply_to.len != GJ_MSGID_BYTES) return;
    gj_msgid_read(message->header.reply_to.ptr, &id);
    struct gj_session *session = take_question(domain, message->header.from, &id, &slot);
    if (session == NULL) return; /* too late: it was given up as unreachable */
    if (message->kind == GJ_KIND_VERIFIED && session->phase == GJ_PHASE_VERIFY)
        gj_bind_verified(domain, turn, session, slot, message->body);
    else if (message->kind == GJ_KIND_PLAN_ANSWER && session->phase == GJ_PHASE_HOME)
        gj_plan_home_answered(domain, turn, session, message->body, evidence);
    else if (message->kind == GJ_KIND_COVER_ANSWER && session->phase == GJ_PHASE_COVER)
        gj_plan_cover_answered(domain, turn, session, slot, message->body);
    else /* another kind of answer than was asked for is none */
        unanswered(domain, turn, session, slot, GJ_ERR_VIOLATION);
}

static void message(void *app, struct gj_turn *turn, const struct gj_message *in, struct gj_slice evidence) {
    struct gj_domain *domain = app;
    switch (in->kind) {
    case GJ_KIND_VERIFY:
    case GJ_KIND_PLAN:
    case GJ_KIND_COVER:
        answer_peer(domain, turn, in, evidence);
        return;
    case GJ_KIND_VERIFIED:
    case GJ_KIND_PLAN_ANSWER:
    case GJ_KIND_COVER_ANSWER:
        take_answer(domain, turn, in, evidence);
        return;
    case GJ_KIND_REVOKE:
        gj_revoke_received(domain, turn, in);
        return;
    case GJ_KIND_REVOKED:
        gj_revoked_received(domain, turn, in);
        return;
    case GJ_KIND_HELLO:
    case GJ_KIND_WELCOME:
    case GJ_KIND_CORE:
    case GJ_KIND_LEGS:
    case GJ_KIND_VOTE:
    case GJ_KIND_VOTE_FACTS:
    case GJ_KIND_COMMIT:
    case GJ_KIND_ABORT:
    case GJ_KIND_ACK:
    case GJ_KIND_INQUIRE:
    case GJ_KIND_STATUS:
    case GJ_KIND_REPLAY_ASK:
    case GJ_KIND_REPLAY:
    case GJ_KIND_ERROR:
    case GJ_KIND_NONE:
    case GJ_KIND_COUNT:
        return; /* the protocol's own */
    }
}

static void peer_error(void *app, struct gj_turn *turn, const char *node, const struct gj_msgid *reply_to,
                       enum gj_err err) {
    struct gj_domain *domain = app;
    uint32_t slot = 0;
    struct gj_session *session = take_question(domain, node, reply_to, &slot);
    if (session != NULL) unanswered(domain, turn, session, slot, err);
}

const struct gj_app_ops gj_domain_app_ops = {
    .hold = hold,
    .post = post,
    .release = release,
    .adopt = adopt,
    .undo = undo,
    .rehold = rehold,
    .covers = covers,
    .remember = remember,
    .end_binding = end_binding,
    .ended_binding = ended_binding,
    .decided = decided,
    .message = message,
    .peer_error = peer_error,
};

/* --- time ---------------------------------------------------------------------------------------------------------------- */

/* The deadline of a session: its questions are given up, or its next attempt begins. */
static void session_due(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session) {
    uint32_t slots[GJ_SOURCES_MAX];
    uint32_t n = 0;
    session->deadline.ms = GJ_DESK_MONO_NEVER;
    if (session->phase == GJ_PHASE_WAITING) {
        gj_session_start_attempt(domain, turn, session);
        return;
    }
    for (uint32_t slot = 0; slot < GJ_SOURCES_MAX; slot++) {
        if (session->questions[slot].open) slots[n++] = slot;
    }
    /* Only the last one finds nothing open any more and moves the session on. */
    for (uint32_t i = 0; i < n; i++) {
        session->questions[slots[i]].open = false;
        session->n_open--;
        unanswered(domain, turn, session, slots[i], GJ_ERR_TIMED_OUT);
    }
}

void gj_domain_recover(struct gj_domain *domain, struct gj_turn *turn) {
    domain->notices_due = turn->now.mono;
    domain->reversals_due = turn->now.mono;
    domain->purge_due.ms = turn->now.mono.ms + GJ_DESK_PURGE_MS;
}

void gj_domain_tick(struct gj_domain *domain, struct gj_turn *turn) {
    const int64_t now = turn->now.mono.ms;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < domain->high && taken < GJ_DESK_PER_TICK; i++) {
        struct gj_session *session = &domain->sessions[i];
        if (session->phase == GJ_PHASE_FREE || session->deadline.ms > now) continue;
        const struct gj_arena mark = *turn->scratch; /* nothing outlives a session's step */
        session_due(domain, turn, session);
        *turn->scratch = mark;
        taken++;
    }
    const bool is_resync = gj_protocol_accepts_work(domain->protocol, turn) == GJ_ERR_RESYNC;
    if (domain->notices_due.ms <= now && is_resync)
        domain->notices_due.ms = now + GJ_REVOKE_RESEND_MS;
    else if (domain->notices_due.ms <= now)
        gj_revoke_tick(domain, turn);
    if (domain->reversals_due.ms <= now && gj_protocol_accepts_work(domain->protocol, turn) == GJ_OK)
        gj_reverse_tick(domain, turn);
    else if (domain->reversals_due.ms <= now)
        domain->reversals_due.ms = now + domain->reversals_delay_ms;
    if (domain->purge_due.ms > now) return;
    domain->purge_due.ms = now + GJ_DESK_PURGE_MS;
    gj_plan_purge(domain, turn);
    gj_request_close_interrupted(domain->protocol, turn, GJ_DESK_PER_TICK);
}

struct gj_mono gj_domain_next_due(const struct gj_domain *domain) {
    int64_t due = gj_fen_min(domain->notices_due.ms, domain->reversals_due.ms);
    due = gj_fen_min(due, domain->purge_due.ms);
    for (uint32_t i = 0; i < domain->high; i++) {
        if (domain->sessions[i].phase != GJ_PHASE_FREE)
            due = gj_fen_min(due, domain->sessions[i].deadline.ms);
    }
    return (struct gj_mono){due};
}
