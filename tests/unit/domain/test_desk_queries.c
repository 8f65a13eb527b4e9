/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads: a sender sees what is his and nothing else, what is not there is told as not there, and neither asks a peer
 * nor changes a record. Unbinding: who may, at which node, and what is told to whom.
 */
#include "desk_world.h"

#define PATIENT  10
#define P1       11
#define STRANGER "H45010000002"

struct read_world {
    struct desk *desk;
    struct gj_req_bill bill;
    struct gj_ans_settlement settlement;
    struct gj_ans_refund refund;
    struct gj_req_refund refund_body;
    char binding[GJ_REF_MAX + 1];
};

static struct read_world *world_new(void) {
    struct read_world *world = calloc(1, sizeof(*world));
    const void *answer = NULL;
    assert_non_null(world);
    world->desk = desk_new();
    desk_person(world->desk, PATIENT, "360800", "310", Y(30));
    desk_person(world->desk, P1, "330200", "310", Y(100));
    desk_bind(world->desk, P1, "330200", PATIENT, "360800", world->binding);
    desk_bill(world->desk, &world->bill, PATIENT, "360800", Y(300), Y(50));
    world->settlement = desk_settle(world->desk, &world->bill, 0);
    struct gj_req_refund *refund = &world->refund_body;
    gj_text_set(refund->sender, sizeof(refund->sender), HOSPITAL);
    desk_msgid(world->desk, refund->msgid);
    gj_text_set(refund->setl_id, sizeof(refund->setl_id), world->settlement.setl_id);
    refund->amount = Y(5);
    assert_int_equal(desk_ask(world->desk, CARE, GJ_REQUEST_REFUND, refund, &answer), GJ_ANSWER_REFUND);
    world->refund = *(const struct gj_ans_refund *)answer;
    return world;
}

static void world_free(struct read_world **world_p) {
    desk_free((*world_p)->desk);
    free(*world_p);
    *world_p = NULL;
}

static enum gj_answer_kind ask_for(struct read_world *world, size_t node, const char *what, const char *id,
                                   const char *sender, const void **ret) {
    struct gj_req_get get;
    memset(&get, 0, sizeof(get));
    gj_text_set(get.what, sizeof(get.what), what);
    gj_text_set(get.id, sizeof(get.id), id);
    gj_text_set(get.sender, sizeof(get.sender), sender);
    return desk_ask(world->desk, node, GJ_REQUEST_GET, &get, ret);
}

static void not_there(struct read_world *world, const char *what, const char *id, const char *sender) {
    const void *answer = NULL;
    assert_int_equal(ask_for(world, CARE, what, id, sender, &answer), GJ_ANSWER_PROBLEM);
    const struct gj_ans_problem *problem = answer;
    assert_string_equal(problem->code, gj_err_name(GJ_ERR_NOT_FOUND));
    assert_string_equal(problem->detail, "id");
}

static void there(struct read_world *world, const char *what, const char *id, const char *sender,
                  enum gj_answer_kind want) {
    const void *answer = NULL;
    assert_int_equal(ask_for(world, CARE, what, id, sender, &answer), want);
}

/* Longer than any id of ours, shorter than the field of the question. */
static const char too_long[] = "0000000000000000000000000000000000000000000000000000000000";

static void what_is_whose(void **state) {
    (void)state;
    struct read_world *world = world_new();
    const struct {
        const char *what, *id;
        enum gj_answer_kind kind;
    } reads[] = {
        {"settlement", world->settlement.setl_id, GJ_ANSWER_SETTLEMENT},
        {"refund", world->refund.refund_id, GJ_ANSWER_REFUND},
        {"binding", world->binding, GJ_ANSWER_BINDING},
    };
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        there(world, reads[i].what, reads[i].id, "", reads[i].kind); /* the bureau */
        there(world, reads[i].what, reads[i].id, HOSPITAL, reads[i].kind);
        not_there(world, reads[i].what, reads[i].id, STRANGER);
        not_there(world, reads[i].what, "nothing", "");
        not_there(world, reads[i].what, too_long, "");
    }
    there(world, "request", world->bill.msgid, HOSPITAL, GJ_ANSWER_REQUEST);
    not_there(world, "request", world->bill.msgid, STRANGER);
    not_there(world, "request", "nothing", HOSPITAL);
    not_there(world, "request", too_long, HOSPITAL);
    world_free(&world);
}

