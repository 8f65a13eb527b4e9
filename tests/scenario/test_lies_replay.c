/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer that lies to a node in RESYNC. The node has forgotten what it signed and asks; yet it must book nothing that
 * it had not signed, believe no detail that the core does not hold, and be stopped by the liar alone, not broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/liar.h"

static struct gj_liar *l;

static int begin(void **state) {
    (void)state;
    l = gj_liar_new();
    return 0;
}

static int end(void **state) {
    (void)state;
    gj_liar_free(&l);
    return 0;
}

static void put_back(void *ctx, struct gj_turn *turn) {
    struct gj_node_row node = {.one = 1};
    (void)ctx;
    assert_true(gj_store_get(turn->store, &gj_table_node, &node, turn->scratch));
    node.resync = true;
    gj_store_put(turn->store, &gj_table_node, &node);
}

/* The payer's node was put back officially; it greets and asks, the liar last. */
static void restore_east(void) {
    gj_cluster_edit(l->cluster, GJ_LIAR_EAST, put_back, NULL);
    gj_cluster_crash(l->cluster, GJ_LIAR_EAST);
    gj_cluster_advance(l->cluster, 2000);
    gj_cluster_restart(l->cluster, GJ_LIAR_EAST, GJ_WITNESS_EQUAL_OR_BEHIND);
    gj_liar_await(l, GJ_LIAR_EAST, GJ_KIND_HELLO);
    struct gj_welcome welcome = {.version = 1, .registry_serial = 1};
    memcpy(welcome.nonce,
           ((const struct gj_hello *)gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_HELLO, NULL))->nonce,
           sizeof welcome.nonce);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_WELCOME, NULL, &welcome);
    gj_liar_await(l, GJ_LIAR_EAST, GJ_KIND_REPLAY_ASK);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "resync");
}

static const struct gj_replay_ask *asked(void) {
    return gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_REPLAY_ASK, NULL);
}

/* One step at the place that it asked for, and the next. */
static void tell(struct gj_replay *step, const struct gj_txid *txid) {
    static const uint8_t next[] = {7};
    memcpy(step->nonce, asked()->nonce, sizeof step->nonce);
    step->at = asked()->at;
    step->next = gj_slice_of(next, sizeof next);
    step->last = true;
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REPLAY, txid, step);
}

static void tell_done(void) {
    struct gj_replay step = {.done = true};
    memcpy(step.nonce, asked()->nonce, sizeof step.nonce);
    step.at = asked()->at;
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REPLAY, NULL, &step);
    gj_liar_run(l, 2000);
}

static void expect_nothing_happened(uint64_t violations) {
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 100000);
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 0);
    assert_int_equal(gj_liar_rows(l, GJ_LIAR_EAST, &gj_table_replayed), 0);
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_ADOPTED), 0);
    assert_true(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION) >= violations);
    tell_done();
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "open"); /* and it goes on */
}

/* A settlement with the payer's money of which EAST never heard; its evidence is what the liar can make. */
static void invent(struct gj_liar_tx *tx) {
    gj_liar_tx_init(l, tx, "settle");
    gj_liar_tx_lists(tx, GJ_LIAR_EAST);
    (void)gj_liar_tx_draw(l, tx, 20000);
    gj_liar_tx_seal(l, tx);
}

static void a_vote_that_was_never_given(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    restore_east();
    invent(&tx);
    /* A commit that nobody voted for; the details fit. */
    struct gj_commit commit = {.digest = tx.digest, .core = tx.core_bytes};
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_COMMIT, &tx.txid, &commit);
    struct gj_replay step = {.what = "committed", .digest = tx.digest, .legs = tx.parts, .n_legs = 1};
    tell(&step, &tx.txid);
    /* A YES under the liar's own signature; a hello of EAST's as its YES. */
    struct gj_replay prepared = {.what = "prepared", .digest = tx.digest, .legs = tx.parts, .n_legs = 1};
    prepared.proof = gj_liar_latest_caught(l, GJ_LIAR_EAST, GJ_KIND_HELLO)->evidence;
    tell(&prepared, &tx.txid);
    struct gj_replay begun = {.what = "begun", .digest = tx.digest, .proof = prepared.proof};
    tell(&begun, &tx.txid);
    expect_nothing_happened(1);
}

/* EAST said YES to one thing; the liar shows that YES for another. */
static void a_yes_to_something_else(void **state) {
    (void)state;
    struct gj_liar_tx real, tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &real, 20000);
    gj_liar_prepare(l, &real, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &real);
    struct gj_slice yes = gj_liar_latest_caught(l, GJ_LIAR_EAST, GJ_KIND_VOTE)->evidence;
    gj_liar_abort(l, &real, GJ_LIAR_EAST);
    restore_east();
    invent(&tx);
    struct gj_prepare_core core = {.core = tx.core_bytes};
    struct gj_replay step = {
        .what = "prepared", .digest = tx.digest, .proof = yes, .legs = tx.parts, .n_legs = 1};
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_CORE, &tx.txid, &core);
    tell(&step, &tx.txid);
    struct gj_replay refused = {.what = "refused", .digest = tx.digest, .proof = yes};
    tell(&refused, &tx.txid);
    struct gj_replay aborted = {.what = "aborted", .digest = tx.digest, .proof = yes};
    tell(&aborted, &tx.txid);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "");
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &real.txid), "ABORTED");
    expect_nothing_happened(3);
}

/* A place that it did not ask for, another node's nonce, a word of a later version, no end of steps. */
static void steps_that_lead_nowhere(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    restore_east();
    struct gj_replay done = {.done = true};
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REPLAY, NULL, &done); /* no nonce of its */
    gj_liar_run(l, 1000);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "resync");
    memcpy(done.nonce, asked()->nonce, sizeof done.nonce);
    done.at = GJ_SLICE_LIT("elsewhere");
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REPLAY, NULL, &done);
    gj_liar_run(l, 1000);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "resync");
    struct gj_replay later = {.what = "sealed"};
    tell(&later, NULL);
    for (int i = 0; i < 20; i++) {
        struct gj_replay step = {.what = ""};
        tell(&step, NULL);
    }
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "resync"); /* the liar refuses service, that is all */
    expect_nothing_happened(0);
}

/* A binding of two others' citizens is not the liar's to end. */
static void the_end_of_a_binding_of_others(void **state) {
    (void)state;
    const struct gj_req_get get = {.what = "binding", .sender = "330000/test"};
    struct gj_req_get ask = get;
    const void *answer = NULL;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    restore_east();
    struct gj_replay step = {.what = "ended", .by = "payer", .business_date = 20261118};
    gj_text_set(step.binding_ref, sizeof step.binding_ref, l->binding);
    tell(&step, &(struct gj_txid){.coordinator = "450000", .epoch = 1, .seq = 1, .attempt = 1});
    expect_nothing_happened(1);
    gj_text_set(ask.id, sizeof ask.id, l->binding);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_EAST, GJ_REQUEST_GET, &ask, &answer),
                     GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "active");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_vote_that_was_never_given, begin, end),
        cmocka_unit_test_setup_teardown(a_yes_to_something_else, begin, end),
        cmocka_unit_test_setup_teardown(steps_that_lead_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(the_end_of_a_binding_of_others, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
