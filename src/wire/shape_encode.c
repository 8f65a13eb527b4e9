/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct of a shape into a msgpack map: fields in the order of their list, the shortest msgpack form of
 * each, absent optional fields left out. So one value has one encoding. It checks the limits that the
 * decoder checks: what leaves this node fits its schema. Table-driven; no shape is named here.
 */
#include <string.h>

#include "base/check.h"
#include "wire/codec.h"

static const void *field_at(const struct gj_field *field, const void *value) {
    return (const uint8_t *)value + field->offset;
}

static int64_t read_i64(const void *at) {
    int64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint32_t list_count(const struct gj_field *field, const void *value) {
    uint32_t n;
    memcpy(&n, (const uint8_t *)value + field->count_offset, sizeof(n));
    return n;
}

static bool is_zero(const void *at, size_t len) {
    const uint8_t *bytes = at;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

static bool map_is_empty(const struct gj_shape *shape, const void *value);

/* Does the field hold what absence leaves behind? */
static bool is_empty(const struct gj_field *field, const void *value) {
    const void *at = field_at(field, value);
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return read_i64(at) == 0;
    case GJ_FIELD_DATE:
        return *(const gj_date *)at == 0;
    case GJ_FIELD_BOOL:
        return !*(const bool *)at;
    case GJ_FIELD_TEXT:
        return *(const char *)at == '\0';
    case GJ_FIELD_BIN:
        return ((const struct gj_slice *)at)->len == 0;
    case GJ_FIELD_FIX:
        return is_zero(at, (size_t)field->max);
    case GJ_FIELD_TXID:
        return gj_txid_is_none(at);
    case GJ_FIELD_DIGEST:
        return is_zero(at, sizeof(struct gj_digest));
    case GJ_FIELD_MAP:
        return map_is_empty(field->shape, at);
    case GJ_FIELD_LIST:
        return list_count(field, value) == 0;
    }
    return true;
}

static bool map_is_empty(const struct gj_shape *shape, const void *value) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (!is_empty(&shape->fields[i], value)) return false;
    }
    return true;
}

/* Types whose empty value means "absent" even where the field is required. */
static bool must_not_be_empty(enum gj_field_type type) {
    return type == GJ_FIELD_TEXT || type == GJ_FIELD_BIN || type == GJ_FIELD_DATE || type == GJ_FIELD_TXID ||
           type == GJ_FIELD_DIGEST;
}

static bool is_present(const struct gj_field *field, const void *value) {
    bool required = (field->flags & GJ_FIELD_REQUIRED) != 0;
    return (required && !must_not_be_empty(field->type)) || !is_empty(field, value);
}

static bool pack_integer(msgpack_packer *packer, const struct gj_field *field, int64_t value) {
    msgpack_pack_int64(packer, value);
    return value >= field->min && value <= field->max;
}

static bool pack_text(msgpack_packer *packer, const struct gj_field *field, const char *text) {
    const char *end = memchr(text, 0, (size_t)field->max + 1);
    if (end == NULL) return false;
    size_t len = (size_t)(end - text);
    msgpack_pack_str_with_body(packer, text, len);
    return gj_wire_text_is_valid(text, len);
}

static bool pack_bin(msgpack_packer *packer, const struct gj_field *field, struct gj_slice bin) {
    if (bin.len > (size_t)field->max) return false;
    msgpack_pack_bin_with_body(packer, bin.ptr, bin.len);
    return true;
}

static bool pack_txid(msgpack_packer *packer, const struct gj_txid *txid) {
    char text[GJ_TXID_TEXT_CAP];
    if (memchr(txid->coordinator, 0, sizeof(txid->coordinator)) == NULL) return false;
    if (!gj_node_is_valid(txid->coordinator) || txid->seq > INT64_MAX) return false;
    gj_txid_format(text, txid);
    msgpack_pack_str_with_body(packer, text, strlen(text));
    return true;
}

static bool pack_digest(msgpack_packer *packer, const struct gj_digest *digest) {
    msgpack_pack_bin_with_body(packer, digest->bytes, sizeof(digest->bytes));
    return digest->bytes[0] == GJ_HASH_SM3 || digest->bytes[0] == GJ_HASH_SHA256;
}

