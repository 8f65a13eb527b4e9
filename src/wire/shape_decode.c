/* SPDX-License-Identifier: Apache-2.0
 *
 * A msgpack map into a struct of a shape. Unknown keys are ignored, so that a later version may add a
 * field; everything else that the shape does not allow is refused, and the fault names the field. Never
 * trusts a length: the scan did that before. Table-driven; no shape is named here.
 */
#include <string.h>

#include "base/check.h"
#include "wire/codec.h"

struct decoder {
    struct gj_arena *arena;
    struct gj_fault *fault;
};

static enum gj_err refuse(const struct decoder *decoder, const struct gj_path *path, enum gj_err err) {
    gj_path_write(path, decoder->fault);
    return err;
}

static enum gj_err decode_map(const struct decoder *decoder, const struct gj_path *path,
                              const struct gj_shape *shape, const msgpack_object *object, void *ret);

static bool is_required(const struct gj_field *field) {
    return (field->flags & GJ_FIELD_REQUIRED) != 0;
}

static enum gj_err take_integer(const struct gj_field *field, const msgpack_object *object, int64_t *ret) {
    int64_t value;
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        if (object->via.u64 > INT64_MAX) return GJ_ERR_BAD_FIELD;
        value = (int64_t)object->via.u64;
    } else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        value = object->via.i64;
    } else {
        return GJ_ERR_BAD_SCHEMA;
    }
    if (value < field->min || value > field->max) return GJ_ERR_BAD_FIELD;
    *ret = value;
    return GJ_OK;
}

static enum gj_err take_date(const struct gj_field *field, const msgpack_object *object, gj_date *ret) {
    int64_t value;
    GJ_TRY(take_integer(field, object, &value)); /* the field's limits lie within gj_date */
    if (!gj_date_is_valid((gj_date)value)) return GJ_ERR_BAD_FIELD;
    *ret = (gj_date)value;
    return GJ_OK;
}

static enum gj_err take_text(const struct gj_field *field, const msgpack_object *object, char *ret) {
    if (object->type != MSGPACK_OBJECT_STR) return GJ_ERR_BAD_SCHEMA;
    struct gj_slice text = gj_slice_of(object->via.str.ptr, object->via.str.size);
    if (text.len == 0 && is_required(field)) return GJ_ERR_MISSING_FIELD;
    if (text.len > (size_t)field->max) return GJ_ERR_TOO_LARGE;
    if (!gj_wire_text_is_valid(text.ptr, text.len)) return GJ_ERR_BAD_FIELD;
    return gj_text_from_slice(ret, (size_t)field->max + 1, text);
}

static enum gj_err take_bin(const struct gj_field *field, const msgpack_object *object,
                            struct gj_slice *ret) {
    if (object->type != MSGPACK_OBJECT_BIN) return GJ_ERR_BAD_SCHEMA;
    struct gj_slice bin = gj_slice_of(object->via.bin.ptr, object->via.bin.size);
    if (bin.len == 0 && is_required(field)) return GJ_ERR_MISSING_FIELD;
    if (bin.len > (size_t)field->max) return GJ_ERR_TOO_LARGE;
    *ret = bin;
    return GJ_OK;
}

static enum gj_err take_fixed(const msgpack_object *object, void *ret, size_t size) {
    if (object->type != MSGPACK_OBJECT_BIN) return GJ_ERR_BAD_SCHEMA;
    if (object->via.bin.size != size) return GJ_ERR_BAD_FIELD;
    memcpy(ret, object->via.bin.ptr, size);
    return GJ_OK;
}

static enum gj_err take_digest(const msgpack_object *object, struct gj_digest *ret) {
    GJ_TRY(take_fixed(object, ret->bytes, sizeof(ret->bytes)));
    bool is_known = ret->bytes[0] == GJ_HASH_SM3 || ret->bytes[0] == GJ_HASH_SHA256;
    return is_known ? GJ_OK : GJ_ERR_BAD_FIELD;
}

static enum gj_err take_txid(const struct gj_field *field, const msgpack_object *object,
                             struct gj_txid *ret) {
    if (object->type != MSGPACK_OBJECT_STR) return GJ_ERR_BAD_SCHEMA;
    if (object->via.str.size > (size_t)field->max) return GJ_ERR_TOO_LARGE;
    return gj_txid_parse(object->via.str.ptr, object->via.str.size, ret);
}

