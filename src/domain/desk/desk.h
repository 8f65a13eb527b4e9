/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the desk: what the coordinator's node does for its own clients. A request that needs more than
 * one turn has a session; the session's phase says what it waits for. Sessions are volatile: after a crash
 * the stored request is INTERRUPTED and the same body starts a new session, so a session holds nothing that
 * would have to survive. Nothing here touches an account: that is the books' side (books.h).
 *
 *   phase      true in it                                          left by
 *   ---------  --------------------------------------------------  -----------------------------------------
 *   FREE       the slot is nobody's                                gj_session_open
 *   VERIFY     verify, bind: VERIFY questions are out              all answers, an error, the deadline
 *   HOME       plan, settle: a PLAN question is out                the answer, an error, the deadline
 *   COVER      plan, settle: COVER questions are out, the home's   all answers, an error, the deadline:
 *              answer is kept                                      who has not answered is unreachable
 *   BEGINNING  inside gj_protocol_begin(); no txid known yet       its return, or decided() within it
 *   DECIDING   txid is begun; no deadline of ours                  decided(), or a reversal's cancel
 *   WAITING    between attempts, nothing is out                    the deadline: the next attempt
 *
 * A stored request (bind, settle, refund) is OPEN exactly while its session lives or, after a crash,
 * until it is resumed or closed as interrupted. A reversal's session has no request row of its own.
 */
#ifndef GJ_DOMAIN_DESK_H
#define GJ_DOMAIN_DESK_H

#include "domain/books.h"
#include "domain/domain.h"
#include "domain/tables.h"
#include "protocol/request.h"

#define GJ_DESK_HOME_MAX          16384u /* the home's answer as evidence: 16 sources need about 10 kB */
#define GJ_DESK_ANSWER_MAX        32768u /* an encoded answer */
#define GJ_DESK_WAITERS_MAX       4u     /* clients that wait for one session */
#define GJ_DESK_RETRY_MS          150 /* before the next attempt after BUSY or DATE, doubling, plus jitter */
#define GJ_DESK_REVERSAL_RETRY_MS 500 /* doubling, up to GJ_COMMIT_RESEND_MAX_MS */
#define GJ_DESK_PURGE_MS          30000 /* how often plans and interrupted requests past their life are looked for */
#define GJ_DESK_PER_TICK          32u /* sessions, notices, reversals that one tick takes up */
#define GJ_DESK_MONO_NEVER        INT64_MAX

/* Of our own messages that refund a reversed settlement; no client's message may begin so. */
#define GJ_DESK_REVERSAL_PREFIX "rev:"

enum gj_phase {
    GJ_PHASE_FREE,
    GJ_PHASE_VERIFY,
    GJ_PHASE_HOME,
    GJ_PHASE_COVER,
    GJ_PHASE_BEGINNING,
    GJ_PHASE_DECIDING,
    GJ_PHASE_WAITING,
};

/* A question to another node; |open| until it is answered or given up. */
struct gj_question {
    struct gj_msgid id;
    char node[GJ_NODE_MAX + 1];
    bool open;
};

/* plan_cover.state */
enum gj_cover_state {
    GJ_COVER_UNASKED, /* nothing was left to pay when its turn came */
    GJ_COVER_ASKED,
    GJ_COVER_ANSWERED, /* a cover, or a rule why none */
    GJ_COVER_UNREACHABLE,
};

/* plan and settle */
struct gj_session_bill {
    struct gj_req_bill req;
    char use[GJ_WORD_MAX + 1];
    char home[GJ_NODE_MAX + 1]; /* node of the patient's region */
    gj_date date;               /* business date of this attempt */
    bool has_agreed;            /* settle: the client agreed to pay at most this cash */
    int64_t agreed_cash_fen;
    char plan_id[GJ_REF_MAX + 1]; /* of the stored plan that was loaded; else "" */
    char setl_id[GJ_REF_MAX + 1];
    uint32_t n_covers; /* as many as the home's answer has sources */
    struct gj_plan_cover covers[GJ_SOURCES_MAX];
    bool home_local; /* answer: a bare plan_answer of our own books; else evidence */
    uint32_t answer_len;
    uint8_t answer[GJ_DESK_HOME_MAX];
};

