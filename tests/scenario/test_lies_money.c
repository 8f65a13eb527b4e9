/* SPDX-License-Identifier: Apache-2.0
 *
 * A coordinator that lies about money and consent: whose home agreed, where the money goes, whose binding it is,
 * what a refund undoes. No honest node may pay, bind or hold for it what its own citizens' homes did not approve.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"
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

static bool says_yes(size_t node, const struct gj_liar_tx *tx) {
    const struct gj_vote *vote = gj_liar_vote(l, node, tx);
    return vote != NULL && vote->yes;
}

/* --- the patient's home must agree to this very payment ------------------------------------------------------- */

static void a_home_that_is_listed_but_has_nothing_to_do(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_tx_init(l, &tx, "settle");
    gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
    gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
    (void)gj_liar_tx_draw(l, &tx, 20000);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_false(says_yes(GJ_LIAR_HOME, &tx));
    assert_false(says_yes(GJ_LIAR_EAST, &tx));
    gj_liar_commit(l, &tx);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 100000);
}

/* The home is made to agree to a fen of an accomplice, and its YES is shown for the victim's money. */
static void a_home_that_agrees_to_something_else(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    char own[GJ_REF_MAX + 1];
    gj_liar_bind(l, 6, "360100", 5, "450100", own);
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_tx_init(l, &tx, "settle");
    gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
    gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
    (void)gj_liar_tx_draw(l, &tx, 20000);
    struct gj_leg_detail *fen = gj_liar_tx_leg(&tx, "draw", GJ_LIAR_HOME, "360100", "450100", 1);
    gj_text_set(fen->account, sizeof fen->account, "P/p6/prior");
    gj_text_set(fen->binding_ref, sizeof fen->binding_ref, own);
    (void)gj_liar_tx_leg(&tx, "consume", GJ_LIAR_CARE, "450100", "450100", 0);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, false);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_true(says_yes(GJ_LIAR_HOME, &tx)); /* the accomplice's fen is in order */
    gj_liar_expect_no(l, GJ_LIAR_EAST, &tx, "WRONG_NODE");
    gj_liar_commit(l, &tx);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 100000);
}

static void a_home_that_never_gave_that_plan(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    enum { NO_PLAN, MORE, OTHER_PATIENT, OTHER_SENDER, OTHER_USE, NOT_ALL_LEGS, LIES };
    for (int lie = NO_PLAN; lie < LIES; lie++) {
        struct gj_slice plan;
        gj_liar_plan(l, 25000, &plan);
        gj_liar_tx_init(l, &tx, "settle");
        gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
        gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        int64_t relatives = lie == MORE ? 20001 : 20000;
        (void)gj_liar_tx_own(&tx, 5000);
        (void)gj_liar_tx_draw(l, &tx, relatives);
        struct gj_leg_detail *record = gj_liar_tx_consume(&tx, 5000, relatives);
        if (lie != NO_PLAN) tx.plan = plan;
        if (lie == OTHER_PATIENT) gj_text_set(record->person_ref, sizeof record->person_ref, "p6");
        if (lie == OTHER_SENDER) gj_text_set(tx.core.sender, sizeof tx.core.sender, "450000/other");
        if (lie == OTHER_USE) gj_text_set(tx.details[1].use, sizeof tx.details[1].use, "pharmacy");
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_HOME, lie != NOT_ALL_LEGS);
        assert_false(says_yes(GJ_LIAR_HOME, &tx));
        assert_int_equal(gj_liar_held(l, GJ_LIAR_HOME, GJ_LIAR_PATIENT), 0);
    }
}

static void a_plan_of_another_day(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_settlement(l, &tx, 20000);
    struct gj_slice plan = tx.plan;
    gj_liar_run(l, INT64_C(24) * 3600 * 1000);
    gj_liar_settlement(l, &tx, 20000);
    tx.plan = plan;
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_expect_no(l, GJ_LIAR_HOME, &tx, "PLAN_STALE");
}

