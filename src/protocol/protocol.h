/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol room: admission, HELLO, coordinator, participant, requests, recovery. Pure: no clock, no
 * randomness, no I/O, no malloc; everything comes with the turn. It drives an application (the domain)
 * through struct gj_app_ops and knows no insurance.
 */
#ifndef GJ_PROTOCOL_PROTOCOL_H
#define GJ_PROTOCOL_PROTOCOL_H

#include "protocol/directory.h"
#include "protocol/turn.h"
#include "wire/message.h"
#include "wire/parcel.h"

struct gj_protocol;

/* --- ports ---------------------------------------------------------------------------------------------- */
/* Verifies signatures against the registry's keys. A pure function of its arguments and the registry. */
struct gj_prover {
    void *ctx;
    /* Does |signature| over |signed_bytes| verify under the key that |head| names, and was that key valid
     * at head->created_ms? GJ_ERR_BAD_SIGNATURE, GJ_ERR_UNKNOWN_KEY. Verified roots may be cached. */
    enum gj_err (*verify)(void *ctx, const struct gj_batch_head *head, struct gj_slice signed_bytes,
                          struct gj_slice signature);
    /* Is that key valid at |when|? For decisions, which must stand under a key valid now. */
    bool (*key_valid)(void *ctx, const struct gj_batch_head *head, struct gj_wall when);
};

/* A NO, and also the reason why a coordinator's own legs cannot be held. */
enum gj_vote_class {
    GJ_VOTE_YES,
    GJ_VOTE_COVER,
    GJ_VOTE_PLAN_STALE,
    GJ_VOTE_BUSY,
    GJ_VOTE_DATE,
    GJ_VOTE_RULE
};
const char *gj_vote_class_word(enum gj_vote_class class);
enum gj_vote_class gj_vote_class_of(const char *word); /* unknown: GJ_VOTE_RULE */

struct gj_refusal {
    enum gj_vote_class class;
    enum gj_err code; /* GJ_ERR_RULE with a rule, GJ_ERR_NO_COVER, ... */
    char rule[GJ_RULE_MAX + 1];
};

/* A transaction as the application sees it, at the coordinator or at a participant. */
struct gj_tx_view {
    const struct gj_core *core;
    const struct gj_digest *digest;
    bool is_coordinator;
    const struct gj_leg_part *parts; /* the legs whose detail this node was given */
    uint32_t n_parts;
    const struct gj_leg_detail *details; /* decoded, parallel to parts */
    const struct gj_plan_answer
        *plan;                      /* participant, home of the patient: its own verified answer; or NULL */
    const struct gj_core *original; /* refund: the verified core of the original; or NULL */
};

/* What became of a transaction, told to the application of its coordinator. */
struct gj_decision {
    struct gj_txid txid;
    const struct gj_core *core;
    bool committed;
    /* when aborted: */
    struct gj_refusal refusal;  /* first NO, or class YES with code TIMED_OUT / REVERSED / INTERRUPTED */
    char node[GJ_NODE_MAX + 1]; /* who said no, or did not answer; "" if it was ourselves */
    /* when committed: accounts that participants fixed (vote_facts), by leg */
    const struct gj_leg_fact *facts;
    uint32_t n_facts;
};

