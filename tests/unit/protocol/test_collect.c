/* SPDX-License-Identifier: Apache-2.0
 *
 * Collection: what is decided and older than it is kept goes, a few records a time; a mark stays, so that what was
 * collected is never mistaken for what never was. Nothing undecided goes, and nothing goes by a clock alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/solo.h"

#define C  "330000" /* the coordinator */
#define P2 "130000" /* the other participant */

static struct gj_collected_row mark_of(struct gj_solo *s, const struct gj_txid *txid, bool *found) {
    struct gj_collected_row mark = {.epoch = txid->epoch};
    gj_text_set(mark.coordinator, sizeof mark.coordinator, txid->coordinator);
    *found = gj_solo_get(s, &gj_table_collected, &mark);
    return mark;
}

static void what_is_decided_goes_and_leaves_a_mark(void **state) {
    (void)state;
    static const char *const states[] = {"COMMITTED", "ABORTED", "REFUSED"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        bool found = true;
        gj_solo_reach(s, &tx, states[i]);
        (void)mark_of(s, &tx.txid, &found);
        assert_false(found);
        gj_solo_collect(s);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_COLLECTED, GJ_OK), 1);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
        assert_int_equal(mark_of(s, &tx.txid, &found).seq, tx.txid.seq);
        assert_true(found);
        struct gj_tx_line line;
        assert_true(gj_protocol_transaction(s->protocol, gj_solo_begin(s), &tx.txid, &line));
        gj_solo_end(s);
        assert_string_equal(line.state, "COLLECTED");
        gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND); /* the mark is a record */
        gj_solo_prepare(s, &tx);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_OLD_PREPARE, GJ_ERR_TOO_OLD), 1);
        assert_int_equal(gj_solo_count(s, GJ_KIND_VOTE, NULL), 0);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
        gj_solo_free(&s);
    }
}

static void what_is_in_doubt_stays(void **state) {
    (void)state;
    static const char *const states[] = {"PREPARED", "RESOLVED", "PREPARING"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, states[i]);
        gj_solo_collect(s);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), states[i]);
        gj_solo_free(&s);
    }
}

/* A coordinator's "no record" means aborted: its records stay, decided or not. */
static void a_coordinators_records_stay(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_txid ended, committed, aborted;
    assert_int_equal(gj_solo_coordinate(s, "m1", P2, &ended), GJ_OK);
    gj_solo_answer(s, P2, &ended, true);
    gj_solo_ack(s, P2, &ended);
    assert_int_equal(gj_solo_coordinate(s, "m2", P2, &committed), GJ_OK);
    gj_solo_answer(s, P2, &committed, true);
    assert_int_equal(gj_solo_coordinate(s, "m3", P2, &aborted), GJ_OK);
    gj_solo_answer(s, P2, &aborted, false);
    gj_solo_collect(s);
    assert_string_equal(gj_solo_coord_state(s, &ended), "ENDED");
    assert_string_equal(gj_solo_coord_state(s, &committed), "COMMITTED");
    assert_string_equal(gj_solo_coord_state(s, &aborted), "ABORTED");
    gj_solo_free(&s);
}

/* Above the mark it never was; below it, without a record, it was collected; a record is believed in any case. */
static void the_mark_tells_collected_from_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx before, tx, after;
    gj_solo_reach(s, &before, "PREPARED");
    gj_solo_reach(s, &tx, "COMMITTED");
    gj_solo_tx_init(s, &after, C, GJ_SOLO_SELF " " P2);
    assert_true(before.txid.seq < tx.txid.seq && tx.txid.seq < after.txid.seq);
    gj_solo_collect(s);
    gj_solo_commit(s, &tx);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 1);
    assert_false(s->protocol->resync);
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_string_equal(gj_solo_status_to(s, P2)->state, "COLLECTED");
    gj_solo_prepare(s, &after);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_commit(s, &before);
    assert_string_equal(gj_solo_part_state(s, &before.txid), "COMMITTED");
    gj_solo_free(&s);
}

/* A few in one tick, and the next tick comes soon. */
static void the_work_of_a_tick_is_bounded(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    const uint32_t n = GJ_COLLECT_PER_TICK + 6;
    for (uint32_t i = 0; i < n; i++) {
        gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
        gj_solo_abort(s, &tx); /* a tombstone */
    }
    gj_solo_collect(s);
    assert_int_equal(s->protocol->collect_due.ms, s->now.mono.ms + GJ_COLLECT_AGAIN_MS);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "REFUSED");
    gj_solo_collect(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    assert_int_equal(s->protocol->collect_due.ms, s->now.mono.ms + GJ_COLLECT_EVERY_MS);
    gj_solo_free(&s);
}

/* Our clock says that thirty years have passed and a peer's does not: then it is the clock. */
static void a_clock_alone_throws_nothing_away(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "COMMITTED");
    s->protocol->peers[1].clock_skew_ms = -(GJ_CLOCK_WINDOW_MS + 1);
    gj_solo_collect(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    s->protocol->peers[1].clock_skew_ms = 0;
    s->protocol->resync = true;
    gj_solo_collect(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    s->protocol->resync = false;
    gj_solo_collect(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_free(&s);
}

/* The retention is the configuration's, and to the day. */
static void younger_ones_stay(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "COMMITTED");
    s->protocol->config.retention_years = GJ_RETENTION_YEARS_MIN;
    const int64_t ages[] = {GJ_RETENTION_YEARS_MIN * GJ_YEAR_MS - 1000,
                            GJ_RETENTION_YEARS_MIN * GJ_YEAR_MS + 1};
    struct gj_wall begun = s->now.wall;
    for (size_t i = 0; i < 2; i++) {
        s->now.wall.ms = begun.ms + ages[i];
        s->now.mono.ms += GJ_COLLECT_EVERY_MS;
        gj_aftermath_tick(s->protocol, gj_solo_begin(s));
        gj_solo_end(s);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), i == 0 ? "COMMITTED" : "");
    }
    gj_solo_free(&s);
}

/* Whoever took part still has its record when its coordinator undoes the oldest that it undoes. */
_Static_assert(GJ_REFUND_HORIZON_DAYS *INT64_C(86400000) < GJ_RETENTION_YEARS_MIN * GJ_YEAR_MS, "horizons");

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_decided_goes_and_leaves_a_mark),
        cmocka_unit_test(what_is_in_doubt_stays),
        cmocka_unit_test(a_coordinators_records_stay),
        cmocka_unit_test(the_mark_tells_collected_from_none),
        cmocka_unit_test(the_work_of_a_tick_is_bounded),
        cmocka_unit_test(a_clock_alone_throws_nothing_away),
        cmocka_unit_test(younger_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
