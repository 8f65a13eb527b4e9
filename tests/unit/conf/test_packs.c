/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule packs: what a file says is what the pack holds, and whatever is unknown, contradictory or not yet
 * supported is refused by line and key.
 */
#include "conf/packs.h"

#include "scratch.h"

static const char base[] = "id: 330200-2025\n"
                           "region: \"330200\"\n"
                           "version: 3\n"
                           "source: a document\n"
                           "valid_from: 2025-01-01\n"
                           "relations: [spouse, parent, child]\n"
                           "reach: national\n"
                           "draw: CASCADE\n"
                           "own_order: [prior]\n"
                           "uses: [outpatient, pharmacy]\n";

static enum gj_err load_text(const char *text, struct gj_pack *ret, struct gj_conf_error *error) {
    char path[SCRATCH_PATH_CAP];
    scratch_write("pack.yaml", text);
    memset(ret, 0, sizeof *ret);
    error->text[0] = '\0';
    return gj_pack_load(scratch_path(path, "pack.yaml"), ret, error);
}

static void defaults_are_no_limits(void **state) {
    (void)state;
    struct gj_pack pack;
    struct gj_conf_error error;
    assert_int_equal(load_text(base, &pack, &error), GJ_OK);
    assert_string_equal(pack.id, "330200-2025");
    assert_string_equal(pack.region, "330200");
    assert_false(pack.cross_province);
    assert_int_equal(pack.version, 3);
    assert_int_equal(pack.valid_from, 20250101);
    assert_int_equal(pack.valid_to, 0);
    assert_int_equal(pack.relations,
                     1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT | 1u << GJ_RELATION_CHILD);
    assert_int_equal(pack.max_members, 0);
    assert_int_equal(pack.max_networks, 0);
    assert_int_equal(pack.reach, GJ_REACH_NATIONAL);
    assert_int_equal(pack.draw, GJ_DRAW_CASCADE);
    assert_int_equal(pack.n_own_order, 1);
    assert_int_equal(pack.own_order[0], GJ_SUB_PRIOR);
    assert_int_equal(pack.min_retention_fen, 0);
    assert_int_equal(pack.per_settlement_cap_fen, 0);
    assert_int_equal(pack.uses, 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_PHARMACY);
    assert_int_equal(pack.on_unreachable, GJ_UNREACHABLE_SKIP);
    assert_int_equal(pack.refund_after_exit, GJ_REFUND_TO_SUSPENSE);
    assert_int_equal(pack.n_excluded_insutypes, 0);
}

