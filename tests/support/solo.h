/* SPDX-License-Identifier: Apache-2.0
 *
 * One protocol machine alone, between peers that the test plays with real keys: every cell of its tables can
 * be reached by a message, and everything it says, writes and asks of its application can be looked at.
 * Protocol, keyring, hashes, codec and store are the real ones; only the application is the test's, and counts.
 *
 *     struct gj_solo *s = gj_solo_new(NULL);              "360000" among four nodes, started, all heard
 *     struct gj_solo_tx tx;
 *     gj_solo_tx_init(s, &tx, "330000", "360000 130000"); a transaction that 330000 coordinates
 *     gj_solo_prepare(s, &tx);                            as 330000 would
 *     assert_true(gj_solo_vote_to(s, "330000")->yes);
 *
 * Each call that reaches the machine is one store transaction; what it said is looked at until the next.
 */
#ifndef GJ_TESTS_SUPPORT_SOLO_H
#define GJ_TESTS_SUPPORT_SOLO_H

#include "protocol/request.h"
#include "protocol/state.h"
#include "store/store.h"
#include "support/forge.h"

#define GJ_SOLO_NODES   4u
#define GJ_SOLO_SELF    "360000"
#define GJ_SOLO_LOG_MAX 65536u
#define GJ_SOLO_WALL_MS INT64_C(1795000000000) /* 2026-11-18 */

/* The application: what it was asked, and what it shall answer. */
struct gj_solo_app {
    unsigned holds, posts, releases, adopted, undone, decisions, messages, peer_errors;
    unsigned reholds, remembered, ended; /* after a RESYNC */
    bool is_groundless;                  /* nothing can be held again: its original is not here */
    int64_t difference_fen;              /* that adopt and undo find */
    uint32_t n_late_facts;               /* that they were given */
    bool refuse;                         /* the next hold, with |no| */
    struct gj_refusal no;
    struct gj_leg_fact facts[2]; /* stated with the next holds */
    uint32_t n_facts;
    struct gj_txid last; /* of the last hold, post, release or decision */
    bool had_original, had_plan;
    struct gj_decision decision; /* borrowed parts cleared */
    struct gj_leg_fact decision_facts[GJ_LEGS_MAX];
    enum gj_err peer_error;
};

/* One message that left, for tests of timers. */
struct gj_solo_sent {
    int64_t at_ms; /* mono */
    enum gj_kind kind;
    char node[GJ_NODE_MAX + 1];
    uint32_t n_items; /* of an inquiry */
};

struct gj_solo {
    struct gj_directory directory;
    struct gj_hasher hasher;
    struct gj_data_key data_key;
    struct gj_keyring *keyring;
    struct gj_prover prover;
    struct gj_store *store;
    struct gj_solo_app app;
    struct gj_protocol *protocol;
    struct gj_now now;
    struct gj_turn turn;
    struct gj_arena scratch, batch, look;
    struct gj_outbox outbox;
    struct gj_replies replies;
    struct gj_events events;
    struct gj_forge peers[GJ_SOLO_NODES]; /* [0] is the machine itself: to forge in its name */
    uint8_t *memory;
    uint64_t seeds;
    bool accepts_new_work;
    struct gj_solo_sent *log;
    uint32_t n_log;
};

struct gj_solo_config {
    bool no_start;    /* stores and keys only */
    bool no_greeting; /* started, but nobody was heard */
    enum gj_witness witness;
    enum gj_sign_alg alg; /* 0: Ed25519 */
};

/* |config| NULL: all as it should be. */
struct gj_solo *gj_solo_new(const struct gj_solo_config *config);
void gj_solo_free(struct gj_solo **solo_p);

/* --- the machine's life --------------------------------------------------------------------------------- */
/* Everything volatile is gone, a new epoch begins a second later. The peers keep theirs. */
void gj_solo_restart(struct gj_solo *solo, enum gj_witness witness);
/* Every peer says HELLO and answers HELLO. */
void gj_solo_greet(struct gj_solo *solo);
/* |peer|'s HELLO of its present epoch; its answer to ours with |seen| of our epochs, each proven by our signature. */
void gj_solo_hello(struct gj_solo *solo, const char *peer);
void gj_solo_welcome(struct gj_solo *solo, const char *peer, const struct gj_epoch_flush *seen, uint32_t n);
/* A turn of the test's own. */
struct gj_turn *gj_solo_begin(struct gj_solo *solo);
void gj_solo_end(struct gj_solo *solo);
/* Moves the clocks, ticking whenever something is due on the way. */
void gj_solo_run(struct gj_solo *solo, int64_t ms);
void gj_solo_tick(struct gj_solo *solo);

/* --- peers -------------------------------------------------------------------------------------------------- */
struct gj_forge *gj_solo_peer(struct gj_solo *solo, const char *node);
/* The peer is a new process: another epoch, unknown until its HELLO. */
void gj_solo_peer_restart(struct gj_solo *solo, const char *node);
/* That node's key holds in these times only (as gj_keyring_add(); 0: open). */
void gj_solo_key_times(struct gj_solo *solo, const char *node, int64_t from_ms, int64_t to_ms,
                       int64_t revoked_ms);
