/* SPDX-License-Identifier: Apache-2.0
 *
 * The exhaustive search: one transaction, a few nodes, and everything that may happen between them, tried at every
 * point. What may happen is a choice (exhaustive_step.c); two histories that lead to the same state are one
 * (exhaustive_hash.c); a state is a process, and each choice a child of it (exhaustive.c).
 */
#ifndef GJ_TESTS_SIM_EXHAUSTIVE_H
#define GJ_TESTS_SIM_EXHAUSTIVE_H

#include "sim.h"

#define EX_DEPTH_MAX   250u /* choices on one path */
#define EX_CHOICES_MAX 900u /* in one state */
#define EX_FLIGHTS_MAX 64u  /* under way at once */
#define EX_KNOWN       128u

/* --- how much of it may happen on one path -------------------------------------------------------------- */
#define EX_BOUNDS(X)                                                                                         \
    X(DROP, "drop", "parcels lost")                                                                          \
    X(DUP, "dup", "parcels that come twice")                                                                 \
    X(CRASH, "crash", "nodes that die")                                                                      \
    X(IDLE, "die", "... between two steps only")                                                             \
    X(TIMER, "timer", "timers that fire")                                                                    \
    X(LATE, "late", "the wall clocks pass the expiry of a PREPARE")                                          \
    X(ASK, "ask", "times the client asks again after a crash")                                               \
    X(REVERSE, "reverse", "times the client reverses")                                                       \
    X(FULL, "full", "batches for which a store has no room")                                                 \
    X(DOUBT, "doubt", "starts without a witness file")                                                       \
    X(BOOT, "boot", "starts that die in their recovery")                                                     \
    X(BACKUP, "backup", "stores put back as they were at the start; the path ends with it")                  \
    X(GREET, "greet", "1: greetings are choices too; else HELLO and WELCOME arrive at once")                 \
    X(ANY, "any", "of drop, dup, crash, die, late, reverse, full together")

enum ex_bound {
#define X(name, word, text) EX_##name,
    EX_BOUNDS(X)
#undef X
        EX_BOUND_COUNT
};

/* --- choices -------------------------------------------------------------------------------------------- */
enum ex_kind {
    EX_DELIVER,
    EX_COPY,
    EX_LOSE,
    EX_FIRE,
    EX_DIE,
    EX_START,
    EX_START_DOUBT,
    EX_PASS,
    EX_ASK_AGAIN,
    EX_UNDO,
    EX_RESTORE, /* starts on an old copy of its store; then all run without faults */
    EX_LIE      /* |flight|: which, to whom */
};
/* How the step of a choice ends. */
enum ex_end {
    EX_WELL,
    EX_BEFORE, /* dies at its flush, which is not there afterwards */
    EX_AFTER,  /* dies at its flush, which is there, and nothing of it was said */
    EX_PART,   /* dies when only some of its parcels had left */
    EX_NO_ROOM /* the store is full: the batch is rolled back, the node goes on */
};

struct ex_choice {
    uint8_t kind, end, node, mask; /* |mask|: EX_PART, the nodes whose parcels were lost */
    uint32_t flight;
};

/* --- rows of "After a crash" ---------------------------------------------------------------------------- */
#define EX_ROWS(X)                                                                                           \
    X(C_BEFORE, "coordinator dies before COMMITTED is flushed")                                              \
    X(C_WHILE_TORN, "coordinator dies while COMMITTED is flushed: not there")                                \
    X(C_WHILE_WHOLE, "coordinator dies while COMMITTED is flushed: there, nothing sent")                     \
    X(C_AFTER, "coordinator dies after COMMITTED is flushed")                                                \
    X(P_BEFORE, "participant dies before PREPARED is flushed")                                               \
    X(P_AROUND, "participant dies after PREPARED is flushed, its vote not sent")                             \
    X(P_AFTER, "participant dies while PREPARED")                                                            \
    X(P_COMMITTED_TORN, "participant dies while COMMITTED is flushed: not there")                            \
    X(P_COMMITTED_WHOLE, "participant dies while COMMITTED is flushed: there, no ACK sent")                  \
    X(IO_ERROR, "a flush reports an error: the engine gives up")                                             \
    X(FULL, "a store is full")                                                                               \
    X(GATE, "a start without a witness file")                                                                \
    X(RECOVERY, "a node dies in its recovery")                                                               \
    X(OLD_STORE, "a store went back in time: RESYNC")

enum ex_row {
#define X(name, text) EX_ROW_##name,
    EX_ROWS(X)
#undef X
        EX_ROW_COUNT
};

/* What was met, in all states together. */
struct ex_met {
    uint64_t part[SIM_PART_STATES][SIM_PART_INPUTS], coord[SIM_COORD_STATES][SIM_COORD_INPUTS];
    uint64_t events[GJ_EVENT_COUNT], rows[EX_ROW_COUNT];
};
/* Prints it; returns how many cells and rows are missing without a reason (exhaustive_report.c). */
unsigned ex_report(const struct ex_met *met);

