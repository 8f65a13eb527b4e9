/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoder: how each way of breaking a shape is refused, with its code and the path of the field.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/money.h"
#include "wire/codec.h"

#define DIGEST_SM3                                                                                           \
    "\x01"                                                                                                   \
    "0123456789abcdef0123456789abcdef"

/* A message under construction; `open` starts a map. */
struct draft {
    uint8_t bytes[4096];
    struct gj_buf buf;
    msgpack_packer packer;
};

static void draft_open(struct draft *draft, size_t n_entries) {
    gj_buf_init(&draft->buf, draft->bytes, sizeof(draft->bytes));
    gj_wire_packer_init(&draft->packer, &draft->buf);
    msgpack_pack_map(&draft->packer, n_entries);
}

static void put_text(struct draft *draft, const char *text) {
    msgpack_pack_str_with_body(&draft->packer, text, strlen(text));
}

static void put_bin(struct draft *draft, const char *bytes, size_t len) {
    msgpack_pack_bin_with_body(&draft->packer, bytes, len);
}

struct result {
    enum gj_err err;
    struct gj_fault fault;
};

static max_align_t arena_memory[4096];

static struct result decode(const struct gj_shape *shape, struct gj_slice in, void *ret) {
    struct result result;
    struct gj_arena arena;
    gj_arena_init(&arena, arena_memory, sizeof(arena_memory));
    result.err = gj_shape_decode(shape, in, &arena, ret, &result.fault);
    return result;
}

static void expect_fault(struct result result, enum gj_err err, const char *field) {
    assert_string_equal(gj_err_name(result.err), gj_err_name(err));
    assert_string_equal(result.fault.field, field);
}

/* A whole revoke but for the value of |last|, which the caller puts. */
static void open_revoke(struct draft *draft, const char *last) {
    draft_open(draft, 4);
    const char *names[] = {"binding_ref", "by", "reason"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(names[i], last) == 0) continue;
        put_text(draft, names[i]);
        put_text(draft, "x");
    }
    if (strcmp(last, "business_date") != 0) {
        put_text(draft, "business_date");
        msgpack_pack_int64(&draft->packer, 20260131);
    }
    put_text(draft, last);
}

static struct result decode_revoke(const struct draft *draft) {
    struct gj_revoke revoke;
    struct result result = decode(&gj_shape_revoke, gj_buf_slice(&draft->buf), &revoke);
    struct gj_revoke zero;
    memset(&zero, 0, sizeof(zero));
    if (result.err != GJ_OK) assert_memory_equal(&revoke, &zero, sizeof(zero));
    return result;
}

static void test_decode_reads_texts_and_dates(void **state) {
    (void)state;
    struct draft draft;
    struct gj_revoke revoke;
    open_revoke(&draft, "reason");
    put_text(&draft, "\xe9\x80\x80\xe5\x87\xba"); /* 退出 */
    expect_fault(decode(&gj_shape_revoke, gj_buf_slice(&draft.buf), &revoke), GJ_OK, "");
    assert_string_equal(revoke.reason, "\xe9\x80\x80\xe5\x87\xba");
    assert_int_equal(revoke.business_date, 20260131);
}

static void test_decode_refuses_bad_texts(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum gj_err err;
    } rows[] = {
        {"", 0, GJ_ERR_MISSING_FIELD},
        {"123456789012345678901234", 24, GJ_OK},
        {"1234567890123456789012345", 25, GJ_ERR_TOO_LARGE},
        {"a\0b", 3, GJ_ERR_BAD_FIELD},
        {"\x80", 1, GJ_ERR_BAD_FIELD},             /* a continuation alone */
        {"\xc0\xaf", 2, GJ_ERR_BAD_FIELD},         /* overlong */
        {"\xe0\x9f\xbf", 3, GJ_ERR_BAD_FIELD},     /* overlong */
        {"\xed\xa0\x80", 3, GJ_ERR_BAD_FIELD},     /* a surrogate */
        {"\xed\x9f\xbf", 3, GJ_OK},                /* the last character before them */
        {"\xf0\x8f\xbf\xbf", 4, GJ_ERR_BAD_FIELD}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, GJ_OK},            /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, GJ_ERR_BAD_FIELD},
        {"\xf5\x80\x80\x80", 4, GJ_ERR_BAD_FIELD},
        {"\xe9\x80", 2, GJ_ERR_BAD_FIELD}, /* cut */
        {"\xe9\x80\x41", 3, GJ_ERR_BAD_FIELD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft draft;
        open_revoke(&draft, "by");
        msgpack_pack_str_with_body(&draft.packer, rows[i].bytes, rows[i].len);
        expect_fault(decode_revoke(&draft), rows[i].err, rows[i].err == GJ_OK ? "" : "by");
    }
}

