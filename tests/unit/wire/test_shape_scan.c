/* SPDX-License-Identifier: Apache-2.0
 *
 * The scan that stands before msgpack-c: what it lets through and what it refuses, byte by byte.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "wire/codec.h"

struct row {
    const char *bytes;
    size_t len;
    enum gj_err err;
};

#define ROW(literal, result)                                                                                 \
    { literal, sizeof(literal) - 1, result }

static void run_rows(const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        enum gj_err err = gj_wire_scan(gj_slice_of(rows[i].bytes, rows[i].len));
        if (err != rows[i].err) print_error("row %zu\n", i);
        assert_string_equal(gj_err_name(err), gj_err_name(rows[i].err));
    }
}

static void test_scalars(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("\x00", GJ_OK),
        ROW("\x7f", GJ_OK),
        ROW("\xe0", GJ_OK),
        ROW("\xc0", GJ_OK),
        ROW("\xc2", GJ_OK),
        ROW("\xc3", GJ_OK),
        ROW("\xcc\xff", GJ_OK),
        ROW("\xcd\xff\xff", GJ_OK),
        ROW("\xce\xff\xff\xff\xff", GJ_OK),
        ROW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", GJ_OK),
        ROW("\xd0\x80", GJ_OK),
        ROW("\xd1\x80\x00", GJ_OK),
        ROW("\xd2\x80\x00\x00\x00", GJ_OK),
        ROW("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", GJ_OK),
        ROW("\xa2hi", GJ_OK),
        ROW("\xd9\x02hi", GJ_OK),
        ROW("\xda\x00\x02hi", GJ_OK),
        ROW("\xdb\x00\x00\x00\x02hi", GJ_OK),
        ROW("\xc4\x02hi", GJ_OK),
        ROW("\xc5\x00\x02hi", GJ_OK),
        ROW("\xc6\x00\x00\x00\x02hi", GJ_OK),
        ROW("", GJ_ERR_BAD_MSGPACK),
        ROW("\x00\x00", GJ_ERR_BAD_MSGPACK), /* two values */
        ROW("\xc1", GJ_ERR_BAD_MSGPACK),     /* never used in msgpack */
        ROW("\xca\x00\x00\x00\x00", GJ_ERR_BAD_MSGPACK),
        ROW("\xcb\x00\x00\x00\x00\x00\x00\x00\x00", GJ_ERR_BAD_MSGPACK),
        ROW("\xc7\x00\x01", GJ_ERR_BAD_MSGPACK), /* extensions */
        ROW("\xc8\x00\x00\x01", GJ_ERR_BAD_MSGPACK),
        ROW("\xc9\x00\x00\x00\x00\x01", GJ_ERR_BAD_MSGPACK),
        ROW("\xd4\x01\x00", GJ_ERR_BAD_MSGPACK),
        ROW("\xd6\xff\x00\x00\x00\x00", GJ_ERR_BAD_MSGPACK), /* a timestamp */
        ROW("\xd8\x01"
            "0123456789abcdef",
            GJ_ERR_BAD_MSGPACK),
    };
    run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_containers(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("\x90", GJ_OK),
        ROW("\x80", GJ_OK),
        ROW("\x92\x80\x90", GJ_OK),
        ROW("\xdc\x00\x01\x00", GJ_OK),
        ROW("\xdd\x00\x00\x00\x01\x00", GJ_OK),
        ROW("\xde\x00\x01\x00\x00", GJ_OK),
        ROW("\xdf\x00\x00\x00\x01\x00\x00", GJ_OK),
        ROW("\x81\x00\x91\x82\x00\x00\x01\x90", GJ_OK),
        ROW("\x91", GJ_ERR_BAD_MSGPACK),
        ROW("\x81\x00", GJ_ERR_BAD_MSGPACK),     /* a key without its value */
        ROW("\x92\x91\x00", GJ_ERR_BAD_MSGPACK), /* the inner array took the outer one's second value */
        ROW("\x91\x00\x00", GJ_ERR_BAD_MSGPACK),
        ROW("\xdd\xff\xff\xff\xff\x00\x00", GJ_ERR_BAD_MSGPACK), /* claims four thousand million entries */
        ROW("\xdf\x80\x00\x00\x00\x00\x00", GJ_ERR_BAD_MSGPACK), /* twice this does not fit 32 bits */
        ROW("\xdc\x00\x02\x00", GJ_ERR_BAD_MSGPACK),
        ROW("\xdb\xff\xff\xff\xff\x61", GJ_ERR_BAD_MSGPACK),
        ROW("\xc6\x00\x00\x00\x03\x61\x61", GJ_ERR_BAD_MSGPACK),
        ROW("\xdd\x00\x00", GJ_ERR_BAD_MSGPACK), /* cut within the count */
        ROW("\xcf\x00", GJ_ERR_BAD_MSGPACK),
    };
    run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_depth(void **state) {
    (void)state;
    uint8_t bytes[64];
    for (size_t depth = GJ_MSGPACK_DEPTH_MAX - 1; depth <= GJ_MSGPACK_DEPTH_MAX + 1; depth++) {
        enum gj_err expected = depth <= GJ_MSGPACK_DEPTH_MAX ? GJ_OK : GJ_ERR_TOO_DEEP;
        memset(bytes, 0x91, sizeof(bytes));
        bytes[depth] = 0;
        assert_int_equal(gj_wire_scan(gj_slice_of(bytes, depth + 1)), expected);
        bytes[depth - 1] = 0x90; /* an empty container counts like a full one */
        assert_int_equal(gj_wire_scan(gj_slice_of(bytes, depth)), expected);
    }
    /* Closed containers count no more: many at the deepest level, one after the other. */
    uint8_t wide[3 + 1000];
    memset(wide, 0x90, sizeof(wide));
    wide[0] = 0xdc;
    wide[1] = 1000 >> 8;
    wide[2] = 1000 & 0xff;
    assert_int_equal(gj_wire_scan(gj_slice_of(wide, sizeof(wide))), GJ_OK);
}

