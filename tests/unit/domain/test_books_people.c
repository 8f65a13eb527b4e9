/* SPDX-License-Identifier: Apache-2.0
 *
 * People and institutions: tokens, masks, loading; and the books' proof, which must see each kind of damage.
 */
#include "unit/domain/books_world.h"

static void a_number_has_one_token_however_it_is_typed(void **state) {
    (void)state;
    struct world *w = world_new();
    uint8_t a[GJ_HASH_BYTES], b[GJ_HASH_BYTES];
    gj_person_token(&w->hasher, "01", "11010519491231002X", a);
    gj_person_token(&w->hasher, "01", " 11010519491231002x\t", b);
    assert_memory_equal(a, b, sizeof(a));
    gj_person_token(&w->hasher, "99", "11010519491231002X", b);
    assert_memory_not_equal(a, b, sizeof(a));
    gj_person_token(&w->hasher, "01", "440524188001010014", b);
    assert_memory_not_equal(a, b, sizeof(a));
    /* Type and number cannot run into each other, nor a name into a number. */
    gj_person_token(&w->hasher, "0", "11010519491231002X", b);
    assert_memory_not_equal(a, b, sizeof(a));
    gj_name_token(&w->hasher, "张三", a);
    gj_name_token(&w->hasher, " 张三 ", b);
    assert_memory_equal(a, b, sizeof(a));
    gj_name_token(&w->hasher, "张四", b);
    assert_memory_not_equal(a, b, sizeof(a));
    world_free(w);
}

static void masks_show_little(void **state) {
    (void)state;
    static const char *const numbers[][2] = {{"11010519491231002x", "110***********002X"},
                                             {"12345678901", "123****8901"},
                                             {"1234567890", "**********"},
                                             {"1", "*"},
                                             {"", ""}};
    char text[GJ_CERTNO_MAX + 1], name[GJ_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        gj_certno_mask(numbers[i][0], text);
        assert_string_equal(text, numbers[i][1]);
    }
    gj_name_mask("欧阳某某", name);
    assert_string_equal(name, "欧**");
    gj_name_mask(" Ann Lee", name);
    assert_string_equal(name, "A**");
    gj_name_mask("", name);
    assert_string_equal(name, "**");
}

static void a_person_is_loaded_once(void **state) {
    (void)state;
    struct world *w = world_new();
    assert_int_equal(world_add(w, "P1", "P1", "360800", "310", 250), GJ_OK);
    assert_int_equal(world_balance(w, "P/P1/prior"), 250);
    assert_int_equal(world_balance(w, "X/opening"), -250);
    assert_int_equal(world_add(w, "P1", "P2", "360100", "310", 0), GJ_ERR_CONFLICT);
    assert_int_equal(world_add(w, "P2", "P1", "360800", "310", 0), GJ_ERR_CONFLICT);
    assert_int_equal(world_add(w, "P2", "P1", "360100", "310", 0), GJ_OK);
    assert_int_equal(world_add(w, "R", "R", "360800", "390", 1), GJ_ERR_BAD_AMOUNT);
    assert_int_equal(world_add(w, "N", "N", "360800", "310", -1), GJ_ERR_BAD_AMOUNT);
    assert_int_equal(world_add(w, "a/b", "N", "360800", "310", 0), GJ_ERR_BAD_FIELD);
    assert_int_equal(world_add(w, "", "N", "360800", "310", 0), GJ_ERR_MISSING_FIELD);
    assert_int_equal(world_add(w, "1234567890123456789012345678901", "N", "360800", "310", 0),
                     GJ_ERR_TOO_LARGE);
    assert_int_equal(world_add(w, "123456789012345678901234567890", "N", "360800", "310", 5), GJ_OK);
    assert_books_agree(w);
    world_free(w);
}

static void loading_needs_no_memory_that_grows(void **state) {
    (void)state;
    struct world *w = world_new();
    size_t before = w->scratch.used;
    world_person(w, "P1", "360800", "310", 5);
    assert_int_equal(w->scratch.used, before);
    assert_int_equal(world_add(w, "P1", "P1", "360800", "310", 5), GJ_ERR_CONFLICT);
    assert_int_equal(w->scratch.used, before);
    world_free(w);
}

