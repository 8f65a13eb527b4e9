/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the wire room: what message.c, the scan and the two halves of the shape codec share.
 * Nobody outside this folder may include it, because it shows msgpack-c's types.
 */
#ifndef GJ_WIRE_CODEC_H
#define GJ_WIRE_CODEC_H

#include <msgpack.h>

#include "base/bytes.h"
#include "base/shape.h"
#include "wire/message.h"

/* Entries of one received map, unknown ones included: bounds the search for duplicate keys. */
#define GJ_MAP_ENTRIES_MAX 128
/* Fields of one shape: one bit each in the decoder. */
#define GJ_SHAPE_FIELDS_MAX 64

/* --- where we are, for faults: a chain of stack frames ----------------------------------------------- */
struct gj_path {
    const struct gj_path *parent; /* NULL at the top */
    const char *name;
    int64_t index; /* of a list entry, or -1 */
};

/* Writes the path as "legs[3].salt"; one that is too long is cut at the end. |ret_fault| may be NULL. */
void gj_path_write(const struct gj_path *path, struct gj_fault *ret_fault);

/* --- scan.c ------------------------------------------------------------------------------------------ */
/* Walks |in| once, without recursion and without memory: exactly one value that fills the input, nested at
 * most GJ_MSGPACK_DEPTH_MAX, made of nil, bool, integers, str, bin, arrays and maps, and every length and
 * count backed by bytes that are there. GJ_ERR_TOO_LARGE (above GJ_MESSAGE_MAX), GJ_ERR_TOO_DEEP,
 * GJ_ERR_BAD_MSGPACK. */
GJ_MUST_USE enum gj_err gj_wire_scan(struct gj_slice in);
/* Scans, then unpacks: texts and bins of |ret| point into |in|. On GJ_OK the caller owes
 * msgpack_unpacked_destroy(). Also GJ_ERR_NO_MEMORY. */
GJ_MUST_USE enum gj_err gj_wire_unpack(struct gj_slice in, msgpack_unpacked *ret);
/* Well-formed UTF-8 (no overlong form, no surrogate) without NUL. */
bool gj_wire_text_is_valid(const void *text, size_t len);

/* --- the two halves of the codec ----------------------------------------------------------------------- */
GJ_MUST_USE enum gj_err gj_wire_encode_map(msgpack_packer *packer, const struct gj_path *path,
                                           const struct gj_shape *shape, const void *value,
                                           struct gj_fault *ret_fault);
/* |ret_value| is zeroed first, and again after an error. */
GJ_MUST_USE enum gj_err gj_wire_decode_map(const msgpack_object *object, const struct gj_path *path,
                                           const struct gj_shape *shape, struct gj_arena *arena,
                                           void *ret_value, struct gj_fault *ret_fault);
/* A packer that writes into |out|; overflow latches there. */
void gj_wire_packer_init(msgpack_packer *packer, struct gj_buf *out);

#endif
