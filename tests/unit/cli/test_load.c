/* SPDX-License-Identifier: Apache-2.0
 *
 * A node's store from nothing: init, load good and bad files, books, legs, on a real SQLite file.
 */
#include "cli_run.h"

#include <unistd.h>

#include "conf/conf.h"
#include "conf/witness.h"
#include "domain/tables.h"
#include "protocol/tables.h"
#include "store/store.h"

#define HEADER                                                                                               \
    "psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,account_status,"    \
    "card_no,prior,current\n"
#define ONE "P1,01,330100197308023967,测试一,330100,310,1101,1,normal,T1,100.05,2.00\n"
#define TWO "P2,01,11010519491231002X,测试二,330200,390,1501,1,,,0.00,0.00\n"

static void copy_config(const char *name) {
    char from[SCRATCH_PATH_CAP];
    size_t len = 0;
    (void)snprintf(from, sizeof from, GJ_SOURCE_DIR "/config/%s", name);
    char *text = scratch_read_path(from, &len);
    scratch_write_bytes(name, text, len);
    free(text);
}

/* A folder like a node's, with the example's registry and packs and fresh keys; no store yet. */
static int fresh_node(void **state) {
    static const char *const packs[] = {"packs/000000-base.yaml", "packs/130000-hebei.yaml"};
    if (scratch_setup(state) != 0) return -1;
    copy_config("node.yaml");
    copy_config("registry.yaml");
    copy_config("registry.yaml.sig");
    copy_config("authority.pub");
    scratch_mkdir("packs");
    scratch_mkdir("witness");
    for (size_t i = 0; i < 2; i++)
        copy_config(packs[i]);
    return cli("gongji keys --out @keys");
}

static int fresh_store(void **state) {
    return fresh_node(state) != 0 ? -1 : cli("gongji init --config @node.yaml");
}

static int drop_node(void **state) {
    cli_forget();
    return scratch_teardown(state);
}

static struct gj_store *open_store(enum gj_store_mode mode) {
    char path[SCRATCH_PATH_CAP], detail[200] = "";
    struct gj_store *store = NULL;
    enum gj_err err =
        gj_store_open_sqlite(scratch_path(path, "gongji.db"), mode, gj_store_catalogue(), &store, detail);
    if (err != GJ_OK) fail_msg("%s", detail);
    return store;
}

static uint64_t count_rows(const struct gj_table *table) {
    static uint8_t memory[4 * 1024 * 1024], key[8192];
    struct gj_arena arena;
    struct gj_rows rows;
    struct gj_store *store = open_store(GJ_STORE_READ);
    gj_arena_init(&arena, memory, sizeof memory);
    memset(key, 0, sizeof key);
    gj_store_find(store, table, NULL, key, 0, NULL, 4096, &arena, &rows);
    assert_int_equal(gj_store_err(store), GJ_OK);
    gj_store_close(&store);
    return rows.n;
}

static void init_makes_a_node_that_never_started(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    uint8_t memory[1024];
    struct gj_arena arena;
    struct gj_conf_error error;
    struct gj_witness_mark mark;
    struct gj_node_row row = {.one = 1};
    assert_cli("gongji init --config @node.yaml", GJ_EXIT_OK);
    struct gj_store *store = open_store(GJ_STORE_READ);
    gj_arena_init(&arena, memory, sizeof memory);
    assert_true(gj_store_get(store, &gj_table_node, &row, &arena));
    gj_store_close(&store);
    assert_string_equal(row.node, "330000");
    assert_int_equal(row.boot_epoch, 0);
    assert_int_equal(row.flush, 0);
    assert_int_equal(row.next_seq, 1);
    assert_false(row.resync);
    assert_int_equal(gj_witness_read(scratch_path(path, "witness/gongji.witness"), &mark, &error), GJ_OK);
    assert_memory_equal(mark.store_id, row.store_id, sizeof row.store_id);
    assert_int_equal(mark.epoch, 0);
    struct gj_witness_mark store_mark = {.flush = row.flush};
    memcpy(store_mark.store_id, row.store_id, sizeof row.store_id);
    gj_machine_id(store_mark.machine);
    assert_int_equal(gj_witness_judge(path, &store_mark, &error), GJ_WITNESS_EQUAL_OR_BEHIND);
}

