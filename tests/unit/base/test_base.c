/* SPDX-License-Identifier: Apache-2.0
 *
 * The base room: money texts, dates, identifiers, bounded buffers, the error table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/money.h"

/* --- money ------------------------------------------------------------------------------------------------- */

static void yuan_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t fen;
    } rows[] = {
        {"0.00", true, 0},
        {"0.05", true, 5},
        {"12.50", true, 1250},
        {"-0.05", true, -5},
        {"-1234.56", true, -123456},
        {"999999999999.99", true, GJ_FEN_INPUT_MAX},
        {"1000000000000.00", false, 0},
        {"99999999999999999999.00", false, 0},
        {"12.5", false, 0},
        {"12", false, 0},
        {"12.500", false, 0},
        {".50", false, 0},
        {"01.00", false, 0},
        {"-0.00", false, 0},
        {"+1.00", false, 0},
        {" 1.00", false, 0},
        {"1.00 ", false, 0},
        {"1,00", false, 0},
        {"1e2.00", false, 0},
        {"", false, 0},
        {"-.00", false, 0},
        {"--1.00", false, 0},
        {"1.0x", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t fen = 77;
        enum gj_err err = gj_yuan_parse(rows[i].text, strlen(rows[i].text), &fen);
        assert_int_equal(err, rows[i].good ? GJ_OK : GJ_ERR_BAD_AMOUNT);
        assert_int_equal(fen, rows[i].good ? rows[i].fen : 77);
        if (!rows[i].good) continue;
        char text[GJ_YUAN_TEXT_CAP];
        assert_string_equal(gj_yuan_format(text, fen), rows[i].text);
    }
}

static void yuan_format_takes_every_amount(void **state) {
    (void)state;
    char text[GJ_YUAN_TEXT_CAP];
    assert_string_equal(gj_yuan_format(text, INT64_MAX), "92233720368547758.07");
    assert_string_equal(gj_yuan_format(text, INT64_MIN), "-92233720368547758.08");
}

static void sums_are_checked(void **state) {
    (void)state;
    int64_t sum = 7;
    assert_int_equal(gj_fen_add(INT64_MAX, 1, &sum), GJ_ERR_OVERFLOW);
    assert_int_equal(gj_fen_sub(INT64_MIN, 1, &sum), GJ_ERR_OVERFLOW);
    assert_int_equal(sum, 7);
    assert_int_equal(gj_fen_add(INT64_MAX - 1, 1, &sum), GJ_OK);
    assert_true(sum == INT64_MAX);
}

/* --- dates --------------------------------------------------------------------------------------------------- */

static void business_days_begin_at_midnight_in_utc_plus_8(void **state) {
    (void)state;
    char text[20];
    const struct gj_wall before = {INT64_C(1767196799999)}, after = {INT64_C(1767196800000)};
    assert_int_equal(gj_date_of(before), 20251231);
    assert_int_equal(gj_date_of(after), 20260101);
    assert_string_equal(gj_wall_format(text, before), "2025-12-31 23:59:59");
    assert_string_equal(gj_wall_format(text, after), "2026-01-01 00:00:00");
    assert_int_equal(gj_date_of((struct gj_wall){0}), 19700101);
    assert_int_equal(gj_date_of((struct gj_wall){-28800001}), 19691231);
}

static void every_day_of_four_centuries_follows_the_last(void **state) {
    (void)state;
    gj_date day = 19000101;
    int32_t n = 0;
    while (day < 22991231) {
        gj_date next = gj_date_add_days(day, 1);
        assert_true(gj_date_is_valid(next) && next > day);
        assert_int_equal(gj_date_days_between(19000101, next), ++n);
        day = next;
    }
    assert_int_equal(n, 146096);
}

static void date_texts(void **state) {
    (void)state;
    static const char *const bad[] = {"2026-02-29", "2026-13-01", "2026-00-10",  "2026-1-01",
                                      "20260101",   "2026/01/01", "2026-01-01 ", "1899-12-31",
                                      "3000-01-01", "",           "2026-01-0x",  "2026-04-31"};
    gj_date date = 5;
    char text[11];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gj_date_parse(bad[i], &date), GJ_ERR_BAD_FIELD);
        assert_int_equal(date, 5);
    }
    assert_int_equal(gj_date_parse("2024-02-29", &date), GJ_OK);
    assert_int_equal(date, 20240229);
    assert_string_equal(gj_date_format(text, date), "2024-02-29");
}

/* --- identifiers ------------------------------------------------------------------------------------------------ */

static void txid_texts(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "330000",
                                      "330000/1/2",
                                      "330000/1/2/3/4",
                                      "330000/01/2/3",
                                      "/1/2/3",
                                      "330000//2/3",
                                      "330000/1/2/",
                                      "330000/4294967296/2/3",
                                      "A/1/2/3",
                                      "330000/1/2/65536",
                                      "330000/1/9223372036854775808/3",
                                      "330000/1/2/3 ",
                                      "12345678901234567/1/2/3",
                                      "330000/-1/2/3"};
    struct gj_txid txid = {.seq = 9};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gj_txid_parse(bad[i], strlen(bad[i]), &txid), GJ_ERR_BAD_FIELD);
        assert_int_equal(txid.seq, 9);
    }
    const char *good = "330000/4294967295/9223372036854775807/65535";
    char text[GJ_TXID_TEXT_CAP];
    assert_int_equal(gj_txid_parse(good, strlen(good), &txid), GJ_OK);
    assert_string_equal(gj_txid_format(text, &txid), good);
    assert_true(gj_txid_equal(&txid, &txid));
    struct gj_txid other = txid;
    other.attempt--;
    assert_false(gj_txid_equal(&txid, &other));
}

