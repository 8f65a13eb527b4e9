/* SPDX-License-Identifier: Apache-2.0
 *
 * Homes and payers' nodes that lie in their answers, to an honest place of care and its client: covers of other
 * nodes' money, codes that are no refusals, words about what was never asked. The client must hear one of done,
 * refused, in progress, and it must be true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/liar.h"

static struct gj_liar *l;
static struct gj_req_bill bill;
static uint64_t ticket;

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

/* A client's bill of 150 yuan; the liar hears what the place of care asks. */
static void ask(size_t liar, enum gj_kind question) {
    if (l->self == GJ_LIAR_NODES) gj_liar_take_over(l, liar);
    gj_liar_forget(l);
    gj_liar_bill(l, &bill, 15000);
    ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    gj_liar_await(l, GJ_LIAR_CARE, question);
}

/* The client's only answer, a refusal; and the same for ever. Returns its code. */
static const char *refused(void) {
    static char code[GJ_CODE_MAX + 1];
    const void *answer = NULL, *again = NULL;
    gj_liar_run(l, 60000);
    assert_int_equal(gj_cluster_answers(l->cluster, ticket), 1);
    assert_int_equal(gj_cluster_answer(l->cluster, ticket, &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->outcome, "refused");
    gj_text_set(code, sizeof code, ((const struct gj_ans_problem *)answer)->code);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill, &again),
                     GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)again)->code, code);
    struct gj_req_get get = {.what = "request"};
    gj_text_set(get.id, sizeof get.id, bill.msgid);
    gj_text_set(get.sender, sizeof get.sender, bill.sender);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_GET, &get, &again),
                     GJ_ANSWER_REQUEST);
    const struct gj_ans_request *request = again;
    assert_string_equal(request->state, "refused");
    assert_string_equal(request->reversal, "");
    return code;
}

static void settled(int64_t cash_fen) {
    const void *answer = NULL;
    gj_liar_run(l, 60000);
    assert_int_equal(gj_cluster_answer(l->cluster, ticket, &answer), GJ_ANSWER_SETTLEMENT);
    assert_int_equal(((const struct gj_ans_settlement *)answer)->psn_cash_pay, cash_fen);
}

/* --- the home's plan --------------------------------------------------------------------------------------------- */

static struct gj_source sources[GJ_SOURCES_MAX];
static struct gj_own_cover own[4];

/* An answer to the plan that was asked: 50 yuan of his own, p1 for the rest. */
static struct gj_plan_answer true_plan(void) {
    const struct gj_plan_ask *asked = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_PLAN, NULL);
    memset(sources, 0, sizeof sources);
    own[0] = (struct gj_own_cover){.account = GJ_LIAR_PATIENT, .cover = 5000};
    gj_text_set(sources[0].binding_ref, sizeof sources[0].binding_ref, l->binding);
    gj_text_set(sources[0].region, sizeof sources[0].region, "330100");
    gj_text_set(sources[0].relation, sizeof sources[0].relation, "child");
    struct gj_plan_answer plan = {.acct_payable_amt = asked->acct_payable_amt,
                                  .business_date = asked->business_date,
                                  .person_ref = "p2",
                                  .draw = "CASCADE",
                                  .on_unreachable = "SKIP",
                                  .own = own,
                                  .n_own = 1,
                                  .sources = sources,
                                  .n_sources = 1,
                                  .valid_until = INT64_MAX};
    gj_text_set(plan.sender, sizeof plan.sender, asked->sender);
    gj_text_set(plan.use, sizeof plan.use, asked->use);
    gj_text_set(plan.mdtrtarea_admvs, sizeof plan.mdtrtarea_admvs, asked->mdtrtarea_admvs);
    gj_text_set(plan.fixmedins_code, sizeof plan.fixmedins_code, asked->fixmedins_code);
    return plan;
}

static void answer_plan(const struct gj_plan_answer *plan) {
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_PLAN, GJ_KIND_PLAN_ANSWER, plan);
}

/* A home speaks for its own citizens' money only. */
static void covers_of_other_nodes(void **state) {
    (void)state;
    static const char *const regions[] = {"999999", "330100", "450100", "1"};
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
        struct gj_plan_answer plan = true_plan();
        gj_text_set(sources[0].region, sizeof sources[0].region, regions[i]);
        sources[0].evaluated = true;
        sources[0].cover = 10000;
        gj_text_set(sources[0].account, sizeof sources[0].account, "P/p3/prior");
        answer_plan(&plan);
        assert_string_equal(refused(), "BAD_EVIDENCE");
    }
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_CARE, "P/p3/prior"), 10000);
}

