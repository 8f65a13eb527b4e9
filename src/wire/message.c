/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between nodes (an array of header and body), and requests and answers at a node's own edge
 * (one byte of kind, then the body). Knows envelopes, never what a field means; never signs or verifies.
 */
#include "wire/message.h"

#include <string.h>

#include "base/check.h"
#include "wire/codec.h"

static const struct gj_path header_path = {NULL, "header", -1};

/* --- messages ---------------------------------------------------------------------------------------- */

static enum gj_err encode_message(const struct gj_header *header, const struct gj_shape *shape,
                                  const void *body, struct gj_buf *out) {
    size_t start = out->len;
    msgpack_packer packer;
    gj_wire_packer_init(&packer, out);
    msgpack_pack_array(&packer, 2);
    GJ_TRY(gj_wire_encode_map(&packer, &header_path, &gj_shape_header, header, NULL));
    GJ_TRY(gj_wire_encode_map(&packer, NULL, shape, body, NULL));
    GJ_TRY(gj_buf_check(out));
    return out->len - start <= GJ_MESSAGE_MAX ? GJ_OK : GJ_ERR_TOO_LARGE;
}

enum gj_err gj_message_encode(const struct gj_header *header, const struct gj_shape *shape, const void *body,
                              struct gj_buf *out) {
    enum gj_kind kind = gj_kind_of(header->kind);
    GJ_ASSERT(kind == GJ_KIND_NONE || gj_kind_shape(kind) == shape);
    size_t start = out->len;
    enum gj_err err = encode_message(header, shape, body, out);
    if (err != GJ_OK) out->len = start; /* a whole message or nothing */
    return err;
}

static const msgpack_object *find_value(const msgpack_object *map, const char *name) {
    if (map->type != MSGPACK_OBJECT_MAP) return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *entry = &map->via.map.ptr[i];
        if (entry->key.type != MSGPACK_OBJECT_STR || entry->key.via.str.size != strlen(name)) continue;
        if (memcmp(entry->key.via.str.ptr, name, strlen(name)) == 0) return &entry->val;
    }
    return NULL;
}

/* Another version's header need not fit ours, so its number is looked at first. */
static bool is_other_version(const msgpack_object *header) {
    const msgpack_object *version = find_value(header, "v");
    if (version == NULL || version->type != MSGPACK_OBJECT_POSITIVE_INTEGER) return false;
    return version->via.u64 != GJ_PROTOCOL_VERSION;
}

static enum gj_err decode_header(const msgpack_object *object, struct gj_arena *arena, struct gj_header *ret,
                                 struct gj_fault *ret_fault) {
    bool other_version = is_other_version(object);
    enum gj_err err = gj_wire_decode_map(object, &header_path, &gj_shape_header, arena, ret, ret_fault);
    if (!other_version) return err;
    gj_path_write(&(struct gj_path){&header_path, "v", -1}, ret_fault);
    return GJ_ERR_BAD_VERSION;
}

static enum gj_err decode_message(const msgpack_object *object, struct gj_arena *arena,
                                  struct gj_message *ret, struct gj_fault *ret_fault) {
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 2) return GJ_ERR_BAD_SCHEMA;
    GJ_TRY(decode_header(&object->via.array.ptr[0], arena, &ret->header, ret_fault));
    enum gj_kind kind = gj_kind_of(ret->header.kind);
    if (kind == GJ_KIND_NONE) {
        gj_path_write(&(struct gj_path){&header_path, "kind", -1}, ret_fault);
        return GJ_ERR_UNKNOWN_KIND;
    }
    ret->kind = kind;
    const struct gj_shape *shape = gj_kind_shape(kind);
    void *body = gj_arena_alloc(arena, shape->size);
    if (body == NULL) return GJ_ERR_NO_SPACE;
    GJ_TRY(gj_wire_decode_map(&object->via.array.ptr[1], NULL, shape, arena, body, ret_fault));
    ret->body = body;
    return GJ_OK;
}

