/* SPDX-License-Identifier: Apache-2.0
 *
 * The deterministic simulator: real engines in one thread, with a clock, a network, disks and clients that a seed
 * decides about. Everything random comes out of streams of that seed, one per kind of fault, so that a fault can be
 * left out without changing the others. What is right or wrong is the checker's to say (checker/).
 */
#ifndef GJ_TESTS_SIM_SIM_H
#define GJ_TESTS_SIM_SIM_H

#include <stdio.h>

#include "checker/checker.h"
#include "crash_vfs.h"
#include "support/cluster.h"

#define SIM_NODES_MAX   5u
#define SIM_CLIENTS_MAX 6u
#define SIM_PEOPLE_MAX  (3u * SIM_NODES_MAX)
#define SIM_KEPT_FRAMES 32u     /* that may be replayed later */
#define SIM_STEPS       3000u   /* of engines, in the phase with faults */
#define SIM_LIVENESS_MS 2700000 /* within it everything must be decided once the faults have stopped */
#define SIM_STORY_LINES 200000u
#define SIM_KEYS_MAX    3u    /* of one node, one after the other */
#define SIM_PLAIN_FEN   10000 /* what everybody has who has an account, in a plain world */

/* --- faults --------------------------------------------------------------------------------------------- */
#define SIM_FAULTS(X)                                                                                        \
    X(LOSS, "loss", "parcels are lost")                                                                      \
    X(DUPLICATE, "duplicate", "parcels come twice or more")                                                  \
    X(DELAY, "delay", "parcels overtake each other")                                                         \
    X(TAIL, "tail", "some parcels take up to minutes")                                                       \
    X(CUT, "cut", "two nodes do not hear each other for a while")                                            \
    X(HALFCUT, "halfcut", "one does not hear the other")                                                     \
    X(BLACKHOLE, "blackhole", "one kind of message is swallowed for a while")                                \
    X(FLIP, "flip", "bytes change or are cut off on the way")                                                \
    X(REPLAY, "replay", "old parcels come again, from earlier epochs too")                                   \
    X(CRASH, "crash", "a node dies between two steps")                                                       \
    X(SENDCRASH, "sendcrash", "a node dies after its flush, with some of what it said sent")                 \
    X(FLUSHCRASH, "flushcrash", "a flush fails: not done, or done and not known")                            \
    X(BOOTCRASH, "bootcrash", "a node dies in its recovery")                                                 \
    X(PAUSE, "pause", "a node stands still for a while")                                                     \
    X(SLOWDISK, "slowdisk", "a flush takes long, so that much is handled at once")                           \
    X(CLOCK, "clock", "wall clocks jump, forward and back")                                                  \
    X(DRIFT, "drift", "clocks run fast or slow, the monotonic ones too")                                     \
    X(MIDNIGHT, "midnight", "the business date changes under way")                                           \
    X(FULL, "full", "a store has no room for a batch")                                                       \
    X(RESERVE, "reserve", "a store is below its reserve")                                                    \
    X(DOUBT, "doubt", "the witness file is missing at a start")                                              \
    X(BACKUP, "backup", "a store is put back from an earlier copy of itself")                                \
    X(SQLITE, "sqlite", "stores are SQLite files")                                                           \
    X(LIAR, "liar", "one node's key is in the hand of a liar")                                               \
    X(AWAY, "away", "a coordinator stays away for minutes, and its participants are in doubt")               \
    X(HAND, "hand", "two people decide by hand meanwhile")                                                   \
    X(YEARS, "years", "at the end years pass, and what is old is collected")                                 \
    X(REKEY, "rekey", "a node's signing key is revoked, and each other node hears of it at its own time")    \
    X(NARROW, "narrow", "a node is slow, and its queue holds little: frames are lost, clients hear BUSY")

enum sim_fault {
#define X(name, word, text) SIM_##name,
    SIM_FAULTS(X)
#undef X
        SIM_FAULT_COUNT,
    /* streams that are no fault */
    SIM_WORK = SIM_FAULT_COUNT,
    SIM_NET,
    SIM_PLAN,
    SIM_RECORD,
    SIM_AIM,
    SIM_STREAMS
};

