/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit protocol of src/protocol as a model for spin: one transaction, a coordinator (node 0) and N
 * participants (nodes 1 to N), any number of crashes, restarts, lost, doubled, late and overtaking messages.
 * It must never be kinder than the C code: what a node may do there, it may do here. The lines T(machine, state,
 * input, cell) of coordinator.pml and participant.pml are the tables of coordinator.c and participant.c;
 * tests/table/test_model_tables.c compares them.
 * What is modelled, what is left out and why that is sound, and how to run it: README.md.
 */
#ifndef N
#define N 2 /* participants: 2 or 3 */
#endif
#if N != 2 && N != 3
#error "N is 2 or 3"
#endif
#ifndef ROUNDS
#define ROUNDS 2 /* of timers; then all must be decided, once the faults have stopped */
#endif
#define DEADLINE_ROUND 2 /* in this round at the latest the votes' deadline is over */

#define BIT(node)      (1 << (node))
#define HAS(set, node) ((set) & BIT(node))
#define ALL_NODES      (BIT(N + 1) - 1)
#define ALL            (ALL_NODES & ~BIT(0)) /* the participants */

/* What is said, and what a machine can hear. */
#define NOTHING       0
#define PREPARE       1
#define COMMIT        2
#define ABORT         3
#define YES           4
#define NO            5
#define ACK           6
#define INQUIRE       7  /* to the coordinator and to the other participants; it carries the YES */
#define SAY_REFUSED   8  /* STATUS of a participant, signed: a proof */
#define SAY_ABORTED   9  /* STATUS with the coordinator's ABORT as the proof of it */
#define SAY_REFUSAL   10 /* STATUS ABORTED with another's refusal as the proof of it */
#define SAY_COMMITTED 11 /* STATUS with the certificate */
#define CANCEL        12 /* a reversal at the coordinator */
/* What a PREPARE finds. BUSY is no vote; LATER: an outside core platform was asked for the hold. */
#define BUSY  13
#define LATER 14

/* --- deliberate faults, and properties ----------------------------------------------------------------------
 * With MUTATIONS one fault is turned on (0: none) and one property looks at it (all: all), when the search starts. */
#define PROPERTIES(X)                                                                                         \
    X(I1_agreement) X(I2_all_prepared) X(I3_decision_stands) X(I4_record_first) X(I5_one_vote) X(I7_posted_once) \
    X(I8_holds_are_right) X(I9_no_early_release) X(no_hold_after_abort) X(ended_is_known_to_all) X(no_alarm)    \
    X(all_decided)

#ifdef MUTATIONS
#define LOOKS_AWAY(property) static char property##_looks_away;
#define CHOOSE(property)     property##_looks_away = strcmp(wanted, "all") != 0 && strcmp(wanted, #property) != 0;
c_decl {
\#include <stdlib.h>
\#include <string.h>
    static int mutation;
    PROPERTIES(LOOKS_AWAY)
    __attribute__((constructor)) static void choose(void) {
        const char *wanted = getenv("PROPERTY");
        mutation = atoi(getenv("MUTATION"));
        PROPERTIES(CHOOSE)
    }
}
#define MUTATED(n)               c_expr { mutation == n }
#define CHECK(property, is_true) property = (is_true) || c_expr { property##_looks_away }; assert(property)
#else
#define MUTATED(n)               false
#define CHECK(property, is_true) property = (is_true); assert(property)
#endif

#define DECLARE(property) hidden byte property;
PROPERTIES(DECLARE)

/* --- what the nodes know ----------------------------------------------------------------------------------- */

mtype = {
    coordinator_NONE, coordinator_COLLECTING, coordinator_PAST, coordinator_COMMITTED, coordinator_ABORTED,
    coordinator_ENDED,
    participant_NONE, participant_PREPARING, participant_PREPARED, participant_REFUSED, participant_ABORTED,
    participant_COMMITTED, participant_RESOLVED, participant_COLLECTED
};

/* Durable. COLLECTING and PAST are one record, BEGUN: of the present epoch, or of one that is over. */
mtype coordinator_state = coordinator_NONE;
bool c_issued;             /* the txid was given away; epoch and seq never give it again */
byte c_yes, c_no, c_acked; /* vote rows */
mtype part[N + 1] = participant_NONE;
byte by_refusal;           /* participants whose proof of the abort is another's refusal */
byte holds;                /* nodes whose money is reserved */
byte posted;               /* nodes whose postings are made */

/* Volatile. */
byte open = ALL_NODES;      /* nodes whose start-up gate is open and whose past is settled */
byte timer;                 /* nodes with something due for this transaction */
byte asked;                 /* participants that have asked the others: only they believe a refusal */
byte out[N + 1];            /* what the last batch has to send: leaves after its flush, or never */
byte out_to[N + 1];         /* to these nodes */
byte unrecorded;            /* mutations only: nodes that have spoken before their flush */