static void every_key_reaches_its_field(void **state) {
    (void)state;
    struct gj_pack pack;
    struct gj_conf_error error;
    assert_int_equal(
        load_text("id: x\nregion: \"000000\"\nscope: cross_province\nversion: 1\nsource: s\n"
                  "valid_from: 2024-12-02\nvalid_to: 2024-12-02\n"
                  "relations: near_relatives_and_spouse_parents\n"
                  "relation_limits: {spouse: 1, parent: 2}\nmax_members: 7\nmax_networks: 1\n"
                  "reach: national\ndraw: ONE\nown_order: [current, prior]\nmin_retention: 2000\n"
                  "per_settlement_cap: \"150.50\"\nannual_cap: \"200.00\"\n"
                  "uses: [resident_premium]\npremium_only_inside_province: true\n"
                  "lapsed_payer_may_pay: true\nexcluded_insutypes: [\"340\", \"350\"]\n"
                  "on_unreachable: REFUSE\nrefund_after_exit: origin\nbind: INSTANT\npooled: false\n"
                  "quota: false\n",
                  &pack, &error),
        GJ_OK);
    assert_true(pack.cross_province);
    assert_int_equal(pack.valid_to, 20241202);
    assert_true((pack.relations & 1u << GJ_RELATION_SPOUSE_PARENT) != 0);
    assert_true((pack.relations & 1u << GJ_RELATION_GRANDCHILD) != 0);
    assert_true((pack.relations & (1u << GJ_RELATION_SELF | 1u << GJ_RELATION_OTHER)) == 0);
    assert_int_equal(pack.relation_limits[GJ_RELATION_SPOUSE], 1);
    assert_int_equal(pack.relation_limits[GJ_RELATION_PARENT], 2);
    assert_int_equal(pack.relation_limits[GJ_RELATION_CHILD], 0);
    assert_int_equal(pack.max_members, 7);
    assert_int_equal(pack.max_networks, 1);
    assert_int_equal(pack.draw, GJ_DRAW_ONE);
    assert_int_equal(pack.n_own_order, 2);
    assert_int_equal(pack.own_order[0], GJ_SUB_CURRENT);
    assert_int_equal(pack.own_order[1], GJ_SUB_PRIOR);
    assert_int_equal(pack.min_retention_fen, 200000);
    assert_int_equal(pack.per_settlement_cap_fen, 15050);
    assert_int_equal(pack.annual_cap_fen, 20000);
    assert_true(pack.premium_only_inside_province);
    assert_true(pack.lapsed_payer_may_pay);
    assert_int_equal(pack.n_excluded_insutypes, 2);
    assert_string_equal(pack.excluded_insutypes[1], "350");
    assert_int_equal(pack.on_unreachable, GJ_UNREACHABLE_REFUSE);
    assert_int_equal(pack.refund_after_exit, GJ_REFUND_TO_ORIGIN);
}

struct change {
    const char *from, *to, *error;
    enum gj_err err;
};

static char *changed(const struct change *change) {
    if (change->from[0] != '\0') return scratch_replace(base, change->from, change->to);
    char *text = malloc(sizeof base + strlen(change->to));
    assert_non_null(text);
    (void)sprintf(text, "%s%s", base, change->to);
    return text;
}

