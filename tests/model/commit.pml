/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit protocol of src/protocol as a model for spin: one transaction, a coordinator (node 0) and N
 * participants (nodes 1 to N), any number of crashes, restarts, lost, doubled, late and overtaking messages.
 * It must never be kinder than the C code: what a node may do there, it may do here. The lines T(machine, state,
 * input, cell) are the tables of coordinator.c and participant.c; tests/table/test_model_tables.c compares them.
 * What is modelled, what is left out and why that is sound, and how to run it: README.md.
 */
#ifndef N
#define N 2 /* participants: 2 or 3 */
#endif
#ifndef ROUNDS
#define ROUNDS 2 /* of timers; then all must be decided, once the faults have stopped */
#endif
#define DEADLINE_ROUND 2 /* in this round at the latest the votes' deadline is over */

#define BIT(node)      (1 << (node))
#define HAS(set, node) ((set) & BIT(node))
#define ALL            (BIT(N + 1) - 2) /* the participants, as a set */

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
 * MUTATIONS: run.sh turns on one fault at a time and wants one property (or none, "all") to break; the
 * others look away. */
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
byte open = BIT(N + 1) - 1; /* nodes whose start-up gate is open and whose past is settled */
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
byte due;    /* nodes whose timers fire in this round */

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

/* --- cells of the coordinator ------------------------------------------------------------------------------ */

inline commit_tx() {
    coordinator_state = coordinator_COMMITTED;
    was_committed = was_committed | BIT(0);
    holds = holds & ~BIT(0);
    CHECK(I7_posted_once, !HAS(posted, 0));
    posted = posted | BIT(0);
    timer = timer | BIT(0);
    send(0, COMMIT, ALL)
}

inline abort_tx() {
    coordinator_state = coordinator_ABORTED;
    was_aborted = was_aborted | BIT(0);
    holds = holds & ~BIT(0);
    timer = timer & ~BIT(0);
    send(0, ABORT, ALL)
}

inline count_yes() {
    c_yes = c_yes | BIT(from);
    if
    :: c_yes == ALL && MUTATED(2) -> net_commit = ALL; unrecorded = unrecorded | BIT(0)
    :: c_yes == ALL && !MUTATED(2) -> commit_tx()
    :: c_yes != ALL && MUTATED(9) && (c_yes | BIT(N)) == ALL -> commit_tx()
    :: else
    fi
}

inline refuse_by_vote() {
    if
    :: HAS(c_yes, from) -> alarm()
    :: else
    fi;
    c_no = c_no | BIT(from);
    abort_tx()
}

inline resend_commit() {
    send(0, COMMIT, BIT(from))
}

inline resend_abort() {
    if
    :: HAS(open, 0) && !MUTATED(16) -> send(0, ABORT, BIT(from))
    :: else
    fi
}

inline alarm_equivocation() {
    alarm()
}

inline note_ack() {
    c_acked = c_acked | BIT(from);
    if
    :: MUTATED(17) -> was_committed = was_committed & ~BIT(0); coordinator_state = coordinator_NONE
    :: c_acked == ALL || MUTATED(18) -> coordinator_state = coordinator_ENDED
    :: else
    fi;
    if
    :: !C_IS(COMMITTED) -> timer = timer & ~BIT(0)
    :: else
    fi
}

inline cancel() {
    abort_tx()
}

