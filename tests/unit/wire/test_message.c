/* SPDX-License-Identifier: Apache-2.0
 *
 * Envelopes: a message is an array of header and body, a request or an answer one byte and a body; the
 * tables of kinds; message ids.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "wire/codec.h"

static max_align_t arena_memory[8192];
static struct gj_arena arena;
static uint8_t memory[GJ_MESSAGE_MAX + 1024];

static int setup(void **state) {
    (void)state;
    gj_arena_init(&arena, arena_memory, sizeof(arena_memory));
    return 0;
}

static struct gj_header make_header(const char *kind) {
    struct gj_header header = {.v = GJ_PROTOCOL_VERSION,
                               .from = "330000",
                               .to = "360000",
                               .tx = {"330000", 1795000000, 42, 1},
                               .sent_at = 1795000000123,
                               .expires_at = 1795000010123};
    gj_text_set(header.kind, sizeof(header.kind), kind);
    gj_msgid_write(header.id, &(struct gj_msgid){1795000000, 7});
    return header;
}

static struct gj_slice encode(const struct gj_header *header, const struct gj_shape *shape,
                              const void *body) {
    struct gj_buf buf;
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_message_encode(header, shape, body, &buf), GJ_OK);
    return gj_buf_slice(&buf);
}

static void expect_refused(struct gj_slice in, enum gj_err err, const char *field, struct gj_message *ret) {
    struct gj_fault fault;
    assert_string_equal(gj_err_name(gj_message_decode(in, &arena, ret, &fault)), gj_err_name(err));
    assert_string_equal(fault.field, field);
    assert_null(ret->body);
}

static void test_message_round_trip(void **state) {
    (void)state;
    struct gj_message message;
    struct gj_fault fault;
    struct gj_header header = make_header("abort");
    struct gj_abort body = {.digest = {{GJ_HASH_SM3, 1, 2, 3}}, .reason = "TIMED_OUT"};
    struct gj_slice bytes = encode(&header, &gj_shape_abort, &body);
    assert_int_equal(bytes.ptr[0], 0x92);
    assert_int_equal(gj_message_decode(bytes, &arena, &message, &fault), GJ_OK);
    assert_int_equal(message.kind, GJ_KIND_ABORT);
    assert_string_equal(message.header.kind, "abort");
    assert_string_equal(message.header.to, "360000");
    assert_true(gj_txid_equal(&message.header.tx, &header.tx));
    assert_memory_equal(message.header.id, header.id, GJ_MSGID_BYTES);
    assert_int_equal(message.header.expires_at, 1795000010123);
    assert_int_equal(message.header.reply_to.len, 0);
    assert_memory_equal(message.body, &body, sizeof(body));
    assert_ptr_equal(message.bytes.ptr, memory);
    assert_int_equal(message.bytes.len, bytes.len);
}

static void test_unknown_kind_keeps_the_header(void **state) {
    (void)state;
    struct gj_message message;
    struct gj_header header = make_header("gossip");
    struct gj_error body = {.code = "BUSY"};
    expect_refused(encode(&header, &gj_shape_error, &body), GJ_ERR_UNKNOWN_KIND, "header.kind", &message);
    assert_int_equal(message.kind, GJ_KIND_NONE);
    assert_string_equal(message.header.kind, "gossip");
    assert_string_equal(message.header.from, "330000");
    assert_memory_equal(message.header.id, header.id, GJ_MSGID_BYTES);
}

static void test_other_version(void **state) {
    (void)state;
    struct gj_message message;
    struct gj_header header = make_header("abort");
    struct gj_abort body = {.digest = {{GJ_HASH_SM3}}, .reason = "TIMED_OUT"};
    header.v = 2;
    expect_refused(encode(&header, &gj_shape_abort, &body), GJ_ERR_BAD_VERSION, "header.v", &message);
    assert_string_equal(message.header.from, "330000");
    /* A later version's header need not fit ours. */
    expect_refused(GJ_SLICE_LIT("\x92\x82\xa1v\x05\xa4"
                                "from\x01\x80"),
                   GJ_ERR_BAD_VERSION, "header.v", &message);
    expect_refused(GJ_SLICE_LIT("\x92\x81\xa1v\xc0\x80"), GJ_ERR_BAD_SCHEMA, "header.v", &message);
    expect_refused(GJ_SLICE_LIT("\x92\x81\xa1v\x00\x80"), GJ_ERR_BAD_VERSION, "header.v", &message);
}