static void a_person_is_found_by_number_region_and_name(void **state) {
    (void)state;
    struct world *w = world_new();
    world_person(w, "P1", "360800", "310", 5);
    struct gj_person who;
    struct gj_person_row row;
    world_wire_person("P1", &who);
    assert_true(gj_person_find(&w->turn, &who, "360800", &row));
    assert_string_equal(row.person_ref, "P1");
    assert_false(gj_person_find(&w->turn, &who, "360100", &row));
    memcpy(who.psn_name, "Name P2", 8);
    assert_false(gj_person_find(&w->turn, &who, "360800", &row));
    world_wire_person("P2", &who);
    assert_false(gj_person_find(&w->turn, &who, "360800", &row));
    world_free(w);
}

static void an_institution_is_open_between_its_days(void **state) {
    (void)state;
    struct world *w = world_new();
    assert_int_equal(gj_books_add_institution(&w->turn, "H36080000001", "Hospital", 20260101, 20260331),
                     GJ_OK);
    assert_int_equal(gj_books_add_institution(&w->turn, "P36080000001", "Pharmacy", 20260101, 0), GJ_OK);
    assert_int_equal(gj_books_add_institution(&w->turn, "P36080000001", "Pharmacy", 20260101, 0),
                     GJ_ERR_CONFLICT);
    assert_int_equal(gj_books_add_institution(&w->turn, "P360800000012", "Long", 20260101, 0),
                     GJ_ERR_TOO_LARGE);
    static const struct {
        const char *code;
        gj_date date;
        enum gj_err err;
    } rows[] = {{"H36080000001", 20251231, GJ_ERR_INSTITUTION},
                {"H36080000001", 20260101, GJ_OK},
                {"H36080000001", 20260331, GJ_OK},
                {"H36080000001", 20260401, GJ_ERR_INSTITUTION},
                {"P36080000001", 20991231, GJ_OK},
                {"H36080000002", 20260101, GJ_ERR_INSTITUTION},
                {"", 20260101, GJ_ERR_INSTITUTION},
                {"H360800000012", 20260101, GJ_ERR_INSTITUTION}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(gj_books_check_institution(&w->turn, rows[i].code, rows[i].date), rows[i].err);
    world_free(w);
}

/* --- verification ---------------------------------------------------------------------------------------------- */
static void a_verification_says_enrolled_and_little_else(void **state) {
    (void)state;
    static const struct {
        const char *stas;
        bool enrolled;
    } rows[] = {{"0", false}, {"1", true}, {"2", true}, {"4", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_new();
        world_person(w, "P1", "360800", "310", 5);
        world_set_status(w, "P1", rows[i].stas, "normal");
        struct gj_verify ask = {.purpose = "check", .insuplc_admdvs = "360800", .business_date = TODAY};
        struct gj_verified answer;
        world_wire_person("P1", &ask.person);
        gj_books_verify(&w->books, &w->turn, &ask, &answer);
        assert_int_equal(answer.enrolled, rows[i].enrolled);
        assert_string_equal(answer.psn_insu_stas, rows[i].stas);
        assert_string_equal(answer.code, "");
        assert_string_equal(answer.person_ref, "");
        world_free(w);
    }
}

static void a_verification_refuses_strangers_alike(void **state) {
    (void)state;
    struct world *w = world_new();
    world_person(w, "P1", "360800", "310", 5);
    struct gj_verify ask = {.purpose = "check", .insuplc_admdvs = "360800", .business_date = TODAY};
    struct gj_verified answer;
    world_wire_person("P2", &ask.person);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.code, "PERSON_UNKNOWN");
    world_wire_person("P1", &ask.person);
    memcpy(ask.person.psn_name, "Name PX", 8);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.code, "PERSON_UNKNOWN");
    assert_string_equal(answer.psn_insu_stas, "");
    memcpy(ask.insuplc_admdvs, "330100", 7);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.code, "WRONG_NODE");
    world_wire_person("P1", &ask.person);
    memcpy(ask.insuplc_admdvs, "360800", 7);
    memcpy(ask.role, "friend", 7);
    memcpy(ask.other_region, "330100", 7);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.code, "BAD_FIELD");
    world_free(w);
}