static const struct change wrong_packs[] = {
    {"", "colour: red\n", "pack.yaml:11: colour: is not known here", GJ_ERR_BAD_CONFIG},
    {"", "id: y\n", "pack.yaml:11: id: is here twice, first in line 1", GJ_ERR_BAD_CONFIG},
    {"source: a document\n", "", "source: is missing", GJ_ERR_BAD_CONFIG},
    {"\"330200\"", "\"33020x\"", "pack.yaml:2: region: must be six digits", GJ_ERR_BAD_CONFIG},
    {"version: 3", "version: three", "pack.yaml:3: version: must be a whole number", GJ_ERR_BAD_CONFIG},
    {"2025-01-01", "2025-13-01", "pack.yaml:5: valid_from: must be a date, yyyy-MM-dd", GJ_ERR_BAD_CONFIG},
    {"2025-01-01", "2025-02-29", "pack.yaml:5: valid_from: must be a date, yyyy-MM-dd", GJ_ERR_BAD_CONFIG},
    {"2025-01-01", "\"\"", "pack.yaml:5: valid_from: must be a date, yyyy-MM-dd", GJ_ERR_BAD_CONFIG},
    {"", "valid_to: 2024-12-31\n", "pack.yaml:11: valid_to: lies before valid_from", GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "[spouse, cousin]", "pack.yaml:6: relations: knows spouse",
     GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "[self]", "pack.yaml:6: relations: knows spouse", GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "[spouse, spouse]", "pack.yaml:6: relations: names one word twice",
     GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "[]", "pack.yaml:6: relations: must not be empty", GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "family", "pack.yaml:6: relations: must be a list, or", GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "{spouse: 1}", "pack.yaml:6: relations: must be a list of words",
     GJ_ERR_BAD_CONFIG},
    {"[spouse, parent, child]", "[[spouse]]", "pack.yaml:6: relations: must be a list of words",
     GJ_ERR_BAD_CONFIG},
    {"", "relation_limits: {sibling: 2}\n", "pack.yaml:11: relation_limits: limits a relation that",
     GJ_ERR_BAD_CONFIG},
    {"", "relation_limits: {spouse: 0}\n", "pack.yaml:11: relation_limits: must be whole numbers from 1",
     GJ_ERR_BAD_CONFIG},
    {"", "relation_limits: {spouse: 1x}\n", "pack.yaml:11: relation_limits: must be whole numbers from 1",
     GJ_ERR_BAD_CONFIG},
    {"", "relation_limits: [spouse]\n", "pack.yaml:11: relation_limits: must be a map", GJ_ERR_BAD_CONFIG},
    {"", "max_members: 1\n", "pack.yaml:11: max_members: must be 0, or 2 and more", GJ_ERR_BAD_CONFIG},
    {"reach: national", "reach: world", "pack.yaml:7: reach: must be one of national, province, region",
     GJ_ERR_BAD_CONFIG},
    {"draw: CASCADE", "draw: cascade", "pack.yaml:8: draw: must be one of CASCADE, ONE", GJ_ERR_BAD_CONFIG},
    {"[prior]", "[mutual]", "pack.yaml:9: own_order: must name prior, current or both", GJ_ERR_BAD_CONFIG},
    {"[prior]", "[]", "pack.yaml:9: own_order: must name prior, current or both", GJ_ERR_BAD_CONFIG},
    {"[prior]", "[prior, prior]", "pack.yaml:9: own_order: names one word twice", GJ_ERR_BAD_CONFIG},
    {"", "min_retention: 20.5\n", "pack.yaml:11: min_retention: must be an amount in yuan",
     GJ_ERR_BAD_CONFIG},
    {"", "min_retention: \"-1.00\"\n", "pack.yaml:11: min_retention: must be an amount in yuan",
     GJ_ERR_BAD_CONFIG},
    {"", "min_retention: 999999999999999\n", "pack.yaml:11: min_retention: must be an amount in yuan",
     GJ_ERR_BAD_CONFIG},
    {"", "min_retention: 1e3\n", "pack.yaml:11: min_retention: must be an amount in yuan", GJ_ERR_BAD_CONFIG},
    {"", "annual_cap: 100\nper_settlement_cap: 101\n",
     "pack.yaml:12: per_settlement_cap: is above annual_cap", GJ_ERR_BAD_CONFIG},
    {"[outpatient, pharmacy]", "[outpatient, gambling]", "pack.yaml:10: uses: gambling is no use",
     GJ_ERR_BAD_CONFIG},
    {"[outpatient, pharmacy]", "[fitness]", "pack.yaml:10: uses: fitness is forbidden everywhere (R74)",
     GJ_ERR_BAD_CONFIG},
    {"[outpatient, pharmacy]", "[]", "pack.yaml:10: uses: must not be empty", GJ_ERR_BAD_CONFIG},
    {"", "premium_only_inside_province: true\n", "pack.yaml:11: premium_only_inside_province: uses allows no",
     GJ_ERR_BAD_CONFIG},
    {"", "excluded_insutypes: [34]\n", "pack.yaml:11: excluded_insutypes: must be codes of three digits",
     GJ_ERR_BAD_CONFIG},
    {"", "excluded_insutypes: [310]\n", "pack.yaml:11: excluded_insutypes: 310 cannot be excluded",
     GJ_ERR_BAD_CONFIG},
    {"",
     "excluded_insutypes: [\"320\", \"330\", \"340\", \"350\", \"360\", \"370\", \"380\", \"390\", "
     "\"391\"]\n",
     "pack.yaml:11: excluded_insutypes: has too many entries", GJ_ERR_BAD_CONFIG},
    {"", "on_unreachable: WAIT\n", "pack.yaml:11: on_unreachable: must be one of SKIP, REFUSE",
     GJ_ERR_BAD_CONFIG},
    {"reach: national", "scope: cross_province\nreach: province", "pack.yaml:8: reach: a pack of scope",
     GJ_ERR_BAD_CONFIG},
    {"", "scope: cross_province\nuses_only_inside_province: true\n",
     "pack.yaml:12: uses_only_inside_province: contradicts scope", GJ_ERR_BAD_CONFIG},
    {"", "pooled: true\n", "pack.yaml:11: pooled: is not supported by this version", GJ_ERR_NOT_SUPPORTED},
    {"", "quota: true\n", "pack.yaml:11: quota: is not supported by this version", GJ_ERR_NOT_SUPPORTED},
    {"", "bind: REVIEW\n", "pack.yaml:11: bind: is not supported by this version", GJ_ERR_NOT_SUPPORTED},
};