static void init_writes_over_nothing(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    size_t len = 0;
    char *before = scratch_read("witness/gongji.witness", &len);
    assert_cli("gongji init --config @node.yaml", GJ_EXIT_FILE);
    assert_holds(cli_err, "exists; nothing was changed");
    /* Each of the two alone is enough: a lost store beside a witness must be restored, not made anew. */
    assert_int_equal(unlink(scratch_path(path, "gongji.db")), 0);
    assert_cli("gongji init --config @node.yaml", GJ_EXIT_FILE);
    char *after = scratch_read("witness/gongji.witness", &len);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_half_made_store_is_not_left_behind(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    struct stat st;
    assert_int_equal(rmdir(scratch_path(path, "witness")), 0);
    assert_cli("gongji init --config @node.yaml", GJ_EXIT_FILE);
    assert_int_equal(stat(scratch_path(path, "gongji.db"), &st), -1);
    scratch_mkdir("witness");
    assert_cli("gongji init --config @node.yaml", GJ_EXIT_OK);
}

static void a_good_file_is_loaded_and_the_books_balance(void **state) {
    (void)state;
    scratch_write("people.csv", HEADER ONE TWO);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_OK);
    assert_holds(cli_out, "people.csv: 2 people loaded, 0 bad lines");
    assert_int_equal(count_rows(&gj_table_person), 2);
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "personal 102.05\n");
    assert_holds(cli_out, "external -102.05\n");
    assert_holds(cli_out, "differences 0\n");
    assert_cli("gongji books --json --config @node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "\"node\":\"330000\"");
    assert_holds(cli_out, "\"differences\":0");
    assert_holds(cli_out, "\"personal\":\"102.05\"");
}

static bool holds_bytes(const char *bytes, size_t len, const char *part) {
    size_t part_len = strlen(part);
    for (size_t i = 0; i + part_len <= len; i++) {
        if (memcmp(bytes + i, part, part_len) == 0) return true;
    }
    return false;
}

/* The number and the name are in the store as keyed tokens, masked and sealed, never in the clear. */
static void identity_is_not_in_the_store_in_the_clear(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    uint8_t memory[8192], plain_memory[512];
    struct gj_arena arena;
    struct gj_buf plain;
    struct gj_data_key key;
    struct gj_person_row row = {.person_ref = "P1"};
    scratch_write("people.csv", HEADER ONE TWO);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_OK);
    struct gj_store *store = open_store(GJ_STORE_READ);
    gj_arena_init(&arena, memory, sizeof memory);
    assert_true(gj_store_get(store, &gj_table_person, &row, &arena));
    gj_store_close(&store);
    assert_string_equal(row.masked, "330***********3967");
    assert_string_equal(row.name_masked, "测**");
    assert_int_equal(gj_data_key_load(scratch_path(path, "keys/data.key"), &key), GJ_OK);
    gj_buf_init(&plain, plain_memory, sizeof plain_memory);
    assert_int_equal(gj_unseal(&key, row.sealed, &plain), GJ_OK);
    assert_int_equal(plain.len, strlen("01\n330100197308023967\n测试一"));
    assert_memory_equal(plain.ptr, "01\n330100197308023967\n测试一", plain.len);
    static const char *const files[] = {"gongji.db", "gongji.db-wal"};
    bool found_ref = false; /* the search itself works: the masked form is there */
    for (size_t i = 0; i < 2; i++) {
        if (access(scratch_path(path, files[i]), F_OK) != 0) continue;
        size_t len = 0;
        char *bytes = scratch_read(files[i], &len);
        assert_false(holds_bytes(bytes, len, "330100197308023967"));
        found_ref = found_ref || holds_bytes(bytes, len, "330***********3967");
        assert_false(holds_bytes(bytes, len, "测试一"));
        free(bytes);
    }
    assert_true(found_ref);
}

static void a_bad_line_keeps_the_whole_file_out(void **state) {
    (void)state;
    scratch_write("people.csv",
                  HEADER ONE "P3,01,330100197308023968,测试三,330100,310,1101,1,normal,,0.00,0.00\n" TWO
                             "P4,01,330100190001010000,测试四,360800,310,1101,1,normal,,0.00,0.00\n");
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_FOUND);
    assert_holds(cli_err, "people.csv:3: certno: must have a real date and the right check character");
    assert_holds(cli_err, "people.csv:5: ");
    assert_holds(cli_out, "2 bad lines, nothing loaded (--skip-bad loads the other 2)");
    assert_lacks(cli_err, "330100197308023968");
    assert_int_equal(count_rows(&gj_table_person), 0);
    assert_cli("gongji load --skip-bad --config @node.yaml @people.csv", GJ_EXIT_OK);
    assert_holds(cli_out, "2 people loaded, 2 bad lines");
    assert_int_equal(count_rows(&gj_table_person), 2);
}

