/* SPDX-License-Identifier: Apache-2.0
 *
 * The encoder against bytes written by hand, and every limit that it must hold although its caller broke it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "wire/codec.h"

struct result {
    enum gj_err err;
    struct gj_fault fault;
};

static void expect_fault(struct result result, enum gj_err err, const char *field) {
    assert_string_equal(gj_err_name(result.err), gj_err_name(err));
    assert_string_equal(result.fault.field, field);
}

static void expect_bytes(const struct gj_shape *shape, const void *value, const void *bytes, size_t len) {
    uint8_t memory[512];
    struct gj_buf buf;
    struct gj_fault fault;
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_shape_encode(shape, value, &buf, &fault), GJ_OK);
    assert_int_equal(buf.len, len);
    assert_memory_equal(memory, bytes, len);
}

static void test_encode_is_canonical(void **state) {
    (void)state;
    struct gj_epoch_flush seen[2] = {{.epoch = 127, .flush = 0}, {.epoch = 4294967295u, .flush = 256}};
    struct gj_welcome welcome = {.version = 128, .registry_serial = 65536, .seen = seen, .n_seen = 2};
    memcpy(welcome.nonce, "0123456789abcdef", 16);
    static const char expected[] = "\x84"
                                   "\xa5"
                                   "nonce"
                                   "\xc4\x10"
                                   "0123456789abcdef"
                                   "\xa7"
                                   "version"
                                   "\xcc\x80"
                                   "\xaf"
                                   "registry_serial"
                                   "\xce\x00\x01\x00\x00"
                                   "\xa4"
                                   "seen"
                                   "\x92"
                                   "\x82"
                                   "\xa5"
                                   "epoch"
                                   "\x7f"
                                   "\xa5"
                                   "flush"
                                   "\x00"
                                   "\x82"
                                   "\xa5"
                                   "epoch"
                                   "\xce\xff\xff\xff\xff"
                                   "\xa5"
                                   "flush"
                                   "\xcd\x01\x00";
    expect_bytes(&gj_shape_welcome, &welcome, expected, sizeof(expected) - 1);
}

static void test_encode_leaves_absent_fields_out(void **state) {
    (void)state;
    struct gj_verified verified = {.enrolled = true};
    expect_bytes(&gj_shape_verified, &verified,
                 "\x81\xa8"
                 "enrolled\xc3",
                 11);
    verified = (struct gj_verified){0};
    expect_bytes(&gj_shape_verified, &verified, "\x80", 1);
    /* A required bool and a required list are there even when false and empty. */
    struct gj_ans_transactions answer = {0};
    expect_bytes(&gj_shape_ans_transactions, &answer,
                 "\x82\xac"
                 "transactions\x90\xa4"
                 "more\xc2",
                 21);
}

static void test_encode_negative_numbers(void **state) {
    (void)state;
    struct gj_peer_line line = {.node = "n", .clock_skew_ms = -33};
    static const char expected[] = "\x83\xa4"
                                   "node\xa1n\xa5"
                                   "heard\xc2\xad"
                                   "clock_skew_ms\xd0\xdf";
    expect_bytes(&gj_shape_peer_line, &line, expected, sizeof(expected) - 1);
}

static void expect_encode_fault(const struct gj_shape *shape, const void *value, const char *field) {
    uint8_t memory[512];
    struct gj_buf buf;
    struct result result;
    gj_buf_init(&buf, memory, sizeof(memory));
    gj_buf_put_u8(&buf, 0xaa);
    result.err = gj_shape_encode(shape, value, &buf, &result.fault);
    expect_fault(result, GJ_ERR_BAD_SCHEMA, field);
    assert_int_equal(buf.len, 1); /* nothing was appended */
}

static void test_encode_checks_limits(void **state) {
    (void)state;
    struct gj_revoke revoke = {
        .binding_ref = "b-1", .by = "payer", .reason = "asked", .business_date = 20260131};
    struct gj_revoke broken = revoke;
    broken.business_date = 20260229; /* not a leap year */
    expect_encode_fault(&gj_shape_revoke, &broken, "business_date");
    broken = revoke;
    broken.by[0] = '\0';
    expect_encode_fault(&gj_shape_revoke, &broken, "by");
    broken = revoke;
    memset(broken.reason, 'x', sizeof(broken.reason)); /* no final NUL */
    expect_encode_fault(&gj_shape_revoke, &broken, "reason");
    broken = revoke;
    memcpy(broken.by, "\xc3\x28", 3);
    expect_encode_fault(&gj_shape_revoke, &broken, "by");
}