/* --- one state: this process ---------------------------------------------------------------------------- */
struct ex {
    struct sim *sim;
    enum gj_request_kind start; /* SETTLE, REFUND, BIND: what the transaction is */
    uint8_t left[EX_BOUND_COUNT];
    int64_t mono_ms[SIM_NODES_MAX], wall_ms;
    uint64_t node_hash[SIM_NODES_MAX];
    struct ex_known {
        uint64_t number, hash;
    } known[EX_KNOWN]; /* what parcels say, by the last bits of their numbers */
    size_t changed;    /* the only node that has changed since the last ex_hash(); the number of nodes: any */
    struct {
        uint64_t key, first;
        bool is_deaf;
    } step;                   /* the one that is being made, for exhaustive_memo.c */
    const struct ex_met *met; /* for lies; NULL: none is told */
    bool is_lied;             /* alarms are no failure any more */
    bool is_planted; /* a record was written that no node would write: the books do not agree with it */
    bool is_prompt;  /* greetings are no choice: HELLO and WELCOME arrive at once */
    bool is_free;    /* nothing is searched: setting up, or the end without faults */
    bool is_moot;    /* the last choice was none: what it names did not happen */
    /* the client */
    size_t client_node;
    union ex_body {
        struct gj_req_bill bill;
        struct gj_req_refund refund;
        struct gj_req_bind bind;
    } body;
    char sender[GJ_SENDER_MAX + 1], msgid[GJ_MSGID_MAX + 1];
    bool has_answer, waits; /* of the request; |waits|: the node that owes it has not died since */
    uint64_t rows[EX_ROW_COUNT];
    uint64_t ticket;
};

/* --- exhaustive_world.c ---------------------------------------------------------------------------------- */
/* The start state: all are bound and know each other, the client has asked, the next parcel begins the transaction. */
struct ex *ex_open(size_t nodes, enum gj_request_kind start);
void ex_close(struct ex **ex_p);
/* All start, hear each other, have time. Fails (ck_failed) if something is left undone. */
void ex_end(struct ex *ex);
uint64_t ex_submit(struct ex *ex, size_t node, enum gj_request_kind kind, const void *body,
                   const char *msgid);
void ex_ask(struct ex *ex);

/* --- exhaustive_step.c ---------------------------------------------------------------------------------- */
unsigned ex_choices(struct ex *ex, struct ex_choice ret[EX_CHOICES_MAX]);
bool ex_is_leaf(const struct ex *ex);
void ex_do(struct ex *ex, const struct ex_choice *choice);
void ex_spend(uint8_t left[EX_BOUND_COUNT], const struct ex_choice *choice);
bool ex_is_up(const struct ex *ex, size_t node);
/* Out of the network; the order of those that stay is of no importance. */
struct sim_flight *ex_take(struct ex *ex, size_t place);
void ex_set_clock(struct ex *ex, size_t node);
void ex_step(struct ex *ex, size_t node);
void ex_deliver(struct ex *ex, const struct sim_flight *flight);
void ex_start(struct ex *ex, size_t node, bool in_doubt);
void ex_goes_down(struct ex *ex, size_t node);
/* What is due at this instant is done in it: no choice lies between. */
void ex_catch_up(struct ex *ex, size_t node);
/* I3: what comes back from the disk is what was made durable. */
void ex_compare(struct ex *ex, size_t node);
/* "d12", "d12b", "x3", "c1": and back. */
void ex_choice_write(const struct ex_choice *choice, char *dst, size_t cap);
bool ex_choice_read(const char *text, struct ex_choice *ret);

/* The program, from --exhaustive on. */
int ex_main(int argc, char **argv);

/* --- exhaustive_hash.c: all that is known here of an engine from the inside ------------------------------- */
/* What a state is, but for what cannot matter. */
uint64_t ex_hash(struct ex *ex);
/* When a timer of that node is due that can change anything; INT64_MAX: none. */
int64_t ex_due_ms(const struct ex *ex, size_t node);
/* What the receiver of a flight would make of it. */
enum ex_standing { EX_FRESH, EX_SEEN, EX_STALE };
enum ex_standing ex_standing(const struct ex *ex, const struct sim_flight *flight);
uint64_t ex_hash_content(struct ex *ex, const struct sim_flight *flight);
uint64_t ex_hash_flight(struct ex *ex, const struct sim_flight *flight);
uint64_t ex_hash_node(const struct ex *ex, size_t node);
uint64_t ex_hash_of(const struct ex *ex, const uint64_t *nodes, uint64_t flights, size_t n_flights);
uint64_t ex_mix(uint64_t hash, uint64_t word);

/* --- exhaustive_lies.c ---------------------------------------------------------------------------------- */
/* The lies that may be told here and have not been told often enough. */
unsigned ex_lies(struct ex *ex, struct ex_choice *ret, unsigned max);
bool ex_lie(struct ex *ex, const struct ex_choice *choice);
/* Who leads to that cell, if honest nodes do not; NULL: they do. */
const char *ex_led_to_part(unsigned state, unsigned input);
const char *ex_led_to_coord(unsigned state, unsigned input);

/* --- exhaustive_memo.c ---------------------------------------------------------------------------------- */
enum ex_foresight { EX_UNKNOWN, EX_MOOT, EX_FORESEEN };
void ex_memo_open(void);
/* Which state the choice leads to, if such a step was made before. */
enum ex_foresight ex_foresee(struct ex *ex, const struct ex_choice *choice, uint64_t *ret_hash);
void ex_learn_before(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight);
void ex_learn_after(struct ex *ex, const struct ex_choice *choice, const struct sim_flight *flight);

#endif
