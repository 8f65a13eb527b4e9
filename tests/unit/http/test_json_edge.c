/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON at the edge: every type both ways, every way to be refused, and that no refusal repeats a value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"
#include "http/json_edge.h"
#include "wire/message.h"

/* One field of every type. */
#define PROBE_SHAPES                                                                                         \
    GJ_SHAPE(probe_item)                                                                                     \
    GJ_TEXT(probe_item, REQ, name, 8)                                                                        \
    GJ_SHAPE_END(probe_item)                                                                                 \
    GJ_SHAPE(probe)                                                                                          \
    GJ_U64(probe, OPT, u64, 3, 9)                                                                            \
    GJ_I64(probe, OPT, i64, -5, 5)                                                                           \
    GJ_FEN(probe, OPT, fen)                                                                                  \
    GJ_FEN_SIGNED(probe, OPT, signed_fen)                                                                    \
    GJ_DATE(probe, OPT, date)                                                                                \
    GJ_BOOL(probe, OPT, yes)                                                                                 \
    GJ_TEXT(probe, REQ, text, 6)                                                                             \
    GJ_BIN(probe, OPT, bin, 4)                                                                               \
    GJ_FIX(probe, OPT, fix, 3)                                                                               \
    GJ_TX(probe, OPT, txid)                                                                                  \
    GJ_DIG(probe, OPT, digest)                                                                               \
    GJ_MAP(probe, OPT, map, probe_item)                                                                      \
    GJ_LIST(probe, OPT, list, probe_item, 2)                                                                 \
    GJ_SHAPE_END(probe)

#include "base/shape_struct.h"
PROBE_SHAPES
#include "base/shape_undef.h"
#include "base/shape_desc.h"
extern const struct gj_shape gj_shape_probe_item, gj_shape_probe;
PROBE_SHAPES
#include "base/shape_undef.h"

static uint8_t arena_memory[16384];

static enum gj_err read_as(const struct gj_shape *shape, const char *text, void *ret,
                           struct gj_http_fault *fault) {
    struct gj_arena arena;
    json_t *json = NULL;
    memset(fault, 0, sizeof *fault);
    gj_arena_init(&arena, arena_memory, sizeof arena_memory);
    enum gj_err err = gj_json_parse(gj_slice_str(text), &json, fault);
    if (err == GJ_OK) err = gj_json_read(shape, json, &arena, ret, fault);
    json_decref(json);
    return err;
}

#define DIGEST "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FULL                                                                                                 \
    "{\"u64\":9,\"i64\":-5,\"fen\":\"12.50\",\"signed_fen\":\"-0.05\",\"date\":\"2024-02-29\",\"yes\":true," \
    "\"text\":\"\xe5\xbc\xa0\xe4\xb8\x89\",\"bin\":\"00ff\",\"fix\":\"010203\",\"txid\":\"330000/7/42/1\","  \
    "\"digest\":\"" DIGEST "\",\"map\":{\"name\":\"m\"},\"list\":[{\"name\":\"a\"},{\"name\":\"b\"}]}"

static void reads_every_type(void **state) {
    (void)state;
    struct gj_probe probe;
    struct gj_http_fault fault;
    assert_int_equal(read_as(&gj_shape_probe, FULL, &probe, &fault), GJ_OK);
    assert_int_equal(probe.u64, 9);
    assert_int_equal(probe.i64, -5);
    assert_int_equal(probe.fen, 1250);
    assert_int_equal(probe.signed_fen, -5);
    assert_int_equal(probe.date, 20240229);
    assert_true(probe.yes);
    assert_string_equal(probe.text, "\xe5\xbc\xa0\xe4\xb8\x89");
    assert_int_equal(probe.bin.len, 2);
    assert_memory_equal(probe.bin.ptr, "\x00\xff", 2);
    assert_memory_equal(probe.fix, "\x01\x02\x03", 3);
    assert_string_equal(probe.txid.coordinator, "330000");
    assert_int_equal(probe.txid.seq, 42);
    assert_int_equal(probe.digest.bytes[0], 1);
    assert_int_equal(probe.digest.bytes[32], 0xaa);
    assert_string_equal(probe.map.name, "m");
    assert_int_equal(probe.n_list, 2);
    assert_string_equal(probe.list[1].name, "b");
}