/* Filled by the domain. Every function runs inside the turn's store transaction. */
struct gj_app_ops {
    /* Judge this node's legs and put their holds. False with |ret_no|: nothing may have been changed.
     * A participant may state facts (up to GJ_LEGS_MAX, texts copied by the caller). Called once per
     * transaction: at the coordinator before BEGIN, at a participant before its YES. */
    bool (*hold)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx, struct gj_refusal *ret_no,
                 struct gj_leg_fact *ret_facts, uint32_t *ret_n_facts);
    /* Turn the holds into postings. Nothing may make this fail: an assert, not an error. */
    void (*post)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx);
    /* Give the holds back. */
    void (*release)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx);
    /* Post a commit of which nothing is held here: it was aborted by hand before, or this store had forgotten it. And
     * undo one that was posted by hand and never was. Neither may fail. What an account cannot give goes to its
     * region's difference account; returns that sum in fen. |facts|: what our YES had fixed, may be empty. */
    int64_t (*adopt)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_vote_facts *facts);
    int64_t (*undo)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                    const struct gj_vote_facts *facts);
    /* RESYNC. Puts the holds of our own earlier YES again, without a judgement. |ret_fen| as adopt returns it. False,
     * and nothing was changed, if the record that a leg rests on is not here: a refund without its original. */
    bool (*rehold)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                   const struct gj_vote_facts *facts, int64_t *ret_fen);
    /* RESYNC. Could all of it be adopted, or held, without a difference, as things are? What comes later may bring it. */
    bool (*covers)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx);
    /* RESYNC, at the coordinator: the records of a commit of ours, beside its postings, as far as the details that
     * came allow. False if they do not: a case. */
    bool (*remember)(void *app, struct gj_turn *turn, const struct gj_tx_view *tx,
                     const struct gj_decision *decision);
    /* RESYNC: |from| says that the binding has ended. */
    enum gj_err (*end_binding)(void *app, struct gj_turn *turn, const char *from,
                               const struct gj_revoke *end);
    /* For a peer in RESYNC: the next binding after |ret->binding_ref| that ended and is |node|'s business too. */
    bool (*ended_binding)(void *app, struct gj_turn *turn, const char *node, struct gj_revoke *ret,
                          struct gj_txid *ret_txid);
    /* Coordinator only, in the same turn as post or release. */
    void (*decided)(void *app, struct gj_turn *turn, const struct gj_decision *decision);
    /* An admitted message of a kind that is the application's: VERIFY ... COVER_ANSWER, REVOKE, REVOKED.
     * |evidence|: the message as a one-message parcel, valid for the turn. */
    void (*message)(void *app, struct gj_turn *turn, const struct gj_message *message,
                    struct gj_slice evidence);
    /* A peer answered an application message with an ERROR; |reply_to| says which. */
    void (*peer_error)(void *app, struct gj_turn *turn, const char *node, const struct gj_msgid *reply_to,
                       enum gj_err err);
};

struct gj_protocol_config {
    const struct gj_directory *directory; /* borrowed for the protocol's life, as all here */
    const struct gj_prover *prover;
    const struct gj_app_ops *app_ops;
    void *app;
    enum gj_hash_alg digest_alg; /* of the digests that this node makes as a coordinator */
    uint32_t retention_years;    /* of decided records of others' transactions; 0: GJ_RETENTION_YEARS */
};

/* --- life ----------------------------------------------------------------------------------------------- */
size_t gj_protocol_size(void);
/* |memory| of gj_protocol_size() bytes, aligned for any type, borrowed for life. */
struct gj_protocol *gj_protocol_init(void *memory, const struct gj_protocol_config *config);

/* What the witness file says of the store, compared by the shell before the start. */
enum gj_witness { GJ_WITNESS_EQUAL_OR_BEHIND, GJ_WITNESS_DOUBTFUL };
/* First turn after a start: takes a new epoch, aborts what began without a commit, queues HELLO and what
 * the records ask for, sets the gate. Before it nothing else may be called. */
void gj_protocol_recover(struct gj_protocol *protocol, struct gj_turn *turn, enum gj_witness witness);

/* --- inputs --------------------------------------------------------------------------------------------- */
/* One inbound frame. |line|: the node that the transport authenticated. Refusals become events. */
void gj_protocol_parcel(struct gj_protocol *protocol, struct gj_turn *turn, const char *line,
                        struct gj_slice frame);
/* Does what is due at turn->now. */
void gj_protocol_tick(struct gj_protocol *protocol, struct gj_turn *turn);
/* When to call gj_protocol_tick() next; INT64_MAX ms: never. */
struct gj_mono gj_protocol_next_due(const struct gj_protocol *protocol);