static void test_size(void **state) {
    (void)state;
    static uint8_t bytes[GJ_MESSAGE_MAX + 1];
    bytes[0] = 0xc6;
    for (uint32_t len = GJ_MESSAGE_MAX; len <= GJ_MESSAGE_MAX + 1; len++) {
        uint32_t payload = len - 5;
        bytes[1] = (uint8_t)(payload >> 24);
        bytes[2] = (uint8_t)(payload >> 16);
        bytes[3] = (uint8_t)(payload >> 8);
        bytes[4] = (uint8_t)payload;
        enum gj_err expected = len <= GJ_MESSAGE_MAX ? GJ_OK : GJ_ERR_TOO_LARGE;
        assert_int_equal(gj_wire_scan(gj_slice_of(bytes, len)), expected);
    }
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Whatever the scan lets through, msgpack-c reads to the same end, without a copy. */
static void test_scan_agrees_with_the_library(void **state) {
    (void)state;
    static const uint8_t heads[] = {0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0xa0, 0xa1, 0xc0, 0xc2, 0xc4, 0xcc,
                                    0xd0, 0xd9, 0xdc, 0xde, 0x00, 0x01, 0x02, 0xff, 0xca, 0xc7, 0xc1, 0xdd};
    uint64_t seed = 20260131;
    unsigned accepted = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[12];
        size_t len = 1 + next_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            bytes[i] = heads[next_random(&seed) % sizeof(heads)];
        }
        msgpack_unpacked unpacked;
        struct gj_slice in = gj_slice_of(bytes, len);
        enum gj_err scanned = gj_wire_scan(in);
        assert_int_equal(gj_wire_unpack(in, &unpacked), scanned);
        if (scanned != GJ_OK) continue;
        accepted++;
        msgpack_unpacked_destroy(&unpacked);
    }
    assert_true(accepted > 500); /* else the generator tests nothing */
}

static void test_unpack_borrows(void **state) {
    (void)state;
    static const char bytes[] = "\x81\xa1k\xc4\x03"
                                "bin";
    msgpack_unpacked unpacked;
    assert_int_equal(gj_wire_unpack(gj_slice_of(bytes, sizeof(bytes) - 1), &unpacked), GJ_OK);
    const msgpack_object_kv *entry = &unpacked.data.via.map.ptr[0];
    assert_ptr_equal(entry->key.via.str.ptr, bytes + 2);
    assert_ptr_equal(entry->val.via.bin.ptr, bytes + 5);
    msgpack_unpacked_destroy(&unpacked);
}

static void test_texts(void **state) {
    (void)state;
    assert_true(gj_wire_text_is_valid("", 0));
    assert_true(gj_wire_text_is_valid("\xe5\x85\xb1\xe6\xb5\x8e", 6));
    assert_false(gj_wire_text_is_valid("a\0b", 3));
    assert_false(gj_wire_text_is_valid("\xe5\x85\xb1\xe6\xb5", 5)); /* looks at no byte past the end */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_scan_agrees_with_the_library),
        cmocka_unit_test(test_unpack_borrows),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