static void writes_what_it_read(void **state) {
    (void)state;
    struct gj_probe probe;
    struct gj_http_fault fault;
    assert_int_equal(read_as(&gj_shape_probe, FULL, &probe, &fault), GJ_OK);
    json_t *json = gj_json_write(&gj_shape_probe, &probe);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, FULL);
    free(text);
    json_decref(json);
}

static void absent_optional_fields_stay_absent(void **state) {
    (void)state;
    struct gj_probe probe;
    struct gj_http_fault fault;
    assert_int_equal(read_as(&gj_shape_probe, "{\"text\":\"x\"}", &probe, &fault), GJ_OK);
    assert_int_equal(probe.n_list, 0);
    assert_int_equal(probe.fen, 0);
    memset(&probe, 0, sizeof probe);
    strcpy(probe.text, "x");
    json_t *json = gj_json_write(&gj_shape_probe, &probe);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"text\":\"x\",\"map\":{\"name\":\"\"}}");
    free(text);
    json_decref(json);
}

struct bad_field {
    const char *member; /* beside a good "text" */
    enum gj_err err;
    const char *field;
};

static void refuses_every_bad_value_by_name(void **state) {
    (void)state;
    static const struct bad_field rows[] = {
        {"\"u64\":2", GJ_ERR_BAD_FIELD, "u64"},
        {"\"u64\":10", GJ_ERR_BAD_FIELD, "u64"},
        {"\"u64\":-1", GJ_ERR_BAD_FIELD, "u64"},
        {"\"u64\":4.0", GJ_ERR_BAD_FIELD, "u64"},
        {"\"u64\":\"4\"", GJ_ERR_BAD_FIELD, "u64"},
        {"\"u64\":null", GJ_ERR_BAD_FIELD, "u64"},
        {"\"i64\":6", GJ_ERR_BAD_FIELD, "i64"},
        {"\"i64\":-6", GJ_ERR_BAD_FIELD, "i64"},
        {"\"fen\":12.5", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":12", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"12.5\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"12\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"-0.01\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"1,000.00\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\" 1.00\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"1e2.00\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"999999999999999.00\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":\"\"", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":null", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"fen\":true", GJ_ERR_BAD_AMOUNT, "fen"},
        {"\"date\":\"2023-02-29\"", GJ_ERR_BAD_FIELD, "date"},
        {"\"date\":\"20230228\"", GJ_ERR_BAD_FIELD, "date"},
        {"\"date\":20230228", GJ_ERR_BAD_FIELD, "date"},
        {"\"date\":\"\"", GJ_ERR_BAD_FIELD, "date"},
        {"\"yes\":1", GJ_ERR_BAD_FIELD, "yes"},
        {"\"yes\":\"true\"", GJ_ERR_BAD_FIELD, "yes"},
        {"\"bin\":\"0\"", GJ_ERR_BAD_FIELD, "bin"},
        {"\"bin\":\"zz\"", GJ_ERR_BAD_FIELD, "bin"},
        {"\"bin\":\"0011223344\"", GJ_ERR_BAD_FIELD, "bin"},
        {"\"bin\":7", GJ_ERR_BAD_FIELD, "bin"},
        {"\"fix\":\"0102\"", GJ_ERR_BAD_FIELD, "fix"},
        {"\"fix\":\"01020304\"", GJ_ERR_BAD_FIELD, "fix"},
        {"\"txid\":\"330000/7/42\"", GJ_ERR_BAD_FIELD, "txid"},
        {"\"txid\":\"330000/07/42/1\"", GJ_ERR_BAD_FIELD, "txid"},
        {"\"txid\":{}", GJ_ERR_BAD_FIELD, "txid"},
        {"\"digest\":\"01\"", GJ_ERR_BAD_FIELD, "digest"},
        {"\"map\":[]", GJ_ERR_BAD_FIELD, "map"},
        {"\"map\":{}", GJ_ERR_MISSING_FIELD, "map.name"},
        {"\"map\":{\"name\":\"\"}", GJ_ERR_MISSING_FIELD, "map.name"},
        {"\"map\":{\"name\":\"123456789\"}", GJ_ERR_BAD_FIELD, "map.name"},
        {"\"map\":{\"name\":\"x\",\"nam\":1}", GJ_ERR_UNKNOWN_FIELD, "map.nam"},
        {"\"list\":{}", GJ_ERR_BAD_FIELD, "list"},
        {"\"list\":[1]", GJ_ERR_BAD_FIELD, "list"},
        {"\"list\":[{\"name\":\"a\"},{\"name\":7}]", GJ_ERR_BAD_FIELD, "list[1].name"},
        {"\"list\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]", GJ_ERR_TOO_MANY, "list"},
        {"\"other\":1", GJ_ERR_UNKNOWN_FIELD, "other"},
        {"\"Text\":\"x\"", GJ_ERR_UNKNOWN_FIELD, "Text"},
        {"\"a b\\\"<\xe5\xbc\xa0\":1", GJ_ERR_UNKNOWN_FIELD, "a?b??"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[400];
        struct gj_probe probe;
        struct gj_http_fault fault;
        snprintf(text, sizeof text, "{\"text\":\"x\",%s}", rows[i].member);
        assert_int_equal(read_as(&gj_shape_probe, text, &probe, &fault), rows[i].err);
        assert_int_equal(fault.err, rows[i].err);
        assert_int_equal(strncmp(fault.field, rows[i].field, strlen(rows[i].field)), 0);
        assert_true(fault.detail[0] != '\0');
    }
}

static void refuses_bad_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum gj_err err;
    } rows[] = {
        {"{}", GJ_ERR_MISSING_FIELD},
        {"{\"text\":\"\"}", GJ_ERR_MISSING_FIELD},
        {"{\"text\":\"1234567\"}", GJ_ERR_BAD_FIELD},
        {"{\"text\":\"\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\"}", GJ_ERR_BAD_FIELD}, /* 3 characters, 9 bytes */
        {"{\"text\":\"a\\nb\"}", GJ_ERR_BAD_FIELD},
        {"{\"text\":\"a\\u007f\"}", GJ_ERR_BAD_FIELD},
        {"{\"text\":7}", GJ_ERR_BAD_FIELD},
        {"{\"text\":\"123456\"}", GJ_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_probe probe;
        struct gj_http_fault fault;
        assert_int_equal(read_as(&gj_shape_probe, rows[i].text, &probe, &fault), rows[i].err);
        if (rows[i].err != GJ_OK) assert_string_equal(fault.field, "text");
    }
}