/* --- coordinating --------------------------------------------------------------------------------------- */
/* One leg to prepare. */
struct gj_tx_leg {
    char node[GJ_NODE_MAX + 1];
    char from_region[GJ_REGION_MAX + 1];
    char to_region[GJ_REGION_MAX + 1];
    int64_t amount_fen;
    struct gj_leg_detail detail;
};

struct gj_tx_order {
    char kind[GJ_WORD_MAX + 1];
    char sender[GJ_SENDER_MAX + 1];
    char msgid[GJ_MSGID_MAX + 1];
    gj_date business_date;
    const struct gj_pack_ref *packs;
    uint32_t n_packs;
    const struct gj_tx_leg *legs;
    uint32_t n_legs;
    char all_details_to[GJ_NODE_MAX + 1]; /* the home, which gets every leg's detail; "" nobody */
    struct gj_slice plan;                 /* the home's signed plan_answer, for the home; or empty */
    struct gj_txid original;              /* refund: the original, coordinated here; or none */
};

/* Begins a transaction whose participants are the nodes of its legs other than this one. Names all
 * earlier attempts of the biz key as superseded. On GJ_OK |ret_txid| is set and `decided` will be called,
 * at once in this turn if no other node takes part. GJ_ERR_RULE (with |ret_no| filled) if our own legs
 * cannot be held; GJ_ERR_BUSY, GJ_ERR_GATE, GJ_ERR_RESYNC, GJ_ERR_DRAINING: nothing was written. */
GJ_MUST_USE enum gj_err gj_protocol_begin(struct gj_protocol *protocol, struct gj_turn *turn,
                                          const struct gj_tx_order *order, struct gj_txid *ret_txid,
                                          struct gj_refusal *ret_no);
/* Aborts an undecided transaction of ours (reversal). False if it is decided already. */
bool gj_protocol_cancel(struct gj_protocol *protocol, struct gj_turn *turn, const struct gj_txid *txid);
/* Earlier attempts of a biz key, for a cover question. At most GJ_SUPERSEDES_MAX, newest first. */
void gj_protocol_supersedes(struct gj_protocol *protocol, struct gj_turn *turn, const char *sender,
                            const char *msgid, struct gj_superseded **ret, uint32_t *ret_n);
/* Participant: handles each as an ABORT, before a cover question of |from| is answered. |evidence|: that signed
 * question; it is our proof and goes to nobody else, because it tells what one relative was asked for. */
void gj_protocol_apply_supersedes(struct gj_protocol *protocol, struct gj_turn *turn, const char *from,
                                  const struct gj_superseded *list, uint32_t n, struct gj_slice evidence);

/* --- by hand -------------------------------------------------------------------------------------------- */
/* Dual control over a transaction that is PREPARED here: the first person proposes, another one confirms the same,
 * and only then the money is posted or given back. Others are never told; the doubt goes on until a proof ends it.
 * GJ_ERR_NOT_FOUND, NOT_IN_DOUBT, DUAL_CONTROL, BAD_FIELD, MISSING_FIELD, RESYNC: nothing was changed. */
GJ_MUST_USE enum gj_err gj_protocol_propose(struct gj_protocol *protocol, struct gj_turn *turn,
                                            const struct gj_req_resolve *req, struct gj_ans_resolution *ret);
GJ_MUST_USE enum gj_err gj_protocol_confirm(struct gj_protocol *protocol, struct gj_turn *turn,
                                            const struct gj_req_resolve *req, struct gj_ans_resolution *ret);