/* The relative's money is said to come from a node that has no such citizen: the home's record would be false. */
static void a_relatives_leg_at_another_node(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_tx_init(l, &tx, "settle");
    gj_liar_plan(l, 25000, &tx.plan);
    gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
    (void)gj_liar_tx_own(&tx, 5000);
    struct gj_leg_detail *draw = gj_liar_tx_leg(&tx, "draw", GJ_LIAR_CARE, "330100", "450100", 20000);
    gj_text_set(draw->binding_ref, sizeof draw->binding_ref, l->binding);
    gj_text_set(draw->account, sizeof draw->account, GJ_LIAR_PAYER);
    (void)gj_liar_tx_consume(&tx, 5000, 20000);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    assert_false(says_yes(GJ_LIAR_HOME, &tx));
}

/* --- where the money goes -------------------------------------------------------------------------------------- */

/* The place of care must be the coordinator's own: nobody else books what the legs bring. */
static void money_for_a_third_node(void **state) {
    (void)state;
    static const char *const elsewhere[] = {"130100", "330200", "360800", "999999"};
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        gj_liar_tx_init(l, &tx, "settle");
        gj_liar_plan(l, 25000, &tx.plan);
        gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
        gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        (void)gj_liar_tx_own(&tx, 5000);
        (void)gj_liar_tx_draw(l, &tx, 20000);
        (void)gj_liar_tx_consume(&tx, 5000, 20000);
        gj_text_set(tx.legs[0].to_region, sizeof tx.legs[0].to_region, elsewhere[i]);
        gj_text_set(tx.legs[1].to_region, sizeof tx.legs[1].to_region, elsewhere[i]);
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        gj_liar_expect_no(l, GJ_LIAR_EAST, &tx, "WRONG_NODE");
        assert_false(says_yes(GJ_LIAR_HOME, &tx));
    }
}

static void amounts_that_are_none(void **state) {
    (void)state;
    static const int64_t amounts[] = {0, 100001, GJ_FEN_INPUT_MAX};
    static const char *const codes[] = {"BAD_AMOUNT", "NO_COVER", "NO_COVER"};
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    for (int i = 0; i < 3; i++) {
        gj_liar_tx_init(l, &tx, "settle");
        gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
        gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        (void)gj_liar_tx_draw(l, &tx, amounts[i]);
        (void)gj_liar_tx_consume(&tx, 0, amounts[i]);
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        gj_liar_expect_no(l, GJ_LIAR_EAST, &tx, codes[i]);
    }
}

/* As many legs as a core may have, each as large as an amount may be: the home adds them up. */
static void sums_as_large_as_they_can_be(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_tx_init(l, &tx, "settle");
    gj_liar_plan(l, 25000, &tx.plan);
    gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
    gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
    for (int i = 0; i < GJ_LEGS_MAX - 1; i++)
        (void)gj_liar_tx_draw(l, &tx, GJ_FEN_INPUT_MAX);
    struct gj_leg_detail *record = gj_liar_tx_consume(&tx, 0, GJ_FEN_INPUT_MAX);
    record->psn_part_amt = GJ_FEN_INPUT_MAX;
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_false(says_yes(GJ_LIAR_HOME, &tx));
    assert_false(says_yes(GJ_LIAR_EAST, &tx));
}

/* --- who takes part ----------------------------------------------------------------------------------------------- */

static void lists_that_are_not_sound(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    enum { NO_HOME, VICTIM_TWICE, ITSELF, NOT_THE_VICTIM, LIES };
    for (int lie = NO_HOME; lie < LIES; lie++) {
        gj_liar_tx_init(l, &tx, "settle");
        if (lie != NO_HOME) gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
        if (lie != NOT_THE_VICTIM) gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        if (lie == VICTIM_TWICE) gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        if (lie == ITSELF) gj_liar_tx_lists(&tx, GJ_LIAR_CARE);
        (void)gj_liar_tx_draw(l, &tx, 20000);
        if (lie != NO_HOME) (void)gj_liar_tx_consume(&tx, 0, 20000);
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        assert_false(says_yes(GJ_LIAR_EAST, &tx));
        assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 0);
    }
}