static void hex_texts(void **state) {
    (void)state;
    const uint8_t bytes[3] = {0x00, 0xAf, 0xfe};
    uint8_t back[3];
    char text[7];
    gj_hex_encode(text, bytes, sizeof bytes);
    assert_string_equal(text, "00affe");
    assert_int_equal(gj_hex_decode(back, 3, "00AfFe"), GJ_OK);
    assert_memory_equal(back, bytes, 3);
    assert_int_equal(gj_hex_decode(back, 3, "00aff"), GJ_ERR_BAD_FIELD);
    assert_int_equal(gj_hex_decode(back, 3, "00affe0"), GJ_ERR_BAD_FIELD);
    assert_int_equal(gj_hex_decode(back, 3, "00afgg"), GJ_ERR_BAD_FIELD);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void a_buffer_keeps_its_last_whole_write(void **state) {
    (void)state;
    uint8_t memory[5];
    struct gj_buf buf;
    gj_buf_init(&buf, memory, sizeof memory);
    gj_buf_put_u32(&buf, 0x01020304);
    assert_int_equal(gj_buf_check(&buf), GJ_OK);
    gj_buf_put_u16(&buf, 5);
    gj_buf_put_u8(&buf, 6); /* would fit, but the overflow is latched */
    assert_int_equal(gj_buf_check(&buf), GJ_ERR_NO_SPACE);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(memory, "\1\2\3\4", 4);
}

static void a_reader_latches_the_first_short_read(void **state) {
    (void)state;
    const uint8_t bytes[] = {0, 1, 2, 3, 4};
    struct gj_reader reader;
    gj_reader_init(&reader, gj_slice_of(bytes, sizeof bytes));
    assert_int_equal(gj_read_u16(&reader), 1);
    assert_int_equal(gj_read_u32(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(gj_read_u8(&reader), 0);
    assert_int_equal(reader.left, 3);
}

static void an_arena_latches_when_full(void **state) {
    (void)state;
    _Alignas(16) uint8_t memory[64];
    struct gj_arena arena;
    gj_arena_init(&arena, memory, sizeof memory);
    memset(memory, 0xff, sizeof memory);
    uint8_t *first = gj_arena_alloc(&arena, 1);
    assert_int_equal(first[0], 0);
    assert_non_null(gj_arena_alloc(&arena, 48));
    assert_null(gj_arena_alloc(&arena, 1));
    assert_true(arena.overflow);
    gj_arena_reset(&arena);
    assert_null(gj_arena_array(&arena, SIZE_MAX, 2));
    gj_arena_reset(&arena);
    assert_non_null(gj_arena_alloc(&arena, 64));
}

static void texts_are_cut_nowhere(void **state) {
    (void)state;
    char text[4] = "abc";
    assert_int_equal(gj_text_copy(text, sizeof text, "abcd"), GJ_ERR_TOO_LARGE);
    assert_string_equal(text, "");
    assert_int_equal(gj_text_from_slice(text, sizeof text, gj_slice_of("a\0b", 3)), GJ_ERR_BAD_FIELD);
    assert_int_equal(gj_text_copy(text, sizeof text, "abc"), GJ_OK);
    assert_string_equal(text, "abc");
}

/* --- errors --------------------------------------------------------------------------------------------------------- */

static void every_error_has_a_name_a_number_and_two_texts(void **state) {
    (void)state;
    static const enum gj_err all[] = {
#define X(name, number, class, retry, en, zh) GJ_ERR_##name,
#include "base/err.def"
#undef X
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(gj_err_from_name(gj_err_name(all[i])), all[i]);
        assert_true(strlen(gj_err_text_en(all[i])) > 0 && strlen(gj_err_text_zh(all[i])) > 0);
        assert_true(strlen(gj_err_name(all[i])) <= GJ_CODE_MAX);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(all[i], all[k]);
        }
    }
    assert_int_equal(gj_err_from_name("NO_SUCH_NAME"), GJ_ERR_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yuan_texts),
        cmocka_unit_test(yuan_format_takes_every_amount),
        cmocka_unit_test(sums_are_checked),
        cmocka_unit_test(business_days_begin_at_midnight_in_utc_plus_8),
        cmocka_unit_test(every_day_of_four_centuries_follows_the_last),
        cmocka_unit_test(date_texts),
        cmocka_unit_test(txid_texts),
        cmocka_unit_test(hex_texts),
        cmocka_unit_test(a_buffer_keeps_its_last_whole_write),
        cmocka_unit_test(a_reader_latches_the_first_short_read),
        cmocka_unit_test(an_arena_latches_when_full),
        cmocka_unit_test(texts_are_cut_nowhere),
        cmocka_unit_test(every_error_has_a_name_a_number_and_two_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