/* What the liar does: lies_tx.c, lies_more.c, lies_aimed.c, lies_wire.c. */
#define SIM_LIES(X)                                                                                          \
    X(NO_FOR_YES, "no_for_yes", "votes NO, and its record says YES")                                         \
    X(NO_AFTER_YES, "no_after_yes", "votes YES, then NO")                                                    \
    X(YES_AFTER_NO, "yes_after_no", "votes NO, then YES")                                                    \
    X(OTHER_DIGEST, "other_digest", "another digest under a known txid")                                     \
    X(VOTE_LATE, "vote_late", "votes on what was decided long ago, or never began")                          \
    X(FACTS, "facts", "facts about legs that are not its own")                                               \
    X(ACK, "ack", "acknowledges what it never posted")                                                       \
    X(ABORT_FOR_COMMIT, "abort_for_commit", "COMMIT to the others, ABORT to one")                            \
    X(ABORT_AFTER_COMMIT, "abort_after_commit", "COMMIT, then ABORT")                                        \
    X(ABORT_LATE, "abort_late", "ABORT of its own, in any state")                                            \
    X(COMMIT_LATE, "commit_late", "a true certificate, in any state")                                        \
    X(ABORT_OF_ANOTHER, "abort_of_another", "ABORT of another's transaction")                                \
    X(COMMIT_OF_ANOTHER, "commit_of_another", "a foreign certificate, for what is PREPARED")                 \
    X(VOTE_MISSING, "vote_missing", "a certificate with a vote missing")                                     \
    X(VOTE_MUTATED, "vote_mutated", "... with a bit of a vote turned")                                       \
    X(VOTE_TWICE, "vote_twice", "... with the same vote twice")                                              \
    X(VOTE_OF_ANOTHER, "vote_of_another", "... with a vote on something else, of an old epoch perhaps")      \
    X(CORE_MUTATED, "core_mutated", "... with a bit of the core turned")                                     \
    X(NAMES_ITSELF, "names_itself", "PREPARE that lists its coordinator")                                    \
    X(NAMES_TWICE, "names_twice", "... that lists one node twice")                                           \
    X(NAMES_A_STRANGER, "names_a_stranger", "... that lists a node of no registry")                          \
    X(ZERO, "zero", "... with an amount of zero, or one where none belongs")                                 \
    X(INT64, "int64", "... with the largest amounts there are")                                              \
    X(DATE, "date", "... of next year")                                                                      \
    X(EXPIRED, "expired", "... that was over before it came")                                                \
    X(FOREIGN_SENDER, "foreign_sender", "... for a sender and a place of another node")                      \
    X(KEY_TWICE, "key_twice", "two transactions under one biz key")                                          \
    X(REFUND_TWICE, "refund_twice", "a second refund of the same money, at once or later")                   \
    X(CORE_TWICE, "core_twice", "a second core behind the first")                                            \
    X(SUPERSEDES_COMMITTED, "supersedes_committed", "names a committed attempt as aborted")                  \
    X(PREPARE_AGAIN, "prepare_again", "an old PREPARE again, to anybody")                                    \
    X(BARE_WORD, "bare_word", "a decision without a proof")                                                  \
    X(PROOF_OF_ANOTHER, "proof_of_another", "a decision with the proof of another one")                      \
    X(REFUSED_TO_A_PEER, "refused_to_a_peer", "REFUSED to a peer, and YES to the coordinator")               \
    X(STORM, "storm", "many questions about anything")                                                       \
    X(INQUIRE, "inquire", "a question without its vote")                                                     \
    X(COVER, "cover", "covers more than there is")                                                           \
    X(PLAN, "plan", "a plan of untrue sources")                                                              \
    X(WELCOME, "welcome", "has seen flushes that never were")                                                \
    X(HELLO, "hello", "greets twice in one epoch, with something changed")                                   \
    X(WRONG_PATH, "wrong_path", "another leaf's path")                                                       \
    X(SHORT_PATH, "short_path", "a path of another length")                                                  \
    X(NO_LEAF, "no_leaf", "a leaf outside the tree")                                                         \
    X(BAD_SIGNATURE, "bad_signature", "a signature with a bit turned")                                       \
    X(NO_MSGPACK, "no_msgpack", "bytes that are no message")                                                 \
    X(NETWORK, "network", "of another network")                                                              \
    X(STRANGER, "stranger", "of a sender that no registry knows")                                            \
    X(OTHERS_NAME, "others_name", "in another's name")                                                       \
    X(OTHERS_KEY, "others_key", "signed with another's key")                                                 \
    X(OLD_EPOCH, "old_epoch", "of an epoch that is over")                                                    \
    X(NO_HELLO, "no_hello", "of an epoch that was never announced")                                          \
    X(FAR_EPOCH, "far_epoch", "of an epoch of the next days")                                                \
    X(UNKNOWN_KIND, "unknown_kind", "of a kind that nobody knows")                                           \
    X(RECIPIENT, "recipient", "addressed to somebody else")                                                  \
    X(VERSION, "version", "of another version")                                                              \
    X(BODY, "body", "with the body of another kind")                                                         \
    X(CLOCK, "clock", "new work of an hour ago")                                                             \
    X(TOO_LARGE, "too_large", "a frame above the limit")                                                     \
    X(CUT_OFF, "cut_off", "half a frame")                                                                    \
    X(TWICE, "twice", "the same frame twice")

