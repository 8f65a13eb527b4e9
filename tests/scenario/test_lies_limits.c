/* SPDX-License-Identifier: Apache-2.0
 *
 * Can a registered peer end a node? Everything here is well signed and fits its schema; some of it carries what a
 * record cannot hold: fields that no schema knows, numbers that no column takes, words that no table lists.
 * The node must live, say no, and go on serving others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/liar.h"

#define TOO_LONG ((size_t)GJ_EVIDENCE_MAX + 1000)

/* The world itself: said truly, the same words pay. */
static void what_is_true_is_paid(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_HOME, &tx);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &tx);
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 20000);
    gj_liar_commit(l, &tx);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 80000);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_HOME, GJ_LIAR_PATIENT), 0);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_ACK), 1);
    gj_liar_free(&l);
}

/* --- evidence that no record can hold -------------------------------------------------------------------- */

static void a_core_too_long_to_keep(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    tx.core_padding = TOO_LONG;
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_null(gj_liar_vote(l, GJ_LIAR_EAST, &tx));
    assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 0);
    const struct gj_error *error = gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_ERROR, NULL);
    assert_non_null(error);
    assert_string_equal(error->code, "TOO_LARGE");
    gj_liar_free(&l);
}

static void an_abort_too_long_to_keep(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx held, unknown;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &held, 20000);
    gj_liar_prepare(l, &held, GJ_LIAR_EAST, false);
    gj_liar_settlement(l, &unknown, 20000);
    const struct gj_liar_tx *both[] = {&held, &unknown};
    for (int i = 0; i < 2; i++) {
        const struct gj_abort body = {.digest = both[i]->digest, .reason = "TIMED_OUT"};
        struct gj_slice message = gj_liar_padded(l, GJ_KIND_ABORT, "330000", &both[i]->txid, &body, TOO_LONG);
        gj_liar_frame(l, GJ_LIAR_EAST, gj_liar_parcel(l, &message, 1));
    }
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &held.txid), "PREPARED");
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &unknown.txid), "");
    gj_liar_abort(l, &held, GJ_LIAR_EAST); /* a short one does it */
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &held.txid), "ABORTED");
    gj_liar_free(&l);
}

static void a_commit_too_long_to_keep(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx tx;
    struct gj_commit commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_certificate(l, &tx, &commit);
    struct gj_slice message = gj_liar_padded(l, GJ_KIND_COMMIT, "330000", &tx.txid, &commit, TOO_LONG);
    gj_liar_frame(l, GJ_LIAR_EAST, gj_liar_parcel(l, &message, 1));
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "PREPARED");
    gj_liar_commit(l, &tx);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "COMMITTED");
    gj_liar_free(&l);
}

/* A payer's node that says no to an honest place of care, at length. */
static void a_no_too_long_to_keep(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_req_bill bill;
    struct gj_message question, core;
    gj_liar_take_over(l, GJ_LIAR_EAST);
    gj_liar_bill(l, &bill, 15000);
    uint64_t ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_COVER);
    const struct gj_cover_ask *ask = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_COVER, &question);
    struct gj_cover_answer answer = {.cover = ask->amount, .account = GJ_LIAR_PAYER};
    gj_text_set(answer.binding_ref, sizeof answer.binding_ref, ask->binding_ref);
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_COVER, GJ_KIND_COVER_ANSWER, &answer);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    const struct gj_vote vote = {.digest = legs->digest, .class = "RULE", .code = "RULE", .rule = "R51"};
    struct gj_slice message = gj_liar_padded(l, GJ_KIND_VOTE, "450000", &core.header.tx, &vote, TOO_LONG);
    gj_liar_frame(l, GJ_LIAR_CARE, gj_liar_parcel(l, &message, 1));
    gj_liar_run(l, 30000);
    assert_int_equal(gj_cluster_answers(l->cluster, ticket), 1);
    gj_liar_free(&l);
}

