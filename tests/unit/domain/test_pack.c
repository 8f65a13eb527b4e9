/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs: their words, and which one is in force where and when.
 */
#include "unit/domain/books_world.h"

static void words_are_read_as_they_are_written(void **state) {
    (void)state;
    for (unsigned i = 0; i < GJ_RELATION_COUNT; i++)
        assert_int_equal(gj_relation_of(gj_relation_word((enum gj_relation)i)), i);
    for (unsigned i = 0; i < GJ_USE_COUNT; i++)
        assert_int_equal(gj_use_of(gj_use_word((enum gj_use)i)), i);
    for (unsigned i = 0; i < GJ_SUB_COUNT; i++)
        assert_int_equal(gj_sub_of(gj_sub_word((enum gj_sub)i)), i);
    assert_int_equal(gj_relation_of("cousin"), GJ_RELATION_COUNT);
    assert_int_equal(gj_use_of(""), GJ_USE_COUNT);
    assert_int_equal(gj_sub_of("Prior"), GJ_SUB_COUNT);
    assert_string_equal(gj_use_rule(GJ_USE_FITNESS), "R74");
    assert_string_equal(gj_use_rule(GJ_USE_VACCINE), "R73");
    assert_string_equal(gj_use_word(GJ_USE_COUNT), "");
}

static void a_med_type_says_what_the_money_is_for(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum gj_use use;
    } rows[] = {{"11", GJ_USE_OUTPATIENT}, {"12", GJ_USE_OUTPATIENT}, {"13", GJ_USE_OUTPATIENT},
                {"14", GJ_USE_CHRONIC},    {"19", GJ_USE_OUTPATIENT}, {"21", GJ_USE_INPATIENT},
                {"22", GJ_USE_INPATIENT},  {"23", GJ_USE_INPATIENT},  {"24", GJ_USE_INPATIENT},
                {"41", GJ_USE_PHARMACY},   {"51", GJ_USE_OUTPATIENT}, {"52", GJ_USE_INPATIENT},
                {"53", GJ_USE_OUTPATIENT}, {"15", GJ_USE_COUNT},      {"", GJ_USE_COUNT},
                {"110", GJ_USE_COUNT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(gj_use_of_med_type(rows[i].code), rows[i].use);
}

static struct gj_pack pack_of(const char *id, const char *region, bool cross, gj_date from, gj_date to,
                              uint64_t version) {
    struct gj_pack pack = {.cross_province = cross, .valid_from = from, .valid_to = to, .version = version};
    gj_text_set(pack.id, sizeof(pack.id), id);
    gj_text_set(pack.region, sizeof(pack.region), region);
    return pack;
}

static void the_nearest_pack_in_force_counts(void **state) {
    (void)state;
    const struct gj_pack items[] = {
        pack_of("nation", "000000", false, 20200101, 0, 1),
        pack_of("province", "330000", false, 20210101, 0, 1),
        pack_of("city", "330200", false, 20220101, 20221231, 1),
        pack_of("city-again", "330200", false, 20230101, 0, 1),
        pack_of("city-again-2", "330200", false, 20230101, 0, 2),
        pack_of("district", "330203", false, 20220601, 20220601, 1),
        pack_of("across", "000000", true, 20241202, 0, 1),
    };
    const struct gj_packs packs = {items, sizeof(items) / sizeof(items[0])};
    static const struct {
        const char *region;
        bool cross;
        gj_date date;
        const char *id;
    } rows[] = {
        {"330203", false, 20191231, NULL},           {"330203", false, 20200101, "nation"},
        {"330203", false, 20210101, "province"},     {"330203", false, 20220101, "city"},
        {"330203", false, 20220531, "city"},         {"330203", false, 20220601, "district"},
        {"330203", false, 20220602, "city"},         {"330200", false, 20221231, "city"},
        {"330200", false, 20230101, "city-again-2"}, {"330100", false, 20230101, "province"},
        {"360800", false, 20230101, "nation"},       {"360800", true, 20241201, "nation"},
        {"360800", true, 20241202, "across"},        {"330200", true, 20241202, "across"},
        {"330200", false, 20241202, "city-again-2"}, {"33020", false, 20241202, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct gj_pack *pack = gj_pack_find(&packs, rows[i].region, rows[i].cross, rows[i].date);
        if (rows[i].id == NULL) {
            assert_null(pack);
        } else {
            assert_non_null(pack);
            assert_string_equal(pack->id, rows[i].id);
        }
    }
}

static void across_provinces_the_local_pack_only_narrows(void **state) {
    (void)state;
    struct gj_pack items[] = {pack_of("local", "000000", false, 20200101, 0, 1),
                              pack_of("across", "000000", true, 20200101, 0, 1)};
    const struct gj_packs packs = {items, 2};
    struct gj_rules rules;
    gj_rules_find(&packs, "360800", "360100", TODAY, &rules);
    assert_int_equal(rules.n, 1);
    assert_string_equal(rules.packs[0]->id, "local");
    gj_rules_find(&packs, "360800", "330200", TODAY, &rules);
    assert_int_equal(rules.n, 2);
    assert_string_equal(rules.packs[0]->id, "across");

    items[1].uses = 1u << GJ_USE_PHARMACY;
    assert_string_equal(gj_rules_refuse_use(&rules, GJ_USE_PHARMACY)->id, "local");
    items[0].uses = 1u << GJ_USE_PHARMACY | 1u << GJ_USE_INPATIENT;
    assert_null(gj_rules_refuse_use(&rules, GJ_USE_PHARMACY));
    assert_string_equal(gj_rules_refuse_use(&rules, GJ_USE_INPATIENT)->id, "across");

    const char *rule = NULL;
    assert_null(gj_rules_refuse_reach(&rules, "330200", &rule));
    items[0].reach = GJ_REACH_PROVINCE;
    assert_string_equal(gj_rules_refuse_reach(&rules, "330200", &rule)->id, "local");
    assert_string_equal(rule, "R21");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read_as_they_are_written),
        cmocka_unit_test(a_med_type_says_what_the_money_is_for),
        cmocka_unit_test(the_nearest_pack_in_force_counts),
        cmocka_unit_test(across_provinces_the_local_pack_only_narrows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