inline coordinator_hears() {
    if
    :: input == NOTHING
    /* Two different signed votes are an alarm after an abort too. */
    :: C_IS(ABORTED) && (input == YES && HAS(c_no, from) || input == NO && HAS(c_yes, from)) -> alarm()
    T(coordinator, NONE, YES, resend_abort)
    T(coordinator, NONE, NO, ignore)
    T(coordinator, NONE, ACK, ignore)
    T(coordinator, NONE, INQUIRE, resend_abort)
    T(coordinator, NONE, CANCEL, ignore)
    T(coordinator, COLLECTING, YES, count_yes)
    T(coordinator, COLLECTING, NO, refuse_by_vote)
    T(coordinator, COLLECTING, ACK, ignore)
    T(coordinator, COLLECTING, INQUIRE, ignore)
    T(coordinator, COLLECTING, CANCEL, cancel)
    T(coordinator, PAST, YES, ignore)
    T(coordinator, PAST, NO, ignore)
    T(coordinator, PAST, ACK, ignore)
    T(coordinator, PAST, INQUIRE, ignore)
    T(coordinator, PAST, CANCEL, ignore)
    T(coordinator, COMMITTED, YES, resend_commit)
    T(coordinator, COMMITTED, NO, alarm_equivocation)
    T(coordinator, COMMITTED, ACK, note_ack)
    T(coordinator, COMMITTED, INQUIRE, resend_commit)
    T(coordinator, COMMITTED, CANCEL, ignore)
    T(coordinator, ABORTED, YES, resend_abort)
    T(coordinator, ABORTED, NO, ignore)
    T(coordinator, ABORTED, ACK, ignore)
    T(coordinator, ABORTED, INQUIRE, resend_abort)
    T(coordinator, ABORTED, CANCEL, ignore)
    T(coordinator, ENDED, YES, resend_commit)
    T(coordinator, ENDED, NO, alarm_equivocation)
    T(coordinator, ENDED, ACK, ignore)
    T(coordinator, ENDED, INQUIRE, resend_commit)
    T(coordinator, ENDED, CANCEL, ignore)
    fi
}

/* --- what else a coordinator does -------------------------------------------------------------------------- */

/* BEGUN, the holds on our own legs, the txid taken: one record. */
inline begin() {
    c_issued = true;
    if
    :: !MUTATED(26) ->
        coordinator_state = coordinator_COLLECTING;
        holds = holds | BIT(0);
        timer = timer | BIT(0)
    :: else
    fi;
    send(0, PREPARE, ALL)
}

inline coordinator_tick() {
    if
    :: C_IS(COLLECTING) && !MUTATED(15) -> abort_tx() /* the deadline of the votes */
    :: C_IS(COLLECTING) && (round < DEADLINE_ROUND || MUTATED(15)) -> send(0, PREPARE, ALL & ~c_yes)
    :: C_IS(COMMITTED) -> send(0, COMMIT, ALL & ~c_acked)
    :: C_IS(COMMITTED) && MUTATED(14) -> abort_tx()
    fi
}

inline coordinator_takes_an_epoch() {
    if
    :: C_IS(COLLECTING) && !MUTATED(7) -> coordinator_state = coordinator_PAST
    :: else
    fi
}

/* The gate opens: what began in an epoch that is over is aborted, what was committed is sent again. */
inline coordinator_settles() {
    open = open | BIT(0);
    if
    :: C_IS(PAST) && !MUTATED(8) -> abort_tx()
    :: C_IS(PAST) && MUTATED(8) -> commit_tx()
    :: C_IS(COMMITTED) && MUTATED(21) -> abort_tx()
    :: C_IS(COMMITTED) && !MUTATED(20) && !MUTATED(21) -> timer = timer | BIT(0)
    :: else
    fi
}

inline coordinator_releases() {
    if
    :: out[0] == PREPARE ->
        CHECK(I4_record_first, C_IS(COLLECTING));
        net_prepare = net_prepare | out_to[0]
    :: out[0] == COMMIT ->
        CHECK(I4_record_first, C_IS(COMMITTED) || C_IS(ENDED));
        net_commit = net_commit | out_to[0]
    :: out[0] == ABORT ->
        CHECK(I4_record_first, C_IS(ABORTED) || C_IS(NONE));
        net_abort = net_abort | out_to[0]
    fi;
    send(0, NOTHING, 0)
}

#define C_CAN_HEAR (!orphaned && IS_IDLE(0))