static void test_decode_refuses_bad_dates(void **state) {
    (void)state;
    static const int64_t rows[] = {0,        -20260131, 18991231, 30000101,  20260229,
                                   20261301, 20260001,  20260100, 4315227427 /* 20260131 + 2^32 */};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft draft;
        open_revoke(&draft, "business_date");
        msgpack_pack_int64(&draft.packer, rows[i]);
        expect_fault(decode_revoke(&draft), GJ_ERR_BAD_FIELD, "business_date");
    }
    struct draft draft;
    open_revoke(&draft, "business_date");
    put_text(&draft, "2026-01-31");
    expect_fault(decode_revoke(&draft), GJ_ERR_BAD_SCHEMA, "business_date");
}

static void test_decode_refuses_wrong_types(void **state) {
    (void)state;
    struct draft draft;
    open_revoke(&draft, "by");
    put_bin(&draft, "payer", 5);
    expect_fault(decode_revoke(&draft), GJ_ERR_BAD_SCHEMA, "by");
    open_revoke(&draft, "by");
    msgpack_pack_nil(&draft.packer);
    expect_fault(decode_revoke(&draft), GJ_ERR_BAD_SCHEMA, "by");

    struct gj_proof proof;
    draft_open(&draft, 1);
    put_text(&draft, "bytes");
    put_text(&draft, "abc");
    expect_fault(decode(&gj_shape_proof, gj_buf_slice(&draft.buf), &proof), GJ_ERR_BAD_SCHEMA, "bytes");

    struct gj_ack ack;
    draft_open(&draft, 1);
    put_text(&draft, "txids");
    msgpack_pack_map(&draft.packer, 0);
    expect_fault(decode(&gj_shape_ack, gj_buf_slice(&draft.buf), &ack), GJ_ERR_BAD_SCHEMA, "txids");
    draft_open(&draft, 1);
    put_text(&draft, "txids");
    msgpack_pack_array(&draft.packer, 1);
    put_text(&draft, "330000/1/2/3");
    expect_fault(decode(&gj_shape_ack, gj_buf_slice(&draft.buf), &ack), GJ_ERR_BAD_SCHEMA, "txids[0]");

    struct gj_vote vote;
    draft_open(&draft, 2);
    put_text(&draft, "digest");
    put_bin(&draft, DIGEST_SM3, 33);
    put_text(&draft, "yes");
    msgpack_pack_int64(&draft.packer, 1);
    expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_ERR_BAD_SCHEMA, "yes");

    expect_fault(decode(&gj_shape_vote, gj_slice_of("\x90", 1), &vote), GJ_ERR_BAD_SCHEMA, "");
    expect_fault(decode(&gj_shape_vote, gj_slice_of("\x81\x01\x02", 3), &vote), GJ_ERR_BAD_SCHEMA, "");
}

static void test_decode_refuses_missing_and_double(void **state) {
    (void)state;
    struct draft draft;
    struct gj_vote vote;
    expect_fault(decode(&gj_shape_vote, gj_slice_of("\x80", 1), &vote), GJ_ERR_MISSING_FIELD, "digest");
    draft_open(&draft, 3);
    for (int i = 0; i < 2; i++) {
        put_text(&draft, "digest");
        put_bin(&draft, DIGEST_SM3, 33);
    }
    put_text(&draft, "yes");
    msgpack_pack_true(&draft.packer);
    expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_ERR_BAD_SCHEMA, "digest");

    draft_open(&draft, 3);
    put_text(&draft, "digest");
    put_bin(&draft, DIGEST_SM3, 33);
    for (int i = 0; i < 2; i++) {
        put_text(&draft, "later");
        msgpack_pack_nil(&draft.packer);
    }
    expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_ERR_BAD_SCHEMA, "");
}

static void test_decode_ignores_unknown_keys(void **state) {
    (void)state;
    struct draft draft;
    struct gj_vote vote;
    draft_open(&draft, 4);
    put_text(&draft, "later");
    msgpack_pack_array(&draft.packer, 2);
    msgpack_pack_map(&draft.packer, 0);
    msgpack_pack_nil(&draft.packer);
    put_text(&draft, "yes");
    msgpack_pack_true(&draft.packer);
    put_text(&draft, "");
    msgpack_pack_nil(&draft.packer);
    put_text(&draft, "digest");
    put_bin(&draft, DIGEST_SM3, 33);
    expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_OK, "");
    assert_true(vote.yes);
    assert_memory_equal(vote.digest.bytes, DIGEST_SM3, 33);
}

