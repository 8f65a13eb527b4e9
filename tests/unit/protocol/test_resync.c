/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine in RESYNC and what is replayed to it, step by step: each word against each state of its own record, out of
 * order, twice, without its details; and what it tells to a peer that asks.
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
#define D  "450000" /* takes part in nothing */

#define NO_YES_CAME "aborted, no YES came" /* to the coordinator: so it shows none */

/* A peer shows it its own signature under a flush that it does not have. */
static void lose(struct gj_solo *s) {
    const struct gj_epoch_flush seen = {.epoch = gj_protocol_epoch(s->protocol), .flush = 1000000};
    gj_solo_welcome(s, D, &seen, 1);
    assert_true(s->protocol->resync);
}

static void step(struct gj_solo *s, const char *from, const struct gj_txid *txid, struct gj_replay *replay) {
    memcpy(replay->nonce, s->protocol->nonce, sizeof replay->nonce);
    gj_solo_say(s, from, GJ_KIND_REPLAY, txid, replay);
}

static void done(struct gj_solo *s, const char *from) {
    struct gj_replay replay = {.done = true};
    step(s, from, NULL, &replay);
}

static void all_are_done(struct gj_solo *s) {
    done(s, C);
    done(s, P2);
    done(s, D);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
}

/* How long the place is at which it waits for that peer's next step. */
static uint32_t place_of(const struct gj_solo *s, const char *node) {
    return s->protocol->peers[gj_directory_index(&s->directory, node)].n_at;
}

/* What the coordinator says of a transaction, with what must stand before it. */
static void tell(struct gj_solo *s, const struct gj_solo_tx *tx, const char *what) {
    struct gj_replay replay = {.digest = tx->digest, .legs = tx->all.legs, .n_legs = tx->all.n_legs};
    struct gj_forge *forge = gj_solo_peer(s, C);
    if (!gj_text_equal(what, NO_YES_CAME)) gj_text_set(replay.what, sizeof replay.what, what);
    memcpy(replay.nonce, s->protocol->nonce, sizeof replay.nonce);
    if (gj_text_equal(what, "committed")) {
        gj_solo_commit(s, tx);
        step(s, C, &tx->txid, &replay);
        return;
    }
    if (gj_text_equal(what, NO_YES_CAME))
        gj_text_set(replay.what, sizeof replay.what, "aborted");
    else
        replay.proof = gj_solo_vote(s, tx, GJ_SOLO_SELF, !gj_text_equal(what, "refused"));
    const struct gj_prepare_core core = {.core = tx->core_bytes};
    const struct gj_slice messages[] = {
        gj_forge_say(forge, GJ_KIND_CORE, GJ_ALL_NODES, &tx->txid, &core),
        gj_forge_say(forge, GJ_KIND_REPLAY, GJ_SOLO_SELF, &tx->txid, &replay)};
    bool needs_core = gj_text_equal(what, "prepared");
    gj_solo_frame(s, C, gj_forge_parcel(forge, messages + !needs_core, 1 + needs_core, NULL, 0));
}

/* --- every word against every record ---------------------------------------------------------------------------- */

static const struct {
    const char *record, *what, *after;
    unsigned adopted, reholds, posts, releases, cases;
} cells[] = {
    {"", "committed", "COMMITTED", 1, 0, 0, 0, 0},
    {"", "prepared", "PREPARED", 0, 1, 0, 0, 0},
    {"", "aborted", "ABORTED", 0, 0, 0, 0, 0},
    {"", "refused", "REFUSED", 0, 0, 0, 0, 0},
    {"PREPARED", "committed", "COMMITTED", 0, 0, 1, 0, 0},
    {"PREPARED", "prepared", "PREPARED", 0, 0, 0, 0, 0},
    {"PREPARED", "aborted", "ABORTED", 0, 0, 0, 1, 0},
    {"", NO_YES_CAME, "", 0, 0, 0, 0, 0},
    {"PREPARED", NO_YES_CAME, "ABORTED", 0, 0, 0, 1, 0},
    {"COMMITTED", NO_YES_CAME, "COMMITTED", 0, 0, 0, 0, 0},
    {"PREPARED", "refused", "PREPARED", 0, 0, 0, 0, 0},
    {"REFUSED", "committed", "COMMITTED", 1, 0, 0, 0, 0},
    {"REFUSED", "prepared", "REFUSED", 0, 0, 0, 0, 0},
    {"REFUSED", "aborted", "REFUSED", 0, 0, 0, 0, 0},
    {"REFUSED", "refused", "REFUSED", 0, 0, 0, 0, 0},
    {"ABORTED", "committed", "ABORTED", 0, 0, 0, 0, 1},
    {"ABORTED", "prepared", "ABORTED", 0, 0, 0, 0, 0},
    {"ABORTED", "aborted", "ABORTED", 0, 0, 0, 0, 0},
    {"ABORTED", "refused", "ABORTED", 0, 0, 0, 0, 0},
    {"COMMITTED", "committed", "COMMITTED", 0, 0, 0, 0, 0},
    {"COMMITTED", "prepared", "COMMITTED", 0, 0, 0, 0, 0},
    {"COMMITTED", "aborted", "COMMITTED", 0, 0, 0, 0, 0},
    {"COMMITTED", "refused", "COMMITTED", 0, 0, 0, 0, 0},
};