enum sim_lie {
#define X(name, word, text) SIM_LIE_##name,
    SIM_LIES(X)
#undef X
        SIM_LIE_COUNT
};

struct sim_swarm {
    uint32_t on; /* bit per fault */
    unsigned loss_percent, duplicate_percent, flip_percent, replay_percent;
    int64_t delay_ms, tail_ms, slow_ms;
    int64_t every_ms[SIM_FAULT_COUNT]; /* mean time between two of those that happen at times */
};

struct sim_options {
    uint64_t seed;
    unsigned nodes; /* 0: as the seed says */
    uint64_t steps;
    uint32_t without; /* bit per fault that is left out */
    bool keeps_story;
    bool is_verbose;
    bool has_liar;               /* a disk says that it is done and is not: the checker must find it out */
    bool on_sqlite, has_backups; /* whatever the seed says */
    enum sim_bad_disk { SIM_DISK_RIGHT, SIM_DISK_UNSYNCED, SIM_DISK_NORMAL } bad_disk; /* deliberate faults */
    bool is_plain; /* nothing of the world is drawn: no caps, the same money for everybody */
};

/* --- coverage: counters over many seeds ----------------------------------------------------------------- */
#define SIM_PART_STATES  8
#define SIM_PART_INPUTS  3
#define SIM_COORD_STATES 6
#define SIM_COORD_INPUTS 5
#define SIM_REASONS_MAX  160

/* A crash at every point: what a node was at when it died, or what became of its flush. */
#define SIM_ROWS(X)                                                                                          \
    X(C_BEGUN, "coordinator dies before COMMIT is flushed")                                                  \
    X(C_TORN, "coordinator dies in the flush of COMMIT, which is not there afterwards")                      \
    X(C_WHOLE, "coordinator dies in the flush of COMMIT, which is there afterwards")                         \
    X(C_COMMITTED, "coordinator dies after COMMIT is flushed")                                               \
    X(P_TORN, "participant dies before PREPARED is flushed")                                                 \
    X(P_WHOLE, "participant dies in the flush of PREPARED, which is there afterwards")                       \
    X(P_PREPARED, "participant dies after PREPARED, around its vote")                                        \
    X(P_COMMIT_TORN, "participant dies in the flush of COMMITTED, which is not there afterwards")            \
    X(P_COMMIT_WHOLE, "participant dies in the flush of COMMITTED, which is there afterwards")               \
    X(OLD_STORE, "a store that went back in time is found out: RESYNC")                                      \
    X(STORE_FULL, "the store is full: the batch is rolled back")                                             \
    X(RESERVE, "below the reserve: new work is refused, decisions are not")                                  \
    X(REPLAYED, "all recorded inputs of a node are played into an empty store")                              \
    X(QUEUE_FULL, "a queue is full: a frame is lost, and comes again")                                       \
    X(QUEUE_BUSY, "a queue is full: a client hears BUSY, and nothing was done")                              \
    X(KEY_OVER, "a parcel under a key that is revoked: not heard")                                           \
    X(GATE_SHUT, "a start without its witness: nothing new until all are heard")                             \
    X(GATE_OPENS, "... and then the gate opens")

enum sim_row {
#define X(name, text) SIM_ROW_##name,
    SIM_ROWS(X)
#undef X
        SIM_ROW_COUNT
};