/* bind; [0] is the payer, [1] the recipient */
struct gj_session_bind {
    struct gj_req_bind req;
    char binding_id[GJ_REF_MAX + 1];
    char node[2][GJ_NODE_MAX + 1];
    gj_date date;
    bool reachable[2];
    struct gj_verified verified[2];
};

/* refund and reversal */
struct gj_session_refund {
    char setl_id[GJ_REF_MAX + 1];
    char refund_id[GJ_REF_MAX + 1];
    char reason[101];
    char omsgid[GJ_MSGID_MAX + 1]; /* reversal: the settlement's message */
    int64_t amount_fen;
};

enum gj_session_kind {
    GJ_SESSION_VERIFY,
    GJ_SESSION_BIND,
    GJ_SESSION_PLAN,
    GJ_SESSION_SETTLE,
    GJ_SESSION_REFUND,
    GJ_SESSION_REVERSAL, /* the refund of all that is left of a settlement */
};

struct gj_session {
    enum gj_phase phase;
    enum gj_session_kind kind;
    uint64_t generation; /* tells a slot's tenants apart */
    struct gj_mono deadline;
    uint32_t n_open;                /* questions still open */
    uint32_t attempt;               /* from 1 */
    char sender[GJ_SENDER_MAX + 1]; /* the biz key; verify and plan only carry it */
    char msgid[GJ_MSGID_MAX + 1];
    struct gj_txid txid;                   /* the running attempt, none before */
    uint64_t waiters[GJ_DESK_WAITERS_MAX]; /* 0: none */
    struct gj_question questions[GJ_SOURCES_MAX];
    char dead[GJ_ATTEMPTS_MAX]
             [GJ_NODE_MAX + 1]; /* nodes that did not vote in time: unreachable from then on */
    uint32_t n_dead;
    union {
        struct gj_session_bind bind;
        struct gj_session_refund refund;
        struct gj_session_bill bill; /* last member is large and never cleared */
    } u;
};

struct gj_domain {
    struct gj_books books;
    struct gj_protocol *protocol;
    uint32_t n_sessions;
    uint32_t high; /* slots from here on were never used */
    uint64_t generation;
    struct gj_mono notices_due, reversals_due, purge_due;
    int64_t notices_delay_ms, reversals_delay_ms; /* after the next round */
    struct gj_notice_row notice_cursor;           /* binding_id "": from the start */
    struct gj_settlement_row reversal_cursor;     /* setl_id "": from the start */
    struct gj_session sessions[GJ_SESSIONS_MAX];
};

/* --- sessions (desk.c) ------------------------------------------------------------------------------------ */
/* NULL at GJ_SESSIONS_MAX. The union is not cleared. */
struct gj_session *gj_session_open(struct gj_domain *domain, enum gj_session_kind kind, const char *sender,
                                   const char *msgid, uint64_t waiter);
void gj_session_close(struct gj_domain *domain, struct gj_session *session);
/* The session that runs transactions under this biz key (bind, settle, refund, reversal). */
struct gj_session *gj_session_of_biz(struct gj_domain *domain, const char *sender, const char *msgid);
/* The session in which |sender| settles the plan of this id: a plan is settled by one message at a time. */
struct gj_session *gj_session_of_plan(struct gj_domain *domain, const char *sender, const char *plan_id);
/* The session that refunds or reverses this settlement. */
struct gj_session *gj_session_of_settlement(struct gj_domain *domain, const char *setl_id);
bool gj_session_add_waiter(struct gj_session *session, uint64_t waiter);
/* Sends a question to |node| and notes it under |slot|. */
void gj_session_ask(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session, uint32_t slot,
                    enum gj_kind kind, const char *node, const void *body);
void gj_session_drop_questions(struct gj_session *session);
bool gj_session_node_is_dead(const struct gj_session *session, const char *node);
/* Begins the transaction of this session, or deals with the refusal. */
void gj_session_begin(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                      const struct gj_tx_order *order);
/* Final: stores the answer of a stored request, tells all waiters, closes the session. */
void gj_session_finish(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       enum gj_err code, const char *rule, const char *result_ref, enum gj_answer_kind kind,
                       const void *body);
void gj_session_refuse(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       enum gj_err code, const char *rule, const char *detail);
/* The reversal came while the request was open: REFUSED (reversed), for good. */
void gj_session_refuse_reversed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);

