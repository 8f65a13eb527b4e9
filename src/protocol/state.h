/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the protocol room: the volatile state of one node, and the seams between its machines.
 * Everything here can be lost at any moment: recovery makes it again from the records.
 */
#ifndef GJ_PROTOCOL_STATE_H
#define GJ_PROTOCOL_STATE_H

#include "protocol/protocol.h"
#include "protocol/tables.h"

#define GJ_ALL_NODES             "*"
#define GJ_PAGE_ROWS             128u /* records read at a time when all of a state are looked at */
#define GJ_INQUIRE_MESSAGE_BYTES (GJ_MESSAGE_MAX / 2)

/* --- peers ---------------------------------------------------------------------------------------------- */
struct gj_replay_window {
    uint32_t epoch;
    uint64_t highest; /* counter; 0: none yet */
    uint64_t bits[GJ_REPLAY_WINDOW / 64];
};

struct gj_peer {
    bool heard;                        /* it has answered the HELLO of our present epoch */
    bool flush_is_dirty;               /* seen flush not yet in its peer_row */
    uint32_t epoch;                    /* the newest epoch whose HELLO we answered; 0: none */
    uint64_t flush;                    /* highest flush seen of that epoch */
    uint8_t proof[GJ_FLUSH_PROOF_MAX]; /* of it: his signed batch head and the signature */
    uint32_t n_proof;
    struct gj_mono hello_due;
    struct gj_mono tell_due;    /* when it may be told again that its epoch is over */
    struct gj_mono hurry_since; /* of the window that the next counts */
    uint32_t hurries;
    uint32_t n_in_doubt;    /* entries below that it coordinates */
    int64_t clock_skew_ms;  /* last seen: its sent_at minus our clock */
    int64_t inquire_second; /* mono second of the budget below */
    uint32_t inquires_sent;
    struct gj_replay_window replay;
    /* RESYNC */
    bool is_owed;                 /* it has not replayed all that it knows of us */
    bool is_missed;               /* of those: people decided not to wait for it */
    uint8_t at[GJ_REPLAY_AT_MAX]; /* where its replay has got to */
    uint32_t n_at;
    struct gj_mono ask_due;
    bool was_told; /* it has, once */
    bool
        has_early; /* it told of a binding's end before somebody else may have brought the binding: to be told again */
};

/* --- timers: one entry per transaction that something is still due for ---------------------------------- */
enum gj_active_role { GJ_ACTIVE_COLLECTING, GJ_ACTIVE_COMMITTED, GJ_ACTIVE_IN_DOUBT };

struct gj_active {
    struct gj_txid txid;
    enum gj_active_role role;
    struct gj_mono due;      /* next resend or inquiry */
    struct gj_mono deadline; /* COLLECTING: of the votes */
    struct gj_mono since;
    int64_t interval_ms;
    uint32_t tries;
    bool alarmed;
};

/* One walk over what was replayed and is not adopted yet; it is walked until a walk adopts nothing. */
struct gj_pass {
    bool is_due;
    bool is_last;     /* the walk before adopted nothing */
    bool has_adopted; /* something, since this walk began */
    struct gj_txid after;
};

struct gj_protocol {
    struct gj_protocol_config config;
    uint32_t epoch;
    uint8_t nonce[16];
    uint64_t next_counter; /* of message ids, in this epoch */
    bool resync;
    bool gate_open;
    bool past_is_settled; /* transactions of past epochs were looked at */
    bool has_collected;   /* some record was collected, ever: "no record" is then asked twice */
    struct gj_mono collect_due;
    bool rescan;         /* the table of active transactions was full: look at the records again */
    int64_t started_ms;  /* wall time at which this epoch began */
    int64_t earliest_ms; /* the least that the wall clock has said in it: it may be put back */
    struct gj_pass pass; /* over what peers have replayed */
    struct gj_peer peers[GJ_NODES_MAX]; /* by index in the directory; our own entry is unused */
    struct gj_active active[GJ_ACTIVE_TX_MAX];
    uint32_t n_active;

