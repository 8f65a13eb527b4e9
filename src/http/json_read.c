/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON into structs. Strict: what the shape does not know is refused by name, and no value of the caller is
 * ever repeated in an error.
 */
#include "http/json_edge.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"

/* One field on its way from JSON to its place. */
struct place {
    const struct gj_field *field;
    const json_t *json;
    void *dst;
    void *owner; /* the struct that dst is in: a list's count is beside it */
    struct gj_arena *arena;
    const char *path;
    struct gj_http_fault *fault;
};

static enum gj_err read_object(const struct gj_shape *shape, const json_t *object, struct gj_arena *arena,
                               void *value, const char *prefix, struct gj_http_fault *fault);

/* --- text to JSON ------------------------------------------------------------------------------------- */
/* jansson recurses; a look at the brackets first keeps hostile input away from it. */
static bool is_too_deep(struct gj_slice text) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if ((c == '{' || c == '[') && ++depth > GJ_JSON_DEPTH_MAX) return true;
        if ((c == '}' || c == ']') && depth > 0) depth--;
    }
    return false;
}

/* jansson's own text quotes the input; ours must not. */
static const char *reason_of(const json_error_t *error) {
    enum json_error_code code = json_error_code(error);
    if (code == json_error_duplicate_key) return "a name is given twice in one object";
    if (code == json_error_null_character || code == json_error_null_byte_in_key ||
        code == json_error_null_value) {
        return "NUL characters are not allowed";
    }
    if (code == json_error_invalid_utf8) return "the text is not UTF-8";
    if (code == json_error_premature_end_of_input) return "the text ends too early";
    if (code == json_error_end_of_input_expected) return "there is text after the object";
    if (code == json_error_numeric_overflow) return "a number is too large";
    return "not valid JSON";
}

/* Where jansson finds no memory it says so, or nothing. */
static bool is_out_of_memory(const json_error_t *error) {
    enum json_error_code code = json_error_code(error);
    return code == json_error_out_of_memory || error->text[0] == '\0';
}

enum gj_err gj_json_parse(struct gj_slice text, json_t **ret, struct gj_http_fault *fault) {
    if (text.len == 0) return gj_fault_set(fault, GJ_ERR_BAD_JSON, NULL, "the body is empty");
    if (is_too_deep(text)) {
        return gj_fault_set(fault, GJ_ERR_TOO_DEEP, NULL, "objects and lists are nested too deep");
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL && is_out_of_memory(&error)) return gj_fault_set(fault, GJ_ERR_NO_MEMORY, NULL, "");
    if (json == NULL) {
        char detail[GJ_FAULT_DETAIL_CAP];
        snprintf(detail, sizeof detail, "line %d, column %d: %s", error.line, error.column,
                 reason_of(&error));
        return gj_fault_set(fault, GJ_ERR_BAD_JSON, NULL, detail);
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return gj_fault_set(fault, GJ_ERR_BAD_JSON, NULL, "the body must be one JSON object");
    }
    *ret = json;
    return GJ_OK;
}

/* --- one field ------------------------------------------------------------------------------------------ */
static enum gj_err bad(const struct place *at, const char *detail) {
    return gj_fault_set(at->fault, GJ_ERR_BAD_FIELD, at->path, detail);
}

static enum gj_err read_integer(const struct place *at) {
    if (!json_is_integer(at->json)) return bad(at, "must be a whole number");
    int64_t value = json_integer_value(at->json);
    if (value < at->field->min || value > at->field->max) {
        char detail[GJ_FAULT_DETAIL_CAP];
        snprintf(detail, sizeof detail, "must be %lld to %lld", (long long)at->field->min,
                 (long long)at->field->max);
        return bad(at, detail);
    }
    memcpy(at->dst, &value, sizeof value); /* U64 and I64 alike: a U64's min is not below 0 */
    return GJ_OK;
}