static void says_why_a_number_is_no_amount(void **state) {
    (void)state;
    struct gj_probe probe;
    struct gj_http_fault fault;
    assert_int_equal(read_as(&gj_shape_probe, "{\"text\":\"x\",\"fen\":12.5}", &probe, &fault),
                     GJ_ERR_BAD_AMOUNT);
    assert_non_null(strstr(fault.detail, "JSON number"));
    assert_non_null(strstr(fault.detail, "\"12.50\""));
}

static void refuses_what_is_not_one_object(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "[]",
        "1",
        "\"text\"",
        "null",
        "{",
        "{\"text\":\"x\"",
        "{\"text\":\"x\"}}",
        "{\"text\":\"x\"} {}",
        "{\"text\":\"x\",}",
        "{'text':'x'}",
        "{\"text\":\"x\",\"text\":\"y\"}",
        "{\"text\":\"a\\u0000b\"}",
        "{\"text\":\"\xff\"}",
        "\xef\xbb\xbf{\"text\":\"x\"}",
        "{\"u64\":99999999999999999999}",
        "{\"text\":NaN}",
        "{text:\"x\"}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"text\":\"\\ud800\"}",
        "// x\n{}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_http_fault fault;
        json_t *json = NULL;
        assert_int_equal(gj_json_parse(gj_slice_str(rows[i]), &json, &fault), GJ_ERR_BAD_JSON);
        assert_null(json);
        assert_int_equal(fault.err, GJ_ERR_BAD_JSON);
    }
    struct gj_http_fault fault;
    json_t *json = NULL;
    static const char nul[] = "{\"text\":\"x\0\"}";
    assert_int_equal(gj_json_parse(gj_slice_of(nul, sizeof nul - 1), &json, &fault), GJ_ERR_BAD_JSON);
    static const char after[] = "{\"text\":\"x\"}\0";
    assert_int_equal(gj_json_parse(gj_slice_of(after, sizeof after - 1), &json, &fault), GJ_ERR_BAD_JSON);
}