static void a_binding_that_nothing_refuses_gets_a_reference(void **state) {
    (void)state;
    struct world *w = world_new();
    world_person(w, "P1", "360800", "310", 5);
    struct gj_verify ask = {.purpose = "binding",
                            .insuplc_admdvs = "360800",
                            .business_date = TODAY,
                            .role = "payer",
                            .relation = "child",
                            .other_region = "330100"};
    struct gj_verified answer;
    world_wire_person("P1", &ask.person);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.code, "");
    assert_string_equal(answer.person_ref, "P1");
    assert_string_equal(answer.person_masked, "N**");
    assert_string_equal(answer.pack.pack, "default");
    memcpy(ask.relation, "other", 6);
    gj_books_verify(&w->books, &w->turn, &ask, &answer);
    assert_string_equal(answer.rule, "R10");
    assert_string_equal(answer.person_ref, "");
    world_free(w);
}

/* --- the proof sees every kind of damage ------------------------------------------------------------------------ */
static struct gj_account_row account_of(struct world *w, const char *name) {
    struct gj_account_row row = {.balance_fen = 0};
    gj_text_set(row.account, sizeof(row.account), name);
    assert_true(gj_store_get(w->store, &gj_table_account, &row, &w->scratch));
    return row;
}
static void balance_changed(struct world *w) {
    struct gj_account_row row = account_of(w, "P/P1/prior");
    row.balance_fen++;
    gj_store_put(w->store, &gj_table_account, &row);
}
static void held_changed(struct world *w) {
    struct gj_account_row row = account_of(w, "P/P1/prior");
    row.held_fen--;
    gj_store_put(w->store, &gj_table_account, &row);
}
static void account_lost(struct world *w) {
    struct gj_account_row row = account_of(w, "R/360800/450100");
    assert_true(gj_store_del(w->store, &gj_table_account, &row));
}
static void hold_lost(struct world *w) {
    struct gj_rows rows;
    gj_store_find(w->store, &gj_table_hold, NULL, &(struct gj_hold_row){.leg = 0}, 0, NULL, 1, &w->scratch,
                  &rows);
    assert_int_equal(rows.n, 1);
    assert_true(gj_store_del(w->store, &gj_table_hold, rows.items));
}
static void posting_of(struct world *w, struct gj_posting_row *row) {
    memset(row, 0, sizeof(*row));
    memcpy(row->entry, "open/P/P1/prior", 16);
    row->line = 1;
    assert_true(gj_store_get(w->store, &gj_table_posting, row, &w->scratch));
}
static void posting_changed(struct world *w) {
    struct gj_posting_row row;
    posting_of(w, &row);
    row.amount_fen++;
    gj_store_put(w->store, &gj_table_posting, &row);
}
static void posting_lost(struct world *w) {
    struct gj_posting_row row;
    posting_of(w, &row);
    assert_true(gj_store_del(w->store, &gj_table_posting, &row));
}
static void one_sided_entry(struct world *w) {
    struct gj_account_row account = account_of(w, "P/P1/prior");
    struct gj_posting_row row = {.entry = "gift", .amount_fen = 100, .kind = "settle"};
    memcpy(row.account, "P/P1/prior", 11);
    gj_store_put(w->store, &gj_table_posting, &row);
    account.balance_fen += 100;
    gj_store_put(w->store, &gj_table_account, &account);
}
static void overdrawn(struct world *w) {
    struct gj_entry entry = {.id = "over", .kind = "settle", .from = "P/P1/prior", .to = "X/opening"};
    entry.amount_fen = account_of(w, "P/P1/prior").balance_fen;
    gj_ledger_post(&w->turn, &entry);
}
static void paid_of(struct world *w, struct gj_paid_row *ret) {
    struct gj_rows rows;
    gj_store_find(w->store, &gj_table_paid, NULL, &(struct gj_paid_row){.leg = 0}, 0, NULL, 1, &w->scratch,
                  &rows);
    assert_int_equal(rows.n, 1);
    *ret = *(const struct gj_paid_row *)rows.items;
}
static void refunded_too_much(struct world *w) {
    struct gj_paid_row row;
    paid_of(w, &row);
    row.refund_prepared_fen = row.amount_fen + 1;
    gj_store_put(w->store, &gj_table_paid, &row);
}
static void usage_changed(struct world *w) {
    gj_usage_add(&w->turn, "P1", 2026, 1);
}
static void usage_lost(struct world *w) {
    struct gj_usage_row row = {.person_ref = "P1", .year = 2026};
    assert_true(gj_store_del(w->store, &gj_table_usage, &row));
}

