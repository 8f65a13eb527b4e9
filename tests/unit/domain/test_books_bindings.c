/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings as records: pending, active, ended; who blocks whom; the recipient's order.
 */
#include "unit/domain/books_world.h"

static struct world *world_with_family(void) {
    struct world *w = world_new();
    world_person(w, "A", "360800", "310", 100);
    world_person(w, "B", "360800", "310", 100);
    world_person(w, "C", "360100", "310", 100);
    world_person(w, "K", "360800", "390", 0);
    world_person(w, "L", "360800", "390", 0);
    return w;
}

static void try_bind(struct world *w, struct tx *tx, const char *id, const char *payer,
                     const char *recipient) {
    world_bind_tx(w, tx, id, payer, "360800", recipient, "360800", "child");
}

static void a_binding_counts_from_its_commit_on(void **state) {
    (void)state;
    struct world *w = world_with_family();
    struct tx tx;
    struct gj_ans_binding answer;
    world_bind_tx(w, &tx, "B1", "A", "360800", "K", "360800", "child");
    assert_int_equal(tx.core.n_legs, 2);
    assert_true(tx_hold(w, &tx));
    assert_false(gj_books_binding(&w->turn, "B1", &answer));
    assert_false(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
    tx_post(w, &tx);
    assert_true(gj_books_binding(&w->turn, "B1", &answer));
    assert_string_equal(answer.state, "active");
    assert_string_equal(answer.relation, "child");
    assert_string_equal(answer.payer_region, "360800");
    assert_int_equal(answer.begin_date, TODAY);
    assert_true(gj_txid_equal(&answer.txid, &tx.core.txid));
    world_free(w);
}

static void a_released_binding_is_as_if_it_never_was(void **state) {
    (void)state;
    struct world *w = world_with_family();
    struct tx tx;
    try_bind(w, &tx, "B1", "A", "K");
    assert_true(tx_hold(w, &tx));
    tx_release(w, &tx);
    struct gj_binding_row row;
    assert_false(gj_binding_get(&w->turn, "B1", "payer", &row));
    assert_false(gj_binding_get(&w->turn, "B1", "recipient", &row));
    assert_true(tx_hold(w, &tx));
    world_free(w);
}

static void a_pair_has_one_binding(void **state) {
    (void)state;
    struct world *w = world_with_family();
    struct tx first, second;
    try_bind(w, &first, "B1", "A", "K");
    assert_true(tx_hold(w, &first));
    try_bind(w, &second, "B2", "A", "K");
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R16");
    tx_post(w, &first);
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_RULE, GJ_ERR_RULE, "R16");
    assert_true(gj_books_end_binding(&w->turn, "B1", "recipient", TODAY));
    assert_true(tx_hold(w, &second));
    world_free(w);
}

/* R16: prepared elsewhere is BUSY, active is the rule. */
static void one_network_per_person_where_the_pack_says_so(void **state) {
    (void)state;
    struct world *w = world_with_family();
    struct tx first, second;
    w->pack[0].max_networks = 1;
    try_bind(w, &first, "B1", "A", "K");
    assert_true(tx_hold(w, &first));
    try_bind(w, &second, "B2", "B", "K");
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_BUSY, GJ_ERR_BUSY, "R16");
    tx_post(w, &first);
    assert_false(tx_hold(w, &second));
    assert_no(&second, GJ_VOTE_RULE, GJ_ERR_RULE, "R16");
    world_free(w);
}

/* R14, R15: the payer's counts, with what is only prepared as BUSY. */
static void limits_from_the_payer(void **state) {
    (void)state;
    for (int by_relation = 0; by_relation < 2; by_relation++) {
        const char *rule = by_relation ? "R14" : "R15";
        struct world *w = world_with_family();
        struct tx first, second;
        if (by_relation) w->pack[0].relation_limits[GJ_RELATION_CHILD] = 1;
        if (!by_relation) w->pack[0].max_members = 2;
        try_bind(w, &first, "B1", "A", "K");
        assert_true(tx_hold(w, &first));
        try_bind(w, &second, "B2", "A", "L");
        assert_false(tx_hold(w, &second));
        assert_no(&second, GJ_VOTE_BUSY, GJ_ERR_BUSY, rule);
        tx_post(w, &first);
        assert_false(tx_hold(w, &second));
        assert_no(&second, GJ_VOTE_RULE, GJ_ERR_RULE, rule);
        assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
        assert_true(tx_hold(w, &second));
        world_free(w);
    }
}

static void a_limit_of_one_relation_leaves_the_others_free(void **state) {
    (void)state;
    struct world *w = world_with_family();
    w->pack[0].relation_limits[GJ_RELATION_SPOUSE] = 1;
    world_bind(w, "B1", "A", "360800", "K", "360800", "spouse");
    world_bind(w, "B2", "A", "360800", "L", "360800", "child");
    world_free(w);
}

