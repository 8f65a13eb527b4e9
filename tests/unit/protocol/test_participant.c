/* SPDX-License-Identifier: Apache-2.0
 *
 * Every cell of the participant's table, driven by real messages: what it says, what it writes, what it does
 * with the money, and whom it alarms. PREPARING, to which no input leads, is written as a row; COLLECTED has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C  "330000" /* the coordinator */
#define P2 "130000" /* the other participant */

enum input { PREPARE, COMMIT, ABORT, INQUIRE, INPUTS };
static const char *const input_words[INPUTS] = {"PREPARE", "COMMIT", "ABORT", "INQUIRE"};

/* What is said: nothing, a vote, an ack to C; a STATUS of that state to C or, if it was asked, to P2. */
enum said { SILENT, YES, NO, ACK, STATUS };

struct cell {
    const char *state;
    enum input input;
    const char *then; /* the state afterwards */
    enum said said;
    const char *status;
    bool has_proof;
    int holds, posts, releases;
    enum gj_event_code alarm; /* the only one; NONE: no alarm */
};

static const struct cell table[] = {
    {"", PREPARE, "PREPARED", YES, NULL, false, 1, 0, 0, GJ_EVENT_NONE},
    {"", COMMIT, "", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_RESYNC_NEEDED},
    {"", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"PREPARING", PREPARE, "PREPARING", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARING", COMMIT, "PREPARING", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_VIOLATION},
    {"PREPARING", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARING", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"PREPARED", PREPARE, "PREPARED", YES, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"PREPARED", COMMIT, "COMMITTED", ACK, NULL, false, 0, 1, 0, GJ_EVENT_NONE},
    {"PREPARED", ABORT, "ABORTED", SILENT, NULL, false, 0, 0, 1, GJ_EVENT_NONE},
    {"PREPARED", INQUIRE, "PREPARED", STATUS, "PREPARED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"REFUSED", PREPARE, "REFUSED", NO, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"REFUSED", COMMIT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_RESYNC_NEEDED},
    {"REFUSED", ABORT, "REFUSED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"REFUSED", INQUIRE, "REFUSED", STATUS, "REFUSED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"ABORTED", PREPARE, "ABORTED", STATUS, "ABORTED", true, 0, 0, 0, GJ_EVENT_NONE},
    {"ABORTED", COMMIT, "ABORTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_EQUIVOCATION},
    {"ABORTED", ABORT, "ABORTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"ABORTED", INQUIRE, "ABORTED", STATUS, "ABORTED", true, 0, 0, 0, GJ_EVENT_NONE},

    {"COMMITTED", PREPARE, "COMMITTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COMMITTED", COMMIT, "COMMITTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COMMITTED", ABORT, "COMMITTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_VIOLATION},
    {"COMMITTED", INQUIRE, "COMMITTED", STATUS, "COMMITTED", true, 0, 0, 0, GJ_EVENT_NONE},

    {"RESOLVED", PREPARE, "RESOLVED", YES, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"RESOLVED", COMMIT, "COMMITTED", ACK, NULL, false, 0, 0, 0, GJ_EVENT_CASE_OPENED}, /* aborted by hand */
    {"RESOLVED", ABORT, "ABORTED", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"RESOLVED", INQUIRE, "RESOLVED", STATUS, "PREPARED", false, 0, 0, 0, GJ_EVENT_NONE},

    {"COLLECTED", PREPARE, "", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", COMMIT, "", ACK, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", ABORT, "", SILENT, NULL, false, 0, 0, 0, GJ_EVENT_NONE},
    {"COLLECTED", INQUIRE, "", STATUS, "COLLECTED", false, 0, 0, 0, GJ_EVENT_NONE},
};
#define CELLS (sizeof table / sizeof table[0])

/* --- the input ------------------------------------------------------------------------------------------------ */

static void feed(struct gj_solo *s, const struct gj_solo_tx *tx, enum input input) {
    switch (input) {
    case PREPARE:
        gj_solo_prepare(s, tx);
        return;
    case COMMIT:
        gj_solo_commit(s, tx);
        return;
    case ABORT:
        gj_solo_abort(s, tx);
        return;
    case INQUIRE:
        gj_solo_inquire(s, P2, &tx->txid, &tx->digest, true, gj_solo_core_evidence(s, tx));
        return;
    case INPUTS:
        break;
    }
    fail();
}

static void expect_said(struct gj_solo *s, const struct gj_solo_tx *tx, const struct cell *cell) {
    bool asked_by_peer = cell->input == INQUIRE;
    assert_int_equal(s->outbox.n, cell->said == SILENT ? 0 : 1);
    if (cell->said == YES || cell->said == NO) {
        const struct gj_vote *vote = gj_solo_vote_to(s, C);
        assert_int_equal(vote->yes, cell->said == YES);
        assert_true(gj_digest_equal(&vote->digest, &tx->digest));
        assert_string_equal(vote->class, cell->said == YES ? "" : "COVER");
        assert_string_equal(vote->rule, cell->said == YES ? "" : "R50");
        assert_string_equal(vote->code, cell->said == YES ? "" : "NO_COVER");
    }
    if (cell->said == ACK) {
        const struct gj_ack *ack = gj_solo_message(s, GJ_KIND_ACK, C, 0);
        assert_non_null(ack);
        assert_int_equal(ack->n_txids, 1);
        assert_true(gj_txid_equal(&ack->txids[0].txid, &tx->txid));
    }
    if (cell->said == STATUS) {
        const struct gj_tx_status *status = gj_solo_status_to(s, asked_by_peer ? P2 : C);
        assert_string_equal(status->state, cell->status);
        assert_true(gj_txid_equal(&status->txid, &tx->txid));
        assert_int_equal(status->proof.len > 0, cell->has_proof);
    }
}

static void one_cell(const struct cell *cell) {
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    print_message("%s x %s\n", cell->state[0] == '\0' ? "NONE" : cell->state, input_words[cell->input]);
    gj_solo_reach(s, &tx, cell->state);
    struct gj_solo_app before = s->app;
    feed(s, &tx, cell->input);

    assert_string_equal(gj_solo_part_state(s, &tx.txid), cell->then);
    expect_said(s, &tx, cell);
    assert_int_equal(s->app.holds - before.holds, cell->holds);
    assert_int_equal(s->app.posts - before.posts, cell->posts);
    assert_int_equal(s->app.releases - before.releases, cell->releases);
    assert_int_equal(gj_solo_alarms(s), cell->alarm == GJ_EVENT_NONE ? 0 : 1);
    if (cell->alarm != GJ_EVENT_NONE) assert_int_equal(gj_solo_events(s, cell->alarm, GJ_OK), 1);
    assert_int_equal(s->protocol->resync, cell->alarm == GJ_EVENT_RESYNC_NEEDED);
    gj_solo_free(&s);
}

static void every_cell(void **state) {
    (void)state;
    bool seen[GJ_PART_STATES][INPUTS] = {{false}};
    for (size_t i = 0; i < CELLS; i++) {
        one_cell(&table[i]);
        seen[gj_part_state_of(table[i].state)][table[i].input] = true;
    }
    for (size_t i = 0; i < GJ_PART_STATES; i++)
        for (size_t k = 0; k < INPUTS; k++)
            assert_true(seen[i][k]);
}

/* The proof that is shown is the very one: it ends the doubt of another participant. */
static void proofs_are_the_coordinators(void **state) {
    (void)state;
    static const char *const states[] = {"ABORTED", "COMMITTED"};
    static const enum gj_kind kinds[] = {GJ_KIND_ABORT, GJ_KIND_COMMIT};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        struct gj_message message;
        gj_solo_reach(s, &tx, states[i]);
        feed(s, &tx, INQUIRE);
        struct gj_slice proof = gj_solo_status_to(s, P2)->proof;
        struct gj_turn *turn = gj_solo_begin(s);
        struct gj_slice kept = gj_forge_flip(gj_solo_peer(s, C), proof, 0);
        kept = gj_forge_flip(gj_solo_peer(s, C), kept, 0); /* the look arena is gone by now */
        assert_int_equal(gj_protocol_verify_evidence(s->protocol, turn, kept, C, &message), GJ_OK);
        assert_int_equal(message.kind, kinds[i]);
        gj_solo_end(s);
        gj_solo_free(&s);
    }
}

/* Another digest under a known txid changes nothing, in any state, by any input, and alarms. */
static void another_digest_is_a_violation(void **state) {
    (void)state;
    static const char *const states[] = {"PREPARING", "PREPARED",  "REFUSED",
                                         "ABORTED",   "COMMITTED", "RESOLVED"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        for (int input = 0; input < INPUTS; input++) {
            struct gj_solo *s = gj_solo_new(NULL);
            struct gj_solo_tx tx;
            gj_solo_reach(s, &tx, states[i]);
            struct gj_part_row before = gj_solo_part_row(s, &tx.txid);
            struct gj_solo_app app = s->app;
            tx.core.business_date = gj_date_add_days(tx.core.business_date, 1);
            gj_solo_tx_seal(s, &tx);
            feed(s, &tx, (enum input)input);
            assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION), 1);
            assert_true(gj_solo_is_silent(s));
            struct gj_part_row after = gj_solo_part_row(s, &tx.txid);
            assert_string_equal(after.state, before.state);
            assert_true(gj_digest_equal(&after.digest, &before.digest));
            assert_memory_equal(&s->app, &app, sizeof app);
            gj_solo_free(&s);
        }
    }
}

/* --- order does not matter ------------------------------------------------------------------------------------- */

/* An abort that comes first is remembered, so that the PREPARE behind it cannot hang (空回滚, 防悬挂). */
static void an_abort_first_kills_the_prepare(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_abort(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_false(gj_solo_vote_to(s, C)->yes);
    assert_string_equal(gj_solo_vote_to(s, C)->code, "REFUSED_BEFORE");
    assert_string_equal(gj_solo_vote_to(s, C)->class, "BUSY");
    assert_int_equal(s->app.holds, 0);
    gj_solo_free(&s);
}

/* So is an inquiry of a peer that has voted: it heard REFUSED, so there can be no YES afterwards. */
static void an_inquiry_first_kills_the_prepare(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    feed(s, &tx, INQUIRE);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_solo_prepare(s, &tx);
    assert_false(gj_solo_vote_to(s, C)->yes);
    assert_int_equal(s->app.holds, 0);
    gj_solo_free(&s);
}

/* Only who shows the coordinator's signed core, with both of us in it, makes a tombstone. */
static void an_inquiry_without_the_core_makes_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, other, ours_only, without_us;
    struct gj_abort abort = {.reason = "ABORTED"};
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(s, &other, C, GJ_SOLO_SELF " " P2);
    gj_solo_tx_init(s, &ours_only, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &without_us, C, P2 " 450000");
    abort.digest = tx.digest;
    struct gj_slice core = gj_solo_core_evidence(s, &tx);
    struct gj_forge liar = *gj_solo_peer(s, P2);
    gj_text_set(liar.sender, sizeof liar.sender, C); /* P2's key under C's name */
    const struct gj_prepare_core body = {.core = tx.core_bytes};
    const struct {
        const struct gj_solo_tx *tx;
        struct gj_slice evidence;
    } bad[] = {
        {&tx, GJ_SLICE_NONE},
        {&tx, gj_solo_core_evidence(s, &other)},
        {&tx, gj_forge_flip(gj_solo_peer(s, C), core, core.len - 1)},
        {&tx, gj_forge_one(gj_solo_peer(s, P2), GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &body)},
        {&tx, gj_forge_one(&liar, GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &body)},
        {&tx, gj_forge_one(gj_solo_peer(s, C), GJ_KIND_ABORT, GJ_ALL_NODES, &tx.txid, &abort)},
        {&ours_only, gj_solo_core_evidence(s, &ours_only)}, /* P2 is not in it */
        {&without_us, gj_solo_core_evidence(s, &without_us)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("core %zu\n", i);
        gj_solo_inquire(s, P2, &bad[i].tx->txid, &bad[i].tx->digest, true, bad[i].evidence);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &bad[i].tx->txid), "");
    }
    gj_solo_inquire(s, P2, &tx.txid, &other.digest, true, core); /* the right core, another digest */
    assert_true(gj_solo_is_silent(s));
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, core);
    assert_string_equal(gj_solo_status_to(s, P2)->state, "REFUSED");
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(proofs_are_the_coordinators),
        cmocka_unit_test(another_digest_is_a_violation),
        cmocka_unit_test(an_abort_first_kills_the_prepare),
        cmocka_unit_test(an_inquiry_first_kills_the_prepare),
        cmocka_unit_test(an_inquiry_without_the_core_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