static void a_request_says_its_outcome(void **state) {
    (void)state;
    struct read_world *world = world_new();
    struct desk *desk = world->desk;
    const void *answer = NULL;
    assert_int_equal(ask_for(world, CARE, "request", world->bill.msgid, HOSPITAL, &answer),
                     GJ_ANSWER_REQUEST);
    assert_string_equal(((const struct gj_ans_request *)answer)->state, "done");
    assert_string_equal(((const struct gj_ans_request *)answer)->setl_id, world->settlement.setl_id);
    assert_int_equal(ask_for(world, CARE, "request", world->refund_body.msgid, HOSPITAL, &answer),
                     GJ_ANSWER_REQUEST);
    assert_string_equal(((const struct gj_ans_request *)answer)->state, "done");
    assert_string_equal(((const struct gj_ans_request *)answer)->setl_id, "");

    struct gj_req_refund above = world->refund_body;
    desk_msgid(desk, above.msgid);
    above.amount = Y(1000);
    desk_refused(desk, CARE, GJ_REQUEST_REFUND, &above, "refused", GJ_ERR_EXCEEDS_ORIGINAL, "");
    assert_int_equal(ask_for(world, CARE, "request", above.msgid, HOSPITAL, &answer), GJ_ANSWER_REQUEST);
    assert_string_equal(((const struct gj_ans_request *)answer)->state, "refused");
    assert_string_equal(((const struct gj_ans_request *)answer)->code, gj_err_name(GJ_ERR_EXCEEDS_ORIGINAL));

    struct gj_req_bill slow;
    desk_bill(desk, &slow, PATIENT, "360800", Y(10), Y(10));
    desk_expect_cash(&slow, 0);
    desk->mute[HOME][CARE] = true;
    uint64_t ticket = gj_cluster_submit(desk->cluster, CARE, GJ_REQUEST_SETTLE, &slow);
    assert_int_equal(ask_for(world, CARE, "request", slow.msgid, HOSPITAL, &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->outcome, "in_progress");
    assert_false(gj_cluster_is_answered(desk->cluster, ticket));
    world_free(&world);
}

static void a_transaction_by_its_text(void **state) {
    (void)state;
    struct read_world *world = world_new();
    char txid[GJ_TXID_TEXT_CAP];
    const void *answer = NULL;
    (void)gj_txid_format(txid, &world->settlement.txid);
    assert_int_equal(ask_for(world, CARE, "transaction", txid, "", &answer), GJ_ANSWER_TRANSACTIONS);
    const struct gj_ans_transactions *one = answer;
    assert_int_equal(one->n_transactions, 1);
    assert_string_equal(one->transactions[0].role, "coordinator");
    assert_int_equal(ask_for(world, HOME, "transaction", txid, "", &answer), GJ_ANSWER_TRANSACTIONS);
    assert_string_equal(((const struct gj_ans_transactions *)answer)->transactions[0].role, "participant");
    assert_int_equal(ask_for(world, NORTH, "transaction", txid, "", &answer), GJ_ANSWER_PROBLEM);
    not_there(world, "transaction", "450000", "");
    not_there(world, "transaction", "450000/1/1/1", "");
    assert_int_equal(ask_for(world, CARE, "weather", "", "", &answer), GJ_ANSWER_PROBLEM);
    assert_string_equal(((const struct gj_ans_problem *)answer)->detail, "what");
    world_free(&world);
}

static struct gj_req_unbind unbind_of(struct read_world *world, const char *sender, const char *by) {
    struct gj_req_unbind unbind;
    memset(&unbind, 0, sizeof(unbind));
    gj_text_set(unbind.sender, sizeof(unbind.sender), sender);
    desk_msgid(world->desk, unbind.msgid);
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), world->binding);
    gj_text_set(unbind.by, sizeof(unbind.by), by);
    return unbind;
}

static void who_may_unbind_and_where(void **state) {
    (void)state;
    struct read_world *world = world_new();
    struct desk *desk = world->desk;
    const void *answer = NULL;
    struct gj_req_unbind unbind = unbind_of(world, "330000/window", "nobody");
    desk_refused(desk, EAST, GJ_REQUEST_UNBIND, &unbind, "refused", GJ_ERR_BAD_FIELD, "");
    unbind = unbind_of(world, HOSPITAL, "payer"); /* made here, but the payer's home decides */
    desk_refused(desk, CARE, GJ_REQUEST_UNBIND, &unbind, "wrong_node", GJ_ERR_WRONG_NODE, "");
    unbind = unbind_of(world, "330000/window", "recipient");
    desk_refused(desk, EAST, GJ_REQUEST_UNBIND, &unbind, "wrong_node", GJ_ERR_WRONG_NODE, "");
    gj_text_set(unbind.binding_id, sizeof(unbind.binding_id), "nothing");
    desk_refused(desk, EAST, GJ_REQUEST_UNBIND, &unbind, "refused", GJ_ERR_NOT_FOUND, "");

    unbind = unbind_of(world, "330000/window", "payer");
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_UNBIND, &unbind, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    unbind = unbind_of(world, "330000/window", "payer"); /* again, under another msgid: ended already */
    assert_int_equal(desk_ask(desk, EAST, GJ_REQUEST_UNBIND, &unbind, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    desk_books_agree(desk); /* time for the notice to be told and answered */
    struct gj_req_get get = {.what = "binding"};
    gj_text_set(get.id, sizeof(get.id), world->binding);
    assert_int_equal(desk_ask(desk, HOME, GJ_REQUEST_GET, &get, &answer), GJ_ANSWER_BINDING);
    assert_string_equal(((const struct gj_ans_binding *)answer)->state, "ended");
    world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_whose),
        cmocka_unit_test(a_request_says_its_outcome),
        cmocka_unit_test(a_transaction_by_its_text),
        cmocka_unit_test(who_may_unbind_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