/* Another's sender and message number are worth nothing to who is not that sender's node. */
static void a_squatter_on_anothers_biz_key(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    struct gj_req_bill bill;
    const void *answer = NULL;
    char own[GJ_REF_MAX + 1];
    gj_liar_bind(l, 7, "330200", 8, "130100", own);
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_liar_bill(l, &bill, 15000);
    gj_liar_tx_init(l, &tx, "settle");
    gj_text_set(tx.core.sender, sizeof tx.core.sender, bill.sender);
    gj_text_set(tx.core.msgid, sizeof tx.core.msgid, bill.msgid);
    gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
    struct gj_leg_detail *fen = gj_liar_tx_leg(&tx, "draw", GJ_LIAR_EAST, "330200", "130100", 1);
    gj_text_set(fen->account, sizeof fen->account, "P/p7/prior");
    gj_text_set(fen->binding_ref, sizeof fen->binding_ref, own);
    (void)gj_liar_tx_leg(&tx, "consume", GJ_LIAR_NORTH, "130100", "130100", 0);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    enum gj_answer_kind kind =
        gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill, &answer);
    assert_int_equal(kind, GJ_ANSWER_SETTLEMENT);
    gj_liar_run(l, 5000);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 90000);
}

/* --- bindings -------------------------------------------------------------------------------------------------------- */

static struct gj_leg_detail *side(struct gj_liar_tx *tx, const char *type, size_t node, const char *ref,
                                  const char *payer, const char *payer_region, const char *recipient,
                                  const char *recipient_region) {
    bool is_payer = strcmp(type, "payer") == 0;
    struct gj_leg_detail *detail = gj_liar_tx_leg(tx, type, node, payer_region, recipient_region, 0);
    gj_text_set(detail->person_ref, sizeof detail->person_ref, is_payer ? payer : recipient);
    gj_text_set(detail->other_person_ref, sizeof detail->other_person_ref, is_payer ? recipient : payer);
    gj_text_set(detail->binding_ref, sizeof detail->binding_ref, ref);
    gj_text_set(detail->relation, sizeof detail->relation, "child");
    gj_text_set(detail->payer_region, sizeof detail->payer_region, payer_region);
    gj_text_set(detail->recipient_region, sizeof detail->recipient_region, recipient_region);
    gj_text_set(detail->consent_ref, sizeof detail->consent_ref, "consent");
    return detail;
}

static void half_a_binding(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    enum { NO_OTHER_LEG, OTHER_PEOPLES_REGIONS, TWO_PAYERS, BOTH_HERE_BUT_ONE, LIES };
    for (int lie = NO_OTHER_LEG; lie < LIES; lie++) {
        gj_liar_tx_init(l, &tx, "bind");
        gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
        if (lie != BOTH_HERE_BUT_ONE) gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
        const char *recipient_region = lie == BOTH_HERE_BUT_ONE ? "330200" : "360100";
        (void)side(&tx, "payer", GJ_LIAR_EAST, "B-lie", "p4", "330100",
                   lie == BOTH_HERE_BUT_ONE ? "p7" : "p6", recipient_region);
        if (lie == OTHER_PEOPLES_REGIONS)
            (void)side(&tx, "recipient", GJ_LIAR_HOME, "B-lie", "p3", "450100", "p9", "360800");
        if (lie == TWO_PAYERS)
            (void)side(&tx, "payer", GJ_LIAR_HOME, "B-lie", "p6", "360100", "p4", "330100");
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        assert_false(says_yes(GJ_LIAR_EAST, &tx));
        if (lie == BOTH_HERE_BUT_ONE) continue;
        gj_liar_prepare(l, &tx, GJ_LIAR_HOME, false);
        if (lie == NO_OTHER_LEG) assert_false(says_yes(GJ_LIAR_HOME, &tx));
    }
    assert_int_equal(gj_liar_rows(l, GJ_LIAR_EAST, &gj_table_binding), 1);
}