/* Every step sets |input|; what is NOTHING goes to no table. */
active proctype coordinator() {
    do
    :: atomic {
        if
        :: !healed && IS_IDLE(0) && HAS(open, 0) && C_IS(NONE) && !c_issued -> input = NOTHING; begin()
        :: C_CAN_HEAR && net_yes -> take_from_any(net_yes); input = YES
        :: C_CAN_HEAR && net_no -> take_from_any(net_no); input = NO
        :: C_CAN_HEAR && net_ack -> take_from_any(net_ack); input = ACK
        :: C_CAN_HEAR && net_ack && C_IS(ENDED) && MUTATED(32) ->
            input = NOTHING;
            take_from_any(net_ack);
            resend_commit()
        :: C_CAN_HEAR && net_inquire -> take_from_any(net_inquire); input = YES
        :: C_CAN_HEAR && net_inquire -> take_from_any(net_inquire); input = INQUIRE
        :: C_CAN_HEAR && HAS(timer, 0) && IS_TIME(0) -> input = NOTHING; due = due & ~BIT(0); coordinator_tick()
        :: C_CAN_HEAR && !HAS(open, 0) && IS_TIME(0) ->
            input = NOTHING;
            due = due & ~BIT(0);
            coordinator_settles()
        :: !orphaned && out[0] != NOTHING -> input = NOTHING; coordinator_releases()
        :: !healed && IS_IDLE(0) -> input = CANCEL
        /* A later attempt of the same request names this one as superseded: as good as an ABORT. */
        :: !healed && IS_IDLE(0) && C_IS(ABORTED) -> input = NOTHING; send(0, ABORT, ALL)
        /* No record means aborted: so the record of an abort may go. */
        :: !healed && IS_IDLE(0) && (C_IS(ABORTED) || C_IS(ENDED) && MUTATED(29)) -> input = NOTHING; coordinator_state = coordinator_NONE
        :: !healed ->
            input = NOTHING;
            crash(0);
            coordinator_takes_an_epoch();
            SETTLE_NOW(coordinator_settles)
        :: HAS(unrecorded, 0) -> input = NOTHING; unrecorded = unrecorded & ~BIT(0); commit_tx()
        fi;
        coordinator_hears();
        SEND_NOW(0, coordinator_releases)
        check()
    }
    od
}

/* --- cells of a participant -------------------------------------------------------------------------------- */

/* The coordinator is process 0, so these are 1 to N. */
#define me                _pid
#define participant_state part[me]

inline forget_doubt() {
    timer = timer & ~BIT(me);
    asked = asked & ~BIT(me)
}

inline record_prepared() {
    participant_state = participant_PREPARED;
    had_prepared = had_prepared | BIT(me);
    holds = holds | BIT(me);
    timer = timer | BIT(me)
}

inline record_refused() {
    participant_state = participant_REFUSED;
    was_aborted = was_aborted | BIT(me)
}

inline record_committed() {
    participant_state = participant_COMMITTED;
    was_committed = was_committed | BIT(me);
    holds = holds & ~BIT(me);
    CHECK(I7_posted_once, !HAS(posted, me));
    posted = posted | BIT(me);
    forget_doubt()
}

inline vote_yes() {
    if
    :: MUTATED(1) -> net_yes = net_yes | BIT(me); said_yes = said_yes | BIT(me); unrecorded = unrecorded | BIT(me)
    :: else -> record_prepared(); send(me, YES, BIT(0))
    fi
}

inline vote_no() {
    if
    :: !MUTATED(28) -> record_refused()
    :: else
    fi;
    send(me, NO, BIT(0))
}

inline judge() {
    if
    :: !HAS(open, me) || verdict == BUSY
    :: HAS(open, me) && verdict == YES -> vote_yes()
    :: HAS(open, me) && verdict == NO -> vote_no()
    :: HAS(open, me) && verdict == LATER -> participant_state = participant_PREPARING
    fi
}

inline send_vote() {
    if
    :: P_IS(me, PREPARED) && verdict == NO && MUTATED(11) ->
        holds = holds & ~BIT(me);
        forget_doubt();
        vote_no()
    :: P_IS(me, REFUSED) && verdict == YES && MUTATED(12) -> was_aborted = was_aborted & ~BIT(me); vote_yes()
    :: may_speak && P_IS(me, REFUSED) -> send(me, NO, BIT(0))
    :: may_speak && !P_IS(me, REFUSED) -> send(me, YES, BIT(0))
    :: !may_speak
    fi
}