/* The first step of the next attempt. */
void gj_session_start_attempt(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
/* The attempt is over without an effect: again now, again later, or never. |node| who said no, or "". */
void gj_session_attempt_failed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                               const struct gj_refusal *refusal, const char *node);

/* What to do after a NO, a vote time-out, or our own refusal to hold. */
enum gj_retry { GJ_RETRY_NEVER, GJ_RETRY_NOW, GJ_RETRY_LATER };
enum gj_retry gj_desk_retry_of(const struct gj_refusal *refusal);
/* Is it what a peer says while it starts, stops or is full of work? Then its answer is asked for again. */
bool gj_desk_passes(enum gj_err code);

/* --- admission (desk.c) ----------------------------------------------------------------------------------- */
/* Is |sender| ours? If not the waiter is told where to go. */
bool gj_desk_owns_sender(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter, const char *sender);
/* A person's relations are changed by the bureau's own channels (R31), not by whoever was shown their ids. */
bool gj_desk_is_channel(const char *sender);
/* Is a record of |owner| for the eyes of |sender|? |sender| may be a prefix ending in '*': one caller that speaks
 * for many institutions. */
bool gj_desk_speaks_for(const char *sender, const char *owner);
/* Idempotency of a stored request: true if the work is to be done now. Otherwise the waiter was answered. */
bool gj_desk_admit(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter, enum gj_request_kind kind,
                   const char *sender, const char *msgid, struct gj_slice request);
void gj_desk_problem(struct gj_turn *turn, uint64_t waiter, const char *outcome, enum gj_err code,
                     const char *rule, const char *detail, const struct gj_txid *txid);
void gj_desk_wrong_node(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter, const char *node);
/* Finishes a request that was done within its turn, without a session. */
void gj_desk_finish_now(struct gj_turn *turn, uint64_t waiter, const char *sender, const char *msgid,
                        enum gj_err code, const char *result_ref, enum gj_answer_kind kind, const void *body);
void gj_desk_refuse_now(struct gj_turn *turn, uint64_t waiter, const char *sender, const char *msgid,
                        enum gj_err code, const char *detail);
/* "S" and the like before hexadecimal digits of the turn's random bytes. */
void gj_desk_new_id(struct gj_turn *turn, const char *prefix, char ret[GJ_REF_MAX + 1]);
/* Node of a region, NULL if the registry does not know it. */
const char *gj_desk_node_of(const struct gj_domain *domain, const char *region);
bool gj_desk_is_self(const struct gj_domain *domain, const char *node);

/* --- the waterfall (compose.c), pure ------------------------------------------------------------------------ */
struct gj_pick {
    bool relative;
    uint32_t index;      /* into the home's own[] or sources[] */
    int64_t amount_fen;  /* above 0 */
    const char *account; /* borrowed from the home's answer or the covers */
};

struct gj_composed {
    enum gj_err err; /* GJ_OK, or GJ_ERR_PAYER_UNREACHABLE where the pack says REFUSE */
    int64_t own_fen, mulaid_fen;
    bool degraded;
    struct gj_pick picks[GJ_LEGS_MAX];
    uint32_t n_picks;
    struct gj_explain_line explain[GJ_LEGS_MAX];
    uint32_t n_explain;
};

/* Who pays what of |payable_fen|: own accounts first (R43), then the sources in the home's order, by draw
 * mode ONE (R46) or CASCADE (R47). |covers| has one entry per source. */
void gj_compose(int64_t payable_fen, const char *home_region, const struct gj_plan_answer *home,
                const struct gj_plan_cover *covers, struct gj_composed *ret);
/* What the own accounts cover of |payable_fen|: the rest is what payers are asked for. */
int64_t gj_compose_own(int64_t payable_fen, const struct gj_plan_answer *home);
/* "prior" of "P/x/prior"; NULL if the account's name does not end in a sub-account's word. */
const char *gj_account_sub(const char *account);
/* The payers of a composed plan as lines of an answer; returns their number. */
uint32_t gj_compose_payers(const struct gj_composed *composed, const char *home_region,
                           const struct gj_plan_answer *home, struct gj_pay_line ret[GJ_LEGS_MAX]);