struct sim_coverage {
    uint64_t rows[SIM_ROW_COUNT];
    uint64_t part[SIM_PART_STATES][SIM_PART_INPUTS], coord[SIM_COORD_STATES][SIM_COORD_INPUTS];
    uint64_t events[GJ_EVENT_COUNT];
    uint64_t faults[SIM_FAULT_COUNT];
    uint64_t lies[SIM_LIE_COUNT];
    struct {
        char what[48];
        uint64_t n;
    } reasons
        [SIM_REASONS_MAX]; /* of refusals: "vote COVER NO_COVER R50", "answer refused RULE R16", "parcel REPLAY" */
    unsigned n_reasons;
};
void sim_coverage_reason(struct sim_coverage *coverage, const char *what, uint64_t n);
void sim_coverage_add(struct sim_coverage *to, const struct sim_coverage *from);
void sim_coverage_print(const struct sim_coverage *coverage, FILE *out);
const char *sim_row_text(enum sim_row row);
const char *sim_part_state_word(unsigned state);
const char *sim_part_input_word(unsigned input);
const char *sim_coord_state_word(unsigned state);
const char *sim_coord_input_word(unsigned input);
/* Names what many seeds together must meet and did not; how many that were. What need not be met, with the reason, is
 * in must_hit.c. */
unsigned sim_must_hit(const struct sim_coverage *coverage, bool has_backups, FILE *out);

/* --- the simulation ------------------------------------------------------------------------------------- */
struct sim_flight {
    int64_t due_ms;
    uint64_t number;
    size_t from, to, len;
    bool is_damaged, is_again; /* a copy or an old one: what it holds was delivered before */
    uint8_t bytes[];
};

enum sim_disk_fault { SIM_DISK_WELL, SIM_DISK_LOSES, SIM_DISK_KEEPS, SIM_DISK_FULL, SIM_DISK_LIES };

struct sim_node {
    bool is_down;
    int64_t up_ms;    /* when it starts again */
    int64_t ready_ms; /* paused or busy until then */
    int64_t cut_until_ms[SIM_NODES_MAX];
    int sink_left; /* how many answers and parcels still get out; -1: all */
    bool sink_closed;
    enum sim_disk_fault next_commit;
    int64_t full_until_ms, reserve_until_ms;
    int64_t narrow_until_ms; /* until then its queue has room for |room| inputs */
    size_t room;
    unsigned life;    /* counts starts */
    bool has_request; /* a client's, not yet taken */
    struct sim_flight **inbox;
    size_t n_inbox, cap_inbox;
    int64_t skew_ms;
    struct crash_disk *disk; /* under SQLite; NULL: a memory store */
    struct ck_image *image;  /* a backup, and what the checker thinks of it */
    struct crash_image *disk_image;
    bool is_put_back;   /* at its next start */
    bool no_witness;    /* since then no life of it has written one */
    bool stops_well;    /* its store is closed as at the end of a service, not of a process */
    uint64_t bad_syncs; /* when its process began */
};

struct sim_kept {
    size_t from, to, len;
    uint8_t *bytes;
};

struct sim_ticket {
    size_t node;
    char request[12], sender[GJ_SENDER_MAX + 1], msgid[GJ_MSGID_MAX + 1];
};

struct sim_totals {
    uint64_t seeds, failed, steps, flights, lost, faults, alarms, requests;
    uint64_t transactions, committed, refunds, bindings, messages, certificates, store_commits;
    int64_t virtual_ms;
};

struct sim_story {
    bool is_kept, is_verbose;
    char **lines;
    size_t n;
};

struct sim_clients;

/* Signing keys: those of each node in their order, and how many of them each other node has heard of. */
struct sim_keys {
    struct gj_sign_key *now[SIM_NODES_MAX]; /* what it signs with after its next start */
    unsigned n[SIM_NODES_MAX], known[SIM_NODES_MAX][SIM_NODES_MAX];
    int64_t revoked_ms[SIM_NODES_MAX][SIM_KEYS_MAX]; /* wall clock */
    int64_t signed_ms[SIM_NODES_MAX];                /* the latest that it has put under a signature */
    int64_t hears_ms[SIM_NODES_MAX][SIM_NODES_MAX]; /* when [one] hears of [another's] change; 0: knows all */
    int64_t due_ms;                                 /* when |who| loses its key; 0: nobody does */
    size_t who;
};

struct sim {
    struct sim_options options;
    struct sim_swarm swarm;
    uint64_t streams[SIM_STREAMS];
    struct ck *ck;
    struct ck_rules rules;
    struct gj_cluster *cluster;
    struct gj_pack pack;
    struct gj_packs packs;
    char folder[64];
    size_t n;
    struct sim_node nodes[SIM_NODES_MAX];
    int64_t now_ms;
    bool is_healed;
    bool wants_hands;                       /* somebody decides by hand now */
    bool is_recorded;                       /* every input, to be played again at the end */
    struct gj_store *before[SIM_NODES_MAX]; /* then: the stores as they were at first */
    bool is_quiet;                          /* clients begin nothing new */
    uint64_t steps;