static void test_encode_checks_nested_limits(void **state) {
    (void)state;
    struct gj_own_cover own[2] = {{.account = "a", .cover = 1}, {.account = "b", .cover = -1}};
    struct gj_plan_answer answer = {.own = own, .n_own = 2};
    expect_encode_fault(&gj_shape_plan_answer, &answer, "own[1].cover");
    answer.n_own = 5; /* one more than the list may hold: refused before an entry is looked at */
    expect_encode_fault(&gj_shape_plan_answer, &answer, "own");
    answer = (struct gj_plan_answer){.pack = {.region = "360100"}};
    expect_encode_fault(&gj_shape_plan_answer, &answer, "pack.pack");
    struct gj_tx_ref none = {0};
    expect_encode_fault(&gj_shape_tx_ref, &none, "txid");
    struct gj_tx_ref foreign = {{"NODE", 1, 2, 3}};
    expect_encode_fault(&gj_shape_tx_ref, &foreign, "txid");
    struct gj_tx_ref far_seq = {{"330000", 1, UINT64_C(1) << 63, 3}};
    expect_encode_fault(&gj_shape_tx_ref, &far_seq, "txid");
    struct gj_vote vote = {.digest = {.bytes = {3}}};
    expect_encode_fault(&gj_shape_vote, &vote, "digest");
    struct gj_hello hello = {.version_min = UINT64_MAX};
    expect_encode_fault(&gj_shape_hello, &hello, "version_min");
    struct gj_proof proof = {.bytes = {(const uint8_t *)"", GJ_EVIDENCE_MAX + 1}};
    expect_encode_fault(&gj_shape_proof, &proof, "bytes");
}

static void test_encode_without_room_appends_nothing(void **state) {
    (void)state;
    struct gj_error error = {.code = "BUSY"};
    for (size_t cap = 0; cap < 11; cap++) {
        uint8_t memory[16];
        struct gj_buf buf;
        gj_buf_init(&buf, memory, cap);
        assert_int_equal(gj_shape_encode(&gj_shape_error, &error, &buf, NULL), GJ_ERR_NO_SPACE);
        assert_int_equal(buf.len, 0);
    }
    expect_bytes(&gj_shape_error, &error,
                 "\x81\xa4"
                 "code\xa4"
                 "BUSY",
                 11);
}

static void test_encode_keeps_within_a_message(void **state) {
    (void)state;
    static uint8_t memory[GJ_MESSAGE_MAX + 100], bytes[GJ_MESSAGE_MAX];
    struct gj_proof votes[3];
    struct gj_commit commit = {.digest = {{GJ_HASH_SM3}}, .core = {bytes, 1}, .votes = votes, .n_votes = 3};
    struct gj_buf buf;
    for (size_t i = 0; i < 3; i++) {
        votes[i].bytes = gj_slice_of(bytes, 20000);
    }
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &buf, NULL), GJ_OK);
    votes[2].bytes.len += GJ_MESSAGE_MAX - buf.len; /* now it fills a message */
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &buf, NULL), GJ_OK);
    assert_int_equal(buf.len, GJ_MESSAGE_MAX);
    votes[2].bytes.len++;
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_shape_encode(&gj_shape_commit, &commit, &buf, NULL), GJ_ERR_TOO_LARGE);
    assert_int_equal(buf.len, 0);
}

static void test_long_paths_are_cut(void **state) {
    (void)state;
    struct gj_fault fault;
    struct gj_path top = {NULL, "a_name_of_thirty_characters_xx", 7};
    struct gj_path middle = {&top, "a_name_of_thirty_characters_xx", -1};
    struct gj_path leaf = {&middle, "a_name_of_thirty_characters_xx", -1};
    gj_path_write(&leaf, &fault);
    assert_string_equal(fault.field,
                        "a_name_of_thirty_characters_xx[7].a_name_of_thirty_characters_xx.a_name_of_thir");
    gj_path_write(&leaf, NULL);
    char name[81];
    memset(name, 'n', 80); /* one more than there is room for */
    name[80] = '\0';
    gj_path_write(&(struct gj_path){NULL, name, -1}, &fault);
    assert_int_equal(strlen(fault.field), sizeof(fault.field) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_is_canonical),
        cmocka_unit_test(test_encode_leaves_absent_fields_out),
        cmocka_unit_test(test_encode_negative_numbers),
        cmocka_unit_test(test_encode_checks_limits),
        cmocka_unit_test(test_encode_checks_nested_limits),
        cmocka_unit_test(test_encode_without_room_appends_nothing),
        cmocka_unit_test(test_encode_keeps_within_a_message),
        cmocka_unit_test(test_long_paths_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