/* The listed home refuses in a STATUS that is long with other things. */
static void a_refusal_inside_a_long_status(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_req_bill bill;
    struct gj_message core;
    gj_liar_take_over(l, GJ_LIAR_HOME);
    gj_liar_bill(l, &bill, 15000);
    (void)gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_PLAN);
    const struct gj_plan_ask *ask = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_PLAN, NULL);
    struct gj_source source = {.region = "330100", .relation = "child"};
    gj_text_set(source.binding_ref, sizeof source.binding_ref, l->binding);
    struct gj_plan_answer plan = {.acct_payable_amt = ask->acct_payable_amt,
                                  .business_date = ask->business_date,
                                  .person_ref = "p2",
                                  .draw = "CASCADE",
                                  .on_unreachable = "SKIP",
                                  .sources = &source,
                                  .n_sources = 1,
                                  .valid_until = INT64_MAX};
    gj_text_set(plan.sender, sizeof plan.sender, ask->sender);
    gj_text_set(plan.use, sizeof plan.use, ask->use);
    gj_text_set(plan.mdtrtarea_admvs, sizeof plan.mdtrtarea_admvs, ask->mdtrtarea_admvs);
    gj_text_set(plan.fixmedins_code, sizeof plan.fixmedins_code, ask->fixmedins_code);
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_PLAN, GJ_KIND_PLAN_ANSWER, &plan);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    struct gj_tx_status item = {.txid = core.header.tx, .digest = legs->digest, .state = "REFUSED"};
    const struct gj_txid txid = item.txid;
    gj_cluster_cut(l->cluster, GJ_LIAR_CARE, GJ_LIAR_EAST, true);
    gj_liar_run(l, 60000); /* its coordinator is silent: the home is asked */
    assert_true(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_INQUIRE) > 0);
    const struct gj_status status = {.items = &item, .n_items = 1};
    struct gj_slice message = gj_liar_padded(l, GJ_KIND_STATUS, "330000", NULL, &status, TOO_LONG);
    gj_liar_frame(l, GJ_LIAR_EAST, gj_liar_parcel(l, &message, 1));
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &txid), "PREPARED");
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_STATUS, NULL, &status); /* a short one is the proof */
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &txid), "ABORTED");
    gj_cluster_cut(l->cluster, GJ_LIAR_CARE, GJ_LIAR_EAST, false);
    gj_liar_run(l, 30000);
    gj_liar_free(&l);
}

/* --- numbers and words ------------------------------------------------------------------------------------- */

static void a_flush_above_every_column(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    static const uint64_t flushes[] = {(uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (int i = 0; i < 2; i++) {
        l->forge.flush = flushes[i];
        gj_liar_hello(l, l->forge.epoch + 1);
    }
    l->forge.flush = INT64_MAX;
    gj_liar_hello(l, l->forge.epoch + 1);
    gj_liar_settlement(l, &tx, 100);
    l->forge.flush = UINT64_MAX; /* not only in a HELLO */
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_null(gj_liar_vote(l, GJ_LIAR_EAST, &tx));
    gj_liar_free(&l);
}

/* Facts are a list that may not be absent; an empty one is well formed. */
static void a_vote_without_facts_in_its_facts(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_req_bill bill;
    struct gj_message core;
    gj_liar_take_over(l, GJ_LIAR_EAST);
    gj_liar_bill(l, &bill, 15000);
    (void)gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_COVER);
    struct gj_cover_answer answer = {.cover = 10000, .account = GJ_LIAR_PAYER, .binding_ref = "x"};
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_COVER, GJ_KIND_COVER_ANSWER, &answer);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    const struct gj_vote_facts facts = {.digest = legs->digest};
    const struct gj_txid txid = core.header.tx;
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE_FACTS, &txid, &facts);
    gj_liar_run(l, 30000);
    gj_liar_free(&l);
}

/* The other home of a binding ends it, in a word that no record knows. */
static void a_revocation_by_nobody(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    gj_liar_take_over(l, GJ_LIAR_HOME);
    struct gj_revoke revoke = {.by = "everybody", .reason = "unbind"};
    gj_text_set(revoke.binding_ref, sizeof revoke.binding_ref, l->binding);
    revoke.business_date = gj_date_of(gj_cluster_now(l->cluster, l->self).wall);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REVOKE, NULL, &revoke);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_REVOKED), 0);
    gj_text_set(revoke.by, sizeof revoke.by, "recipient");
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REVOKE, NULL, &revoke);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_REVOKED), 1);
    gj_liar_free(&l);
}

/* Every number of a name as large as it may be, and a biz key as long: they become keys of postings and holds. */
static void the_longest_names(void **state) {
    (void)state;
    struct gj_liar *l = gj_liar_new();
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    tx.txid.epoch = UINT32_MAX;
    tx.txid.seq = INT64_MAX;
    tx.txid.attempt = UINT16_MAX;
    memset(tx.core.msgid, '|', GJ_MSGID_MAX);
    tx.core.expires_at = INT64_MAX;
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &tx);
    gj_liar_commit(l, &tx);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 80000);
    gj_liar_free(&l);
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_true_is_paid),       cmocka_unit_test(a_core_too_long_to_keep),
        cmocka_unit_test(an_abort_too_long_to_keep),  cmocka_unit_test(a_commit_too_long_to_keep),
        cmocka_unit_test(a_no_too_long_to_keep),      cmocka_unit_test(a_refusal_inside_a_long_status),
        cmocka_unit_test(a_flush_above_every_column), cmocka_unit_test(a_vote_without_facts_in_its_facts),
        cmocka_unit_test(a_revocation_by_nobody),     cmocka_unit_test(the_longest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