static void one_who_pays_for_himself(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    gj_liar_tx_init(l, &tx, "bind");
    gj_liar_tx_lists(&tx, GJ_LIAR_EAST);
    (void)side(&tx, "payer", GJ_LIAR_EAST, "B-lie", "p4", "330100", "p4", "330100");
    (void)side(&tx, "recipient", GJ_LIAR_EAST, "B-lie", "p4", "330100", "p4", "330100");
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_expect_no(l, GJ_LIAR_EAST, &tx, "RULE");
}

/* A known binding's name on the other side of the table: who made the second could end the first. */
static void a_binding_under_anothers_name(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_liar_tx_init(l, &tx, "bind");
    gj_liar_tx_lists(&tx, GJ_LIAR_HOME);
    (void)side(&tx, "payer", GJ_LIAR_HOME, l->binding, "p6", "360100", "p8", "130100");
    (void)side(&tx, "recipient", GJ_LIAR_NORTH, l->binding, "p6", "360100", "p8", "130100");
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_HOME, false);
    gj_liar_expect_no(l, GJ_LIAR_HOME, &tx, "CONFLICT");
    gj_liar_commit(l, &tx);
    struct gj_revoke revoke = {.by = "recipient", .reason = "unbind"};
    gj_text_set(revoke.binding_ref, sizeof revoke.binding_ref, l->binding);
    revoke.business_date = gj_date_of(gj_cluster_now(l->cluster, l->self).wall);
    gj_liar_say(l, GJ_LIAR_HOME, GJ_KIND_REVOKE, NULL, &revoke);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_REVOKE, NULL, &revoke);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_HOME, GJ_KIND_REVOKED), 0);
    assert_int_equal(gj_liar_count(l, GJ_LIAR_EAST, GJ_KIND_REVOKED), 0);
    struct gj_req_get get = {.what = "binding"};
    const void *answer = NULL;
    gj_text_set(get.id, sizeof get.id, l->binding);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_HOME, GJ_REQUEST_GET, &get, &answer),
                     GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "active");
}

/* --- refunds ----------------------------------------------------------------------------------------------------------- */

static void settle(struct gj_liar_tx *tx, struct gj_commit *ret) {
    gj_liar_settlement(l, tx, 20000);
    gj_liar_prepare(l, tx, GJ_LIAR_HOME, true);
    gj_liar_prepare(l, tx, GJ_LIAR_EAST, false);
    gj_liar_certificate(l, tx, ret);
    assert_int_equal(ret->n_votes, 2);
}

static struct gj_slice commit_bytes(const struct gj_commit *commit) {
    struct gj_buf buf;
    gj_buf_init(&buf, l->forge.work, GJ_EVIDENCE_MAX);
    assert_int_equal(gj_shape_encode(&gj_shape_commit, commit, &buf, NULL), GJ_OK);
    return gj_arena_copy(&l->forge.arena, gj_buf_slice(&buf));
}

static void refund_of(struct gj_liar_tx *tx, const struct gj_liar_tx *original, int64_t amount_fen) {
    gj_liar_tx_init(l, tx, "refund");
    gj_liar_tx_lists(tx, GJ_LIAR_EAST);
    struct gj_leg_detail *detail = gj_liar_tx_leg(tx, "refund", GJ_LIAR_EAST, "450100", "330100", amount_fen);
    gj_text_set(detail->account, sizeof detail->account, "P/p4/prior"); /* the liar's choice */
    detail->original = original->txid;
    detail->original_leg = 1;
}

