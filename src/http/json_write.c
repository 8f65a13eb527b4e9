/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs into JSON, by their shapes: for answers of this node, which were checked when they were decoded.
 */
#include "http/json_edge.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"

static const uint8_t *at_of(const struct gj_field *field, const void *value) {
    return (const uint8_t *)value + field->offset;
}

static int64_t integer_of(const struct gj_field *field, const void *value) {
    int64_t integer;
    memcpy(&integer, at_of(field, value), sizeof integer);
    return integer;
}

static uint32_t count_of(const struct gj_field *field, const void *value) {
    uint32_t count;
    memcpy(&count, (const uint8_t *)value + field->count_offset, sizeof count);
    return count;
}

static bool is_zero(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

/* Zero is how a struct says that an optional field is absent; see base/shape.h. */
static bool is_absent(const struct gj_field *field, const void *value) {
    const uint8_t *at = at_of(field, value);
    struct gj_slice slice;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return integer_of(field, value) == 0;
    case GJ_FIELD_DATE:
        return is_zero(at, sizeof(gj_date));
    case GJ_FIELD_BOOL:
        return is_zero(at, sizeof(bool));
    case GJ_FIELD_TEXT:
        return at[0] == '\0';
    case GJ_FIELD_BIN:
        memcpy(&slice, at, sizeof slice);
        return slice.len == 0;
    case GJ_FIELD_FIX:
        return is_zero(at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return gj_txid_is_none((const struct gj_txid *)(const void *)at);
    case GJ_FIELD_DIGEST:
        return is_zero(at, sizeof(struct gj_digest));
    case GJ_FIELD_MAP:
        return false;
    case GJ_FIELD_LIST:
        return count_of(field, value) == 0;
    }
    return false;
}

static json_t *write_hex(const uint8_t *bytes, size_t len) {
    char *text = malloc(2 * len + 1);
    if (text == NULL) return NULL;
    gj_hex_encode(text, bytes, len);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *write_bin(const uint8_t *at) {
    struct gj_slice slice;
    memcpy(&slice, at, sizeof slice);
    return write_hex(slice.ptr, slice.len);
}

static json_t *write_date(const uint8_t *at) {
    gj_date date;
    char text[11];
    memcpy(&date, at, sizeof date);
    return json_string(gj_date_format(text, date));
}

static json_t *write_txid(const uint8_t *at) {
    char text[GJ_TXID_TEXT_CAP];
    return json_string(gj_txid_format(text, (const struct gj_txid *)(const void *)at));
}

static json_t *write_fen(int64_t fen) {
    char text[GJ_YUAN_TEXT_CAP];
    return json_string(gj_yuan_format(text, fen));
}

static json_t *write_list(const struct gj_field *field, const void *value) {
    const uint8_t *items;
    memcpy(&items, at_of(field, value), sizeof items);
    json_t *list = json_array();
    uint32_t n = count_of(field, value);
    for (uint32_t i = 0; i < n && list != NULL; i++) {
        if (json_array_append_new(list, gj_json_write(field->shape, items + i * field->shape->size)) == 0)
            continue;
        json_decref(list);
        list = NULL;
    }
    return list;
}

static json_t *write_field(const struct gj_field *field, const void *value) {
    const uint8_t *at = at_of(field, value);
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
        return json_integer(integer_of(field, value));
    case GJ_FIELD_FEN:
        return write_fen(integer_of(field, value));
    case GJ_FIELD_DATE:
        return write_date(at);
    case GJ_FIELD_BOOL:
        return json_boolean(!is_zero(at, sizeof(bool)));
    case GJ_FIELD_TEXT:
        return json_string((const char *)at);
    case GJ_FIELD_BIN:
        return write_bin(at);
    case GJ_FIELD_FIX:
        return write_hex(at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return write_txid(at);
    case GJ_FIELD_DIGEST:
        return write_hex(at, sizeof(struct gj_digest));
    case GJ_FIELD_MAP:
        return gj_json_write(field->shape, at);
    case GJ_FIELD_LIST:
        return write_list(field, value);
    }
    return NULL;
}

json_t *gj_json_write(const struct gj_shape *shape, const void *value) {
    json_t *object = json_object();
    for (uint32_t i = 0; i < shape->n_fields && object != NULL; i++) {
        const struct gj_field *field = &shape->fields[i];
        if ((field->flags & GJ_FIELD_REQUIRED) == 0 && is_absent(field, value)) continue;
        if (json_object_set_new(object, field->name, write_field(field, value)) == 0) continue;
        json_decref(object);
        object = NULL;
    }
    return object;
}