static void depth_is_limited_outside_texts_only(void **state) {
    (void)state;
    struct gj_http_fault fault;
    json_t *json = NULL;
    const char *deep = "{\"a\":[[[[[[[[1]]]]]]]]}", *just = "{\"a\":[[[[[[[1]]]]]]]}";
    assert_int_equal(gj_json_parse(gj_slice_str(deep), &json, &fault), GJ_ERR_TOO_DEEP);
    assert_int_equal(gj_json_parse(gj_slice_str(just), &json, &fault), GJ_OK);
    json_decref(json);
    const char *text = "{\"a\":\"[[[[[[[[[[[{{{\\\"[[[[[[[[[\"}";
    assert_int_equal(gj_json_parse(gj_slice_str(text), &json, &fault), GJ_OK);
    json_decref(json);
    const char *wide = "{\"a\":[[],[],[],[],[],[],[],[],[],[],[]]}";
    assert_int_equal(gj_json_parse(gj_slice_str(wide), &json, &fault), GJ_OK);
    json_decref(json);
    char *brackets = malloc(65536);
    memset(brackets, '[', 65536);
    assert_int_equal(gj_json_parse(gj_slice_of(brackets, 65536), &json, &fault), GJ_ERR_TOO_DEEP);
    free(brackets);
}

/* A refusal goes into answers and logs: it must not carry what the caller wrote. */
static void no_value_is_repeated(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"text\":\"SECRET7\"}",
        "{\"text\":\"x\",\"fen\":\"SECRET\"}",
        "{\"text\":\"x\",\"date\":\"SECRET\"}",
        "{\"text\":\"SECRET\",,}",
        "{\"text\":\"SECRET\",\"text\":\"x\"}",
        "{\"text\":\"x\",\"bin\":\"SECRET\"}",
        "{\"text\":\"x\",\"txid\":\"SECRET\"}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_probe probe;
        struct gj_http_fault fault;
        assert_int_not_equal(read_as(&gj_shape_probe, rows[i], &probe, &fault), GJ_OK);
        assert_null(strstr(fault.detail, "SECRET"));
        assert_null(strstr(fault.field, "SECRET"));
    }
}

#define PERSON(type, number)                                                                                 \
    "{\"insuplc_admdvs\":\"330100\",\"psn_cert_type\":\"" type "\",\"certno\":\"" number                     \
    "\",\"psn_name\":\"\xe7\x8e\x8b\xe4\xb8\x80\"}"