    struct sim_flight **heap;
    size_t n_heap, cap_heap;
    uint64_t n_flights;
    struct sim_kept kept[SIM_KEPT_FRAMES];
    bool only_one_is_put_back;
    char hole_kind[24];
    int64_t hole_until_ms;
    int64_t next_ms[SIM_FAULT_COUNT];

    struct sim_ticket *tickets; /* by number - 1 */
    size_t n_tickets, cap_tickets;
    struct sim_clients *clients;
    struct sim_liars *liars; /* NULL: nobody lies */
    struct sim_keys keys;

    struct sim_story story;
    uint64_t hash;
    uint8_t *arena_memory;
    struct sim_coverage coverage;
    struct sim_totals totals;
    uint64_t events[GJ_EVENT_COUNT]; /* of honest nodes */
};

struct sim_result {
    bool failed;
    struct ck_failure failure;
    uint64_t hash, steps;
    uint32_t faults; /* that were on */
    size_t nodes;
    struct sim_story story; /* the caller's to free */
};

/* One seed, from nothing to the end. |coverage|, |totals| are added to; each may be NULL. */
void sim_run(const struct sim_options *options, struct sim_result *ret, struct sim_coverage *coverage,
             struct sim_totals *totals);

/* --- swarm.c -------------------------------------------------------------------------------------------- */
uint64_t sim_random(struct sim *sim, unsigned stream);
uint64_t sim_below(struct sim *sim, unsigned stream, uint64_t n); /* 0..n-1 */
bool sim_chance(struct sim *sim, unsigned stream, unsigned percent);
void sim_swarm_draw(struct sim *sim);
bool sim_has_backups(const struct sim *sim);               /* whether the faults have stopped or not */
bool sim_has(const struct sim *sim, enum sim_fault fault); /* drawn, and the faults have not stopped */
const char *sim_fault_word(enum sim_fault fault);
/* The next of the faults that happen at times. */
int64_t sim_swarm_next_ms(const struct sim *sim);
void sim_swarm_tick(struct sim *sim);
void sim_heal(struct sim *sim);

/* --- world.c -------------------------------------------------------------------------------------------- */
struct sim_person {
    unsigned number;
    size_t node;
    const char *region;
    bool has_account;
};
void sim_world_open(struct sim *sim);
void sim_world_close(struct sim *sim);
const char *sim_node_name(size_t node);
size_t sim_people(const struct sim *sim);
struct sim_person sim_person(const struct sim *sim, size_t who);
void sim_person_name(const struct sim_person *person, struct gj_req_person *ret);
/* One of the node's regions; its institution. */
const char *sim_region(size_t node, unsigned which);
const char *const *sim_regions(size_t node); /* both of them */

/* --- keys.c --------------------------------------------------------------------------------------------- */
void sim_keys_open(struct sim *sim);
const struct gj_data_key *sim_data_keys(void);
/* A node has voted YES: sometimes its key, or its coordinator's, does not live until the COMMIT. */
void sim_keys_voted(struct sim *sim, size_t node, const char *coordinator);
void sim_keys_sent(struct sim *sim, size_t node, const uint8_t *frame, size_t len);
int64_t sim_keys_next_ms(const struct sim *sim);
void sim_keys_tick(struct sim *sim);
/* Is the alarm about a key that the node has not heard of yet, or that is over? */
bool sim_keys_excuse(const struct sim *sim, size_t node, const struct gj_event *event);
void sim_keys_heal(struct sim *sim); /* everybody hears of every change */

/* --- disk.c --------------------------------------------------------------------------------------------- */
struct gj_store *sim_disk_wrap(void *ctx, size_t node, struct gj_store *inner);
/* With SQLite only: the disk under a node; its process begins; its service is about to stop, and has stopped; the node
 * has nothing to do. */