enum gj_err gj_message_decode(struct gj_slice in, struct gj_arena *arena, struct gj_message *ret,
                              struct gj_fault *ret_fault) {
    msgpack_unpacked unpacked;
    gj_path_write(NULL, ret_fault);
    memset(ret, 0, sizeof(*ret));
    ret->bytes = in;
    GJ_TRY(gj_wire_unpack(in, &unpacked));
    enum gj_err err = decode_message(&unpacked.data, arena, ret, ret_fault);
    msgpack_unpacked_destroy(&unpacked);
    return err;
}

/* --- message ids --------------------------------------------------------------------------------------- */

void gj_msgid_write(uint8_t dst[GJ_MSGID_BYTES], const struct gj_msgid *id) {
    struct gj_buf buf;
    gj_buf_init(&buf, dst, GJ_MSGID_BYTES);
    gj_buf_put_u32(&buf, id->epoch);
    gj_buf_put_u64(&buf, id->counter);
}

void gj_msgid_read(const uint8_t src[GJ_MSGID_BYTES], struct gj_msgid *ret) {
    struct gj_reader reader;
    gj_reader_init(&reader, gj_slice_of(src, GJ_MSGID_BYTES));
    ret->epoch = gj_read_u32(&reader);
    ret->counter = gj_read_u64(&reader);
}

/* --- requests and answers ------------------------------------------------------------------------------ */

static enum gj_err encode_tagged(uint8_t tag, const struct gj_shape *shape, const void *body,
                                 struct gj_buf *out) {
    size_t start = out->len;
    GJ_ASSERT(shape != NULL);
    gj_buf_put_u8(out, tag);
    enum gj_err err = gj_shape_encode(shape, body, out, NULL);
    if (err != GJ_OK) out->len = start;
    return err;
}

/* The body after the tag; |shape| NULL: the tag is not known. */
static enum gj_err decode_tagged(struct gj_slice in, const struct gj_shape *shape, struct gj_arena *arena,
                                 void **ret_body, struct gj_fault *ret_fault) {
    gj_path_write(NULL, ret_fault);
    if (in.len == 0) return GJ_ERR_BAD_MSGPACK;
    if (shape == NULL) return GJ_ERR_UNKNOWN_KIND;
    void *body = gj_arena_alloc(arena, shape->size);
    if (body == NULL) return GJ_ERR_NO_SPACE;
    GJ_TRY(gj_shape_decode(shape, gj_slice_of(in.ptr + 1, in.len - 1), arena, body, ret_fault));
    *ret_body = body;
    return GJ_OK;
}

enum gj_err gj_request_encode(enum gj_request_kind kind, const void *body, struct gj_buf *out) {
    return encode_tagged((uint8_t)kind, gj_request_shape(kind), body, out);
}

enum gj_err gj_request_decode(struct gj_slice in, struct gj_arena *arena, enum gj_request_kind *ret_kind,
                              void **ret_body, struct gj_fault *ret_fault) {
    enum gj_request_kind kind = in.len > 0 ? (enum gj_request_kind)in.ptr[0] : GJ_REQUEST_NONE;
    GJ_TRY(decode_tagged(in, gj_request_shape(kind), arena, ret_body, ret_fault));
    *ret_kind = kind;
    return GJ_OK;
}

enum gj_err gj_answer_encode(enum gj_answer_kind kind, const void *body, struct gj_buf *out) {
    return encode_tagged((uint8_t)kind, gj_answer_shape(kind), body, out);
}

enum gj_err gj_answer_decode(struct gj_slice in, struct gj_arena *arena, enum gj_answer_kind *ret_kind,
                             void **ret_body) {
    enum gj_answer_kind kind = in.len > 0 ? (enum gj_answer_kind)in.ptr[0] : GJ_ANSWER_NONE;
    GJ_TRY(decode_tagged(in, gj_answer_shape(kind), arena, ret_body, NULL));
    *ret_kind = kind;
    return GJ_OK;
}