static void refunds_of_what_was_never_paid(void **state) {
    (void)state;
    struct gj_liar_tx paid, other, tx;
    struct gj_commit commit, other_commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&paid, &commit);
    gj_liar_commit(l, &paid);
    settle(&other, &other_commit); /* no money of his own is left: only the home's YES is missing */
    enum { ABOVE, NEVER, OF_ANOTHER, NO_SUCH_LEG, LIES };
    static const char *const codes[LIES] = {"EXCEEDS_ORIGINAL", "NOT_FOUND", "WRONG_NODE", "NOT_FOUND"};
    for (int lie = ABOVE; lie < LIES; lie++) {
        refund_of(&tx, &paid, lie == ABOVE ? 20001 : 20000);
        if (lie == NEVER) tx.details[0].original.seq = 999;
        if (lie == OF_ANOTHER)
            gj_text_set(tx.details[0].original.coordinator, sizeof tx.details[0].original.coordinator,
                        "130000");
        if (lie == NO_SUCH_LEG) tx.details[0].original_leg = 7;
        if (lie != NEVER) tx.original = commit_bytes(&commit);
        gj_liar_tx_seal(l, &tx);
        gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
        gj_liar_expect_no(l, GJ_LIAR_EAST, &tx, codes[lie]);
    }
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 80000);
}

static void a_certificate_of_another_original(void **state) {
    (void)state;
    struct gj_liar_tx paid, undecided, tx;
    struct gj_commit commit, forged;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&paid, &commit);
    gj_liar_commit(l, &paid);
    /* One that lists only the liar itself needs no vote: a certificate of nothing. */
    gj_liar_tx_init(l, &undecided, "settle");
    (void)gj_liar_tx_leg(&undecided, "consume", GJ_LIAR_CARE, "450100", "450100", 0);
    undecided.core.business_date = 20250101; /* whose day would choose the rules */
    gj_liar_tx_seal(l, &undecided);
    gj_liar_certificate(l, &undecided, &forged);
    refund_of(&tx, &paid, 100);
    tx.original = commit_bytes(&forged);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_false(says_yes(GJ_LIAR_EAST, &tx));
}

static void two_refunds_at_once_and_one_before_the_commit(void **state) {
    (void)state;
    struct gj_liar_tx paid, first, second;
    struct gj_commit commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&paid, &commit);
    refund_of(&first, &paid, 15000); /* EAST has not heard of the commit yet */
    first.original = commit_bytes(&commit);
    gj_liar_tx_seal(l, &first);
    gj_liar_prepare(l, &first, GJ_LIAR_EAST, false);
    gj_liar_expect_yes(l, GJ_LIAR_EAST, &first);
    const struct gj_vote_facts *facts = gj_liar_latest(l, GJ_LIAR_EAST, GJ_KIND_VOTE_FACTS, NULL);
    assert_string_equal(facts->facts[0].account, GJ_LIAR_PAYER); /* its own choice */
    refund_of(&second, &paid, 15000);
    second.original = commit_bytes(&commit);
    gj_liar_tx_seal(l, &second);
    gj_liar_prepare(l, &second, GJ_LIAR_EAST, false);
    gj_liar_expect_no(l, GJ_LIAR_EAST, &second, "BUSY");
    gj_liar_commit(l, &first);
    gj_liar_commit(l, &paid); /* late, and twice */
    gj_liar_commit(l, &first);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 95000);
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, "P/p4/prior"), 10000);
}

/* --- decisions --------------------------------------------------------------------------------------------------------- */