static void every_wrong_pack_is_refused_by_line_and_key(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong_packs / sizeof wrong_packs[0]; i++) {
        struct gj_pack pack;
        struct gj_conf_error error;
        char *text = changed(&wrong_packs[i]);
        assert_int_equal(load_text(text, &pack, &error), wrong_packs[i].err);
        assert_string_equal(pack.id, "");
        assert_holds(error.text, wrong_packs[i].error);
        free(text);
    }
}

/* A peer with another digest answers PLAN_STALE: each byte of the file counts, a comment's too. */
static void the_digest_is_of_the_exact_bytes(void **state) {
    (void)state;
    struct gj_pack pack, other;
    struct gj_conf_error error;
    char text[sizeof base + 8];
    assert_int_equal(load_text(base, &pack, &error), GJ_OK);
    assert_int_equal(pack.digest.bytes[0], GJ_HASH_SM3);
    struct gj_hasher hasher = gj_crypto_hasher(NULL);
    struct gj_slice bytes = gj_slice_str(base);
    struct gj_digest expected;
    gj_digest_of(&hasher, GJ_HASH_SM3, &bytes, 1, &expected);
    assert_true(gj_digest_equal(&pack.digest, &expected));
    (void)snprintf(text, sizeof text, "%s#\n", base);
    assert_int_equal(load_text(text, &other, &error), GJ_OK);
    assert_false(gj_digest_equal(&pack.digest, &other.digest));
}

static void changes_keep_what_they_do_not_name(void **state) {
    (void)state;
    struct gj_pack pack;
    struct gj_conf_error error;
    struct gj_yaml *yaml = NULL;
    assert_int_equal(load_text(base, &pack, &error), GJ_OK);
    struct gj_digest before = pack.digest;
    assert_int_equal(
        gj_yaml_parse("case", gj_slice_str("{draw: ONE, relations: near_relatives}"), &yaml, &error), GJ_OK);
    assert_int_equal(gj_pack_change(yaml, gj_yaml_root(yaml), &pack, &error), GJ_OK);
    assert_int_equal(pack.draw, GJ_DRAW_ONE);
    assert_true((pack.relations & 1u << GJ_RELATION_SIBLING) != 0);
    assert_string_equal(pack.id, "330200-2025");
    assert_true(gj_digest_equal(&pack.digest, &before));
    gj_yaml_free(&yaml);
    assert_int_equal(gj_yaml_parse("case", gj_slice_str("{drow: ONE}"), &yaml, &error), GJ_OK);
    assert_int_equal(gj_pack_change(yaml, gj_yaml_root(yaml), &pack, &error), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "case:1: drow: is not known here");
    gj_yaml_free(&yaml);
}

/* --- folders -------------------------------------------------------------------------------------- */

static enum gj_err load_two(const char *first, const char *second, struct gj_conf_error *error,
                            size_t *ret_n) {
    char path[SCRATCH_PATH_CAP];
    struct gj_pack_set *set = NULL;
    (void)mkdir(scratch_path(path, "packs"), 0700);
    scratch_write("packs/a.yaml", first);
    scratch_write("packs/b.yaml", second);
    scratch_write("packs/README.md", "not a pack");
    scratch_write("packs/.hidden.yaml", "not a pack");
    error->text[0] = '\0';
    enum gj_err err = gj_pack_set_load(path, &set, error);
    *ret_n = set == NULL ? 0 : set->packs.n;
    gj_pack_set_free(&set);
    return err;
}