static void whom_the_store_has_is_a_bad_line_too(void **state) {
    (void)state;
    scratch_write("people.csv", HEADER ONE);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_OK);
    /* Line 2: the same number and region under another psn_no; line 3: the same psn_no; line 4 is new. */
    scratch_write("more.csv",
                  HEADER "P9,01,330100197308023967,测试一,330100,310,1101,1,normal,,5.00,0.00\n"
                         "P1,01,330100196210046429,测试,330100,310,1101,1,normal,,5.00,0.00\n" TWO);
    assert_cli("gongji load --config @node.yaml @more.csv", GJ_EXIT_FOUND);
    assert_holds(cli_err, "more.csv:2: is already in the store");
    assert_holds(cli_err, "more.csv:3: is already in the store");
    assert_int_equal(count_rows(&gj_table_person), 1);
    assert_cli("gongji load --skip-bad --config @node.yaml @more.csv", GJ_EXIT_OK);
    assert_int_equal(count_rows(&gj_table_person), 2);
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "personal 102.05\n");
}

static void generated_people_load_in_more_than_one_transaction(void **state) {
    (void)state;
    assert_cli("gongji people generate --regions 330100,330200 --count 10050 --seed 3 --people @p.csv "
               "--institutions @i.csv",
               GJ_EXIT_OK);
    assert_cli("gongji load --config @node.yaml @p.csv", GJ_EXIT_OK);
    assert_holds(cli_out, "10050 people loaded, 0 bad lines");
    assert_cli("gongji load-institutions --config @node.yaml @i.csv", GJ_EXIT_OK);
    assert_holds(cli_out, "12 institutions loaded");
    assert_int_equal(count_rows(&gj_table_institution), 12);
    assert_cli("gongji load-institutions --config @node.yaml @i.csv", GJ_EXIT_FOUND);
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_OK);
}

static void nothing_is_loaded_beside_a_running_node(void **state) {
    (void)state;
    struct gj_store *running = open_store(GJ_STORE_WRITE);
    scratch_write("people.csv", HEADER ONE);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_SYSTEM);
    assert_holds(cli_err, "(STORE_LOCKED)");
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_OK); /* reading is allowed */
    gj_store_close(&running);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_OK);
}

static void a_file_of_another_kind_loads_nothing(void **state) {
    (void)state;
    scratch_write("people.csv",
                  "fixmedins_code,fixmedins_name,open_from,open_to\nH33010000001,x,2020-01-01,\n");
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_FILE);
    assert_holds(cli_err, "people.csv:1: psn_no: is missing in the header");
    assert_cli("gongji load --config @node.yaml @none.csv", GJ_EXIT_FILE);
}

/* --- books and legs with money on the move -------------------------------------------------------- */

static void post(struct gj_store *store, const char *entry, uint64_t line, const char *account, int64_t fen,
                 const char *kind) {
    struct gj_posting_row row = {.line = line, .amount_fen = fen, .date = 20261121, .leg = 2};
    row.txid = (struct gj_txid){.coordinator = "130000", .epoch = 7, .seq = 9, .attempt = 1};
    gj_text_set(row.entry, sizeof row.entry, entry);
    gj_text_set(row.account, sizeof row.account, account);
    gj_text_set(row.kind, sizeof row.kind, kind);
    gj_store_put(store, &gj_table_posting, &row);
}

