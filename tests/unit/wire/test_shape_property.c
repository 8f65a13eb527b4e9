/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of the codec over every shape there is, with seeded values: decoding gives back what was
 * encoded, encoding again gives the same bytes, a cut or changed encoding never gives anything that does
 * not encode again, and a value outside its limits is refused by both halves.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/message.h"

static const struct gj_shape *const all_shapes[] = {
#define GJ_SHAPE(shape) &gj_shape_##shape,
#define GJ_SHAPE_END(shape)
#define GJ_U64(...)
#define GJ_I64(...)
#define GJ_FEN(...)
#define GJ_FEN_SIGNED(...)
#define GJ_DATE(...)
#define GJ_BOOL(...)
#define GJ_TEXT(...)
#define GJ_SECRET(...)
#define GJ_BIN(...)
#define GJ_FIX(...)
#define GJ_TX(...)
#define GJ_DIG(...)
#define GJ_MAP(...)
#define GJ_LIST(...)
#include "wire/messages.def"
#include "wire/api.def"
#include "base/shape_undef.h"
};
#define N_SHAPES (sizeof(all_shapes) / sizeof(all_shapes[0]))

static max_align_t made_memory[32768], decoded_memory[32768];
static uint8_t first_bytes[GJ_MESSAGE_MAX], second_bytes[GJ_MESSAGE_MAX];
static const uint8_t noise[GJ_EVIDENCE_MAX] = {0xc1, 0x00, 0xff, 0x93};

/* --- the generator ------------------------------------------------------------------------------------- */

struct maker {
    uint64_t seed;
    size_t budget; /* bytes left for bins and lists, so that a value stays within a message */
    struct gj_arena arena;
};

static uint64_t draw(struct maker *maker, uint64_t below) {
    maker->seed ^= maker->seed << 13;
    maker->seed ^= maker->seed >> 7;
    maker->seed ^= maker->seed << 17;
    return (maker->seed >> 11) % below;
}

static int64_t make_number(struct maker *maker, int64_t min, int64_t max) {
    uint64_t span = (uint64_t)max - (uint64_t)min;
    switch (draw(maker, 4)) {
    case 0:
        return min;
    case 1:
        return max;
    case 2:
        return span < 300 ? max : min + (int64_t)draw(maker, 300);
    default:
        return (int64_t)((uint64_t)min + draw(maker, span == UINT64_MAX ? span : span + 1));
    }
}

static void make_text(struct maker *maker, char *text, size_t max) {
    static const char *const letters[] = {
        "a", "0", "/", "\x01", "\xc2\x80", "\xe5\x85\xb1", "\xf0\x9f\x8f\xa5"};
    size_t wanted = draw(maker, 3) == 0 ? max : 1 + draw(maker, max);
    size_t used = 0;
    while (used < wanted) {
        const char *letter = letters[draw(maker, sizeof(letters) / sizeof(letters[0]))];
        if (used + strlen(letter) > max) letter = "z";
        memcpy(text + used, letter, strlen(letter));
        used += strlen(letter);
    }
}

static struct gj_slice make_bin(struct maker *maker, size_t max) {
    size_t len = draw(maker, 8) == 0 ? max : 1 + draw(maker, max < 40 ? max : 40);
    if (len > maker->budget) len = 1;
    if (len <= maker->budget) maker->budget -= len;
    return gj_slice_of(noise, len);
}

static void make_txid(struct maker *maker, struct gj_txid *txid) {
    static const char *const nodes[] = {"330000", "a", "clearing-centre1"};
    gj_text_set(txid->coordinator, sizeof(txid->coordinator), nodes[draw(maker, 3)]);
    txid->epoch = (uint32_t)make_number(maker, 0, UINT32_MAX);
    txid->seq = (uint64_t)make_number(maker, 0, INT64_MAX);
    txid->attempt = (uint16_t)make_number(maker, 0, UINT16_MAX);
}

static void make_bytes(struct maker *maker, uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)draw(maker, 256);
    }
}

static void make_value(struct maker *maker, const struct gj_shape *shape, uint8_t *value);

static void make_list(struct maker *maker, const struct gj_field *field, uint8_t *value) {
    uint32_t n = draw(maker, 6) == 0 ? (uint32_t)field->max : (uint32_t)draw(maker, 4);
    if (n > field->max) n = (uint32_t)field->max;
    /* the longest lists of the widest entries do not fit a message together */
    if (n * (field->shape->size + 40) > maker->budget) n = 1;
    if (n * (field->shape->size + 40) <= maker->budget) maker->budget -= n * (field->shape->size + 40);
    if (n == 0) return;
    uint8_t *items = gj_arena_array(&maker->arena, n, field->shape->size);
    assert_non_null(items);
    for (uint32_t i = 0; i < n; i++) {
        make_value(maker, field->shape, items + i * field->shape->size);
    }
    memcpy(value + field->offset, &items, sizeof(items));
    memcpy(value + field->count_offset, &n, sizeof(n));
}