static void every_word_against_every_record(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, cells[i].record);
        lose(s);
        const struct gj_solo_app before = s->app;
        for (int twice = 0; twice < 2; twice++) {
            tell(s, &tx, cells[i].what);
            assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, NULL), 0); /* not even of what it posts */
            unsigned cases = gj_solo_events(s, GJ_EVENT_CASE_OPENED, GJ_OK);
            if (!gj_text_equal(gj_solo_part_state(s, &tx.txid), cells[i].after)) {
                gj_solo_tick(s); /* a commit that came by itself waits for a walk */
                cases += gj_solo_events(s, GJ_EVENT_CASE_OPENED, GJ_OK);
            }
            if (twice == 0 && cases != cells[i].cases)
                print_message("%s %s\n", cells[i].record, cells[i].what);
            if (twice == 0) assert_int_equal(cases, cells[i].cases);
        }
        if (!gj_text_equal(gj_solo_part_state(s, &tx.txid), cells[i].after))
            print_message("%s %s\n", cells[i].record, cells[i].what);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), cells[i].after);
        assert_int_equal(s->app.adopted - before.adopted, cells[i].adopted);
        assert_int_equal(s->app.reholds - before.reholds, cells[i].reholds);
        assert_int_equal(s->app.posts - before.posts, cells[i].posts);
        assert_int_equal(s->app.releases - before.releases, cells[i].releases);
        assert_int_equal(gj_solo_count(s, GJ_KIND_VOTE, NULL) + gj_solo_count(s, GJ_KIND_ACK, NULL), 0);
        gj_solo_free(&s);
    }
}

/* Only its coordinator can say that a transaction is aborted. */
static void an_abort_is_its_coordinators_word(void **state) {
    (void)state;
    static const char *const records[] = {"", "PREPARED"};
    for (size_t i = 0; i < 2; i++) {
        struct gj_solo *s = gj_solo_new(NULL);
        struct gj_solo_tx tx;
        gj_solo_reach(s, &tx, records[i]);
        lose(s);
        struct gj_replay aborted = {.what = "aborted", .digest = tx.digest};
        aborted.proof = gj_solo_vote(s, &tx, GJ_SOLO_SELF, true);
        step(s, P2, &tx.txid, &aborted);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_WRONG_SENDER), 1);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), records[i]);
        assert_int_equal(s->app.releases, 0);
        gj_solo_free(&s);
    }
}

/* --- what is not whole -------------------------------------------------------------------------------------------- */

/* A certificate first, its details with a later step; nothing happens in between, and the step that rests on something
 * that was lost is not counted as taken. */
static void details_may_come_later_but_not_first(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "");
    lose(s);
    struct gj_replay legs = {
        .what = "legs", .digest = tx.digest, .legs = tx.all.legs, .n_legs = tx.all.n_legs};
    legs.next = GJ_SLICE_LIT("on");
    step(s, C, &tx.txid, &legs); /* of what? */
    assert_int_equal(place_of(s, C), 0);
    gj_solo_commit(s, &tx);
    gj_solo_tick(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    assert_int_equal(s->app.adopted, 0);
    step(s, C, &tx.txid, &legs);
    assert_int_equal(place_of(s, C), 2);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.adopted, 1);
    gj_solo_free(&s);
}