/* A field that holds one value. False if the value breaks the field's limits. */
static bool pack_single(msgpack_packer *packer, const struct gj_field *field, const void *at) {
    switch (field->type) {
    case GJ_FIELD_U64:
        if (read_i64(at) < 0) return false; /* above INT64_MAX, so above any limit */
        return pack_integer(packer, field, read_i64(at));
    case GJ_FIELD_I64:
    case GJ_FIELD_FEN:
        return pack_integer(packer, field, read_i64(at));
    case GJ_FIELD_DATE:
        return pack_integer(packer, field, *(const gj_date *)at) && gj_date_is_valid(*(const gj_date *)at);
    case GJ_FIELD_BOOL:
        if (*(const bool *)at) {
            msgpack_pack_true(packer);
        } else {
            msgpack_pack_false(packer);
        }
        return true;
    case GJ_FIELD_TEXT:
        return pack_text(packer, field, at);
    case GJ_FIELD_BIN:
        return pack_bin(packer, field, *(const struct gj_slice *)at);
    case GJ_FIELD_FIX:
        msgpack_pack_bin_with_body(packer, at, (size_t)field->max);
        return true;
    case GJ_FIELD_TXID:
        return pack_txid(packer, at);
    case GJ_FIELD_DIGEST:
        return pack_digest(packer, at);
    case GJ_FIELD_MAP:
    case GJ_FIELD_LIST:
        break;
    }
    return false;
}

static enum gj_err refuse(const struct gj_path *path, struct gj_fault *ret_fault) {
    gj_path_write(path, ret_fault);
    return GJ_ERR_BAD_SCHEMA;
}

static enum gj_err pack_list(msgpack_packer *packer, const struct gj_path *parent,
                             const struct gj_field *field, const void *value, struct gj_fault *ret_fault) {
    struct gj_path path = {parent, field->name, -1};
    uint32_t n = list_count(field, value);
    const uint8_t *items;
    memcpy(&items, field_at(field, value), sizeof(items));
    if (n > (uint64_t)field->max) return refuse(&path, ret_fault);
    msgpack_pack_array(packer, n);
    for (uint32_t i = 0; i < n; i++) {
        path.index = i;
        GJ_TRY(gj_wire_encode_map(packer, &path, field->shape, items + i * field->shape->size, ret_fault));
    }
    return GJ_OK;
}

static enum gj_err pack_field(msgpack_packer *packer, const struct gj_path *parent,
                              const struct gj_field *field, const void *value, struct gj_fault *ret_fault) {
    struct gj_path path = {parent, field->name, -1};
    const void *at = field_at(field, value);
    if (field->type == GJ_FIELD_LIST) return pack_list(packer, parent, field, value, ret_fault);
    if (field->type == GJ_FIELD_MAP) return gj_wire_encode_map(packer, &path, field->shape, at, ret_fault);
    if (!pack_single(packer, field, at)) return refuse(&path, ret_fault);
    return GJ_OK;
}

enum gj_err gj_wire_encode_map(msgpack_packer *packer, const struct gj_path *path,
                               const struct gj_shape *shape, const void *value, struct gj_fault *ret_fault) {
    GJ_ASSERT(shape->n_fields <= GJ_SHAPE_FIELDS_MAX);
    uint64_t present = 0;
    uint32_t n_present = 0;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        if (is_present(field, value)) {
            present |= UINT64_C(1) << i;
            n_present++;
            continue;
        }
        struct gj_path missing = {path, field->name, -1};
        if ((field->flags & GJ_FIELD_REQUIRED) != 0) return refuse(&missing, ret_fault);
    }
    msgpack_pack_map(packer, n_present);
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        if ((present >> i & 1) == 0) continue;
        msgpack_pack_str_with_body(packer, field->name, strlen(field->name));
        GJ_TRY(pack_field(packer, path, field, value, ret_fault));
    }
    return GJ_OK;
}

static int write_to_buf(void *data, const char *bytes, size_t len) {
    gj_buf_put(data, bytes, len);
    return 0; /* the buffer latches its overflow, one check at the end is enough */
}

void gj_wire_packer_init(msgpack_packer *packer, struct gj_buf *out) {
    msgpack_packer_init(packer, out, write_to_buf);
}

enum gj_err gj_shape_encode(const struct gj_shape *shape, const void *value, struct gj_buf *out,
                            struct gj_fault *ret_fault) {
    size_t start = out->len;
    msgpack_packer packer;
    gj_path_write(NULL, ret_fault);
    gj_wire_packer_init(&packer, out);
    enum gj_err err = gj_wire_encode_map(&packer, NULL, shape, value, ret_fault);
    if (err == GJ_OK) err = gj_buf_check(out);
    if (err == GJ_OK && out->len - start > GJ_MESSAGE_MAX) err = GJ_ERR_TOO_LARGE;
    if (err != GJ_OK) out->len = start; /* a whole map or nothing */
    return err;
}