    /* while one parcel is read */
    const struct gj_parcel *parcel;
    struct gj_slice last_core; /* evidence of the latest core message; its legs must follow */
    struct gj_message last_core_message;
    struct gj_tx_ref acks[GJ_INQUIRE_ITEMS_MAX];
    uint32_t n_acks;

    uint8_t encode[GJ_MESSAGE_MAX];
};

/* --- protocol.c ----------------------------------------------------------------------------------------- */
bool gj_protocol_is_self(const struct gj_protocol *p, const char *node);
/* Queues one message to several nodes. |to| is what the header says: a node, or "*". */
void gj_protocol_emit(struct gj_protocol *p, struct gj_turn *turn, enum gj_kind kind, const char *to,
                      const char (*nodes)[GJ_NODE_MAX + 1], uint32_t n_nodes, const struct gj_txid *txid,
                      const void *body, const struct gj_msgid *reply_to, int64_t ttl_ms,
                      struct gj_msgid *ret_id);
void gj_protocol_emit_one(struct gj_protocol *p, struct gj_turn *turn, enum gj_kind kind, const char *node,
                          const struct gj_txid *txid, const void *body);
/* Encodes a body into turn->scratch; empty on overflow of a limit (an own mistake: asserted). */
struct gj_slice gj_protocol_encode_body(struct gj_protocol *p, struct gj_turn *turn,
                                        const struct gj_shape *shape, const void *body);
/* False, and the store has failed, if a record of ours cannot be read back: the process must end and a person look. */
bool gj_record_is_whole(struct gj_turn *turn, bool is_whole);
/* |epoch| was ours in a life that this store does not know: takes one behind it, as a restart does. */
void gj_protocol_leave_epoch(struct gj_protocol *p, struct gj_turn *turn, uint32_t epoch, uint64_t flush);
/* Votes, statuses and aborts about a transaction: allowed while a doubtful start is not cleared? */
bool gj_protocol_may_speak(const struct gj_protocol *p, const struct gj_core *core);

/* --- admission.c ---------------------------------------------------------------------------------------- */
/* Acknowledges a commit with the next ACK: one per coordinator and parcel. */
void gj_admission_ack(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid);

/* --- timers (protocol.c) -------------------------------------------------------------------------------- */
struct gj_active *gj_active_find(struct gj_protocol *p, const struct gj_txid *txid, enum gj_active_role role);
bool gj_active_has_room(const struct gj_protocol *p);
/* May one more transaction of this coordinator be in doubt here? */
bool gj_active_has_room_for(struct gj_protocol *p, const char *coordinator);
/* NULL and an event at the limit. */
struct gj_active *gj_active_add(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                enum gj_active_role role, int64_t first_ms);
void gj_active_remove(struct gj_protocol *p, const struct gj_txid *txid, enum gj_active_role role);
/* ms with a jitter of a fifth either way. */
int64_t gj_jitter(struct gj_turn *turn, int64_t ms);
struct gj_mono gj_mono_after(struct gj_mono now, int64_t ms);
bool gj_mono_is_due(struct gj_mono due, struct gj_mono now);
/* A peer is back: what waits for anybody is due at once. */
void gj_active_hurry(struct gj_protocol *p, struct gj_mono now);