static void test_bad_envelopes(void **state) {
    (void)state;
    struct gj_message message;
    expect_refused(GJ_SLICE_LIT(""), GJ_ERR_BAD_MSGPACK, "", &message);
    expect_refused(GJ_SLICE_LIT("\x80"), GJ_ERR_BAD_SCHEMA, "", &message);
    expect_refused(GJ_SLICE_LIT("\x91\x80"), GJ_ERR_BAD_SCHEMA, "", &message);
    expect_refused(GJ_SLICE_LIT("\x93\x80\x80\x80"), GJ_ERR_BAD_SCHEMA, "", &message);
    expect_refused(GJ_SLICE_LIT("\x92\x90\x80"), GJ_ERR_BAD_SCHEMA, "header", &message);
    expect_refused(GJ_SLICE_LIT("\x92\x81\xa1v\x01\x80"), GJ_ERR_MISSING_FIELD, "header.kind", &message);
}

static void test_bad_body_keeps_the_header(void **state) {
    (void)state;
    struct gj_message message;
    struct gj_header header = make_header("abort");
    struct gj_abort body = {.digest = {{GJ_HASH_SM3}}, .reason = "TIMED_OUT"};
    struct gj_slice bytes = encode(&header, &gj_shape_abort, &body);
    memory[bytes.len - 1] = 0xff; /* the last letter of the reason */
    expect_refused(bytes, GJ_ERR_BAD_FIELD, "reason", &message);
    assert_int_equal(message.kind, GJ_KIND_ABORT);
    assert_string_equal(message.header.kind, "abort");
}

static void test_encode_refuses_what_does_not_fit(void **state) {
    (void)state;
    static const uint8_t bytes[GJ_EVIDENCE_MAX];
    struct gj_buf buf;
    struct gj_header header = make_header("commit");
    struct gj_proof votes[3];
    struct gj_commit commit = {
        .digest = {{GJ_HASH_SM3}}, .core = {bytes, 8192}, .votes = votes, .n_votes = 1};
    for (size_t i = 0; i < 3; i++) {
        votes[i].bytes = gj_slice_of(bytes, GJ_EVIDENCE_MAX - 200);
    }
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_message_encode(&header, &gj_shape_commit, &commit, &buf), GJ_OK);
    buf.len = 1;
    commit.n_votes = 3;
    assert_int_equal(gj_message_encode(&header, &gj_shape_commit, &commit, &buf), GJ_ERR_NO_SPACE);
    assert_int_equal(buf.len, 1);
    gj_buf_init(&buf, memory, sizeof(memory));
    commit.n_votes = 2; /* fits the buffer, but no message may be that long */
    votes[0].bytes.len = GJ_EVIDENCE_MAX;
    votes[1].bytes.len = GJ_MESSAGE_MAX - 8192 - GJ_EVIDENCE_MAX;
    assert_int_equal(gj_message_encode(&header, &gj_shape_commit, &commit, &buf), GJ_ERR_TOO_LARGE);
    assert_int_equal(buf.len, 0);
    gj_buf_init(&buf, memory, sizeof(memory));
    header.to[0] = '\0';
    assert_int_equal(gj_message_encode(&header, &gj_shape_commit, &commit, &buf), GJ_ERR_BAD_SCHEMA);
    assert_int_equal(buf.len, 0);
}

static void test_message_ids(void **state) {
    (void)state;
    struct gj_msgid id = {0x01020304, UINT64_C(0x05060708090a0b0c)}, back;
    uint8_t bytes[GJ_MSGID_BYTES];
    gj_msgid_write(bytes, &id);
    assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", sizeof(bytes));
    gj_msgid_read(bytes, &back);
    assert_int_equal(back.epoch, id.epoch);
    assert_int_equal(back.counter, id.counter);
}

