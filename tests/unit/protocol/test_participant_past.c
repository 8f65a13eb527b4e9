/* SPDX-License-Identifier: Apache-2.0
 *
 * A participant and its own past: the original that a refund brings, what a restart keeps of a YES, and one
 * acknowledgement for many commits.
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

/* --- a refund brings its original ----------------------------------------------------------------------------------------- */

static struct gj_slice commit_body(struct gj_solo *s, const struct gj_solo_tx *tx) {
    struct gj_commit commit = gj_solo_certificate(s, tx);
    struct gj_buf buf;
    gj_buf_init(&buf, s->peers[0].work, GJ_MESSAGE_MAX);
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &buf, NULL), GJ_OK);
    return gj_arena_copy(&s->peers[0].arena, gj_buf_slice(&buf));
}

static void a_refund_applies_its_original_first(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    gj_solo_reach(s, &tx, "PREPARED");
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
    refund.original = commit_body(s, &tx);
    gj_solo_prepare(s, &refund);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.posts, 1);
    assert_true(s->app.had_original);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 0); /* the signed commit itself is still to come */
    assert_true(gj_solo_vote_to(s, C)->yes);
    /* The signed commit itself comes later and is kept for those who ask. */
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_int_equal(gj_solo_status_to(s, P2)->proof.len, 0);
    gj_solo_commit(s, &tx);
    assert_int_equal(s->app.posts, 1);
    gj_solo_inquire(s, P2, &tx.txid, &tx.digest, true, gj_solo_core_evidence(s, &tx));
    assert_true(gj_solo_status_to(s, P2)->proof.len > 0);
    gj_solo_free(&s);
}

/* A certificate inside a refund proves as much as one that comes alone: a YES of ours that we do not have. */
static void an_original_that_we_do_not_have_is_lost_data(void **state) {
    (void)state;
    static const char *const states[] = {"", "REFUSED"};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx, refund;
        gj_solo_reach(s, &tx, states[i]);
        gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
        refund.original = commit_body(s, &tx);
        unsigned holds = s->app.holds;
        gj_solo_prepare(s, &refund);
        assert_true(s->protocol->resync);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_RESYNC_NEEDED, GJ_ERR_RESYNC), 1);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &refund.txid), "");
        assert_int_equal(s->app.holds, holds);
        gj_solo_free(&s);
    }
}

/* Where our record holds the abort that ended our YES nothing was lost: its coordinator gave two words. */
static void an_original_that_was_aborted_here_convicts(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    gj_solo_reach(s, &tx, "ABORTED");
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
    refund.original = commit_body(s, &tx);
    gj_solo_prepare(s, &refund);
    assert_false(s->protocol->resync);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_EQUIVOCATION, GJ_ERR_VIOLATION), 1);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "ABORTED");
    assert_string_equal(gj_solo_part_state(s, &refund.txid), "");
    gj_solo_free(&s);
}

static void a_refund_of_somebody_elses_original_is_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, refund;
    gj_solo_tx_init(s, &tx, "450000", GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &tx);
    gj_solo_tx_init(s, &refund, C, GJ_SOLO_SELF " " P2);
    refund.original = commit_body(s, &tx);
    gj_solo_prepare(s, &refund);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
    assert_string_equal(gj_solo_part_state(s, &refund.txid), "");
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    gj_solo_free(&s);
}

/* --- restarts -------------------------------------------------------------------------------------------------------------- */

/* The hold is in the store; the YES goes out again with what was fixed, and the inquiry at once. */
static void a_yes_survives_the_restart(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    s->app.facts[0] = (struct gj_leg_fact){.leg = 0, .account = "P/1/suspense"};
    s->app.n_facts = 1;
    gj_solo_reach(s, &tx, "PREPARED");
    const struct gj_vote_facts *facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_true(gj_solo_vote_to(s, C)->yes);
    facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    gj_solo_tick(s);
    assert_int_equal(gj_solo_count(s, GJ_KIND_INQUIRE, C), 1);
    assert_int_equal(s->app.holds, 1);
    gj_solo_commit(s, &tx);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.posts, 1);
    gj_solo_free(&s);
}

/* An INQUIRE counts as the vote, so what was fixed with the vote must come with it as well. */
static void an_inquiry_brings_the_facts_too(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    s->app.facts[0] = (struct gj_leg_fact){.leg = 0, .account = "P/1/suspense"};
    s->app.n_facts = 1;
    gj_solo_reach(s, &tx, "PREPARED");
    s->now.mono.ms += 6001;
    gj_solo_tick(s);
    assert_int_equal(gj_solo_count(s, GJ_KIND_INQUIRE, C), 1);
    const struct gj_vote_facts *facts = gj_solo_message(s, GJ_KIND_VOTE_FACTS, C, 0);
    assert_non_null(facts);
    assert_string_equal(facts->facts[0].account, "P/1/suspense");
    assert_int_equal(s->outbox.items[0].kind, GJ_KIND_VOTE_FACTS); /* before the vote that it belongs to */
    gj_solo_free(&s);
}

/* A parcel of many commits is acknowledged with one message per coordinator. */
static void acks_are_batched(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx[3];
    struct gj_slice messages[3];
    struct gj_forge *c = gj_solo_peer(s, C);
    for (size_t i = 0; i < 3; i++) {
        gj_solo_reach(s, &tx[i], "PREPARED");
        struct gj_commit commit = gj_solo_certificate(s, &tx[i]);
        messages[i] = gj_forge_say(c, GJ_KIND_COMMIT, GJ_ALL_NODES, &tx[i].txid, &commit);
    }
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 3, NULL, 0));
    assert_int_equal(s->app.posts, 3);
    assert_int_equal(s->outbox.n, 1);
    const struct gj_ack *ack = gj_solo_message(s, GJ_KIND_ACK, C, 0);
    assert_int_equal(ack->n_txids, 3);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refund_applies_its_original_first),
        cmocka_unit_test(an_original_that_we_do_not_have_is_lost_data),
        cmocka_unit_test(an_original_that_was_aborted_here_convicts),
        cmocka_unit_test(a_refund_of_somebody_elses_original_is_none),
        cmocka_unit_test(a_yes_survives_the_restart),
        cmocka_unit_test(an_inquiry_brings_the_facts_too),
        cmocka_unit_test(acks_are_batched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