inline ack() {
    send(me, ACK, BIT(0))
}

inline post_and_ack() {
    if
    :: MUTATED(3) -> net_ack = net_ack | BIT(me); unrecorded = unrecorded | BIT(me)
    :: else -> record_committed(); ack()
    fi
}

inline ack_again() {
    if
    :: MUTATED(23) -> record_committed()
    :: else
    fi;
    ack()
}

inline lost_data() {
    alarm()
}

inline violation() {
    alarm()
}

/* An alarm too, but an expected one: people had decided by hand. */
inline open_case() {
    skip
}

/* Two signed words of one node. Nothing is changed. */
inline convict() {
    alarm()
}

inline release_hold() {
    CHECK(I9_no_early_release, !MAY_STILL_COMMIT);
    participant_state = participant_ABORTED;
    was_aborted = was_aborted | BIT(me);
    if
    :: !MUTATED(24) -> holds = holds & ~BIT(me)
    :: else
    fi;
    forget_doubt()
}

inline tombstone() {
    if
    :: !MUTATED(6) -> record_refused()
    :: else
    fi
}

inline refuse_preparing() {
    record_refused()
}

/* Said to the coordinator, who knows. */
inline status_aborted() {
    if
    :: MUTATED(27) -> judge()
    :: else
    fi
}

/* Another participant asks, with the coordinator's signed core in his hand. PREPARED and COLLECTED prove nothing, so
 * they are not sent; RESOLVED answers as PREPARED. */
inline answer_inquiry() {
    if
    :: may_speak && (P_IS(me, NONE) || P_IS(me, PREPARING)) ->
        if
        :: !MUTATED(5) -> record_refused()
        :: else
        fi;
        send(me, SAY_REFUSED, BIT(from))
    :: may_speak && P_IS(me, REFUSED) -> send(me, SAY_REFUSED, BIT(from))
    :: may_speak && P_IS(me, ABORTED) && !HAS(by_refusal, me) && !MUTATED(31) -> send(me, SAY_ABORTED, BIT(from))
    :: may_speak && P_IS(me, ABORTED) && HAS(by_refusal, me) -> send(me, SAY_REFUSAL, BIT(from))
    :: may_speak && P_IS(me, COMMITTED) -> send(me, SAY_COMMITTED, BIT(from))
    :: may_speak && P_IS(me, PREPARED) && MUTATED(22) -> send(me, SAY_REFUSED, BIT(from))
    :: else
    fi
}

inline participant_hears() {
    if
    :: input == NOTHING
    :: input == INQUIRE -> answer_inquiry()
    :: input == SAY_REFUSED -> by_refusal = by_refusal | BIT(me); release_hold()
    T(participant, NONE, PREPARE, judge)
    T(participant, NONE, COMMIT, lost_data)
    T(participant, NONE, ABORT, tombstone)
    T(participant, PREPARING, PREPARE, ignore)
    T(participant, PREPARING, COMMIT, violation)
    T(participant, PREPARING, ABORT, refuse_preparing)
    T(participant, PREPARED, PREPARE, send_vote)
    T(participant, PREPARED, COMMIT, post_and_ack)
    T(participant, PREPARED, ABORT, release_hold)
    T(participant, REFUSED, PREPARE, send_vote)
    T(participant, REFUSED, COMMIT, lost_data)
    T(participant, REFUSED, ABORT, ignore)
    T(participant, ABORTED, PREPARE, status_aborted)
    T(participant, ABORTED, COMMIT, convict)
    T(participant, ABORTED, ABORT, ignore)
    T(participant, COMMITTED, PREPARE, ack_again)
    T(participant, COMMITTED, COMMIT, ack_again)
    T(participant, COMMITTED, ABORT, violation)
    T(participant, RESOLVED, PREPARE, send_vote)
    T(participant, RESOLVED, COMMIT, open_case)
    T(participant, RESOLVED, ABORT, open_case)
    T(participant, COLLECTED, PREPARE, ignore)
    T(participant, COLLECTED, COMMIT, ack)
    T(participant, COLLECTED, ABORT, ignore)
    fi
}