static void legs_tell_which_end_and_which_way(void **state) {
    (void)state;
    struct gj_store *store = open_store(GJ_STORE_WRITE);
    store->ops->begin(store);
    post(store, "a#2", 0, "P/P1/prior", -12345, "settle");
    post(store, "a#2", 1, "R/330100/130100", 12345, "settle");
    post(store, "b#2d", 0, "R/360800/330200", -500, "settle");
    post(store, "b#2d", 1, "I/H33020000001", 500, "settle");
    post(store, "c#2", 0, "R/330100/130100", -45, "refund");
    post(store, "c#2", 1, "P/P1/prior", 45, "refund");
    post(store, "d#2d", 0, "I/H33020000001", -5, "refund");
    post(store, "d#2d", 1, "R/360800/330200", 5, "refund");
    assert_int_equal(store->ops->commit(store), GJ_OK);
    gj_store_close(&store);
    assert_cli("gongji legs --json --config @node.yaml", GJ_EXIT_OK);
    assert_string_equal(
        cli_out, "{\"txid\":\"130000/7/9/"
                 "1\",\"leg\":2,\"kind\":\"settle\",\"from_region\":\"330100\",\"to_region\":\"130100\","
                 "\"amount\":\"123.45\",\"date\":\"2026-11-21\",\"end\":\"payer\"}\n"
                 "{\"txid\":\"130000/7/9/"
                 "1\",\"leg\":2,\"kind\":\"settle\",\"from_region\":\"360800\",\"to_region\":\"330200\","
                 "\"amount\":\"5.00\",\"date\":\"2026-11-21\",\"end\":\"care\"}\n"
                 "{\"txid\":\"130000/7/9/"
                 "1\",\"leg\":2,\"kind\":\"refund\",\"from_region\":\"330100\",\"to_region\":\"130100\","
                 "\"amount\":\"0.45\",\"date\":\"2026-11-21\",\"end\":\"payer\"}\n"
                 "{\"txid\":\"130000/7/9/"
                 "1\",\"leg\":2,\"kind\":\"refund\",\"from_region\":\"360800\",\"to_region\":\"330200\","
                 "\"amount\":\"0.05\",\"date\":\"2026-11-21\",\"end\":\"care\"}\n");
    assert_cli("gongji legs --config @node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "130000/7/9/1#2 settle 330100->130100 123.45 2026-11-21 payer\n");
}

/* More legs than one page holds: each once, none left out. */
static void legs_are_read_page_by_page(void **state) {
    (void)state;
    struct gj_store *store = open_store(GJ_STORE_WRITE);
    store->ops->begin(store);
    for (unsigned i = 0; i < 1000; i++) {
        char entry[32];
        (void)snprintf(entry, sizeof entry, "e%04u#2", i);
        post(store, entry, 0, "R/330100/130100", (int64_t)i + 1, "settle");
    }
    assert_int_equal(store->ops->commit(store), GJ_OK);
    gj_store_close(&store);
    assert_cli("gongji legs --config @node.yaml", GJ_EXIT_OK);
    size_t lines = 0;
    for (const char *c = cli_out; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 1000);
    assert_holds(cli_out, " 10.00 2026-11-21 payer\n");
}

/* One fen more on one account, behind the ledger's back. */
static void books_that_do_not_balance_are_shown(void **state) {
    (void)state;
    uint8_t memory[1024];
    struct gj_arena arena;
    struct gj_account_row row = {.account = "P/P1/prior"};
    scratch_write("people.csv", HEADER ONE TWO);
    assert_cli("gongji load --config @node.yaml @people.csv", GJ_EXIT_OK);
    struct gj_store *store = open_store(GJ_STORE_WRITE);
    gj_arena_init(&arena, memory, sizeof memory);
    store->ops->begin(store);
    assert_true(gj_store_get(store, &gj_table_account, &row, &arena));
    row.balance_fen++;
    gj_store_put(store, &gj_table_account, &row);
    assert_int_equal(store->ops->commit(store), GJ_OK);
    gj_store_close(&store);
    assert_cli("gongji books --config @node.yaml", GJ_EXIT_FOUND);
    assert_holds(cli_out, "difference: P/P1/prior: ");
    assert_lacks(cli_out, "differences 0\n");
    assert_cli("gongji books --json --config @node.yaml", GJ_EXIT_FOUND);
    assert_holds(cli_out, "\"account\":\"P/P1/prior\"");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fresh_store, drop_node)
#define WITH_NODE(test)  cmocka_unit_test_setup_teardown(test, fresh_node, drop_node)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_NODE(init_makes_a_node_that_never_started),
        WITH_STORE(init_writes_over_nothing),
        WITH_NODE(a_half_made_store_is_not_left_behind),
        WITH_STORE(a_good_file_is_loaded_and_the_books_balance),
        WITH_STORE(identity_is_not_in_the_store_in_the_clear),
        WITH_STORE(a_bad_line_keeps_the_whole_file_out),
        WITH_STORE(whom_the_store_has_is_a_bad_line_too),
        WITH_STORE(generated_people_load_in_more_than_one_transaction),
        WITH_STORE(nothing_is_loaded_beside_a_running_node),
        WITH_STORE(a_file_of_another_kind_loads_nothing),
        WITH_STORE(legs_tell_which_end_and_which_way),
        WITH_STORE(legs_are_read_page_by_page),
        WITH_STORE(books_that_do_not_balance_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