/* One frame on that peer's line. */
void gj_solo_frame(struct gj_solo *solo, const char *line, struct gj_slice frame);
/* One message of that peer, addressed to the machine. */
void gj_solo_say(struct gj_solo *solo, const char *peer, enum gj_kind kind, const struct gj_txid *tx,
                 const void *body);

/* --- transactions that a peer coordinates -------------------------------------------------------------------- */
struct gj_solo_tx {
    struct gj_txid txid;
    struct gj_core core;
    struct gj_slice core_bytes;
    struct gj_digest digest;
    struct gj_prepare_legs all; /* one leg per participant */
    struct gj_superseded supersedes[GJ_SUPERSEDES_MAX];
    uint32_t n_supersedes;
    struct gj_slice original; /* of a refund: the body of a commit */
    struct gj_slice plan;
};
/* |participants|: node names with one blank between. One leg of 100 fen at each. */
void gj_solo_tx_init(struct gj_solo *solo, struct gj_solo_tx *tx, const char *coordinator,
                     const char *participants);
/* After the test has changed tx->core. */
void gj_solo_tx_seal(struct gj_solo *solo, struct gj_solo_tx *tx);
/* The coordinator's signed core, as evidence. */
struct gj_slice gj_solo_core_evidence(struct gj_solo *solo, const struct gj_solo_tx *tx);
/* A signed vote of a participant. */
struct gj_slice gj_solo_vote(struct gj_solo *solo, const struct gj_solo_tx *tx, const char *voter, bool yes);
/* The body of its commit, with the YES of every participant (the machine's own forged with its key). */
struct gj_commit gj_solo_certificate(struct gj_solo *solo, const struct gj_solo_tx *tx);
/* What the coordinator sends. */
void gj_solo_prepare(struct gj_solo *solo, const struct gj_solo_tx *tx);
void gj_solo_commit(struct gj_solo *solo, const struct gj_solo_tx *tx);
void gj_solo_abort(struct gj_solo *solo, const struct gj_solo_tx *tx);
/* A transaction of "330000" with us and "130000", taken to |state| by what is said, or by hand where nothing leads
 * there; "" leaves it unheard of. */
void gj_solo_reach(struct gj_solo *solo, struct gj_solo_tx *tx, const char *state);
/* All that is decided is old, and is collected. */
void gj_solo_collect(struct gj_solo *solo);
/* Two people decide by hand; what the confirmation says. */
enum gj_err gj_solo_resolve(struct gj_solo *solo, const struct gj_txid *txid, const char *outcome);
/* An inquiry of a peer; to a participant with the coordinator's core. */
void gj_solo_inquire(struct gj_solo *solo, const char *peer, const struct gj_txid *txid,
                     const struct gj_digest *digest, bool yes, struct gj_slice core);

/* --- transactions of our own ---------------------------------------------------------------------------------- */
/* Begins one with a leg at each of |nodes| (the machine's own name among them or not). */
enum gj_err gj_solo_coordinate(struct gj_solo *solo, const char *msgid, const char *nodes,
                               struct gj_txid *ret_txid);
/* A participant's vote on it, ack of it. */
void gj_solo_answer(struct gj_solo *solo, const char *voter, const struct gj_txid *txid, bool yes);
void gj_solo_ack(struct gj_solo *solo, const char *voter, const struct gj_txid *txid);

/* --- looking ---------------------------------------------------------------------------------------------------- */
/* Messages of a kind for a node (NULL: any) that the last call made; gj_solo_message: the |nth|, decoded. */
uint32_t gj_solo_count(const struct gj_solo *solo, enum gj_kind kind, const char *node);
const void *gj_solo_message(struct gj_solo *solo, enum gj_kind kind, const char *node, uint32_t nth);
/* The only vote, status line, error of the last call for that node; asserted. */
const struct gj_vote *gj_solo_vote_to(struct gj_solo *solo, const char *node);
const struct gj_tx_status *gj_solo_status_to(struct gj_solo *solo, const char *node);
/* Is there nothing of any kind? */
bool gj_solo_is_silent(const struct gj_solo *solo);
/* Events of a code in the last call; with |err| other than GJ_OK only those. */
uint32_t gj_solo_events(const struct gj_solo *solo, enum gj_event_code code, enum gj_err err);
uint32_t gj_solo_alarms(const struct gj_solo *solo);
/* "" if there is no row. */
const char *gj_solo_part_state(struct gj_solo *solo, const struct gj_txid *txid);
const char *gj_solo_coord_state(struct gj_solo *solo, const struct gj_txid *txid);
struct gj_part_row gj_solo_part_row(struct gj_solo *solo, const struct gj_txid *txid);
struct gj_coord_row gj_solo_coord_row(struct gj_solo *solo, const struct gj_txid *txid);
/* Writes a row as it is, for states that no input leads to. */
void gj_solo_put(struct gj_solo *solo, const struct gj_table *table, const void *row);
bool gj_solo_get(struct gj_solo *solo, const struct gj_table *table, void *row);

#endif