/* --- what else a participant does -------------------------------------------------------------------------- */

/* What a PREPARE finds here. */
inline find_verdict() {
    if
    :: verdict = YES
    :: verdict = NO
    :: verdict = BUSY
#ifdef LATER_STATES
    :: verdict = LATER
#endif
    fi
}

/* While the gate is shut, the peers that this transaction lists may have been heard already. */
inline find_whether_it_may_speak() {
    if
    :: may_speak = true
    :: !HAS(open, me) -> may_speak = false
    fi
}

/* Of a certificate with a vote missing nothing is believed. */
inline read_certificate(votes) {
    if
    :: (votes) == ALL || MUTATED(10) -> input = COMMIT
    :: else -> input = NOTHING
    fi
}

/* Somebody else's answer, with its proof: only who is PREPARED listens. */
inline learn(what) {
    if
    :: P_IS(me, PREPARED) -> input = what
    :: else -> input = NOTHING
    fi
}

inline learn_refusal() {
    if
    :: HAS(asked, me) -> learn(SAY_REFUSED)
    :: else -> input = NOTHING
    fi
}

/* Somebody says "aborted" and proves nothing. */
inline hear_bare_word() {
    if
    :: P_IS(me, PREPARED) && MUTATED(13) -> input = ABORT
    :: else -> input = NOTHING
    fi
}

inline participant_tick() {
    if
    :: P_IS(me, PREPARED) -> asked = asked | BIT(me); send(me, INQUIRE, ALL & ~BIT(me))
    :: P_IS(me, PREPARED) && !healed -> send(me, INQUIRE, 0) /* the first tries: the coordinator only */
    :: P_IS(me, PREPARED) && MUTATED(4) -> release_hold()
    fi
}

/* The gate opens: the YES goes out again, and the inquiry is due. */
inline participant_settles() {
    open = open | BIT(me);
    if
    :: P_IS(me, PREPARED) && !MUTATED(19) -> timer = timer | BIT(me); send(me, YES, BIT(0))
    :: else
    fi
}

inline lose_memory() {
    if
    :: MUTATED(25) -> holds = holds & ~BIT(me)
    :: else
    fi
}

inline record_at_last() {
    unrecorded = unrecorded & ~BIT(me);
    if
    :: MUTATED(1) -> record_prepared()
    :: else -> record_committed()
    fi
}

/* Two people end a doubt, rightly or wrongly. */
inline resolve_by_hand() {
    participant_state = participant_RESOLVED;
    holds = holds & ~BIT(me);
    forget_doubt()
}

inline ask(other) {
    if
    :: HAS(out_to[me], other) && !MUTATED(30) -> net_ask[other] = net_ask[other] | BIT(me)
    :: else
    fi
}

inline participant_releases() {
    if
    :: out[me] == YES ->
        CHECK(I4_record_first, HAS(had_prepared, me));
        net_yes = net_yes | BIT(me);
        said_yes = said_yes | BIT(me)
    :: out[me] == INQUIRE ->
        CHECK(I4_record_first, HAS(had_prepared, me));
        net_inquire = net_inquire | BIT(me);
        said_yes = said_yes | BIT(me);
        ask(1);
        ask(2);
#if N > 2
        ask(3);
#endif
        skip
    :: out[me] == NO ->
        CHECK(I4_record_first, P_IS(me, REFUSED) || MUTATED(28));
        net_no = net_no | BIT(me);
        said_no = said_no | BIT(me)
    :: out[me] == ACK ->
        CHECK(I4_record_first, P_IS(me, COMMITTED) || P_IS(me, COLLECTED));
        net_ack = net_ack | BIT(me)
    :: out[me] == SAY_REFUSED ->
        CHECK(I4_record_first, P_IS(me, REFUSED) || MUTATED(5) || MUTATED(22));
        net_refused = net_refused | out_to[me];
        said_no = said_no | BIT(me)
    :: out[me] == SAY_ABORTED ->
        CHECK(I4_record_first, P_IS(me, ABORTED));
        net_aborted = net_aborted | out_to[me]
    :: out[me] == SAY_REFUSAL ->
        CHECK(I4_record_first, P_IS(me, ABORTED));
        net_refused = net_refused | out_to[me]
    :: out[me] == SAY_COMMITTED ->
        CHECK(I4_record_first, P_IS(me, COMMITTED));
        net_committed = net_committed | out_to[me]
    fi;
    send(me, NOTHING, 0)
}