/* --- plan: its steps (planning.c), stored plans (plans.c) ------------------------------------------------------- */
void gj_plan_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     enum gj_request_kind kind, const struct gj_req_bill *req, struct gj_slice request);
/* Asks the home: the first step of a plan and of each attempt of a settlement. */
void gj_plan_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
/* |evidence| is empty if our own books answered. */
void gj_plan_home_answered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                           const struct gj_plan_answer *answer, struct gj_slice evidence);
void gj_plan_cover_answered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                            uint32_t slot, const struct gj_cover_answer *answer);
/* A question failed, and is closed: |code| says how, GJ_ERR_TIMED_OUT at the deadline. */
void gj_plan_unanswered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                        uint32_t slot, enum gj_err code);
/* A home's answer as it is kept, decoded into the scratch arena; NULL if it does not decode. */
const struct gj_plan_answer *gj_plan_home(struct gj_turn *turn, bool local, struct gj_slice answer);
/* Loads a stored plan into the session if it is alive, the sender's, and for the same bill. */
bool gj_plan_load(struct gj_turn *turn, struct gj_session *session, const char *plan_id);
/* Writes the session's plan down under a new id and fills the answer, whose lists are |lines| and composed's. */
void gj_plan_store(struct gj_turn *turn, struct gj_session *session, const struct gj_plan_answer *home,
                   struct gj_composed *composed, struct gj_ans_plan *ret,
                   struct gj_pay_line lines[GJ_LEGS_MAX]);
/* Answers with a stored plan; false if there is none of this sender that is alive. */
bool gj_plan_read(struct gj_turn *turn, const char *plan_id, const char *sender, uint64_t waiter);
void gj_plan_drop(struct gj_turn *turn, const char *plan_id);
void gj_plan_purge(struct gj_domain *domain, struct gj_turn *turn);
int64_t gj_bill_cash(const struct gj_req_bill *req, const struct gj_composed *composed);

/* --- settle (settle.c) -------------------------------------------------------------------------------------------- */
/* After admission: the stored plan, or a fresh one. */
void gj_settle_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
/* The plan of this attempt is complete. */
void gj_settle_planned(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       const struct gj_plan_answer *home, struct gj_composed *composed);
void gj_settle_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                         const struct gj_decision *decision);
/* A settlement as its answer; |lines| and |explain| must outlive |ret|. */
void gj_settle_answer(struct gj_turn *turn, const struct gj_settlement_row *row,
                      struct gj_pay_line lines[GJ_LEGS_MAX], struct gj_ans_settlement *ret);

bool gj_settle_find(struct gj_turn *turn, const char *setl_id, struct gj_settlement_row *ret);
/* The drawn sources in the order in which they were drawn. */
struct gj_settlement_leg_row *gj_settle_legs(struct gj_turn *turn, const char *setl_id, uint32_t *ret_n);
/* One of them as a line; |account| is where the money was, or where a refund put it. */
void gj_settle_line(const struct gj_settlement_leg_row *leg, const char *account, struct gj_pay_line *ret);

/* --- bind, verify, order (bind.c); unbind and notices (revoke.c) ------------------------------------------------ */
void gj_verify_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_verify *req);
void gj_bind_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_bind *req, struct gj_slice request);
void gj_bind_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
void gj_bind_verified(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                      uint32_t slot, const struct gj_verified *verified);
void gj_bind_unanswered(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                        uint32_t slot, enum gj_err code);
void gj_bind_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                       const struct gj_decision *decision);
void gj_order_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                      const struct gj_req_order *req, struct gj_slice request);
void gj_bind_answer(const struct gj_bound_row *row, struct gj_ans_binding *ret);
/* May |sender| see and end this binding? A channel of the bureau, or who made it here. */
bool gj_bind_is_senders(struct gj_turn *turn, const char *binding_id, const char *sender);
/* Place of a refusal in the order in which refusals are named; lower is named first. */
uint32_t gj_bind_rank(enum gj_err code, const char *rule);

void gj_unbind_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_unbind *req, struct gj_slice request);
/* Ends a binding made here; true if nobody has to be told any more. */
bool gj_revoke_bound(struct gj_domain *domain, struct gj_turn *turn, const struct gj_bound_row *bound);
/* |from| says that a binding has ended; GJ_ERR_NOT_FOUND if it is not here (yet). */
enum gj_err gj_revoke_apply(struct gj_domain *domain, struct gj_turn *turn, const char *from,
                            const struct gj_revoke *revoke);