static void a_plan_for_something_else(void **state) {
    (void)state;
    enum { SENDER, USE, AMOUNT, DATE, PLACE, INSTITUTION, LIES };
    for (int lie = SENDER; lie < LIES; lie++) {
        ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
        struct gj_plan_answer plan = true_plan();
        if (lie == SENDER) gj_text_set(plan.sender, sizeof plan.sender, "450000/other");
        if (lie == USE) gj_text_set(plan.use, sizeof plan.use, "pharmacy");
        if (lie == AMOUNT) plan.acct_payable_amt++;
        if (lie == DATE) plan.business_date = 20260101;
        if (lie == PLACE) gj_text_set(plan.mdtrtarea_admvs, sizeof plan.mdtrtarea_admvs, "450200");
        if (lie == INSTITUTION) gj_text_set(plan.fixmedins_code, sizeof plan.fixmedins_code, "H45010000002");
        answer_plan(&plan);
        assert_string_equal(refused(), "BAD_EVIDENCE");
    }
}

/* As long as the schema lets every list and every text be: the answer to the client must still be made. */
static void a_plan_as_large_as_it_can_be(void **state) {
    (void)state;
    ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
    struct gj_plan_answer plan = true_plan();
    plan.n_own = 4;
    plan.n_sources = GJ_SOURCES_MAX;
    for (uint32_t i = 0; i < 4; i++) {
        (void)snprintf(own[i].account, sizeof own[i].account, "%040u/prior", i);
        own[i].cover = i == 3 ? 100 : 1;
    }
    for (uint32_t i = 0; i < GJ_SOURCES_MAX; i++) {
        struct gj_source *source = &sources[i];
        (void)snprintf(source->binding_ref, sizeof source->binding_ref, "%048u", i);
        gj_text_set(source->region, sizeof source->region, "360100");
        memset(source->relation, 'r', GJ_WORD_MAX);
        memset(source->payer_masked, 'n', GJ_NAME_MAX);
        memset(source->rule, 'R', GJ_RULE_MAX);
        source->evaluated = true;
        source->cover = 1;
        (void)snprintf(source->account, sizeof source->account, "%040u/prior", i);
        gj_text_set(source->pack.region, sizeof source->pack.region, "360100");
        memset(source->pack.pack, 'p', GJ_REF_MAX);
        source->pack.version = INT64_MAX;
        source->pack.digest.bytes[0] = GJ_HASH_SM3;
        source->pack.digest.bytes[1] = (uint8_t)i;
    }
    plan.pack = sources[0].pack;
    answer_plan(&plan); /* covers little: the plan is dearer than the client agreed to */
    assert_string_equal(refused(), "PLAN_CHANGED");
}

/* --- codes ------------------------------------------------------------------------------------------------------------ */

/* What only this node can say of its own request: a peer's word for it is not believed. */
static const char *const not_for_peers[] = {"OK",           "REVERSED",    "IN_PROGRESS",
                                            "PLAN_CHANGED", "INTERRUPTED", "TIMED_OUT"};
#define NOT_FOR_PEERS (sizeof not_for_peers / sizeof not_for_peers[0])

static void refusals_that_are_none(void **state) {
    (void)state;
    for (size_t i = 0; i < NOT_FOR_PEERS; i++) {
        ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
        struct gj_plan_answer plan = true_plan();
        gj_text_set(plan.code, sizeof plan.code, not_for_peers[i]);
        answer_plan(&plan);
        assert_string_equal(refused(), "VIOLATION");

        ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
        struct gj_error error = {.detail = "no"};
        gj_text_set(error.code, sizeof error.code, not_for_peers[i]);
        gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_PLAN, GJ_KIND_ERROR, &error);
        assert_string_equal(refused(), "VIOLATION");
    }
}

static void votes_that_are_none(void **state) {
    (void)state;
    for (size_t i = 0; i < NOT_FOR_PEERS; i++) {
        struct gj_message core;
        ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
        struct gj_plan_answer plan = true_plan();
        answer_plan(&plan);
        gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
        const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
        struct gj_vote vote = {.digest = legs->digest, .class = "RULE"};
        gj_text_set(vote.code, sizeof vote.code, not_for_peers[i]);
        const struct gj_txid txid = core.header.tx;
        gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE, &txid, &vote);
        assert_string_equal(refused(), "VIOLATION");
        assert_int_equal(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 0);
    }
}