static void make_field(struct maker *maker, const struct gj_field *field, uint8_t *value) {
    uint8_t *at = value + field->offset;
    int64_t number;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        number = make_number(maker, field->min, field->max);
        memcpy(at, &number, sizeof(number));
        return;
    case GJ_FIELD_DATE:
        *(gj_date *)(void *)at = gj_date_add_days(19000101, (int32_t)draw(maker, 401000));
        return;
    case GJ_FIELD_BOOL:
        *(bool *)at = draw(maker, 2) == 1;
        return;
    case GJ_FIELD_TEXT:
        make_text(maker, (char *)at, (size_t)field->max);
        return;
    case GJ_FIELD_BIN:
        *(struct gj_slice *)(void *)at = make_bin(maker, (size_t)field->max);
        return;
    case GJ_FIELD_FIX:
        make_bytes(maker, at, (size_t)field->max);
        return;
    case GJ_FIELD_TXID:
        make_txid(maker, (struct gj_txid *)(void *)at);
        return;
    case GJ_FIELD_DIGEST:
        make_bytes(maker, at, sizeof(struct gj_digest));
        at[0] = draw(maker, 2) == 0 ? GJ_HASH_SM3 : GJ_HASH_SHA256;
        return;
    case GJ_FIELD_MAP:
        make_value(maker, field->shape, at);
        return;
    case GJ_FIELD_LIST:
        make_list(maker, field, value);
        return;
    }
}

static void make_value(struct maker *maker, const struct gj_shape *shape, uint8_t *value) {
    uint64_t absent_in_4 = draw(maker, 4); /* from "all there" to "mostly absent" */
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        bool required = (field->flags & GJ_FIELD_REQUIRED) != 0;
        if (!required && draw(maker, 4) < absent_in_4) continue;
        make_field(maker, field, value);
    }
}

static void *make(struct maker *maker, const struct gj_shape *shape, uint64_t seed) {
    maker->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    maker->budget = 40000;
    gj_arena_init(&maker->arena, made_memory, sizeof(made_memory));
    void *value = gj_arena_alloc(&maker->arena, shape->size);
    make_value(maker, shape, value);
    return value;
}

/* --- comparing ------------------------------------------------------------------------------------------- */

static void expect_equal(const struct gj_shape *shape, const uint8_t *a, const uint8_t *b);

static void expect_equal_lists(const struct gj_field *field, const uint8_t *a, const uint8_t *b) {
    uint32_t n_a, n_b;
    const uint8_t *items_a, *items_b;
    memcpy(&n_a, a + field->count_offset, sizeof(n_a));
    memcpy(&n_b, b + field->count_offset, sizeof(n_b));
    memcpy(&items_a, a + field->offset, sizeof(items_a));
    memcpy(&items_b, b + field->offset, sizeof(items_b));
    assert_int_equal(n_a, n_b);
    for (uint32_t i = 0; i < n_a; i++) {
        expect_equal(field->shape, items_a + i * field->shape->size, items_b + i * field->shape->size);
    }
}

static size_t size_of(const struct gj_field *field) {
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return sizeof(int64_t);
    case GJ_FIELD_DATE:
        return sizeof(gj_date);
    case GJ_FIELD_BOOL:
        return sizeof(bool);
    case GJ_FIELD_TEXT:
        return (size_t)field->max + 1;
    case GJ_FIELD_FIX:
        return (size_t)field->max;
    case GJ_FIELD_DIGEST:
        return sizeof(struct gj_digest);
    case GJ_FIELD_BIN:
    case GJ_FIELD_TXID:
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return 0; /* compared by meaning */
}

static void expect_equal(const struct gj_shape *shape, const uint8_t *a, const uint8_t *b) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        const void *at_a = a + field->offset, *at_b = b + field->offset;
        if (size_of(field) > 0) assert_memory_equal(at_a, at_b, size_of(field));
        if (field->type == GJ_FIELD_BIN)
            assert_true(gj_slice_equal(*(const struct gj_slice *)at_a, *(const struct gj_slice *)at_b));
        if (field->type == GJ_FIELD_TXID) assert_true(gj_txid_equal(at_a, at_b));
        if (field->type == GJ_FIELD_MAP) expect_equal(field->shape, at_a, at_b);
        if (field->type == GJ_FIELD_LIST) expect_equal_lists(field, a, b);
    }
}

/* --- properties ------------------------------------------------------------------------------------------ */

static struct gj_slice encode(const struct gj_shape *shape, const void *value, uint8_t *memory) {
    struct gj_buf buf;
    struct gj_fault fault;
    gj_buf_init(&buf, memory, GJ_MESSAGE_MAX);
    enum gj_err err = gj_shape_encode(shape, value, &buf, &fault);
    if (err != GJ_OK) print_error("%s: %s at '%s'\n", shape->name, gj_err_name(err), fault.field);
    assert_int_equal(err, GJ_OK);
    return gj_buf_slice(&buf);
}

static enum gj_err decode(const struct gj_shape *shape, struct gj_slice in, void **ret,
                          struct gj_fault *fault) {
    struct gj_arena arena;
    gj_arena_init(&arena, decoded_memory, sizeof(decoded_memory));
    *ret = gj_arena_alloc(&arena, shape->size);
    return gj_shape_decode(shape, in, &arena, *ret, fault);
}