static void packs_of_one_region_may_not_share_a_day(void **state) {
    (void)state;
    struct gj_conf_error error;
    size_t n = 0;
    char *until = scratch_replace(base, "version: 3", "version: 3\nvalid_to: 2025-06-30");
    char *same_day = scratch_replace(base, "id: 330200-2025", "id: b");
    char *overlap = scratch_replace(same_day, "2025-01-01", "2025-06-30");
    char *next_day = scratch_replace(same_day, "2025-01-01", "2025-07-01");
    char *cross = scratch_replace(same_day, "version: 3", "version: 3\nscope: cross_province");
    char *elsewhere = scratch_replace(same_day, "\"330200\"", "\"330100\"");
    assert_int_equal(load_two(base, same_day, &error, &n), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text,
                 "packs/b.yaml:5: valid_from: overlaps a.yaml: both are for region 330200, scope local");
    assert_int_equal(load_two(until, overlap, &error, &n), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "packs/b.yaml:5: valid_from: overlaps a.yaml");
    assert_int_equal(load_two(overlap, until, &error, &n), GJ_ERR_BAD_CONFIG);
    assert_int_equal(load_two(until, next_day, &error, &n), GJ_OK);
    assert_int_equal(n, 2);
    assert_int_equal(load_two(base, cross, &error, &n), GJ_OK);
    assert_int_equal(load_two(base, elsewhere, &error, &n), GJ_OK);
    char *same_id = scratch_replace(base, "\"330200\"", "\"330100\"");
    assert_int_equal(load_two(base, same_id, &error, &n), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "packs/b.yaml:1: id: 330200-2025 is also the id of a.yaml");
    char *const texts[] = {until, same_day, overlap, next_day, cross, elsewhere, same_id};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

static void a_folder_needs_a_pack_and_all_of_them_good(void **state) {
    (void)state;
    struct gj_conf_error error;
    size_t n = 0;
    char path[SCRATCH_PATH_CAP];
    struct gj_pack_set *set = NULL;
    scratch_mkdir("empty");
    assert_int_equal(gj_pack_set_load(scratch_path(path, "empty"), &set, &error), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "empty: has no rule pack");
    assert_int_equal(gj_pack_set_load(scratch_path(path, "nowhere"), &set, &error), GJ_ERR_NOT_FOUND);
    assert_int_equal(load_two(base, "id: b\n", &error, &n), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "packs/b.yaml:1: region: is missing");
    assert_int_equal(n, 0);
    assert_null(set);
}

static void a_cut_pack_is_never_half_used(void **state) {
    (void)state;
    for (size_t cut = 0; cut < sizeof base - 4; cut++) {
        struct gj_pack pack;
        struct gj_conf_error error;
        char text[sizeof base];
        (void)snprintf(text, sizeof text, "%.*s", (int)cut, base);
        assert_int_equal(load_text(text, &pack, &error), GJ_ERR_BAD_CONFIG);
        assert_holds(error.text, "pack.yaml:");
        assert_string_equal(pack.id, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_no_limits),
        cmocka_unit_test(every_key_reaches_its_field),
        cmocka_unit_test(every_wrong_pack_is_refused_by_line_and_key),
        cmocka_unit_test(the_digest_is_of_the_exact_bytes),
        cmocka_unit_test(changes_keep_what_they_do_not_name),
        cmocka_unit_test(packs_of_one_region_may_not_share_a_day),
        cmocka_unit_test(a_folder_needs_a_pack_and_all_of_them_good),
        cmocka_unit_test(a_cut_pack_is_never_half_used),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