/* Another salt, another text, a leg that is not there: nothing of such a step is kept, and the next one is taken. */
static void details_that_the_core_does_not_hold_are_none(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    struct gj_leg_part parts[GJ_LEGS_MAX];
    gj_solo_reach(s, &tx, "");
    lose(s);
    gj_solo_commit(s, &tx);
    for (int lie = 0; lie < 3; lie++) {
        struct gj_replay legs = {.what = "legs", .legs = parts, .n_legs = tx.all.n_legs};
        memcpy(parts, tx.all.legs, tx.all.n_legs * sizeof *parts);
        if (lie == 0) parts[0].salt[0] ^= 1;
        if (lie == 1) parts[0].detail = GJ_SLICE_LIT("\x80");
        if (lie == 2) parts[0].leg = GJ_LEGS_MAX;
        step(s, C, &tx.txid, &legs);
        assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_BAD_EVIDENCE), 1);
        gj_solo_tick(s);
        assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    }
    struct gj_replay whole = {.what = "legs", .legs = tx.all.legs, .n_legs = tx.all.n_legs};
    step(s, C, &tx.txid, &whole);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    gj_solo_free(&s);
}

/* A step of another life of ours, of another place: not ours. */
static void a_step_has_its_nonce_and_its_place(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    lose(s);
    struct gj_replay other = {.done = true, .nonce = {1}};
    gj_solo_say(s, C, GJ_KIND_REPLAY, NULL, &other);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REPLAY_DONE, GJ_OK), 0);
    struct gj_replay elsewhere = {.done = true, .at = GJ_SLICE_LIT("x")};
    step(s, C, NULL, &elsewhere);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REPLAY_DONE, GJ_OK), 0);
    done(s, C);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REPLAY_DONE, GJ_OK), 1);
    done(s, C);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_REPLAY_DONE, GJ_OK), 0);
    gj_solo_free(&s);
}

/* A commit that the account cannot give waits until nobody is left who could bring the money; then the region helps out,
 * and people are told. */
static void what_the_account_cannot_give_waits_for_the_rest(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    unsigned cases = 0;
    gj_solo_reach(s, &tx, "");
    lose(s);
    s->app.difference_fen = 100;
    tell(s, &tx, "committed");
    done(s, C);
    done(s, P2);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    done(s, D);
    for (int i = 0; i < 8; i++) {
        gj_solo_tick(s);
        cases += gj_solo_events(s, GJ_EVENT_CASE_OPENED, GJ_OK);
    }
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(cases, 1);
    gj_solo_free(&s);
}

/* When nobody is left who could bring the details, it is a case, once, and the machine works on. */
static void what_stays_without_details_is_a_case(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    unsigned cases = 0;
    gj_solo_reach(s, &tx, "");
    lose(s);
    gj_solo_commit(s, &tx);
    done(s, C);
    done(s, P2);
    done(s, D);
    for (int i = 0; i < 8; i++) {
        gj_solo_tick(s);
        cases += gj_solo_events(s, GJ_EVENT_CASE_OPENED, GJ_OK);
    }
    assert_int_equal(cases, 1);
    assert_false(s->protocol->resync);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "");
    gj_solo_commit(s, &tx); /* and it is no new loss */
    assert_false(s->protocol->resync);
    gj_solo_free(&s);
}

/* --- opening -------------------------------------------------------------------------------------------------------- */

static void it_opens_when_all_have_told(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    lose(s);
    done(s, C);
    done(s, P2);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
    assert_true(s->protocol->resync);
    done(s, D);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
    assert_false(s->protocol->resync);
    gj_solo_tx_init(s, &tx, C, GJ_SOLO_SELF " " P2);
    gj_solo_prepare(s, &tx);
    assert_true(gj_solo_vote_to(s, C)->yes);
    gj_solo_restart(s, GJ_WITNESS_EQUAL_OR_BEHIND);
    assert_false(s->protocol->resync);
    gj_solo_free(&s);
}

/* Those who had told all before a start on a store that may be old must say again what they have seen. */
static void a_doubtful_start_hears_all_before_it_opens(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    lose(s);
    done(s, C);
    done(s, P2);
    gj_solo_restart(s, GJ_WITNESS_DOUBTFUL);
    gj_solo_welcome(s, D, NULL, 0);
    gj_solo_welcome(s, C, NULL, 0);
    done(s, D);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
    assert_true(s->protocol->resync);
    gj_solo_welcome(s, P2, NULL, 0);
    for (int i = 0; i < 8; i++)
        gj_solo_tick(s);
    assert_false(s->protocol->resync);
    gj_solo_free(&s);
}

/* What was held again is asked for when the machine is open, and ends as always. */
static void what_is_held_again_is_in_doubt_as_before(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    gj_solo_reach(s, &tx, "");
    lose(s);
    tell(s, &tx, "prepared");
    all_are_done(s);
    assert_false(s->protocol->resync);
    gj_solo_commit(s, &tx);
    assert_string_equal(gj_solo_part_state(s, &tx.txid), "COMMITTED");
    assert_int_equal(s->app.posts, 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_ACK, C), 1);
    gj_solo_free(&s);
}