static void consents_that_are_none(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_HOME);
    struct gj_req_bind body = {.sender = GJ_LIAR_HOSPITAL, .consent_ref = "consent", .relation = "child"};
    const void *answer = NULL;
    gj_liar_person(4, "330100", &body.payer);
    gj_liar_person(6, "360100", &body.recipient);
    for (size_t i = 0; i < NOT_FOR_PEERS; i++) {
        (void)snprintf(body.msgid, sizeof body.msgid, "lie-%zu", i);
        gj_liar_forget(l);
        ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_BIND, &body);
        gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_VERIFY);
        struct gj_verified verified = {.enrolled = true};
        gj_text_set(verified.code, sizeof verified.code, not_for_peers[i]);
        gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_VERIFY, GJ_KIND_VERIFIED, &verified);
        gj_liar_run(l, 30000);
        assert_int_equal(gj_cluster_answer(l->cluster, ticket, &answer), GJ_ANSWER_PROBLEM);
        assert_string_equal(((const struct gj_ans_problem *)answer)->code, "VIOLATION");
    }
}

/* --- who was asked, and what ------------------------------------------------------------------------------------------ */

/* A third node answers the question that another was asked; and another kind of thing than was asked. */
static void answers_to_others_questions(void **state) {
    (void)state;
    gj_liar_take_over(l, GJ_LIAR_NORTH);
    gj_cluster_cut(l->cluster, GJ_LIAR_CARE, GJ_LIAR_HOME, true); /* the home will not answer */
    gj_liar_bill(l, &bill, 15000);
    ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill);
    gj_liar_run(l, 10);
    const uint32_t epoch = (uint32_t)(gj_cluster_now(l->cluster, GJ_LIAR_CARE).wall.ms / 1000);
    struct gj_plan_answer plan = {.sender = GJ_LIAR_HOSPITAL, .use = "outpatient", .person_ref = "p2"};
    plan.acct_payable_amt = 15000;
    plan.business_date = gj_date_of(gj_cluster_now(l->cluster, GJ_LIAR_CARE).wall);
    for (uint32_t back = 0; back < 40; back++) {
        for (uint64_t counter = 1; counter < 40; counter += 13) {
            struct gj_header header;
            uint8_t id[GJ_MSGID_BYTES];
            gj_msgid_write(id, &(struct gj_msgid){epoch - back, counter});
            gj_forge_header(&l->forge, GJ_KIND_PLAN_ANSWER, "450000", NULL, &header);
            header.reply_to = gj_slice_of(id, sizeof id);
            struct gj_slice message =
                gj_forge_message(&l->forge, &header, gj_kind_shape(GJ_KIND_PLAN_ANSWER), &plan);
            gj_cluster_inject(l->cluster, GJ_LIAR_CARE, "130000", gj_liar_parcel(l, &message, 1));
        }
    }
    assert_string_equal(refused(), "HOME_UNREACHABLE");
    gj_cluster_cut(l->cluster, GJ_LIAR_CARE, GJ_LIAR_HOME, false);
}

static void another_kind_of_answer(void **state) {
    (void)state;
    ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
    struct gj_cover_answer cover = {.binding_ref = "x", .cover = 15000, .account = "P/x/prior"};
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_PLAN, GJ_KIND_COVER_ANSWER, &cover);
    assert_string_equal(refused(), "VIOLATION");
}

/* More than was asked for is worth what was asked; and the second answer to one question nothing. */
static void covers_above_what_was_asked(void **state) {
    (void)state;
    struct gj_message core;
    ask(GJ_LIAR_EAST, GJ_KIND_COVER);
    struct gj_cover_answer cover = {.binding_ref = "x", .cover = INT64_C(99999999999999)};
    gj_text_set(cover.account, sizeof cover.account, GJ_LIAR_PAYER);
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_COVER, GJ_KIND_COVER_ANSWER, &cover);
    gj_liar_answer(l, GJ_LIAR_CARE, GJ_KIND_COVER, GJ_KIND_COVER_ANSWER, &cover);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    (void)gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    const struct gj_txid txid = core.header.tx;
    const struct gj_prepare_core *prepare = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_CORE, NULL);
    struct gj_core said;
    assert_int_equal(gj_shape_decode(&gj_shape_core, prepare->core, &l->look, &said, NULL), GJ_OK);
    assert_int_equal(said.legs[1].amount, 10000);
    struct gj_vote vote = {.yes = true};
    gj_digest_of(l->forge.hasher, GJ_HASH_SHA256, &prepare->core, 1, &vote.digest);
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE, &txid, &vote);
    settled(0);
}