static void test_decode_limits_entries(void **state) {
    (void)state;
    for (size_t extra = 127; extra <= 128; extra++) {
        struct draft draft;
        struct gj_vote vote;
        draft_open(&draft, 1 + extra);
        put_text(&draft, "digest");
        put_bin(&draft, DIGEST_SM3, 33);
        for (size_t i = 0; i < extra; i++) {
            char name[3] = {(char)('a' + i % 16), (char)('a' + i / 16), '\0'};
            put_text(&draft, name);
            msgpack_pack_nil(&draft.packer);
        }
        enum gj_err expected = 1 + extra <= GJ_MAP_ENTRIES_MAX ? GJ_OK : GJ_ERR_TOO_MANY;
        expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), expected, "");
    }
}

/* {"leg": n, "salt": bin of |salt| bytes, "detail": bin of |detail| bytes} as the only entry of legs. */
static struct result decode_part(uint64_t leg, size_t salt, size_t detail) {
    static const char zeros[2100];
    struct draft draft;
    struct gj_prepare_legs legs;
    draft_open(&draft, 2);
    put_text(&draft, "legs");
    msgpack_pack_array(&draft.packer, 1);
    msgpack_pack_map(&draft.packer, 3);
    put_text(&draft, "leg");
    msgpack_pack_uint64(&draft.packer, leg);
    put_text(&draft, "salt");
    put_bin(&draft, zeros, salt);
    put_text(&draft, "detail");
    put_bin(&draft, zeros, detail);
    put_text(&draft, "digest");
    put_bin(&draft, DIGEST_SM3, 33);
    return decode(&gj_shape_prepare_legs, gj_buf_slice(&draft.buf), &legs);
}

static void test_decode_checks_numbers_and_bins(void **state) {
    (void)state;
    expect_fault(decode_part(GJ_LEGS_MAX, 16, 2048), GJ_OK, "");
    expect_fault(decode_part(GJ_LEGS_MAX + 1, 16, 1), GJ_ERR_BAD_FIELD, "legs[0].leg");
    expect_fault(decode_part(UINT64_MAX, 16, 1), GJ_ERR_BAD_FIELD, "legs[0].leg");
    expect_fault(decode_part(0, 15, 1), GJ_ERR_BAD_FIELD, "legs[0].salt");
    expect_fault(decode_part(0, 17, 1), GJ_ERR_BAD_FIELD, "legs[0].salt");
    expect_fault(decode_part(0, 16, 0), GJ_ERR_MISSING_FIELD, "legs[0].detail");
    expect_fault(decode_part(0, 16, 2049), GJ_ERR_TOO_LARGE, "legs[0].detail");
}

/* The one field whose limits are those of its type: 2^63 must not come out as a negative number. */
static void test_decode_does_not_wrap(void **state) {
    (void)state;
    for (uint64_t value = INT64_MAX; value <= (uint64_t)INT64_MAX + 1; value++) {
        struct draft draft;
        struct gj_peer_line line;
        draft_open(&draft, 3);
        put_text(&draft, "node");
        put_text(&draft, "330000");
        put_text(&draft, "heard");
        msgpack_pack_true(&draft.packer);
        put_text(&draft, "clock_skew_ms");
        msgpack_pack_uint64(&draft.packer, value);
        bool fits = value == INT64_MAX;
        expect_fault(decode(&gj_shape_peer_line, gj_buf_slice(&draft.buf), &line),
                     fits ? GJ_OK : GJ_ERR_BAD_FIELD, fits ? "" : "clock_skew_ms");
    }
}

static void test_decode_checks_amounts(void **state) {
    (void)state;
    static const struct {
        int64_t fen;
        enum gj_err err;
    } rows[] = {{0, GJ_OK},
                {GJ_FEN_INPUT_MAX, GJ_OK},
                {GJ_FEN_INPUT_MAX + 1, GJ_ERR_BAD_FIELD},
                {-1, GJ_ERR_BAD_FIELD},
                {INT64_MIN, GJ_ERR_BAD_FIELD}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft draft;
        struct gj_own_cover own;
        draft_open(&draft, 2);
        put_text(&draft, "account");
        put_text(&draft, "a");
        put_text(&draft, "cover");
        msgpack_pack_int64(&draft.packer, rows[i].fen);
        struct result result = decode(&gj_shape_own_cover, gj_buf_slice(&draft.buf), &own);
        expect_fault(result, rows[i].err, rows[i].err == GJ_OK ? "" : "cover");
        if (result.err == GJ_OK) assert_int_equal(own.cover, rows[i].fen);
    }
}