/* --- the network: who has something under way to him, or from him ------------------------------------------
 * While there are faults a message stays where it is: it may come late, many times, behind all others, or never.
 * When the faults have stopped it comes once. */
byte net_prepare, net_commit, net_abort;      /* to */
byte net_refused, net_aborted, net_committed; /* STATUS, to */
byte net_yes, net_no, net_ack, net_inquire;   /* from */
byte net_ask[N + 1];                          /* INQUIRE, by the participant that is asked: from */

/* --- the world --------------------------------------------------------------------------------------------- */
bool healed;   /* the faults have stopped */
bool orphaned; /* and the coordinator never comes back */
byte round;
byte due;      /* nodes whose timers fire in this round */

/* --- what was, for the properties only --------------------------------------------------------------------- */
byte had_prepared;               /* participants that have had a durable PREPARED */
byte said_yes, said_no;
byte told_abort;                 /* participants that were told ABORT by the coordinator */
byte was_committed, was_aborted; /* nodes that recorded it */

/* Registers of one step, set in it before they are read; no part of a state. */
hidden byte input, from, verdict, may_speak;

/* --- properties -------------------------------------------------------------------------------------------- */

#define C_IS(state)       (coordinator_state == coordinator_##state)
#define P_IS(node, state) (part[node] == participant_##state)
#if N == 2
#define EACH(what) (what(1) && what(2))
#else
#define EACH(what) (what(1) && what(2) && what(3))
#endif

#define HOLD_IS_RIGHT(i)   ((HAS(holds, i) != 0) == P_IS(i, PREPARED))
#define COMMIT_STANDS(i)   (!HAS(was_committed, i) || P_IS(i, COMMITTED) || P_IS(i, COLLECTED))
#define ABORT_STANDS(i)    (!HAS(was_aborted, i) || P_IS(i, ABORTED) || P_IS(i, REFUSED) || P_IS(i, COLLECTED))
#define NOTHING_HANGS(i)   (!HAS(told_abort, i) || !HAS(holds, i))
#define KNOWS_COMMIT(i)    (P_IS(i, COMMITTED) || P_IS(i, COLLECTED))
#define IS_CERTAIN(i)      (!P_IS(i, PREPARED) && !P_IS(i, PREPARING))
#define PROVES_NOTHING(i)  (P_IS(i, PREPARED) || P_IS(i, RESOLVED) || P_IS(i, COLLECTED))
#define IS_NOT_RESOLVED(i) (!P_IS(i, RESOLVED))

/* A participant that aborted without having been PREPARED has refused, and never says YES. */
#define SOMEBODY_REFUSED (was_aborted & ~had_prepared & ALL)
#define MAY_STILL_COMMIT (C_IS(COMMITTED) || C_IS(ENDED) || (C_IS(COLLECTING) && !SOMEBODY_REFUSED))

/* True in every state. I4 is checked where messages leave, I7 where money is posted, I9 where holds are released. */
inline check() {
    CHECK(I1_agreement, !was_committed || !was_aborted);
    CHECK(I2_all_prepared, !was_committed || had_prepared == ALL);
    CHECK(I3_decision_stands, EACH(COMMIT_STANDS) && EACH(ABORT_STANDS) &&
          (!HAS(was_committed, 0) || C_IS(COMMITTED) || C_IS(ENDED)) &&
          (!HAS(was_aborted, 0) || C_IS(ABORTED) || C_IS(NONE)));
    CHECK(I5_one_vote, !(said_yes & said_no));
    CHECK(I8_holds_are_right,
          EACH(HOLD_IS_RIGHT) && (HAS(holds, 0) != 0) == (C_IS(COLLECTING) || C_IS(PAST)));
    CHECK(no_hold_after_abort, EACH(NOTHING_HANGS));
    CHECK(ended_is_known_to_all, !C_IS(ENDED) || EACH(KNOWS_COMMIT))
}

/* True when the faults have stopped and the timers have fired ROUNDS times, or nothing is left that could. An orphan
 * can know the end unless all of them are in doubt, or their answers prove nothing. */
#define END_IS_GOOD                                                                                           \
    (orphaned -> (EACH(IS_CERTAIN) || EACH(PROVES_NOTHING))                                                    \
              : (EACH(IS_CERTAIN) && (C_IS(NONE) || C_IS(ABORTED) || C_IS(ENDED) ||                            \
                                      (C_IS(COMMITTED) && !EACH(IS_NOT_RESOLVED)))))