active [N] proctype participant() {
    do
    :: atomic {
        if
        :: IS_IDLE(me) && HAS(net_prepare, me) ->
            take(net_prepare, me);
            find_verdict();
            find_whether_it_may_speak();
            input = PREPARE
        :: IS_IDLE(me) && HAS(net_commit, me) -> take(net_commit, me); read_certificate(c_yes)
        :: IS_IDLE(me) && HAS(net_abort, me) ->
            take(net_abort, me);
            told_abort = told_abort | BIT(me);
            input = ABORT
        :: IS_IDLE(me) && HAS(net_refused, me) -> take(net_refused, me); learn_refusal()
        :: IS_IDLE(me) && HAS(net_aborted, me) -> take(net_aborted, me); learn(ABORT)
        :: IS_IDLE(me) && HAS(net_committed, me) -> take(net_committed, me); learn(COMMIT)
        :: IS_IDLE(me) && net_ask[me] ->
            take_from_any(net_ask[me]);
            find_whether_it_may_speak();
            input = INQUIRE
        /* Somebody signs a commit with the votes that are there, before all of them are. */
        :: !healed && IS_IDLE(me) && said_yes && said_yes != ALL -> read_certificate(said_yes)
        :: !healed && IS_IDLE(me) -> hear_bare_word()
        :: IS_IDLE(me) && HAS(timer, me) && IS_TIME(me) ->
            input = NOTHING;
            due = due & ~BIT(me);
            participant_tick()
        :: IS_IDLE(me) && !HAS(open, me) && IS_TIME(me) ->
            input = NOTHING;
            due = due & ~BIT(me);
            participant_settles()
        :: out[me] != NOTHING -> input = NOTHING; participant_releases()
        :: !healed -> input = NOTHING; crash(me); lose_memory(); SETTLE_NOW(participant_settles)
        :: HAS(unrecorded, me) -> input = NOTHING; record_at_last()
#ifdef LATER_STATES
        /* The core platform answers at last. */
        :: IS_IDLE(me) && HAS(open, me) && P_IS(me, PREPARING) -> input = NOTHING; vote_yes()
        :: IS_IDLE(me) && HAS(open, me) && P_IS(me, PREPARING) -> input = NOTHING; vote_no()
        :: !healed && IS_IDLE(me) && P_IS(me, PREPARED) -> input = NOTHING; resolve_by_hand()
        /* Old records go. */
        :: !healed && IS_IDLE(me) && (P_IS(me, COMMITTED) || P_IS(me, ABORTED) || P_IS(me, REFUSED)) ->
            input = NOTHING;
            participant_state = participant_COLLECTED
#endif
        fi;
        participant_hears();
        SEND_NOW(me, participant_releases)
        check()
    }
    od
}

/* --- the world --------------------------------------------------------------------------------------------- */

#define ALL_NODES (ALL | BIT(0))
#define WITH_TIMER ((timer | ((ALL | BIT(0)) & ~open)) & (orphaned -> ALL : ALL | BIT(0)))

/* LOSSY: a lost message is really gone, and what is under way when the faults stop still comes. Else: what is under
 * way when the faults stop is lost, and what is lost before is merely never heard. */
#ifdef LOSSY
#define LOSE(set)                                                                                             \
    :: atomic { !healed && HAS(set, 1) -> set = set & ~BIT(1) }                                                 \
    :: atomic { !healed && HAS(set, 2) -> set = set & ~BIT(2) }
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

active proctype world() {
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