/* A field that holds one value, at |at|. */
static enum gj_err take_single(const struct gj_field *field, const msgpack_object *object, void *at) {
    switch (field->type) {
    case GJ_FIELD_U64: /* its limits are not negative, so the two representations agree */
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return take_integer(field, object, at);
    case GJ_FIELD_DATE:
        return take_date(field, object, at);
    case GJ_FIELD_BOOL:
        if (object->type != MSGPACK_OBJECT_BOOLEAN) return GJ_ERR_BAD_SCHEMA;
        *(bool *)at = object->via.boolean;
        return GJ_OK;
    case GJ_FIELD_TEXT:
        return take_text(field, object, at);
    case GJ_FIELD_BIN:
        return take_bin(field, object, at);
    case GJ_FIELD_FIX:
        return take_fixed(object, at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return take_txid(field, object, at);
    case GJ_FIELD_DIGEST:
        return take_digest(object, at);
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return GJ_ERR_BAD_SCHEMA;
}

static enum gj_err take_list(const struct decoder *decoder, const struct gj_path *parent,
                             const struct gj_field *field, const msgpack_object *object, uint8_t *value) {
    struct gj_path path = {parent, field->name, -1};
    if (object->type != MSGPACK_OBJECT_ARRAY) return refuse(decoder, &path, GJ_ERR_BAD_SCHEMA);
    uint32_t n = object->via.array.size;
    if (n > (uint64_t)field->max) return refuse(decoder, &path, GJ_ERR_TOO_MANY);
    if (n == 0) return GJ_OK;
    uint8_t *items = gj_arena_array(decoder->arena, n, field->shape->size);
    if (items == NULL) return refuse(decoder, &path, GJ_ERR_NO_SPACE);
    for (uint32_t i = 0; i < n; i++) {
        path.index = i;
        GJ_TRY(decode_map(decoder, &path, field->shape, &object->via.array.ptr[i],
                          items + i * field->shape->size));
    }
    memcpy(value + field->offset, &items, sizeof(items));
    memcpy(value + field->count_offset, &n, sizeof(n));
    return GJ_OK;
}

static enum gj_err take_field(const struct decoder *decoder, const struct gj_path *parent,
                              const struct gj_field *field, const msgpack_object *object, uint8_t *value) {
    struct gj_path path = {parent, field->name, -1};
    void *at = value + field->offset;
    if (field->type == GJ_FIELD_LIST) return take_list(decoder, parent, field, object, value);
    if (field->type == GJ_FIELD_MAP) return decode_map(decoder, &path, field->shape, object, at);
    enum gj_err err = take_single(field, object, at);
    return err == GJ_OK ? GJ_OK : refuse(decoder, &path, err);
}

static bool key_is(const msgpack_object *key, const char *name, size_t len) {
    return key->via.str.size == len && (len == 0 || memcmp(key->via.str.ptr, name, len) == 0);
}

/* The number of the field that |key| names, or n_fields. Looks from |hint| on, because keys mostly come in
 * the order of the list. */
static uint32_t find_field(const struct gj_shape *shape, const msgpack_object *key, uint32_t hint) {
    for (uint32_t n = 0; n < shape->n_fields; n++) {
        uint32_t i = (hint + n) % shape->n_fields;
        if (key_is(key, shape->fields[i].name, strlen(shape->fields[i].name))) return i;
    }
    return shape->n_fields;
}

/* Did the key of entry |at| come before? Needed for unknown keys only: known ones have a bit. */
static bool came_before(const msgpack_object_map *map, uint32_t at) {
    const msgpack_object *key = &map->ptr[at].key;
    for (uint32_t i = 0; i < at; i++) {
        if (key_is(&map->ptr[i].key, key->via.str.ptr, key->via.str.size)) return true;
    }
    return false;
}

static enum gj_err take_entries(const struct decoder *decoder, const struct gj_path *path,
                                const struct gj_shape *shape, const msgpack_object_map *map, void *value,
                                uint64_t *ret_seen) {
    uint64_t seen = 0;
    uint32_t hint = 0;
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        if (key->type != MSGPACK_OBJECT_STR) return refuse(decoder, path, GJ_ERR_BAD_SCHEMA);
        uint32_t number = find_field(shape, key, hint);
        if (number == shape->n_fields) {
            if (came_before(map, i)) return refuse(decoder, path, GJ_ERR_BAD_SCHEMA);
            continue;
        }
        const struct gj_field *field = &shape->fields[number];
        struct gj_path twice = {path, field->name, -1};
        if ((seen >> number & 1) != 0) return refuse(decoder, &twice, GJ_ERR_BAD_SCHEMA);
        seen |= UINT64_C(1) << number;
        hint = number + 1;
        GJ_TRY(take_field(decoder, path, field, &map->ptr[i].val, value));
    }
    *ret_seen = seen;
    return GJ_OK;
}

static enum gj_err decode_map(const struct decoder *decoder, const struct gj_path *path,
                              const struct gj_shape *shape, const msgpack_object *object, void *ret) {
    GJ_ASSERT(shape->n_fields <= GJ_SHAPE_FIELDS_MAX);
    uint64_t seen = 0;
    if (object->type != MSGPACK_OBJECT_MAP) return refuse(decoder, path, GJ_ERR_BAD_SCHEMA);
    if (object->via.map.size > GJ_MAP_ENTRIES_MAX) return refuse(decoder, path, GJ_ERR_TOO_MANY);
    GJ_TRY(take_entries(decoder, path, shape, &object->via.map, ret, &seen));
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        struct gj_path missing = {path, shape->fields[i].name, -1};
        if (!is_required(&shape->fields[i]) || (seen >> i & 1) != 0) continue;
        return refuse(decoder, &missing, GJ_ERR_MISSING_FIELD);
    }
    return GJ_OK;
}

enum gj_err gj_wire_decode_map(const msgpack_object *object, const struct gj_path *path,
                               const struct gj_shape *shape, struct gj_arena *arena, void *ret_value,
                               struct gj_fault *ret_fault) {
    struct decoder decoder = {arena, ret_fault};
    memset(ret_value, 0, shape->size);
    enum gj_err err = decode_map(&decoder, path, shape, object, ret_value);
    if (err != GJ_OK) memset(ret_value, 0, shape->size); /* half a value is no value */
    return err;
}

enum gj_err gj_shape_decode(const struct gj_shape *shape, struct gj_slice in, struct gj_arena *arena,
                            void *ret_value, struct gj_fault *ret_fault) {
    msgpack_unpacked unpacked;
    gj_path_write(NULL, ret_fault);
    memset(ret_value, 0, shape->size);
    GJ_TRY(gj_wire_unpack(in, &unpacked));
    enum gj_err err = gj_wire_decode_map(&unpacked.data, NULL, shape, arena, ret_value, ret_fault);
    msgpack_unpacked_destroy(&unpacked);
    return err;
}
