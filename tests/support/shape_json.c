/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct of a shape as JSON, by its description only. It must not use the codec that it is a test of.
 */
#include "support/shape_json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/ids.h"

static json_t *hex_of(const void *ptr, size_t len) {
    char *text = malloc(2 * len + 1);
    GJ_ASSERT(text != NULL);
    gj_hex_encode(text, ptr, len);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *list_of(const struct gj_field *field, const uint8_t *value) {
    const uint8_t *items;
    uint32_t n;
    memcpy(&items, value + field->offset, sizeof items);
    memcpy(&n, value + field->count_offset, sizeof n);
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, gj_test_shape_json(field->shape, items + i * field->shape->size));
    return list;
}

static json_t *txid_of(const struct gj_txid *txid) {
    char text[GJ_TXID_TEXT_CAP];
    return json_string(gj_txid_is_none(txid) ? "" : gj_txid_format(text, txid));
}

static json_t *value_of(const struct gj_field *field, const uint8_t *value) {
    const void *at = value + field->offset;
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return json_integer(*(const int64_t *)at);
    case GJ_FIELD_DATE:
        return json_integer(*(const gj_date *)at);
    case GJ_FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case GJ_FIELD_TEXT:
        return json_string(at);
    case GJ_FIELD_BIN:
        return hex_of(((const struct gj_slice *)at)->ptr, ((const struct gj_slice *)at)->len);
    case GJ_FIELD_FIX:
        return hex_of(at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return txid_of(at);
    case GJ_FIELD_DIGEST:
        return hex_of(at, sizeof(struct gj_digest));
    case GJ_FIELD_MAP:
        return gj_test_shape_json(field->shape, at);
    case GJ_FIELD_LIST:
        return list_of(field, value);
    }
    return NULL;
}

/* What absence leaves behind, told from the JSON: 0, false, "", zero bytes, [], or a map of only these. */
static bool is_empty(const struct gj_field *field, const json_t *json) {
    if (json == NULL) return true;
    const char *text = json_string_value(json);
    if (json_is_integer(json)) return json_integer_value(json) == 0;
    if (json_is_boolean(json)) return !json_is_true(json);
    if (json_is_array(json)) return json_array_size(json) == 0;
    if (json_is_object(json)) {
        for (uint32_t i = 0; i < field->shape->n_fields; i++) {
            const struct gj_field *inner = &field->shape->fields[i];
            if (!is_empty(inner, json_object_get(json, inner->name))) return false;
        }
        return true;
    }
    bool is_fixed = field->type == GJ_FIELD_FIX || field->type == GJ_FIELD_DIGEST;
    return is_fixed ? strspn(text, "0") == strlen(text) : *text == '\0';
}

json_t *gj_test_shape_json(const struct gj_shape *shape, const void *value) {
    json_t *map = json_object();
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        json_t *json = value_of(field, value);
        GJ_ASSERT(json != NULL);
        if ((field->flags & GJ_FIELD_REQUIRED) != 0 || !is_empty(field, json))
            json_object_set_new(map, field->name, json);
        else
            json_decref(json);
    }
    return map;
}