static void identity_numbers_are_checked_in_every_object(void **state) {
    (void)state;
    struct gj_req_person person;
    struct gj_req_bind bind;
    struct gj_http_fault fault;
    assert_int_equal(read_as(&gj_shape_req_person, PERSON("01", "11010519491231002x"), &person, &fault),
                     GJ_OK);
    assert_string_equal(person.certno, "11010519491231002X");
    assert_int_equal(read_as(&gj_shape_req_person, PERSON("01", "110105194912310021"), &person, &fault),
                     GJ_ERR_BAD_CERTNO);
    assert_string_equal(fault.field, "certno");
    assert_null(strstr(fault.detail, "110105"));
    assert_int_equal(read_as(&gj_shape_req_person, PERSON("08", "E1234x"), &person, &fault), GJ_OK);
    assert_string_equal(person.certno, "E1234x");
    const char *body = "{\"sender\":\"s\",\"msgid\":\"m\",\"consent_ref\":\"c\",\"relation\":\"child\","
                       "\"payer\":" PERSON("01", "330102199001010012") ","
                                                                       "\"recipient\":" PERSON(
                                                                           "01", "330102199001010013") "}";
    assert_int_equal(read_as(&gj_shape_req_bind, body, &bind, &fault), GJ_ERR_BAD_CERTNO);
    assert_string_equal(fault.field, "recipient.certno");
}

static void names_have_meanings(void **state) {
    (void)state;
    static const struct {
        const char *member, *field;
        enum gj_err err;
    } rows[] = {
        {"\"sender\":\"a b\",\"msgid\":\"m\",\"omsgid\":\"o\"", "msgid", GJ_ERR_UNKNOWN_FIELD},
        {"\"sender\":\"a b\",\"omsgid\":\"o\"", "sender", GJ_ERR_BAD_FIELD},
        {"\"sender\":\"\xe5\xbc\xa0\",\"omsgid\":\"o\"", "sender", GJ_ERR_BAD_FIELD},
        {"\"sender\":\"330000/app\",\"omsgid\":\"\xe5\xbc\xa0 1\"", "", GJ_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        struct gj_req_reverse reverse;
        struct gj_http_fault fault;
        snprintf(text, sizeof text, "{%s}", rows[i].member);
        assert_int_equal(read_as(&gj_shape_req_reverse, text, &reverse, &fault), rows[i].err);
        assert_string_equal(fault.field, rows[i].field);
    }
    static const char *const people[] = {
        "{\"insuplc_admdvs\":\"33010\",\"psn_cert_type\":\"01\",\"certno\":\"11010519491231002X\",\"psn_"
        "name\":\"x\"}",
        "{\"insuplc_admdvs\":\"33010a\",\"psn_cert_type\":\"01\",\"certno\":\"11010519491231002X\",\"psn_"
        "name\":\"x\"}",
        "{\"insuplc_admdvs\":\"330100\",\"psn_cert_type\":\"1\",\"certno\":\"11010519491231002X\",\"psn_"
        "name\":\"x\"}",
        "{\"insuplc_admdvs\":\"330100\",\"psn_cert_type\":\"0x\",\"certno\":\"11010519491231002X\",\"psn_"
        "name\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct gj_req_person person;
        struct gj_http_fault fault;
        assert_int_equal(read_as(&gj_shape_req_person, people[i], &person, &fault), GJ_ERR_BAD_FIELD);
        assert_string_equal(fault.field, i < 2 ? "insuplc_admdvs" : "psn_cert_type");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(absent_optional_fields_stay_absent),
        cmocka_unit_test(refuses_every_bad_value_by_name),
        cmocka_unit_test(refuses_bad_texts),
        cmocka_unit_test(says_why_a_number_is_no_amount),
        cmocka_unit_test(refuses_what_is_not_one_object),
        cmocka_unit_test(depth_is_limited_outside_texts_only),
        cmocka_unit_test(no_value_is_repeated),
        cmocka_unit_test(identity_numbers_are_checked_in_every_object),
        cmocka_unit_test(names_have_meanings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