static enum gj_err read_fen(const struct place *at) {
    if (json_is_number(at->json)) {
        return gj_fault_set(at->fault, GJ_ERR_BAD_AMOUNT, at->path,
                            "write the amount as a text of yuan with two places, such as \"12.50\": "
                            "a JSON number is rounded by many programs");
    }
    int64_t fen = 0;
    if (!json_is_string(at->json) ||
        gj_yuan_parse(json_string_value(at->json), json_string_length(at->json), &fen) != GJ_OK) {
        return gj_fault_set(at->fault, GJ_ERR_BAD_AMOUNT, at->path,
                            "must be a text of yuan with exactly two places, such as \"12.50\"");
    }
    if (fen < at->field->min || fen > at->field->max) {
        return gj_fault_set(at->fault, GJ_ERR_BAD_AMOUNT, at->path, "must not be negative");
    }
    memcpy(at->dst, &fen, sizeof fen);
    return GJ_OK;
}

static enum gj_err read_date(const struct place *at) {
    gj_date date = 0;
    if (!json_is_string(at->json) || gj_date_parse(json_string_value(at->json), &date) != GJ_OK) {
        return bad(at, "must be a real date as a text yyyy-MM-dd");
    }
    memcpy(at->dst, &date, sizeof date);
    return GJ_OK;
}

static enum gj_err read_bool(const struct place *at) {
    if (!json_is_boolean(at->json)) return bad(at, "must be true or false");
    bool value = json_is_true(at->json);
    memcpy(at->dst, &value, sizeof value);
    return GJ_OK;
}

static bool has_control(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
    }
    return false;
}

static enum gj_err read_text(const struct place *at) {
    if (!json_is_string(at->json)) return bad(at, "must be a text");
    const char *text = json_string_value(at->json);
    bool required = (at->field->flags & GJ_FIELD_REQUIRED) != 0;
    if (required && text[0] == '\0') {
        return gj_fault_set(at->fault, GJ_ERR_MISSING_FIELD, at->path, "must not be empty");
    }
    if (has_control(text)) return bad(at, "must not hold control characters");
    if (gj_text_copy(at->dst, (size_t)at->field->max + 1, text) != GJ_OK) {
        char detail[GJ_FAULT_DETAIL_CAP];
        snprintf(detail, sizeof detail, "must be at most %lld bytes of UTF-8", (long long)at->field->max);
        return bad(at, detail);
    }
    return GJ_OK;
}

static enum gj_err read_txid(const struct place *at) {
    if (!json_is_string(at->json) || gj_txid_parse(json_string_value(at->json), json_string_length(at->json),
                                                   (struct gj_txid *)at->dst) != GJ_OK) {
        return bad(at, "must be a transaction id such as \"330000/1795000000/42/1\"");
    }
    return GJ_OK;
}

/* Exactly |len| bytes of hexadecimal. */
static enum gj_err read_hex(const struct place *at, void *dst, size_t len) {
    if (!json_is_string(at->json) || gj_hex_decode(dst, len, json_string_value(at->json)) != GJ_OK) {
        char detail[GJ_FAULT_DETAIL_CAP];
        snprintf(detail, sizeof detail, "must be %zu hexadecimal digits", 2 * len);
        return bad(at, detail);
    }
    return GJ_OK;
}

static enum gj_err read_bin(const struct place *at) {
    if (!json_is_string(at->json)) return bad(at, "must be a text of hexadecimal digits");
    size_t len = json_string_length(at->json) / 2;
    if (len > (size_t)at->field->max) return bad(at, "is too long");
    if (len == 0 && (at->field->flags & GJ_FIELD_REQUIRED) != 0) {
        return gj_fault_set(at->fault, GJ_ERR_MISSING_FIELD, at->path, "must not be empty");
    }
    uint8_t *bytes = gj_arena_alloc(at->arena, len);
    if (bytes == NULL) return gj_fault_set(at->fault, GJ_ERR_NO_SPACE, at->path, "the body holds too much");
    GJ_TRY(read_hex(at, bytes, len));
    struct gj_slice slice = len == 0 ? GJ_SLICE_NONE : gj_slice_of(bytes, len);
    memcpy(at->dst, &slice, sizeof slice);
    return GJ_OK;
}

static enum gj_err read_map(const struct place *at) {
    if (!json_is_object(at->json)) return bad(at, "must be an object");
    char prefix[GJ_FAULT_FIELD_CAP];
    snprintf(prefix, sizeof prefix, "%.70s.", at->path);
    return read_object(at->field->shape, at->json, at->arena, at->dst, prefix, at->fault);
}