static void a_commit_without_every_yes(void **state) {
    (void)state;
    struct gj_liar_tx tx, before;
    struct gj_commit commit, old;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&before, &old);
    gj_liar_abort(l, &before, GJ_LIAR_HOME);
    gj_liar_abort(l, &before, GJ_LIAR_EAST);
    gj_liar_settlement(l, &tx, 20000);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    gj_liar_certificate(l, &tx, &commit); /* EAST's alone */
    assert_int_equal(commit.n_votes, 1);
    enum { ONE_MISSING, ONE_TWICE, OF_ANOTHER_ATTEMPT, OWN, NONE, LIES };
    for (int lie = ONE_MISSING; lie < LIES; lie++) {
        struct gj_proof votes[2] = {commit.votes[0], commit.votes[0]};
        struct gj_commit said = {.digest = tx.digest, .core = tx.core_bytes, .votes = votes, .n_votes = 2};
        if (lie == ONE_MISSING) said.n_votes = 1;
        if (lie == NONE) said.n_votes = 0;
        if (lie == OF_ANOTHER_ATTEMPT) votes[1] = old.votes[0];
        if (lie == OWN) {
            const struct gj_vote own = {.digest = tx.digest, .yes = true};
            votes[1].bytes = gj_forge_one(&l->forge, GJ_KIND_VOTE, "450000", &tx.txid, &own);
        }
        gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_COMMIT, &tx.txid, &said);
        assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "PREPARED");
    }
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_BAD_CERTIFICATE), LIES);
    gj_liar_abort(l, &tx, GJ_LIAR_EAST);
}

static void an_abort_after_the_commit(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    struct gj_commit commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&tx, &commit);
    gj_liar_commit(l, &tx);
    gj_liar_abort(l, &tx, GJ_LIAR_EAST);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "COMMITTED");
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 80000);
    assert_true(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_VIOLATION) > 0);
}

/* ABORT to release, then COMMIT with every YES: the liar's two signatures convict it; the honest node works on. */
static void a_commit_after_the_abort(void **state) {
    (void)state;
    struct gj_liar_tx tx;
    struct gj_commit commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&tx, &commit);
    gj_liar_abort(l, &tx, GJ_LIAR_EAST);
    gj_liar_commit(l, &tx);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &tx.txid), "ABORTED");
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_HOME, &tx.txid), "COMMITTED");
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_EQUIVOCATION), 1);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "open");
}

/* The same certificate, inside a refund: two words of one signer again, and no reason to stop this node. */
static void a_refund_of_what_was_aborted_here(void **state) {
    (void)state;
    struct gj_liar_tx paid, tx;
    struct gj_commit commit;
    gj_liar_take_over(l, GJ_LIAR_CARE);
    settle(&paid, &commit);
    gj_liar_abort(l, &paid, GJ_LIAR_EAST);
    refund_of(&tx, &paid, 100);
    tx.original = commit_bytes(&commit);
    gj_liar_tx_seal(l, &tx);
    gj_liar_prepare(l, &tx, GJ_LIAR_EAST, false);
    assert_false(says_yes(GJ_LIAR_EAST, &tx));
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &paid.txid), "ABORTED");
    assert_int_equal(gj_liar_events(l, GJ_LIAR_EAST, GJ_EVENT_EQUIVOCATION), 1);
    assert_string_equal(gj_liar_state(l, GJ_LIAR_EAST), "open");
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 100000);
}

#define LIE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        LIE(a_home_that_is_listed_but_has_nothing_to_do),
        LIE(a_home_that_agrees_to_something_else),
        LIE(a_home_that_never_gave_that_plan),
        LIE(a_plan_of_another_day),
        LIE(a_relatives_leg_at_another_node),
        LIE(money_for_a_third_node),
        LIE(amounts_that_are_none),
        LIE(sums_as_large_as_they_can_be),
        LIE(lists_that_are_not_sound),
        LIE(a_squatter_on_anothers_biz_key),
        LIE(half_a_binding),
        LIE(one_who_pays_for_himself),
        LIE(a_binding_under_anothers_name),
        LIE(refunds_of_what_was_never_paid),
        LIE(a_certificate_of_another_original),
        LIE(two_refunds_at_once_and_one_before_the_commit),
        LIE(a_commit_without_every_yes),
        LIE(an_abort_after_the_commit),
        LIE(a_commit_after_the_abort),
        LIE(a_refund_of_what_was_aborted_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
