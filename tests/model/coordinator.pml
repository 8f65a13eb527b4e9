/* SPDX-License-Identifier: Apache-2.0
 *
 * The coordinator of the model: src/protocol/coordinator.c and begin.c, cell by cell. Part of commit.pml.
 */
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
end:
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