/* What people must settle. The word is what records and answers carry. */
enum gj_case {
    GJ_CASE_TWO_VOTES,            /* a participant signed YES and NO */
    GJ_CASE_TWO_DECISIONS,        /* a commit and an abort of one transaction, both signed */
    GJ_CASE_MANUAL_ABORT_FAILED,  /* aborted by hand, and it was committed */
    GJ_CASE_MANUAL_COMMIT_FAILED, /* committed by hand, and it was aborted */
    GJ_CASE_REFUND_TO_NOBODY,     /* a refund for an account that is closed or gone */
    GJ_CASE_COUNT
};
const char *gj_case_word(enum gj_case what);
struct gj_case_in {
    enum gj_case what;
    const struct gj_txid *txid;
    const char *node;              /* whom it is about */
    int64_t difference_fen;        /* what the region's difference account gave or took */
    struct gj_slice first, second; /* signed messages; one that is too long to keep is left out */
};
/* Writes it down once; the same again only adds a second message that was missing. Below the store's reserve it is
 * only reported. */
void gj_case_open(struct gj_turn *turn, const struct gj_case_in *in);
/* The oldest first, behind |after| ("": from the start), at most GJ_CASES_LISTED. */
void gj_protocol_cases(struct gj_turn *turn, const char *after, struct gj_ans_cases *ret);

/* --- RESYNC ------------------------------------------------------------------------------------------------ */
/* One operator wants to open without the nodes of |req|; when a second one wants the same, and all others have told
 * what they know, the node opens. GJ_ERR_NOT_FOUND: it is not in RESYNC. GJ_ERR_BAD_FIELD: a node that owes nothing. */
GJ_MUST_USE enum gj_err gj_protocol_open_without(struct gj_protocol *protocol, struct gj_turn *turn,
                                                 const struct gj_req_open *req);
/* Lists in turn->scratch. */
void gj_protocol_describe_resync(struct gj_protocol *protocol, struct gj_turn *turn,
                                 struct gj_ans_resync *ret);

/* --- for the application -------------------------------------------------------------------------------- */
/* May new work start here now? GJ_OK, GJ_ERR_GATE, RESYNC, DRAINING, STORE_FULL. */
/* May the store be an old copy, as far as is known: the gate is closed, or this is RESYNC? Whoever starts such a node
 * again must doubt again. */
bool gj_protocol_is_in_doubt(const struct gj_protocol *protocol);
enum gj_err gj_protocol_accepts_work(const struct gj_protocol *protocol, const struct gj_turn *turn);
/* Queues a message to one node. |reply_to| NULL for none. |ret_id| (may be NULL): its id, which an answer
 * will name. ttl_ms: how long it is worth something. */
void gj_protocol_send(struct gj_protocol *protocol, struct gj_turn *turn, enum gj_kind kind, const char *node,
                      const void *body, const struct gj_msgid *reply_to, int64_t ttl_ms,
                      struct gj_msgid *ret_id);
/* Verifies evidence: a one-message parcel signed by |signer|. GJ_ERR_BAD_EVIDENCE and others. */
GJ_MUST_USE enum gj_err gj_protocol_verify_evidence(struct gj_protocol *protocol, struct gj_turn *turn,
                                                    struct gj_slice evidence, const char *signer,
                                                    struct gj_message *ret);
/* The error that a peer states by name. What only the node of a request can say of it (done, reversed, in progress,
 * timed out and the like) is no refusal of a peer: GJ_ERR_VIOLATION. */
enum gj_err gj_protocol_code_of_peer(const char *name);
uint32_t gj_protocol_epoch(const struct gj_protocol *protocol);
const struct gj_directory *gj_protocol_directory(const struct gj_protocol *protocol);
/* Fills an answer about this node and its peers (lists in turn->scratch). */
void gj_protocol_describe(struct gj_protocol *protocol, struct gj_turn *turn, struct gj_ans_node *ret);
/* One transaction, or all of a state; false if there is none. */
bool gj_protocol_transaction(struct gj_protocol *protocol, struct gj_turn *turn, const struct gj_txid *txid,
                             struct gj_tx_line *ret);
void gj_protocol_transactions(struct gj_protocol *protocol, struct gj_turn *turn, const char *state,
                              struct gj_ans_transactions *ret);

#endif
