/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated people: the same bytes for the same seed, every line good, nobody real, spread as stated.
 */
#include "cli_run.h"

#include "conf/conf.h"
#include "conf/file.h"

#define GENERATE "gongji people generate --regions 330100,330200,360800 --count 3000 --seed 20261121"

struct tally {
    unsigned people, employees, residents, normal, lapsed, frozen, poor, rich, hospitals, pharmacies;
    unsigned by_region[3];
    char bad[256];
};

static enum gj_err count_person(void *ctx, const struct gj_people_line *line) {
    struct tally *tally = ctx;
    static const char *const regions[] = {"330100", "330200", "360800"};
    tally->people++;
    for (size_t i = 0; i < 3; i++)
        tally->by_region[i] += strcmp(line->insuplc_admdvs, regions[i]) == 0;
    tally->employees += strcmp(line->insutype, "310") == 0;
    tally->residents += strcmp(line->insutype, "390") == 0;
    tally->normal += strcmp(line->psn_insu_stas, "1") == 0;
    tally->lapsed += strcmp(line->psn_insu_stas, "2") == 0;
    tally->frozen += strcmp(line->account_status, "frozen") == 0;
    tally->poor += line->has_account && line->prior_fen == 0;
    tally->rich += line->prior_fen > 1000000;
    /* Whole-city area codes are given to nobody; every name says test. */
    assert_int_equal(strncmp(line->certno, line->insuplc_admdvs, 4), 0);
    assert_int_equal(strncmp(line->certno + 4, "00", 2), 0);
    assert_int_equal(strncmp(line->psn_name, "测试", strlen("测试")), 0);
    return GJ_OK;
}

static enum gj_err count_institution(void *ctx, const struct gj_institution_line *line) {
    struct tally *tally = ctx;
    tally->hospitals += line->fixmedins_code[0] == 'H';
    tally->pharmacies += line->fixmedins_code[0] == 'P';
    return GJ_OK;
}

static void keep_reason(void *ctx, unsigned number, const char *reason) {
    struct tally *tally = ctx;
    (void)snprintf(tally->bad, sizeof tally->bad, "%u: %s", number, reason);
}

static void every_line_is_good_and_the_spread_is_a_bureaus(void **state) {
    (void)state;
    struct tally tally = {0};
    struct gj_people_result result;
    struct gj_conf_error error;
    char path[SCRATCH_PATH_CAP];
    assert_cli(GENERATE " --people @p.csv --institutions @i.csv", GJ_EXIT_OK);
    assert_string_equal(cli_out, "");
    assert_int_equal(
        gj_people_read(scratch_path(path, "p.csv"), NULL, &result, count_person, keep_reason, &tally, &error),
        GJ_OK);
    assert_string_equal(tally.bad, "");
    assert_int_equal(tally.people, 3000);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tally.by_region[i], 1000);
    assert_int_equal(tally.employees + tally.residents, 3000);
    assert_in_range(tally.employees, 900, 1500);
    assert_in_range(tally.normal, 2800, 2930);
    assert_in_range(tally.lapsed, 40, 120);
    assert_in_range(tally.frozen, 2, 40);
    assert_in_range(tally.poor, 50, 300);
    assert_in_range(tally.rich, 100, 400);
    assert_int_equal(gj_institutions_read(scratch_path(path, "i.csv"), NULL, &result, count_institution,
                                          keep_reason, &tally, &error),
                     GJ_OK);
    assert_string_equal(tally.bad, "");
    assert_int_equal(tally.hospitals, 12);
    assert_int_equal(tally.pharmacies, 6);
}

/* SM3 of the file: another machine, another day, another version of this code must give these bytes. */
static void the_same_seed_gives_the_same_bytes_for_ever(void **state) {
    (void)state;
    assert_cli(GENERATE, GJ_EXIT_OK);
    struct gj_hasher hasher = gj_crypto_hasher(NULL);
    struct gj_slice bytes = gj_slice_str(cli_out);
    uint8_t hash[GJ_HASH_BYTES];
    char hex[2 * GJ_HASH_BYTES + 1];
    hasher.hash(hasher.ctx, GJ_HASH_SM3, &bytes, 1, hash);
    gj_hex_encode(hex, hash, sizeof hash);
    assert_string_equal(hex, "85bfef67fbb11aededc6de8a148133a6852ae7bd1df3c6884641d9bf361b2264");
}

static void another_seed_or_region_gives_other_people(void **state) {
    (void)state;
    assert_cli("gongji people generate --regions 330100 --count 5 --seed 1", GJ_EXIT_OK);
    char *one = cli_out;
    cli_out = NULL;
    assert_cli("gongji people generate --regions 330100 --count 5 --seed 2", GJ_EXIT_OK);
    assert_string_not_equal(one, cli_out);
    /* A region's people do not depend on the regions beside it. */
    assert_cli("gongji people generate --regions 330100,330200 --count 10 --seed 1", GJ_EXIT_OK);
    assert_int_equal(strncmp(one, cli_out, strlen(one)), 0);
    free(one);
}

static void a_file_that_cannot_be_written_is_an_error(void **state) {
    (void)state;
    assert_cli(GENERATE " --people @no/such/folder.csv", GJ_EXIT_SYSTEM);
    assert_holds(cli_err, "cannot be written");
    assert_cli(GENERATE " --people /dev/full", GJ_EXIT_SYSTEM);
}

static int teardown(void **state) {
    cli_forget();
    return scratch_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_good_and_the_spread_is_a_bureaus),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_for_ever),
        cmocka_unit_test(another_seed_or_region_gives_other_people),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, scratch_setup, teardown);
}