/* 500 yuan, 120 of it paid, 80 held. */
static struct world *world_at_work(void) {
    struct world *w = world_new();
    struct tx done, open;
    world_person(w, "P1", "360800", "310", 500);
    world_bind(w, "B1", "P1", "360800", "Q", "330100", "child");
    tx_init(w, &done, "settle", "450000");
    done.home = "330100";
    tx_draw(&done, "B1", "P/P1/prior", "360800", "450100", 120 * YUAN);
    assert_true(tx_hold(w, &done));
    tx_post(w, &done);
    tx_init(w, &open, "settle", "450000");
    open.home = "330100";
    tx_draw(&open, "B1", "P/P1/prior", "360800", "450100", 80 * YUAN);
    assert_true(tx_hold(w, &open));
    return w;
}

static void count_report(void *ctx, const char *account, const char *what) {
    assert_true(account[0] != '\0' && what[0] != '\0');
    ++*(uint64_t *)ctx;
}

static void sound_books_add_up(void **state) {
    (void)state;
    struct world *w = world_at_work();
    struct gj_books_totals totals;
    size_t before = w->scratch.used;
    assert_int_equal(gj_books_check(&w->turn, &totals, world_report, NULL), 0);
    assert_int_equal(w->scratch.used, before);
    assert_int_equal(totals.accounts, 3);
    assert_int_equal(totals.entries, 2);
    assert_int_equal(totals.holds, 1);
    assert_int_equal(totals.personal_fen, 380 * YUAN);
    assert_int_equal(totals.regions_fen, 120 * YUAN);
    assert_int_equal(totals.external_fen, -500 * YUAN);
    assert_int_equal(totals.institutions_fen, 0);
    assert_int_equal(totals.held_fen, 80 * YUAN);
    world_free(w);
}

static void the_proof_sees_every_kind_of_damage(void **state) {
    (void)state;
    static void (*const damages[])(struct world * w) = {
        balance_changed, held_changed, account_lost, hold_lost,         posting_changed, posting_lost,
        one_sided_entry, overdrawn,    usage_lost,   refunded_too_much, usage_changed};
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct world *w = world_at_work();
        struct gj_books_totals totals;
        uint64_t told = 0;
        damages[i](w);
        uint64_t differences = gj_books_check(&w->turn, &totals, count_report, &told);
        if (differences == 0) fail_msg("damage %zu was not seen", i);
        assert_int_equal(told, differences);
        assert_int_equal(gj_books_check(&w->turn, &totals, NULL, NULL), differences);
        world_free(w);
    }
}

/* A balance that grew by itself is wrong twice: against its journal, and in the sum over all accounts. */
static void the_whole_ledger_must_sum_to_zero(void **state) {
    (void)state;
    struct world *w = world_at_work();
    struct gj_books_totals totals;
    balance_changed(w);
    assert_int_equal(gj_books_check(&w->turn, &totals, NULL, NULL), 2);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_one_token_however_it_is_typed),
        cmocka_unit_test(masks_show_little),
        cmocka_unit_test(a_person_is_loaded_once),
        cmocka_unit_test(loading_needs_no_memory_that_grows),
        cmocka_unit_test(a_person_is_found_by_number_region_and_name),
        cmocka_unit_test(an_institution_is_open_between_its_days),
        cmocka_unit_test(a_verification_says_enrolled_and_little_else),
        cmocka_unit_test(a_verification_refuses_strangers_alike),
        cmocka_unit_test(a_binding_that_nothing_refuses_gets_a_reference),
        cmocka_unit_test(sound_books_add_up),
        cmocka_unit_test(the_whole_ledger_must_sum_to_zero),
        cmocka_unit_test(the_proof_sees_every_kind_of_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