static void test_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        for (uint64_t seed = 1; seed <= 40; seed++) {
            struct maker maker;
            struct gj_fault fault;
            void *decoded;
            const void *made = make(&maker, all_shapes[i], seed);
            struct gj_slice first = encode(all_shapes[i], made, first_bytes);
            enum gj_err err = decode(all_shapes[i], first, &decoded, &fault);
            if (err != GJ_OK) print_error("%s: %s\n", all_shapes[i]->name, fault.field);
            assert_int_equal(err, GJ_OK);
            expect_equal(all_shapes[i], made, decoded);
            struct gj_slice second = encode(all_shapes[i], decoded, second_bytes);
            assert_true(gj_slice_equal(first, second));
        }
    }
}

/* No prefix of an encoding is an encoding. */
static void test_cut_encodings(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct maker maker;
        void *decoded;
        struct gj_slice whole = encode(all_shapes[i], make(&maker, all_shapes[i], 7), first_bytes);
        size_t step = 1 + whole.len / 200;
        for (size_t len = 0; len < whole.len; len += step) {
            struct gj_fault fault;
            struct gj_slice cut = {whole.ptr, len};
            assert_int_equal(decode(all_shapes[i], cut, &decoded, &fault), GJ_ERR_BAD_MSGPACK);
        }
    }
}

/* A changed byte is refused, or gives a value that the encoder accepts: the two halves agree on limits. */
static void test_changed_encodings(void **state) {
    (void)state;
    unsigned refused = 0, accepted = 0;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct maker maker;
        struct gj_slice whole = encode(all_shapes[i], make(&maker, all_shapes[i], 3), first_bytes);
        for (int round = 0; round < 150; round++) {
            struct gj_fault fault;
            void *decoded;
            size_t at = draw(&maker, whole.len < 600 ? whole.len : 600);
            uint8_t before = first_bytes[at];
            first_bytes[at] = (uint8_t)draw(&maker, 256);
            if (decode(all_shapes[i], whole, &decoded, &fault) == GJ_OK) {
                encode(all_shapes[i], decoded, second_bytes);
                accepted++;
            } else {
                refused++;
            }
            first_bytes[at] = before;
        }
    }
    assert_true(refused > 1000 && accepted > 1000);
}

/* Every required field of every shape: without it the encoder and the decoder refuse. */
static void test_required_fields(void **state) {
    (void)state;
    unsigned checked = 0;
    for (size_t i = 0; i < N_SHAPES; i++) {
        const struct gj_shape *shape = all_shapes[i];
        for (uint32_t f = 0; f < shape->n_fields; f++) {
            if ((shape->fields[f].flags & GJ_FIELD_REQUIRED) == 0) continue;
            struct gj_field fields[64];
            struct gj_shape without = *shape;
            struct gj_fault fault;
            struct maker maker;
            void *decoded;
            memcpy(fields, shape->fields, shape->n_fields * sizeof(fields[0]));
            memmove(fields + f, fields + f + 1, (shape->n_fields - f - 1) * sizeof(fields[0]));
            without.fields = fields;
            without.n_fields--;
            struct gj_slice bytes = encode(&without, make(&maker, shape, 11), first_bytes);
            assert_int_equal(decode(shape, bytes, &decoded, &fault), GJ_ERR_MISSING_FIELD);
            assert_string_equal(fault.field, shape->fields[f].name);
            checked++;
        }
    }
    assert_true(checked > 100);
}

/* Every bounded number of every shape: one above the limit is refused with the field's name. */
static void test_limits_of_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        const struct gj_shape *shape = all_shapes[i];
        for (uint32_t f = 0; f < shape->n_fields; f++) {
            const struct gj_field *field = &shape->fields[f];
            bool is_number = field->type == GJ_FIELD_U64 || field->type == GJ_FIELD_FEN;
            if (!is_number || field->max == INT64_MAX) continue;
            struct maker maker;
            struct gj_fault fault;
            struct gj_field wide[64];
            struct gj_shape loose = *shape;
            void *decoded;
            uint8_t *made = make(&maker, shape, 5);
            int64_t above = field->max + 1;
            memcpy(made + field->offset, &above, sizeof(above));
            struct gj_buf buf;
            gj_buf_init(&buf, first_bytes, sizeof(first_bytes));
            assert_int_equal(gj_shape_encode(shape, made, &buf, &fault), GJ_ERR_BAD_SCHEMA);
            assert_string_equal(fault.field, field->name);
            memcpy(wide, shape->fields, shape->n_fields * sizeof(wide[0]));
            wide[f].max = INT64_MAX;
            loose.fields = wide;
            struct gj_slice bytes = encode(&loose, made, first_bytes);
            assert_int_equal(decode(shape, bytes, &decoded, &fault), GJ_ERR_BAD_FIELD);
            assert_string_equal(fault.field, field->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_cut_encodings),
        cmocka_unit_test(test_changed_encodings), cmocka_unit_test(test_required_fields),
        cmocka_unit_test(test_limits_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