void gj_revoke_received(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message);
void gj_revoked_received(struct gj_domain *domain, struct gj_turn *turn, const struct gj_message *message);
void gj_revoke_tick(struct gj_domain *domain, struct gj_turn *turn);

/* --- refund (refund.c), reversal (reverse.c) ---------------------------------------------------------------------- */
void gj_refund_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                       const struct gj_req_refund *req, struct gj_slice request);
void gj_refund_start(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
void gj_refund_committed(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session,
                         const struct gj_decision *decision);
/* Splits |amount_fen| over the drawn sources, the last one first. |legs| ascending, as they were drawn.
 * False if it is more than what is left of them. */
bool gj_refund_split(int64_t amount_fen, const struct gj_settlement_leg_row *legs, uint32_t n,
                     int64_t ret_take[GJ_LEGS_MAX]);

/* What is recorded of a refund beside its transaction. */
struct gj_refund_made {
    const char *refund_id, *reason, *sender, *msgid;
    int64_t amount_fen;
};
/* A committed refund: what came back on each leg, the row, the institution's side; the payees' number. */
uint32_t gj_refund_record(struct gj_domain *domain, struct gj_turn *turn,
                          struct gj_settlement_row *settlement, const struct gj_decision *decision,
                          const struct gj_refund_made *made, struct gj_pay_line payees[GJ_LEGS_MAX],
                          struct gj_refund_row *ret_row);
void gj_refund_answer(const struct gj_refund_row *row, struct gj_pay_line *payees, uint32_t n_payees,
                      struct gj_ans_refund *ret);
bool gj_settle_is_senders(const struct gj_settlement_row *row, const char *sender);

/* What a reversal does with the request that it finds. */
enum gj_reverse_step {
    GJ_REVERSE_TOMBSTONE,    /* unknown: refuse it before it comes */
    GJ_REVERSE_CANCEL,       /* open here: stop what runs */
    GJ_REVERSE_CLOSE,        /* open of an earlier epoch: nothing runs, refuse it */
    GJ_REVERSE_NOTHING,      /* refused, or reversed before: the answer is "reversed" */
    GJ_REVERSE_REFUND,       /* done settlement, first time or again */
    GJ_REVERSE_UNBIND,       /* done binding */
    GJ_REVERSE_TOO_OLD,      /* done longer ago than the other nodes must keep their records */
    GJ_REVERSE_NOT_POSSIBLE, /* done, of a kind that cannot be reversed here */
};
enum gj_reverse_step gj_reverse_step_of(const struct gj_request_row *row, bool found, bool interrupted,
                                        bool is_old);
void gj_reverse_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        const struct gj_req_reverse *req);
/* The refund inside a reversal could not be done now: the clients hear "reversing", a timer tries again. */
void gj_reverse_put_off(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
/* The reversal of a settlement has begun. */
void gj_reverse_mark(struct gj_turn *turn, struct gj_settlement_row *row);
/* A settlement's refunds equal the original: the reversal, if there is one, is over. */
void gj_reverse_settled(struct gj_turn *turn, struct gj_settlement_row *row);
void gj_reverse_done(struct gj_domain *domain, struct gj_turn *turn, struct gj_session *session);
/* Every home has heard of the end of a binding made here: the reversal, if there is one, is over. */
void gj_reverse_unbound(struct gj_turn *turn, struct gj_bound_row *row);
void gj_reverse_tick(struct gj_domain *domain, struct gj_turn *turn);

/* --- after a RESYNC (remember.c) ------------------------------------------------------------------------------------- */
/* gj_app_ops, remember. */
bool gj_desk_remember(struct gj_domain *domain, struct gj_turn *turn, const struct gj_tx_view *tx,
                      const struct gj_decision *decision);

/* --- reads (queries.c) ---------------------------------------------------------------------------------------------- */
/* By hand (resolve.c): one person proposes, another one confirms. */
void gj_open_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                     const struct gj_req_open *req);
void gj_resolve_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                        enum gj_request_kind kind, const struct gj_req_resolve *req);
void gj_query_request(struct gj_domain *domain, struct gj_turn *turn, uint64_t waiter,
                      const struct gj_req_get *req);

#endif