/* --- facts -------------------------------------------------------------------------------------------------------------- */

/* A participant tells where it put its own refund; about another's leg it knows nothing. */
static void facts_about_anothers_leg(void **state) {
    (void)state;
    const void *answer = NULL;
    struct gj_message core;
    gj_liar_bill(l, &bill, 15000);
    assert_int_equal(gj_cluster_request(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_SETTLE, &bill, &answer),
                     GJ_ANSWER_SETTLEMENT);
    struct gj_req_refund refund = {.sender = GJ_LIAR_HOSPITAL, .msgid = "refund-1", .amount = 15000};
    gj_text_set(refund.setl_id, sizeof refund.setl_id, ((const struct gj_ans_settlement *)answer)->setl_id);
    gj_liar_take_over(l, GJ_LIAR_EAST);
    ticket = gj_cluster_submit(l->cluster, GJ_LIAR_CARE, GJ_REQUEST_REFUND, &refund);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    const struct gj_txid txid = core.header.tx;
    const struct gj_vote vote = {.digest = legs->digest, .yes = true};
    struct gj_leg_fact fact[3] = {{.leg = 0, .account = "P/p1/suspense"}, /* p1 was drawn last */
                                  {.leg = 1, .account = "P/p2/suspense"}, /* the home's */
                                  {.leg = GJ_LEGS_MAX, .account = "x"}};
    const struct gj_vote_facts facts = {.digest = legs->digest, .facts = fact, .n_facts = 3};
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE_FACTS, &txid, &facts);
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE, &txid, &vote);
    gj_liar_run(l, 30000);
    assert_int_equal(gj_cluster_answer(l->cluster, ticket, &answer), GJ_ANSWER_REFUND);
    const struct gj_ans_refund *refunded = answer;
    assert_int_equal(refunded->n_payees, 2);
    assert_string_equal(refunded->payees[0].payer, "relative");
    assert_string_equal(refunded->payees[0].acct_type, "suspense");
    assert_string_equal(refunded->payees[1].acct_type, "prior");
}

/* YES to the coordinator, REFUSED to the other participant: as long as the coordinator speaks, its word comes first. */
static void one_with_two_words(void **state) {
    (void)state;
    struct gj_message core;
    ask(GJ_LIAR_HOME, GJ_KIND_PLAN);
    struct gj_plan_answer plan = true_plan();
    answer_plan(&plan);
    gj_liar_await(l, GJ_LIAR_CARE, GJ_KIND_LEGS);
    const struct gj_prepare_legs *legs = gj_liar_latest(l, GJ_LIAR_CARE, GJ_KIND_LEGS, &core);
    const struct gj_vote vote = {.digest = legs->digest, .yes = true};
    struct gj_tx_status item = {.txid = core.header.tx, .digest = legs->digest, .state = "REFUSED"};
    const struct gj_status status = {.items = &item, .n_items = 1};
    const struct gj_txid txid = item.txid;
    assert_true(gj_liar_held(l, GJ_LIAR_EAST, GJ_LIAR_PAYER) > 0);
    gj_liar_say(l, GJ_LIAR_EAST, GJ_KIND_STATUS, NULL, &status);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &txid), "PREPARED");
    gj_liar_say(l, GJ_LIAR_CARE, GJ_KIND_VOTE, &txid, &vote);
    settled(0);
    assert_string_equal(gj_liar_part_state(l, GJ_LIAR_EAST, &txid), "COMMITTED");
    assert_int_equal(gj_liar_balance(l, GJ_LIAR_EAST, GJ_LIAR_PAYER), 90000);
}

#define LIE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        LIE(covers_of_other_nodes),       LIE(a_plan_for_something_else), LIE(a_plan_as_large_as_it_can_be),
        LIE(refusals_that_are_none),      LIE(votes_that_are_none),       LIE(consents_that_are_none),
        LIE(answers_to_others_questions), LIE(another_kind_of_answer),    LIE(covers_above_what_was_asked),
        LIE(facts_about_anothers_leg),    LIE(one_with_two_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
