/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages, requests and answers as bytes. A message is msgpack: an array of two maps, header and
 * body. Receivers keep the exact bytes; nothing is encoded again to check a signature. Unknown fields
 * are ignored; everything else that a shape does not allow is refused with the field's name.
 */
#ifndef GJ_WIRE_MESSAGE_H
#define GJ_WIRE_MESSAGE_H

#include "base/bytes.h"
#include "base/shape.h"
#include "wire/messages.h"

#define GJ_PROTOCOL_VERSION 1

enum gj_kind {
    GJ_KIND_NONE,
#define X(kind, word, shape, new_work) GJ_KIND_##kind,
#include "wire/kinds.def"
#undef X
    GJ_KIND_COUNT
};

enum gj_request_kind {
    GJ_REQUEST_NONE,
#define GJ_REQUEST_KINDS
#define X(kind, word, shape) GJ_REQUEST_##kind,
#include "wire/requests.def"
#undef X
#undef GJ_REQUEST_KINDS
    GJ_REQUEST_COUNT
};

enum gj_answer_kind {
    GJ_ANSWER_NONE,
#define GJ_ANSWER_KINDS
#define X(kind, word, shape) GJ_ANSWER_##kind,
#include "wire/requests.def"
#undef X
#undef GJ_ANSWER_KINDS
    GJ_ANSWER_COUNT
};

/* Where a decode failed, for people: a path such as "person.certno" or "legs[3].salt". */
struct gj_fault {
    char field[80];
};

const char *gj_kind_word(enum gj_kind kind);
enum gj_kind gj_kind_of(const char *word); /* GJ_KIND_NONE if unknown */
const struct gj_shape *gj_kind_shape(enum gj_kind kind);
bool gj_kind_is_new_work(enum gj_kind kind);
const char *gj_request_word(enum gj_request_kind kind);
const struct gj_shape *gj_request_shape(enum gj_request_kind kind);
const char *gj_answer_word(enum gj_answer_kind kind);
const struct gj_shape *gj_answer_shape(enum gj_answer_kind kind);

/* --- one map ------------------------------------------------------------------------------------- */
/* Appends |value|, a struct of |shape|, as a msgpack map in field order; absent optional fields are
 * left out; nothing is appended on an error. GJ_ERR_NO_SPACE; GJ_ERR_TOO_LARGE above GJ_MESSAGE_MAX;
 * GJ_ERR_BAD_SCHEMA if a value breaks its own limits (|ret_fault|, which may be NULL, says which). */
GJ_MUST_USE enum gj_err gj_shape_encode(const struct gj_shape *shape, const void *value, struct gj_buf *out,
                                        struct gj_fault *ret_fault);
/* Decodes exactly one map that fills |in|. |ret_value| is zeroed first. Texts are copied; BIN slices
 * borrow from |in|; lists live in |arena|. Errors: GJ_ERR_BAD_MSGPACK, TOO_DEEP, TOO_MANY, BAD_SCHEMA,
 * MISSING_FIELD, BAD_FIELD, TOO_LARGE, NO_SPACE. */
GJ_MUST_USE enum gj_err gj_shape_decode(const struct gj_shape *shape, struct gj_slice in,
                                        struct gj_arena *arena, void *ret_value, struct gj_fault *ret_fault);

/* --- messages between nodes ------------------------------------------------------------------------ */
struct gj_message {
    struct gj_header header;
    enum gj_kind kind;     /* GJ_KIND_NONE: an unknown kind, body is NULL */
    const void *body;      /* the struct of the kind's shape, in the arena */
    struct gj_slice bytes; /* exactly as received */
};

GJ_MUST_USE enum gj_err gj_message_encode(const struct gj_header *header, const struct gj_shape *shape,
                                          const void *body, struct gj_buf *out);
/* |in| is borrowed for as long as |ret| is used. For an unknown kind: GJ_ERR_UNKNOWN_KIND with the
 * header filled in. For a body that is refused: header and kind are filled in, body is NULL. Another
 * version: GJ_ERR_BAD_VERSION, the header filled in as far as it fits this one's. */
GJ_MUST_USE enum gj_err gj_message_decode(struct gj_slice in, struct gj_arena *arena, struct gj_message *ret,
                                          struct gj_fault *ret_fault);

void gj_msgid_write(uint8_t dst[GJ_MSGID_BYTES], const struct gj_msgid *id);
void gj_msgid_read(const uint8_t src[GJ_MSGID_BYTES], struct gj_msgid *ret);

/* --- requests and answers at the edge: one byte of kind, then the map -------------------------------- */
GJ_MUST_USE enum gj_err gj_request_encode(enum gj_request_kind kind, const void *body, struct gj_buf *out);
GJ_MUST_USE enum gj_err gj_request_decode(struct gj_slice in, struct gj_arena *arena,
                                          enum gj_request_kind *ret_kind, void **ret_body,
                                          struct gj_fault *ret_fault);
GJ_MUST_USE enum gj_err gj_answer_encode(enum gj_answer_kind kind, const void *body, struct gj_buf *out);
GJ_MUST_USE enum gj_err gj_answer_decode(struct gj_slice in, struct gj_arena *arena,
                                         enum gj_answer_kind *ret_kind, void **ret_body);

#endif