static void a_recipient_has_as_many_sources_as_a_plan_looks_at(void **state) {
    (void)state;
    struct world *w = world_with_family();
    for (int i = 0; i < GJ_SOURCES_MAX; i++) {
        char ref[] = "Xa", id[] = "Ba";
        ref[1] = id[1] = (char)('a' + i);
        world_bind(w, id, ref, "330100", "K", "360800", "child");
    }
    struct tx tx;
    world_bind_tx(w, &tx, "BZ", "Z", "330100", "K", "360800", "child");
    assert_false(tx_hold(w, &tx));
    assert_no(&tx, GJ_VOTE_RULE, GJ_ERR_TOO_MANY, "");
    world_free(w);
}

/* --- legs that lie ------------------------------------------------------------------------------------------ */
static void person_unknown(struct tx *tx) {
    memcpy(tx->details[0].person_ref, "Z", 2);
}
static void person_of_another_region(struct tx *tx) {
    memcpy(tx->details[0].payer_region, "360100", 7);
}
static void without_an_id(struct tx *tx) {
    tx->details[0].binding_ref[0] = '\0';
}
static void without_the_other(struct tx *tx) {
    tx->details[0].other_person_ref[0] = '\0';
}
static void with_money(struct tx *tx) {
    tx->legs[0].amount = 1;
}
static void without_the_other_home(struct tx *tx) {
    tx->core.n_legs = 1;
}
static void other_home_bound_to_others(struct tx *tx) {
    memcpy(tx->legs[1].from_region, "360100", 7);
}
static void other_home_bound_elsewhere(struct tx *tx) {
    memcpy(tx->legs[1].to_region, "330200", 7);
}
static void other_region_unknown(struct tx *tx) {
    memcpy(tx->details[0].recipient_region, "999999", 7);
    memcpy(tx->legs[0].to_region, "999999", 7);
}
static void regions_of_another_pair(struct tx *tx) {
    memcpy(tx->legs[0].to_region, "330200", 7);
}
static void id_in_use_for_the_other_side(struct tx *tx) {
    memcpy(tx->details[0].binding_ref, "B9", 3);
}
static void id_in_use(struct tx *tx) {
    memcpy(tx->details[0].binding_ref, "B0", 3);
}
static void with_himself(struct tx *tx) {
    memcpy(tx->details[0].other_person_ref, "A", 2);
}

static void a_side_that_lies_is_refused(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct tx *tx);
        enum gj_err code;
        const char *rule;
    } rows[] = {
        {person_unknown, GJ_ERR_PERSON_UNKNOWN, ""},
        {person_of_another_region, GJ_ERR_BAD_FIELD, ""},
        {without_an_id, GJ_ERR_BAD_FIELD, ""},
        {without_the_other, GJ_ERR_BAD_FIELD, ""},
        {with_money, GJ_ERR_BAD_FIELD, ""},
        {without_the_other_home, GJ_ERR_WRONG_NODE, ""},
        {other_home_bound_to_others, GJ_ERR_WRONG_NODE, ""},
        {other_home_bound_elsewhere, GJ_ERR_WRONG_NODE, ""},
        {regions_of_another_pair, GJ_ERR_BAD_FIELD, ""},
        {id_in_use_for_the_other_side, GJ_ERR_CONFLICT, ""},
        {other_region_unknown, GJ_ERR_WRONG_NODE, ""},
        {id_in_use, GJ_ERR_CONFLICT, ""},
        {with_himself, GJ_ERR_RULE, "R10"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_with_family();
        struct tx tx;
        world_bind(w, "B0", "A", "360800", "Y", "330100", "child");
        world_bind(w, "B9", "F", "130100", "K", "360800", "child");
        world_bind_tx(w, &tx, "B1", "A", "360800", "Z", "330100", "child");
        rows[i].spoil(&tx);
        assert_false(tx_hold(w, &tx));
        assert_no(&tx, GJ_VOTE_RULE, rows[i].code, rows[i].rule);
        world_free(w);
    }
}

/* --- ending ---------------------------------------------------------------------------------------------------- */
static void ending_is_at_once_and_once(void **state) {
    (void)state;
    struct world *w = world_with_family();
    struct gj_ans_binding answer;
    world_bind(w, "B1", "A", "360800", "K", "360800", "child");
    assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
    assert_false(gj_books_end_binding(&w->turn, "B1", "recipient", TODAY + 1));
    assert_true(gj_books_binding(&w->turn, "B1", &answer));
    assert_string_equal(answer.state, "ended");
    assert_int_equal(answer.end_date, TODAY);
    struct gj_binding_row row;
    assert_true(gj_binding_get(&w->turn, "B1", "recipient", &row));
    assert_string_equal(row.state, "ended");
    assert_string_equal(row.ended_by, "payer");
    assert_false(gj_books_end_binding(&w->turn, "B7", "payer", TODAY));
    world_free(w);
}

