/* SPDX-License-Identifier: Apache-2.0
 *
 * A participant of the model: src/protocol/participant.c and inquiry.c, cell by cell. Part of commit.pml.
 */
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

/* The truth about what people had decided by hand: the record has its proof, the money is put right. Where they were
 * wrong that is a case, and no wonder. */
inline late_commit() {
    participant_state = participant_COMMITTED;
    ack()
}

inline late_abort() {
    participant_state = participant_ABORTED
}

/* The proof that may be shown takes the place of one that may not. */
inline keep_proof() {
    skip
}

inline count_old() {
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
    T(participant, ABORTED, ABORT, keep_proof)
    T(participant, COMMITTED, PREPARE, ack_again)
    T(participant, COMMITTED, COMMIT, ack_again)
    T(participant, COMMITTED, ABORT, violation)
    T(participant, RESOLVED, PREPARE, send_vote)
    T(participant, RESOLVED, COMMIT, late_commit)
    T(participant, RESOLVED, ABORT, late_abort)
    T(participant, COLLECTED, PREPARE, count_old)
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
end:
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
