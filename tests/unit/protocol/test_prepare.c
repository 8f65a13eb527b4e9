/* SPDX-License-Identifier: Apache-2.0
 *
 * What a participant makes of a PREPARE before its application is asked: what is old, misplaced or malformed, and
 * that one attempt of a biz key at a time is live here.
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

/* --- what the protocol itself refuses --------------------------------------------------------------------------- */

static void expect_no(struct gj_solo *s, struct gj_solo_tx *tx, const char *class, const char *code) {
    gj_solo_prepare(s, tx);
    const struct gj_vote *vote = gj_solo_vote_to(s, tx->txid.coordinator);
    assert_false(vote->yes);
    assert_string_equal(vote->class, class);
    assert_string_equal(vote->code, code);
    assert_string_equal(gj_solo_part_state(s, &tx->txid), "REFUSED");
}

static void old_wrong_or_misplaced_is_refused(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;

    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    tx.core.expires_at = s->now.wall.ms - 1;
    gj_solo_tx_seal(s, &tx);
    expect_no(s, &tx, "BUSY", "EXPIRED");
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    tx.core.expires_at = s->now.wall.ms;
    gj_solo_tx_seal(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);

    for (int days = -2; days <= 2; days++) {
        gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
        tx.core.business_date = gj_date_add_days(tx.core.business_date, days);
        gj_solo_tx_seal(s, &tx);
        if (days < -1 || days > 1) {
            expect_no(s, &tx, "DATE", "BAD_DATE");
        } else {
            gj_solo_prepare(s, &tx);
            assert_true(gj_solo_vote_to(s, C)->yes);
        }
    }

    /* C owns neither the sender nor where the money goes; with either it may. */
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_text_set(tx.core.sender, sizeof tx.core.sender, "450000/test");
    gj_text_set(tx.core.legs[0].to_region, sizeof tx.core.legs[0].to_region, "450100");
    gj_solo_tx_seal(s, &tx);
    expect_no(s, &tx, "RULE", "WRONG_NODE");
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_text_set(tx.core.sender, sizeof tx.core.sender, "450000/test");
    gj_solo_tx_seal(s, &tx);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* A PREPARE that is not what it says is a violation and leaves no record. */
static void a_malformed_prepare_is_a_violation(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    for (int i = 0; i < 8; i++) {
        struct gj_solo_tx tx;
        gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
        if (i == 0) tx.all.digest.bytes[5] ^= 1;                      /* not the core's */
        if (i == 1) gj_text_set(tx.core.participants[1].node, 17, C); /* the coordinator as participant */
        if (i == 2) gj_text_set(tx.core.participants[1].node, 17, GJ_SOLO_SELF); /* one twice */
        if (i == 3) gj_text_set(tx.core.participants[1].node, 17, "999999");     /* unknown */
        if (i == 4) gj_text_set(tx.core.participants[0].node, 17, "450000");     /* without us */
        if (i == 5) gj_text_set(tx.core.legs[1].node, 17, "450000");             /* a leg of nobody */
        if (i == 6) tx.core.n_legs = 0;
        if (i == 7) tx.all.legs[0].salt[0] ^= 1; /* the detail is not the core's */
        if (i >= 1 && i <= 6) gj_solo_tx_seal(s, &tx);
        print_message("malformed %d\n", i);
        gj_solo_prepare(s, &tx);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
        assert_true(gj_solo_is_silent(s));
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    }
    assert_int_equal(s->app.holds, 0);

    /* Somebody else's core in the name of its coordinator. */
    struct gj_solo_tx tx;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    struct gj_forge *p2 = gj_solo_peer(s, P2);
    const struct gj_prepare_core core = {.core = tx.core_bytes};
    const struct gj_slice messages[] = {gj_forge_say(p2, GJ_KIND_CORE, GJ_ALL_NODES, &tx.txid, &core),
                                        gj_forge_say(p2, GJ_KIND_LEGS, GJ_SOLO_SELF, &tx.txid, &tx.all)};
    gj_solo_frame(s, P2, gj_forge_parcel(p2, messages, 2, NULL, 0));
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_OK), 1);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_free(&s);
}

/* Legs without the core in front of them, or behind another's, are not understood and change nothing. */
static void legs_need_their_core(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx, other;
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &other, C, GJ_SOLO_SELF);
    struct gj_forge *c = gj_solo_peer(s, C);
    gj_solo_say(s, C, GJ_KIND_LEGS, &tx.txid, &tx.all);
    assert_true(gj_solo_is_silent(s));
    const struct gj_prepare_core core = {.core = other.core_bytes};
    const struct gj_slice messages[] = {gj_forge_say(c, GJ_KIND_CORE, GJ_ALL_NODES, &other.txid, &core),
                                        gj_forge_say(c, GJ_KIND_LEGS, GJ_SOLO_SELF, &tx.txid, &tx.all)};
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 2, NULL, 0));
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    /* A core is of its parcel only. */
    gj_solo_frame(s, C, gj_forge_parcel(c, messages, 1, NULL, 0));
    gj_solo_say(s, C, GJ_KIND_LEGS, &other.txid, &other.all);
    assert_true(gj_solo_is_silent(s));
    assert_string_equal(gj_solo_part_state(s, &other.txid), "");
    gj_solo_free(&s);
}