static void the_other_home_is_told_only_if_there_is_one(void **state) {
    (void)state;
    struct world *w = world_with_family();
    char node[GJ_NODE_MAX + 1];
    world_bind(w, "B1", "A", "360800", "K", "360800", "child");
    world_bind(w, "B2", "A", "360800", "Y", "330100", "child");
    world_bind(w, "B3", "F", "130100", "K", "360800", "child");
    gj_books_other_node(&w->books, &w->turn, "B1", node);
    assert_string_equal(node, "");
    gj_books_other_node(&w->books, &w->turn, "B2", node);
    assert_string_equal(node, "330000");
    gj_books_other_node(&w->books, &w->turn, "B3", node);
    assert_string_equal(node, "130000");
    gj_books_other_node(&w->books, &w->turn, "B4", node);
    assert_string_equal(node, "");
    world_free(w);
}

/* --- order -------------------------------------------------------------------------------------------------------- */
static void assert_order(struct world *w, const char *a, const char *b, const char *c) {
    const char *expected[] = {a, b, c};
    struct gj_binding_row *rows;
    assert_int_equal(gj_binding_order(&w->turn, "K", &rows), 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(rows[i].binding_id, expected[i]);
        assert_int_equal(rows[i].position, i + 1);
    }
}

static void bind_at(struct world *w, const char *id, const char *payer, const char *region,
                    uint64_t position) {
    struct tx tx;
    world_bind_tx(w, &tx, id, payer, region, "K", "360800", "child");
    for (uint32_t i = 0; i < tx.view.n_parts; i++)
        tx.details[i].position = position;
    assert_true(tx_hold(w, &tx));
    tx_post(w, &tx);
}

static void a_new_source_takes_the_place_it_asks_for(void **state) {
    (void)state;
    static const struct {
        uint64_t position;
        const char *order[3];
    } rows[] = {{0, {"B1", "B2", "B3"}},
                {1, {"B3", "B1", "B2"}},
                {2, {"B1", "B3", "B2"}},
                {3, {"B1", "B2", "B3"}},
                {99, {"B1", "B2", "B3"}}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_with_family();
        bind_at(w, "B1", "A", "360800", 0);
        bind_at(w, "B2", "B", "360800", 0);
        bind_at(w, "B3", "C", "360100", rows[i].position);
        assert_order(w, rows[i].order[0], rows[i].order[1], rows[i].order[2]);
        world_free(w);
    }
}

static enum gj_err set_order(struct world *w, const char *who, const char *region, const char *ids) {
    struct gj_person person;
    struct gj_binding_item items[4] = {0};
    uint32_t n = 0;
    world_wire_person(who, &person);
    for (const char *id = ids; *id != '\0'; id++, n++) {
        items[n].binding_id[0] = 'B';
        items[n].binding_id[1] = *id;
    }
    return gj_books_set_order(&w->books, &w->turn, &person, region, items, n);
}

static void the_recipient_sets_the_order_of_all_his_sources(void **state) {
    (void)state;
    struct world *w = world_with_family();
    bind_at(w, "B1", "A", "360800", 0);
    bind_at(w, "B2", "B", "360800", 0);
    bind_at(w, "B3", "C", "360100", 0);
    assert_int_equal(set_order(w, "K", "360800", "312"), GJ_OK);
    assert_order(w, "B3", "B1", "B2");
    static const char *const bad[] = {"", "31", "3122", "311", "314"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(set_order(w, "K", "360800", bad[i]), GJ_ERR_BAD_FIELD);
    assert_int_equal(set_order(w, "Z", "360800", "123"), GJ_ERR_PERSON_UNKNOWN);
    assert_int_equal(set_order(w, "K", "330100", "123"), GJ_ERR_PERSON_UNKNOWN);
    assert_order(w, "B3", "B1", "B2");
    assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
    assert_int_equal(set_order(w, "K", "360800", "312"), GJ_ERR_BAD_FIELD);
    assert_int_equal(set_order(w, "K", "360800", "23"), GJ_OK);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binding_counts_from_its_commit_on),
        cmocka_unit_test(a_released_binding_is_as_if_it_never_was),
        cmocka_unit_test(a_pair_has_one_binding),
        cmocka_unit_test(one_network_per_person_where_the_pack_says_so),
        cmocka_unit_test(limits_from_the_payer),
        cmocka_unit_test(a_limit_of_one_relation_leaves_the_others_free),
        cmocka_unit_test(a_recipient_has_as_many_sources_as_a_plan_looks_at),
        cmocka_unit_test(a_side_that_lies_is_refused),
        cmocka_unit_test(ending_is_at_once_and_once),
        cmocka_unit_test(the_other_home_is_told_only_if_there_is_one),
        cmocka_unit_test(a_new_source_takes_the_place_it_asks_for),
        cmocka_unit_test(the_recipient_sets_the_order_of_all_his_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