void sim_disk_open(struct sim *sim, size_t node, const char *path);
void sim_disk_starts(struct sim *sim, size_t node);
void sim_disk_stops_well(struct sim *sim, size_t node);
void sim_disk_stopped(struct sim *sim, size_t node);
void sim_disk_idles(struct sim *sim, size_t node);
/* A copy of a node's store, which is in memory, the caller's to close. */
struct gj_store *sim_disk_clone(struct sim *sim, size_t node);
/* Takes a backup of a node that is up; puts it back under one that is down. */
void sim_disk_back_up(struct sim *sim, size_t node);
void sim_disk_put_back(struct sim *sim, size_t node);
void sim_disk_close(struct sim *sim, size_t node);
bool sim_disk_is_sound(const struct sim *sim, size_t node);

/* --- network.c ------------------------------------------------------------------------------------------ */
void sim_network_sent(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate);
/* Puts a frame under way, due at a time. */
struct sim_flight *sim_network_push(struct sim *sim, size_t from, size_t to, const uint8_t *bytes, size_t len,
                                    int64_t due_ms);
int64_t sim_network_next_ms(const struct sim *sim);
void sim_network_tick(struct sim *sim);
/* Takes the next one out of a node's inbox; NULL if there is none. The caller frees it. */
struct sim_flight *sim_network_take(struct sim *sim, size_t node);
/* Is the queue of that node so full that nothing more is taken? */
bool sim_network_is_full(const struct sim *sim, size_t node);
void sim_network_lose(struct sim *sim, size_t node);
void sim_network_done(struct sim *sim);

/* --- node.c --------------------------------------------------------------------------------------------- */
int64_t sim_node_next_ms(const struct sim *sim, size_t node);
void sim_node_tick(struct sim *sim, size_t node);
void sim_node_crash(struct sim *sim, size_t node, const char *why);
void sim_node_start(struct sim *sim, size_t node);
bool sim_node_replies(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer);
void sim_node_reports(void *ctx, size_t node, const struct gj_event *event);

/* --- liars.c -------------------------------------------------------------------------------------------- */
void sim_liars_open(struct sim *sim);
void sim_liars_close(struct sim *sim);
bool sim_is_liar(const struct sim *sim, size_t node);
const char *sim_lie_word(enum sim_lie lie);
/* A frame of the liar's engine: what is sent instead, often the frame itself. */
struct gj_slice sim_liars_say(struct sim *sim, const struct gj_cluster_flight *flight, bool *ret_is_refused);
/* A frame to the liar; false: its engine does not get to hear it. */
bool sim_liars_hear(struct sim *sim, const struct sim_flight *flight);
void sim_liars_at_last(struct sim *sim); /* one more, when all is over */
void sim_liars_tick(struct sim *sim);    /* lies that nobody asked for */
void sim_liars_die(struct sim *sim);     /* its engine went down */

/* --- late.c --------------------------------------------------------------------------------------------- */
void sim_away(struct sim *sim);
void sim_hands(struct sim *sim);
void sim_years(struct sim *sim);

/* --- again.c -------------------------------------------------------------------------------------------- */
/* I12, in the seeds that record: the stores at first; played and compared at the end. */
void sim_again_draw(struct sim *sim);
void sim_again_open(struct sim *sim);
void sim_again_compare(struct sim *sim);
void sim_again_close(struct sim *sim);

/* --- run.c ---------------------------------------------------------------------------------------------- */
/* One instant: whatever is due, at |until_ms| at the latest. */
void sim_turn(struct sim *sim, int64_t until_ms);

/* --- clients.c ------------------------------------------------------------------------------------------ */
void sim_clients_open(struct sim *sim);
void sim_clients_close(struct sim *sim);
int64_t sim_clients_next_ms(const struct sim *sim);
void sim_clients_tick(struct sim *sim);
/* What an answer belongs to; an empty msgid: nothing that is stored. */
void sim_ticket(struct sim *sim, uint64_t ticket, size_t node, const char *request, const char *sender,
                const char *msgid);
bool sim_clients_are_done(const struct sim *sim);

/* --- story.c -------------------------------------------------------------------------------------------- */
void sim_say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What a frame holds, for people. */
void sim_say_frame(struct sim *sim, const char *verb, size_t from, size_t to, const uint8_t *bytes,
                   size_t len);
void sim_mix(struct sim *sim, const void *ptr, size_t len);
void sim_story_free(struct sim_story *story);
/* The lines about what failed, and the last ones. */
void sim_story_print(const struct sim_story *story, const struct ck_failure *failure, FILE *out);

/* --- cells.c: which cell of the state tables a message meets -------------------------------------------- */
void sim_cells_delivered(struct sim *sim, const struct sim_flight *flight);

#endif