/* --- telling -------------------------------------------------------------------------------------------------------- */

static uint32_t steps_with(struct gj_solo *s, const char *to, const char *what) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < gj_solo_count(s, GJ_KIND_REPLAY, to); i++) {
        const struct gj_replay *replay = gj_solo_message(s, GJ_KIND_REPLAY, to, i);
        if (gj_text_equal(replay->what, what)) n++;
    }
    return n;
}

static void each_peer_is_told_what_names_it(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx committed, prepared;
    struct gj_txid own, refused, unheard;
    const struct gj_replay_ask ask = {.nonce = {7}};
    gj_solo_reach(s, &committed, "COMMITTED");
    gj_solo_tx_init(s, &prepared, C, GJ_SOLO_SELF);
    gj_solo_prepare(s, &prepared);
    assert_int_equal(gj_solo_coordinate(s, "m1", P2, &own), GJ_OK);
    gj_solo_answer(s, P2, &own, true);
    assert_int_equal(gj_solo_coordinate(s, "m2", P2, &refused), GJ_OK);
    gj_solo_answer(s, P2, &refused, false);
    assert_int_equal(gj_solo_coordinate(s, "m3", P2, &unheard), GJ_OK);
    assert_true(gj_protocol_cancel(s->protocol, gj_solo_begin(s), &unheard));
    gj_solo_end(s);
    gj_solo_say(s, C, GJ_KIND_REPLAY_ASK, NULL, &ask);
    assert_int_equal(steps_with(s, C, "committed"), 1);
    assert_int_equal(steps_with(s, C, "begun"), 1);
    assert_int_equal(gj_solo_count(s, GJ_KIND_REPLAY, C), 3);
    gj_solo_say(s, P2, GJ_KIND_REPLAY_ASK, NULL, &ask);
    assert_int_equal(gj_solo_count(s, GJ_KIND_COMMIT, P2), 1);
    assert_int_equal(steps_with(s, P2, "committed"), 2); /* ours, and the one in which it took part with us */
    assert_int_equal(steps_with(s, P2, "refused"), 1);
    assert_int_equal(steps_with(s, P2, "aborted"), 1); /* its YES may be under way, and its hold stand */
    gj_solo_say(s, D, GJ_KIND_REPLAY_ASK, NULL, &ask);
    assert_int_equal(gj_solo_count(s, GJ_KIND_REPLAY, D), 1);
    const struct gj_replay *end = gj_solo_message(s, GJ_KIND_REPLAY, D, 0);
    assert_true(end->done && end->last);
    assert_memory_equal(end->nonce, ask.nonce, sizeof ask.nonce);
    gj_solo_free(&s);
}

/* A machine in RESYNC tells as well; of a place that is none of ours it says nothing. */
static void it_tells_in_resync_too(void **state) {
    (void)state;
    struct gj_solo *s = gj_solo_new(NULL);
    struct gj_solo_tx tx;
    struct gj_replay_ask ask = {.nonce = {7}};
    gj_solo_reach(s, &tx, "COMMITTED");
    lose(s);
    gj_solo_say(s, P2, GJ_KIND_REPLAY_ASK, NULL, &ask);
    assert_int_equal(steps_with(s, P2, "committed"), 1);
    const uint8_t nowhere[] = {9, 9, 9};
    ask.at = gj_slice_of(nowhere, sizeof nowhere);
    gj_solo_say(s, P2, GJ_KIND_REPLAY_ASK, NULL, &ask);
    assert_int_equal(gj_solo_count(s, GJ_KIND_REPLAY, NULL), 0);
    assert_int_equal(gj_solo_events(s, GJ_EVENT_VIOLATION, GJ_ERR_BAD_FIELD), 1);
    gj_solo_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_against_every_record),
        cmocka_unit_test(an_abort_is_its_coordinators_word),
        cmocka_unit_test(details_may_come_later_but_not_first),
        cmocka_unit_test(details_that_the_core_does_not_hold_are_none),
        cmocka_unit_test(a_step_has_its_nonce_and_its_place),
        cmocka_unit_test(what_the_account_cannot_give_waits_for_the_rest),
        cmocka_unit_test(what_stays_without_details_is_a_case),
        cmocka_unit_test(it_opens_when_all_have_told),
        cmocka_unit_test(a_doubtful_start_hears_all_before_it_opens),
        cmocka_unit_test(what_is_held_again_is_in_doubt_as_before),
        cmocka_unit_test(each_peer_is_told_what_names_it),
        cmocka_unit_test(it_tells_in_resync_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