/* --- peers.c -------------------------------------------------------------------------------------------- */
struct gj_peer *gj_peer_of(struct gj_protocol *p, const char *node);
enum gj_err gj_replay_check(struct gj_replay_window *window, const struct gj_msgid *id);
void gj_replay_remember(struct gj_replay_window *window, const struct gj_msgid *id);
void gj_peers_recover(struct gj_protocol *p, struct gj_turn *turn);
/* |parcel|: of the peer, its signature verified. */
void gj_peers_saw_flush(struct gj_peer *peer, const struct gj_parcel *parcel);
void gj_peers_write_flushes(struct gj_protocol *p, struct gj_turn *turn);
void gj_peers_on_hello(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
void gj_peers_on_welcome(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
void gj_peers_tick(struct gj_protocol *p, struct gj_turn *turn);
/* A parcel of an epoch that is over; if it greets, its sender is shown that it is. |node|: at the end of the line. */
void gj_peers_on_old_epoch(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                           const struct gj_parcel *parcel);
/* A peer refuses our epoch: it was ours before. |proof| must show it. */
void gj_peers_on_disowned(struct gj_protocol *p, struct gj_turn *turn, const char *node, enum gj_err err,
                          struct gj_slice proof);
/* Our own flush of a past epoch that this store does not hold. */
void gj_peers_note_flush(struct gj_turn *turn, uint64_t epoch, uint64_t flush);
bool gj_peers_may_inquire(struct gj_peer *peer, struct gj_mono now);

/* --- resync/: healing a store that went back in time ----------------------------------------------------- */
/* The node stops speaking, and every peer owes it what it knows. Again from the start if it is in RESYNC already. */
void gj_resync_enter(struct gj_protocol *p, struct gj_turn *turn, const char *why_node,
                     const struct gj_txid *txid);
/* A proof of what our record denies: RESYNC, unless this loss is known already. */
void gj_resync_note_loss(struct gj_protocol *p, struct gj_turn *turn, const char *why_node,
                         const struct gj_txid *txid);
/* Nobody's wish to open counts any more. */
void gj_resync_forget_openings(struct gj_turn *turn);
/* Is a peer still waited for? One that people decided to miss is not. */
bool gj_resync_waits(const struct gj_protocol *p);
/* Is anything still owed to us, in RESYNC or after it? */
bool gj_resync_is_healing(const struct gj_protocol *p);
/* Has every node that |core| names told us what it knows? */
bool gj_resync_is_complete_for(const struct gj_protocol *p, const struct gj_core *core);
void gj_resync_recover(struct gj_protocol *p, struct gj_turn *turn);
void gj_resync_tick(struct gj_protocol *p, struct gj_turn *turn);
struct gj_mono gj_resync_next_due(const struct gj_protocol *p);
/* |node| told the end of a binding that we do not know. */
void gj_resync_note_early(struct gj_protocol *p, const char *node);
void gj_resync_on_replay(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
/* The other side (replay.c): tells a peer what our records know of it. */
void gj_replay_on_ask(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
/* adopt.c. GJ_ERR_NOT_FOUND: what it rests on has not come; any other error: it is not proven. */
GJ_MUST_USE enum gj_err gj_adopt_take(struct gj_protocol *p, struct gj_turn *turn,
                                      const struct gj_message *message);
/* Is it proven, and waits for its details? Then its loss is known already. */
bool gj_adopt_is_staged(struct gj_turn *turn, const struct gj_txid *txid);
/* A commit that came by itself while we are in RESYNC. */
void gj_adopt_on_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                        struct gj_slice evidence);
/* A certificate of a transaction with our YES (or our decision) in it, checked. */
void gj_adopt_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                     const struct gj_commit *commit, struct gj_slice evidence);
/* Of a staged row: its core; the details that came so far. */
GJ_MUST_USE enum gj_err gj_replayed_core(struct gj_protocol *p, struct gj_turn *turn,
                                         const struct gj_replayed_row *row, struct gj_core **ret);
GJ_MUST_USE enum gj_err gj_replayed_legs(struct gj_turn *turn, const struct gj_replayed_row *row,
                                         struct gj_prepare_legs *ret);
/* rebuild.c. Tries what is staged about one transaction. True if nothing is staged about it any more. |is_last|: nobody is left
 * who could tell more. */
bool gj_adopt_try(struct gj_protocol *p, struct gj_turn *turn, struct gj_replayed_row *row, bool is_last);

/* --- certificate.c -------------------------------------------------------------------------------------- */
/* A verified decision or refusal about one transaction. */
struct gj_certificate {
    const struct gj_commit *commit;
    struct gj_core *core;
    bool holds_our_yes;
};
/* A decision (a commit, an abort) must stand under a key that is valid now; its coordinator signs it again with a
 * new one. GJ_ERR_UNKNOWN_KEY if it does not. */
GJ_MUST_USE enum gj_err gj_decision_check_key(struct gj_protocol *p, struct gj_turn *turn,
                                              struct gj_slice evidence);
/* Decodes exact core bytes and checks that |digest| is theirs. */
GJ_MUST_USE enum gj_err gj_core_read(struct gj_protocol *p, struct gj_turn *turn, struct gj_slice bytes,
                                     const struct gj_digest *digest, struct gj_core *ret);
/* Is the core itself sound: coordinator not a participant, no node twice, known nodes, legs at listed nodes and
 * at each of them? */
bool gj_core_is_sound(const struct gj_protocol *p, const struct gj_core *core);
bool gj_core_lists(const struct gj_core *core, const char *node);
/* Checks the body of a commit about |txid| that |signer| signed: digest, core, one YES of each participant. */
GJ_MUST_USE enum gj_err gj_certificate_check(struct gj_protocol *p, struct gj_turn *turn, const char *signer,
                                             const struct gj_txid *txid, const struct gj_commit *commit,
                                             struct gj_certificate *ret);
/* Decodes the details of leg parts and checks them against the core. Parts of |must_have_node| must be whole. */
GJ_MUST_USE enum gj_err gj_legs_read(struct gj_protocol *p, struct gj_turn *turn, const struct gj_core *core,
                                     const struct gj_prepare_legs *legs, const char *must_have_node,
                                     struct gj_tx_view *ret);
/* Does |message| (verified) refuse (txid, digest) for good: a NO vote, or a STATUS REFUSED, of a listed node? */
/* Is it a YES, a NO about (txid, digest)? */
bool gj_proof_is_yes(const struct gj_message *message, const struct gj_txid *txid,
                     const struct gj_digest *digest);
bool gj_proof_is_no(const struct gj_message *message, const struct gj_txid *txid,
                    const struct gj_digest *digest);
bool gj_proof_refuses(const struct gj_message *message, const struct gj_core *core,
                      const struct gj_digest *digest);

/* --- coordinator.c, begin.c ----------------------------------------------------------------------------- */
enum gj_coord_state {
    GJ_COORD_NONE,       /* no record: aborted, by presumption */
    GJ_COORD_COLLECTING, /* BEGUN in the present epoch */
    GJ_COORD_PAST,       /* BEGUN in an epoch that is over, not yet looked at */
    GJ_COORD_COMMITTED,
    GJ_COORD_ABORTED,
    GJ_COORD_ENDED,
    GJ_COORD_STATES
};
enum gj_coord_input {
    GJ_COORD_ON_YES,
    GJ_COORD_ON_NO,
    GJ_COORD_ON_ACK,
    GJ_COORD_ON_INQUIRE,
    GJ_COORD_ON_CANCEL,
    GJ_COORD_INPUTS
};
const char *gj_coordinator_cell(enum gj_coord_state state, enum gj_coord_input input);
void gj_coordinator_on_vote(struct gj_protocol *p, struct gj_turn *turn, const char *node,
                            const struct gj_txid *txid, const struct gj_digest *digest, bool yes,
                            const struct gj_vote *no, struct gj_slice evidence);
void gj_coordinator_on_facts(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
void gj_coordinator_on_ack(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message);
/* Answers an inquiry about a transaction of ours; adds to |ret| if a STATUS line is the answer. */
bool gj_coordinator_on_inquiry(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_slice evidence,
                               struct gj_tx_status *ret);
/* The transaction as our own application sees it; ret->core is NULL if the scratch arena is too small. */
void gj_coordinator_view(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                         struct gj_tx_view *ret);
/* Behind a written BEGUN: asks the participants, or commits at once if there are none. */
void gj_coordinator_start(struct gj_protocol *p, struct gj_turn *turn, const struct gj_coord_row *row,
                          uint32_t n_participants);
void gj_coordinator_tick(struct gj_protocol *p, struct gj_turn *turn, struct gj_active *active);
/* Past epochs: what began without a commit is aborted, what was committed is sent again. */
void gj_coordinator_recover(struct gj_protocol *p, struct gj_turn *turn);
/* Body of the commit of a transaction of ours; false if it is not committed here. */
bool gj_coordinator_commit_body(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                struct gj_commit *ret);

/* --- participant.c -------------------------------------------------------------------------------------- */
enum gj_part_state {
    GJ_PART_NONE,
    GJ_PART_PREPARING,
    GJ_PART_PREPARED,
    GJ_PART_REFUSED,
    GJ_PART_ABORTED,
    GJ_PART_COMMITTED,
    GJ_PART_RESOLVED,
    GJ_PART_COLLECTED,
    GJ_PART_STATES
};
enum gj_part_input { GJ_PART_ON_PREPARE, GJ_PART_ON_COMMIT, GJ_PART_ON_ABORT, GJ_PART_INPUTS };
/* The name of what happens in that cell, for the test that compares the tables with README.md. */
const char *gj_participant_cell(enum gj_part_state state, enum gj_part_input input);
const char *gj_part_state_word(enum gj_part_state state);
enum gj_part_state gj_part_state_of(const char *word);
/* The row if there is one. */
enum gj_part_state gj_participant_state(struct gj_protocol *p, struct gj_turn *turn,
                                        const struct gj_txid *txid, struct gj_part_row *ret);
void gj_participant_on_prepare(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *legs);
/* |evidence|: the signed commit itself, from whomever it came. */
void gj_participant_on_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *commit,
                              struct gj_slice evidence);
void gj_participant_on_abort(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                             const struct gj_digest *digest, struct gj_slice evidence);
/* Posts what is PREPARED, after its certificate was checked. */
void gj_participant_apply_commit(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                                 struct gj_slice evidence);
/* A listed node's signed refusal ends it like an abort. */
void gj_participant_on_refusal(struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid,
                               struct gj_slice evidence);
/* What was fixed with a YES, in front of the message that is the YES: a vote, or an inquiry that counts as one. */
void gj_participant_send_facts(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row);
/* Writes the row in |state|, with all that follows from the state. */
void gj_participant_put(struct gj_turn *turn, struct gj_part_row *row, enum gj_part_state state);
/* The transaction of a row of ours as the application sees it; false, and the store has failed, if it is broken. */
bool gj_participant_view(struct gj_protocol *p, struct gj_turn *turn, const struct gj_part_row *row,
                         struct gj_tx_view *ret);
/* PREPARED, or resolved by hand: we said YES, and have no proof of an end. */
bool gj_part_is_in_doubt(enum gj_part_state state);
bool gj_participant_on_inquiry(struct gj_protocol *p, struct gj_turn *turn, const char *from,
                               const struct gj_inquiry *item, struct gj_tx_status *ret);
void gj_participant_recover(struct gj_protocol *p, struct gj_turn *turn);

/* --- aftermath.c ---------------------------------------------------------------------------------------- */
/* The proof about what was resolved by hand: the money is put right, the record is COMMITTED or ABORTED. */
void gj_aftermath_decided(struct gj_protocol *p, struct gj_turn *turn, struct gj_part_row *row,
                          const char *from, struct gj_slice evidence, bool committed);
/* Was there a record of it that is too old to be kept? */
bool gj_aftermath_is_collected(const struct gj_protocol *p, struct gj_turn *turn, const struct gj_txid *txid);
void gj_aftermath_recover(struct gj_protocol *p, struct gj_turn *turn);
void gj_aftermath_tick(struct gj_protocol *p, struct gj_turn *turn);

/* --- inquiry.c ------------------------------------------------------------------------------------------ */
void gj_inquiry_on_inquire(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                           struct gj_slice evidence);
void gj_inquiry_on_status(struct gj_protocol *p, struct gj_turn *turn, const struct gj_message *message,
                          struct gj_slice evidence);
/* May our proof of an end be shown to who asks? Not a cover question: it tells what one relative was asked for. */
bool gj_proof_may_travel(struct gj_turn *turn, struct gj_slice proof);
/* Sends what in-doubt transactions have to ask now. */
void gj_inquiry_tick(struct gj_protocol *p, struct gj_turn *turn);

#endif