/* --- one live attempt of a biz key ----------------------------------------------------------------------------------- */

static void same_key(struct gj_solo *s, struct gj_solo_tx *tx, const struct gj_solo_tx *as) {
    gj_solo_tx_init(s, tx, C, GJ_SOLO_SELF " " P2);
    gj_text_set(tx->core.sender, sizeof tx->core.sender, as->core.sender);
    gj_text_set(tx->core.msgid, sizeof tx->core.msgid, as->core.msgid);
    tx->txid.attempt = (uint16_t)(as->txid.attempt + 1);
    gj_solo_tx_seal(s, tx);
}

static void name_superseded(struct gj_solo_tx *tx, const struct gj_solo_tx *old) {
    tx->supersedes[tx->n_supersedes++] = (struct gj_superseded){.txid = old->txid, .digest = old->digest};
}

static void one_live_attempt_of_a_key(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx first, second, third, fourth;
    gj_solo_reach(s, &first, "PREPARED");
    same_key(s, &second, &first);
    expect_no(s, &second, "BUSY", "CONFLICT");
    assert_string_equal(gj_solo_part_state(s, &first.txid), "PREPARED");

    same_key(s, &third, &second); /* the coordinator says that both are aborted: that is done first */
    name_superseded(&third, &first);
    name_superseded(&third, &second);
    unsigned releases = s->app.releases;
    gj_solo_prepare(s, &third);
    assert_true(gj_solo_vote_to(s, C)->yes);
    assert_string_equal(gj_solo_part_state(s, &first.txid), "ABORTED");
    assert_int_equal(s->app.releases, releases + 1);
    gj_solo_inquire(s, P2, &first.txid, &first.digest, true, gj_solo_core_evidence(s, &first));
    assert_string_equal(gj_solo_status_to(s, P2)->state, "ABORTED"); /* and the new core proves it */
    assert_true(gj_solo_status_to(s, P2)->proof.len > 0);

    gj_solo_commit(s, &third);
    same_key(s, &fourth, &third);
    expect_no(s, &fourth, "BUSY", "CONFLICT"); /* COMMITTED is live too */
    gj_solo_free(&s);
}

/* Superseded before its PREPARE came: a tombstone. Committed: a violation, and nothing of it is undone. */
static void superseded_in_other_states(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx late, done, next, of_another;
    gj_solo_tx_init(s, &late, C, GJ_SOLO_SELF);
    gj_solo_tx_init(s, &of_another, P2, GJ_SOLO_SELF);
    gj_solo_prepare(s, &of_another);
    gj_solo_reach(s, &done, "COMMITTED");
    gj_solo_tx_init(s, &next, C, GJ_SOLO_SELF);
    name_superseded(&next, &late);
    name_superseded(&next, &done);
    name_superseded(&next, &of_another); /* not C's to declare */
    gj_solo_prepare(s, &next);
    assert_true(gj_solo_vote_to(s, C)->yes);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_VIOLATION), 1);
    assert_string_equal(gj_solo_part_state(s, &late.txid), "REFUSED");
    assert_string_equal(gj_solo_part_state(s, &done.txid), "COMMITTED");
    assert_string_equal(gj_solo_part_state(s, &of_another.txid), "PREPARED");
    gj_solo_prepare(s, &late);
    assert_false(gj_solo_vote_to(s, C)->yes);
    gj_solo_free(&s);
}

/* The same through a cover question, which names them before the next PREPARE does. */
static void superseded_by_a_cover_question(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "PREPARED");
    struct gj_superseded item = {.txid = tx.txid, .digest = tx.digest};
    struct gj_turn *turn = gj_solo_begin(s);
    gj_protocol_apply_supersedes(s->protocol, turn, P2, &item, 1, GJ_SLICE_NONE); /* not its coordinator */
    gj_solo_end(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "PREPARED");
    turn = gj_solo_begin(s);
    gj_protocol_apply_supersedes(s->protocol, turn, C, &item, 1, GJ_SLICE_NONE);
    gj_solo_end(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "ABORTED");
    assert_int_equal(s->app.releases, 1);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_wrong_or_misplaced_is_refused),
        cmocka_unit_test(a_malformed_prepare_is_a_violation),
        cmocka_unit_test(legs_need_their_core),
        cmocka_unit_test(one_live_attempt_of_a_key),
        cmocka_unit_test(superseded_in_other_states),
        cmocka_unit_test(superseded_by_a_cover_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