static void test_decode_checks_digests_and_txids(void **state) {
    (void)state;
    struct draft draft;
    struct gj_vote vote;
    static const char *const digests[] = {"\x00", "\x03", "\xff"};
    for (size_t i = 0; i < 3; i++) {
        char bytes[33];
        memcpy(bytes, DIGEST_SM3, sizeof(bytes));
        bytes[0] = digests[i][0];
        draft_open(&draft, 1);
        put_text(&draft, "digest");
        put_bin(&draft, bytes, sizeof(bytes));
        expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_ERR_BAD_FIELD, "digest");
    }
    draft_open(&draft, 1);
    put_text(&draft, "digest");
    put_bin(&draft, DIGEST_SM3, 32);
    expect_fault(decode(&gj_shape_vote, gj_buf_slice(&draft.buf), &vote), GJ_ERR_BAD_FIELD, "digest");

    static const char *const txids[] = {"",       "330000", "330000/1/2", "330000/01/2/3", "330000/1/2/65536",
                                        "A/1/2/3"};
    for (size_t i = 0; i < sizeof(txids) / sizeof(txids[0]); i++) {
        struct gj_tx_ref ref;
        draft_open(&draft, 1);
        put_text(&draft, "txid");
        put_text(&draft, txids[i]);
        expect_fault(decode(&gj_shape_tx_ref, gj_buf_slice(&draft.buf), &ref), GJ_ERR_BAD_FIELD, "txid");
    }
}

/* A plan_answer with |n| own accounts, which is one more than it may have for 5. */
static void draft_own_list(struct draft *draft, size_t n) {
    draft_open(draft, 1);
    put_text(draft, "own");
    msgpack_pack_array(&draft->packer, n);
    for (size_t i = 0; i < n; i++) {
        msgpack_pack_map(&draft->packer, 2);
        put_text(draft, "account");
        put_text(draft, "a");
        put_text(draft, "cover");
        msgpack_pack_uint64(&draft->packer, i);
    }
}

static void test_decode_lists(void **state) {
    (void)state;
    struct draft draft;
    struct gj_plan_answer answer;
    draft_own_list(&draft, 4);
    expect_fault(decode(&gj_shape_plan_answer, gj_buf_slice(&draft.buf), &answer), GJ_OK, "");
    assert_int_equal(answer.n_own, 4);
    assert_int_equal(answer.own[3].cover, 3);
    draft_own_list(&draft, 5);
    expect_fault(decode(&gj_shape_plan_answer, gj_buf_slice(&draft.buf), &answer), GJ_ERR_TOO_MANY, "own");
    assert_null(answer.own);
}

static void test_decode_without_room_for_a_list(void **state) {
    (void)state;
    struct draft draft;
    struct gj_plan_answer answer;
    struct gj_arena tiny;
    struct gj_fault fault;
    draft_own_list(&draft, 4);
    gj_arena_init(&tiny, arena_memory, 4 * sizeof(struct gj_own_cover) - 1);
    assert_int_equal(gj_shape_decode(&gj_shape_plan_answer, gj_buf_slice(&draft.buf), &tiny, &answer, &fault),
                     GJ_ERR_NO_SPACE);
    assert_string_equal(fault.field, "own");
}

static void test_bins_borrow_from_the_input(void **state) {
    (void)state;
    struct draft draft;
    struct gj_proof proof;
    draft_open(&draft, 1);
    put_text(&draft, "bytes");
    put_bin(&draft, "evidence", 8);
    expect_fault(decode(&gj_shape_proof, gj_buf_slice(&draft.buf), &proof), GJ_OK, "");
    assert_int_equal(proof.bytes.len, 8);
    assert_ptr_equal(proof.bytes.ptr, draft.bytes + draft.buf.len - 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_reads_texts_and_dates),
        cmocka_unit_test(test_decode_refuses_bad_texts),
        cmocka_unit_test(test_decode_refuses_bad_dates),
        cmocka_unit_test(test_decode_refuses_wrong_types),
        cmocka_unit_test(test_decode_refuses_missing_and_double),
        cmocka_unit_test(test_decode_ignores_unknown_keys),
        cmocka_unit_test(test_decode_limits_entries),
        cmocka_unit_test(test_decode_checks_numbers_and_bins),
        cmocka_unit_test(test_decode_does_not_wrap),
        cmocka_unit_test(test_decode_checks_amounts),
        cmocka_unit_test(test_decode_checks_digests_and_txids),
        cmocka_unit_test(test_decode_lists),
        cmocka_unit_test(test_decode_without_room_for_a_list),
        cmocka_unit_test(test_bins_borrow_from_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