static void test_kinds(void **state) {
    (void)state;
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        assert_int_equal(gj_kind_of(gj_kind_word(kind)), kind);
        assert_non_null(gj_kind_shape(kind));
        assert_true(strlen(gj_kind_word(kind)) <= GJ_WORD_MAX);
    }
    assert_ptr_equal(gj_kind_shape(GJ_KIND_CORE), &gj_shape_prepare_core);
    assert_true(gj_kind_is_new_work(GJ_KIND_CORE));
    assert_false(gj_kind_is_new_work(GJ_KIND_VOTE));
    assert_false(gj_kind_is_new_work(GJ_KIND_INQUIRE));
    assert_int_equal(gj_kind_of(""), GJ_KIND_NONE);
    assert_int_equal(gj_kind_of("HELLO"), GJ_KIND_NONE);
    assert_null(gj_kind_shape(GJ_KIND_NONE));
    assert_null(gj_kind_shape(GJ_KIND_COUNT));
    assert_string_equal(gj_kind_word((enum gj_kind)255), "");
    assert_string_equal(gj_request_word(GJ_REQUEST_SETTLE), "settle");
    assert_string_equal(gj_answer_word(GJ_ANSWER_PROBLEM), "problem");
    assert_null(gj_answer_shape(GJ_ANSWER_COUNT));
}

static void test_requests(void **state) {
    (void)state;
    struct gj_buf buf;
    struct gj_fault fault;
    enum gj_request_kind kind = GJ_REQUEST_NONE;
    void *body = NULL;
    struct gj_req_reverse reverse = {.sender = "H33010000001", .omsgid = "m-1"};
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_request_encode(GJ_REQUEST_REVERSE, &reverse, &buf), GJ_OK);
    assert_int_equal(memory[0], GJ_REQUEST_REVERSE);
    assert_int_equal(gj_request_decode(gj_buf_slice(&buf), &arena, &kind, &body, &fault), GJ_OK);
    assert_int_equal(kind, GJ_REQUEST_REVERSE);
    assert_memory_equal(body, &reverse, sizeof(reverse));

    body = NULL;
    memory[0] = GJ_REQUEST_REFUND;
    assert_int_equal(gj_request_decode(gj_buf_slice(&buf), &arena, &kind, &body, &fault),
                     GJ_ERR_MISSING_FIELD);
    assert_string_equal(fault.field, "msgid");
    static const uint8_t unknown[] = {GJ_REQUEST_NONE, GJ_REQUEST_COUNT, 255};
    for (size_t i = 0; i < sizeof(unknown); i++) {
        memory[0] = unknown[i];
        assert_int_equal(gj_request_decode(gj_buf_slice(&buf), &arena, &kind, &body, &fault),
                         GJ_ERR_UNKNOWN_KIND);
    }
    assert_int_equal(gj_request_decode(GJ_SLICE_NONE, &arena, &kind, &body, &fault), GJ_ERR_BAD_MSGPACK);
    assert_null(body);
}

static void test_answers(void **state) {
    (void)state;
    struct gj_buf buf;
    enum gj_answer_kind kind = GJ_ANSWER_NONE;
    void *body = NULL;
    struct gj_ans_verify verify = {.enrolled = true, .insutype = "310"};
    gj_buf_init(&buf, memory, sizeof(memory));
    assert_int_equal(gj_answer_encode(GJ_ANSWER_VERIFY, &verify, &buf), GJ_OK);
    assert_int_equal(gj_answer_decode(gj_buf_slice(&buf), &arena, &kind, &body), GJ_OK);
    assert_int_equal(kind, GJ_ANSWER_VERIFY);
    assert_memory_equal(body, &verify, sizeof(verify));
    memory[0] = GJ_ANSWER_COUNT;
    assert_int_equal(gj_answer_decode(gj_buf_slice(&buf), &arena, &kind, &body), GJ_ERR_UNKNOWN_KIND);
    buf.len = 3;
    struct gj_ans_verify wrong = {.enrolled = true};
    memset(wrong.insutype, '1', sizeof(wrong.insutype));
    assert_int_equal(gj_answer_encode(GJ_ANSWER_VERIFY, &wrong, &buf), GJ_ERR_BAD_SCHEMA);
    assert_int_equal(buf.len, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_message_round_trip, setup),
        cmocka_unit_test_setup(test_unknown_kind_keeps_the_header, setup),
        cmocka_unit_test_setup(test_other_version, setup),
        cmocka_unit_test_setup(test_bad_envelopes, setup),
        cmocka_unit_test_setup(test_bad_body_keeps_the_header, setup),
        cmocka_unit_test_setup(test_encode_refuses_what_does_not_fit, setup),
        cmocka_unit_test_setup(test_message_ids, setup),
        cmocka_unit_test_setup(test_kinds, setup),
        cmocka_unit_test_setup(test_requests, setup),
        cmocka_unit_test_setup(test_answers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