#ifdef LIVENESS
ltl it_ends { [] (healed -> <> (round > ROUNDS)) }
#endif

/* --- one batch: an input, its record, what is to be sent --------------------------------------------------- */

inline send(node, kind, nodes) {
    out[node] = kind;
    out_to[node] = nodes
}

#define IS_IDLE(node) (out[node] == NOTHING && !HAS(unrecorded, node))

/* For fewer states: record and send in one step; a crash between them is then a message that never comes. */
#ifdef PROMPT
#define SEND_NOW(node, releases)                                                                              \
    if                                                                                                        \
    :: out[node] != NOTHING -> releases()                                                                     \
    :: else                                                                                                   \
    fi;
#else
#define SEND_NOW(node, releases)
#endif

/* For fewer states: a restart finds its gate open. */
#ifdef WITNESSED
#define SETTLE_NOW(settles) settles()
#else
#define SETTLE_NOW(settles) skip
#endif

/* A message comes. Whom it is for, or whom it is from, is one bit of a set. */
inline take(set, node) {
    if
    :: healed -> set = set & ~BIT(node)
    :: else
    fi
}

inline take_from_any(set) {
    if
    :: HAS(set, 1) -> from = 1
    :: HAS(set, 2) -> from = 2
#if N > 2
    :: HAS(set, 3) -> from = 3
#endif
    fi;
    take(set, from)
}

/* Once the faults have stopped, timers fire only when everything else is done. */
#define IS_TIME(node) (!healed || HAS(due, node))

/* What every crash takes. Whoever is down hears nothing and says nothing, so down and up again are one step. */
inline crash(node) {
    open = open & ~BIT(node);
    timer = timer & ~BIT(node);
    asked = asked & ~BIT(node);
    unrecorded = unrecorded & ~BIT(node);
    send(node, NOTHING, 0)
}

/* The row of a table. VISIT tells once that it was used. */
#ifdef VISITS
#define VISIT(row) c_code { static char seen; if (!seen) { seen = 1; printf("cell %s\n", row); } };
#else
#define VISIT(row)
#endif
#define T(machine, state, what, cell)                                                                         \
    :: machine##_state == machine##_##state && input == what -> VISIT(#machine " " #state " " #what) cell()

inline alarm() {
    CHECK(no_alarm, false)
}

inline ignore() {
    skip
}

#include "coordinator.pml"
#include "participant.pml"

/* --- the world --------------------------------------------------------------------------------------------- */

#define WITH_TIMER ((timer | (ALL_NODES & ~open)) & (orphaned -> ALL : ALL_NODES))

/* LOSSY: a lost message is really gone, and what is under way when the faults stop still comes. Else: what is under
 * way when the faults stop is lost, and what is lost before is merely never heard. */
#ifdef LOSSY
#define LOSE(set)                                                                                             \
    :: atomic { !healed && HAS(set, 1) -> set = set & ~BIT(1) }                                                 \
    :: atomic { !healed && HAS(set, 2) -> set = set & ~BIT(2) }                                                 \
    :: atomic { !healed && HAS(set, 3) -> set = set & ~BIT(3) }
#else
#define LOSE(set)
#endif

inline lose_all() {
#ifndef LOSSY
    net_prepare = 0;
    net_commit = 0;
    net_abort = 0;
    net_refused = 0;
    net_aborted = 0;
    net_committed = 0;
    net_yes = 0;
    net_no = 0;
    net_ack = 0;
    net_inquire = 0;
    net_ask[1] = 0;
    net_ask[2] = 0;
#if N > 2
    net_ask[3] = 0;
#endif
#endif
    skip
}

/* It may end here; so may the others, each at the top of its loop and nowhere in the middle of a step. */
active proctype world() {
end:
    do
    LOSE(net_prepare)
    LOSE(net_commit)
    LOSE(net_abort)
    LOSE(net_refused)
    LOSE(net_aborted)
    LOSE(net_committed)
    LOSE(net_yes)
    LOSE(net_no)
    LOSE(net_ack)
    LOSE(net_inquire)
    LOSE(net_ask[1])
    LOSE(net_ask[2])
#ifndef SAFETY_ONLY
    :: atomic { !healed -> healed = true; lose_all() }
    /* A gate that is shut would wait for the coordinator. */
    :: atomic { !healed && (open & ALL) == ALL -> healed = true; orphaned = true; lose_all() }
#endif
    :: atomic {
        healed && timeout && round <= ROUNDS ->
        if
        :: round == ROUNDS || !WITH_TIMER -> CHECK(all_decided, END_IS_GOOD); round = ROUNDS + 1
        :: else -> round++; due = WITH_TIMER
        fi
    }
    od
}