static enum gj_err read_list(const struct place *at) {
    if (!json_is_array(at->json)) return bad(at, "must be a list");
    size_t n = json_array_size(at->json);
    if (n > (size_t)at->field->max) {
        char detail[GJ_FAULT_DETAIL_CAP];
        snprintf(detail, sizeof detail, "must have at most %lld entries", (long long)at->field->max);
        return gj_fault_set(at->fault, GJ_ERR_TOO_MANY, at->path, detail);
    }
    uint8_t *items = gj_arena_array(at->arena, n, at->field->shape->size);
    if (items == NULL) return gj_fault_set(at->fault, GJ_ERR_NO_SPACE, at->path, "the body holds too much");
    for (size_t i = 0; i < n; i++) {
        char prefix[GJ_FAULT_FIELD_CAP];
        const json_t *item = json_array_get(at->json, i);
        snprintf(prefix, sizeof prefix, "%.50s[%zu].", at->path, i);
        if (!json_is_object(item)) return bad(at, "must be a list of objects");
        GJ_TRY(read_object(at->field->shape, item, at->arena, items + i * at->field->shape->size, prefix,
                           at->fault));
    }
    uint32_t count = (uint32_t)n;
    memcpy(at->dst, &items, sizeof items);
    memcpy((uint8_t *)at->owner + at->field->count_offset, &count, sizeof count);
    return GJ_OK;
}

static enum gj_err read_field(const struct place *at) {
    switch (at->field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
        return read_integer(at);
    case GJ_FIELD_FEN:
        return read_fen(at);
    case GJ_FIELD_DATE:
        return read_date(at);
    case GJ_FIELD_BOOL:
        return read_bool(at);
    case GJ_FIELD_TEXT:
        return read_text(at);
    case GJ_FIELD_BIN:
        return read_bin(at);
    case GJ_FIELD_FIX:
        return read_hex(at, at->dst, (size_t)at->field->max);
    case GJ_FIELD_TXID:
        return read_txid(at);
    case GJ_FIELD_DIGEST:
        return read_hex(at, at->dst, sizeof(struct gj_digest));
    case GJ_FIELD_MAP:
        return read_map(at);
    case GJ_FIELD_LIST:
        return read_list(at);
    }
    return bad(at, "cannot be given here");
}

/* --- one object ------------------------------------------------------------------------------------------ */
static const struct gj_field *field_of(const struct gj_shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) return &shape->fields[i];
    }
    return NULL;
}

static enum gj_err refuse_unknown(const struct gj_shape *shape, const json_t *object, const char *prefix,
                                  struct gj_http_fault *fault) {
    const char *name;
    json_t *ignored;
    /* The iteration does not change the object; the macro has no const form. */
    json_object_foreach((json_t *)(uintptr_t)object, name, ignored) {
        if (field_of(shape, name) != NULL) continue;
        char path[GJ_FAULT_FIELD_CAP];
        gj_fault_clean(path, prefix, name);
        return gj_fault_set(fault, GJ_ERR_UNKNOWN_FIELD, path, "this field is not known here");
    }
    return GJ_OK;
}

static enum gj_err read_object(const struct gj_shape *shape, const json_t *object, struct gj_arena *arena,
                               void *value, const char *prefix, struct gj_http_fault *fault) {
    GJ_TRY(refuse_unknown(shape, object, prefix, fault));
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        char path[GJ_FAULT_FIELD_CAP];
        gj_fault_clean(path, prefix, field->name);
        const json_t *json = json_object_get(object, field->name);
        if (json == NULL && (field->flags & GJ_FIELD_REQUIRED) != 0) {
            return gj_fault_set(fault, GJ_ERR_MISSING_FIELD, path, "this field is required");
        }
        if (json == NULL) continue;
        const struct place at = {field, json, (uint8_t *)value + field->offset, value, arena, path, fault};
        GJ_TRY(read_field(&at));
    }
    return gj_json_check(shape, value, prefix, fault);
}

enum gj_err gj_json_read(const struct gj_shape *shape, const json_t *object, struct gj_arena *arena,
                         void *ret_value, struct gj_http_fault *fault) {
    memset(ret_value, 0, shape->size);
    return read_object(shape, object, arena, ret_value, "", fault);
}
