/* SPDX-License-Identifier: Apache-2.0
 *
 * Every decoder of the wire, given anything.
 */
#include <string.h>

#include "crypto/crypto.h"
#include "fuzz/fuzz.h"
#include "http/edge.h"
#include "wire/codec.h"
#include "wire/parcel.h"

#include <jansson.h>
#include <stdlib.h>

void gj_fuzz_msgpack(struct gj_slice in) {
    msgpack_unpacked unpacked;
    enum gj_err scanned = gj_wire_scan(in);
    enum gj_err err = gj_wire_unpack(in, &unpacked);
    if (err == GJ_OK) msgpack_unpacked_destroy(&unpacked);
    GJ_ASSERT(err == scanned); /* what the scan lets in, the unpacker takes; nothing else reaches it */
}

void gj_fuzz_shape(struct gj_slice in) {
    if (in.len < 1) return;
    const struct gj_shape *shape = gj_fuzz_shapes[in.ptr[0] % gj_fuzz_n_shapes];
    const struct gj_slice bytes = gj_slice_of(in.ptr + 1, in.len - 1);
    struct gj_arena *arena = gj_fuzz_arena(0);
    struct gj_fault fault = {{0}};
    void *value = gj_arena_alloc(arena, shape->size);
    enum gj_err err = gj_shape_decode(shape, bytes, arena, value, &fault);
    if (err == GJ_OK)
        gj_fuzz_identity(shape, value);
    else
        GJ_ASSERT(memchr(fault.field, 0, sizeof fault.field) != NULL);
}

void gj_fuzz_message(struct gj_slice in) {
    static uint8_t bytes[GJ_MESSAGE_MAX];
    struct gj_message message, again;
    struct gj_fault fault = {{0}};
    struct gj_buf out;
    enum gj_err err = gj_message_decode(in, gj_fuzz_arena(0), &message, &fault);
    if (err != GJ_OK) return;
    GJ_ASSERT(message.body != NULL && gj_slice_equal(message.bytes, in));
    GJ_ASSERT(message.kind == gj_kind_of(message.header.kind));
    const struct gj_shape *shape = gj_kind_shape(message.kind);
    gj_fuzz_identity(&gj_shape_header, &message.header);
    gj_fuzz_identity(shape, message.body);
    gj_buf_init(&out, bytes, sizeof bytes);
    err = gj_message_encode(&message.header, shape, message.body, &out);
    GJ_ASSERT(err == GJ_OK && out.len <= in.len);
    err = gj_message_decode(gj_buf_slice(&out), gj_fuzz_arena(1), &again, &fault);
    GJ_ASSERT(err == GJ_OK && again.kind == message.kind);
    GJ_ASSERT(gj_fuzz_is_same(&gj_shape_header, &message.header, &again.header));
    GJ_ASSERT(gj_fuzz_is_same(shape, message.body, again.body));
}

/* A parcel of one item, as evidence is kept. */
static void check_extract(const struct gj_hasher *hasher, const struct gj_parcel *parcel, uint32_t i) {
    static uint8_t bytes[GJ_PARCEL_MAX];
    struct gj_parcel alone;
    struct gj_buf out;
    enum gj_err leads = gj_parcel_check_item(hasher, &parcel->head, &parcel->items[i]);
    gj_buf_init(&out, bytes, sizeof bytes);
    enum gj_err err = gj_parcel_extract(parcel, &parcel->items[i], &out);
    GJ_ASSERT(err == GJ_OK);
    err = gj_parcel_read(gj_buf_slice(&out), gj_fuzz_arena(1), &alone);
    GJ_ASSERT(err == GJ_OK && alone.n_items == 1);
    GJ_ASSERT(gj_slice_equal(alone.signed_bytes, parcel->signed_bytes));
    GJ_ASSERT(gj_slice_equal(alone.signature, parcel->signature));
    GJ_ASSERT(alone.items[0].index == parcel->items[i].index);
    GJ_ASSERT(gj_slice_equal(alone.items[0].salt, parcel->items[i].salt));
    GJ_ASSERT(gj_slice_equal(alone.items[0].path, parcel->items[i].path));
    GJ_ASSERT(gj_slice_equal(alone.items[0].message, parcel->items[i].message));
    GJ_ASSERT(gj_parcel_check_item(hasher, &alone.head, &alone.items[0]) == leads);
}

void gj_fuzz_parcel(struct gj_slice in) {
    static uint8_t signed_bytes[GJ_SIGNED_BYTES_MAX];
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    struct gj_parcel parcel;
    struct gj_buf out;
    if (gj_parcel_read(in, gj_fuzz_arena(0), &parcel) != GJ_OK) return;
    gj_buf_init(&out, signed_bytes, sizeof signed_bytes);
    gj_batch_signed_bytes(&parcel.head, &out);
    GJ_ASSERT(gj_slice_equal(gj_buf_slice(&out), parcel.signed_bytes));
    for (uint32_t i = 0; i < parcel.n_items; i++)
        check_extract(&hasher, &parcel, i);
}

void gj_fuzz_request(struct gj_slice in) {
    static uint8_t bytes[GJ_REQUEST_MAX];
    enum gj_request_kind kind, again;
    struct gj_fault fault = {{0}};
    struct gj_buf out;
    void *body = NULL, *body_again = NULL;
    if (gj_request_decode(in, gj_fuzz_arena(0), &kind, &body, &fault) != GJ_OK) return;
    gj_fuzz_identity(gj_request_shape(kind), body);
    gj_buf_init(&out, bytes, sizeof bytes);
    enum gj_err err = gj_request_encode(kind, body, &out);
    GJ_ASSERT(err == GJ_OK && out.len <= in.len);
    err = gj_request_decode(gj_buf_slice(&out), gj_fuzz_arena(1), &again, &body_again, &fault);
    GJ_ASSERT(err == GJ_OK && again == kind && gj_fuzz_is_same(gj_request_shape(kind), body, body_again));
}

/* Whatever the engine says, the client gets one JSON object and a status. */
static void check_response(struct gj_slice answer, bool changes) {
    const struct gj_asked asked = {.changes = changes, .sender = "330000/\"window\"", .msgid = "m\x7f/1"};
    struct gj_http_response response;
    json_error_t error;
    gj_http_answer(answer, &asked, &response);
    GJ_ASSERT(response.status >= 200 && response.status < 600 && response.body != NULL);
    json_t *json = json_loads(response.body, JSON_REJECT_DUPLICATES, &error);
    GJ_ASSERT(json_is_object(json));
    json_decref(json);
    free(response.body);
}

void gj_fuzz_answer(struct gj_slice in) {
    static uint8_t bytes[GJ_MESSAGE_MAX + 1];
    enum gj_answer_kind kind;
    struct gj_buf out;
    void *body = NULL;
    check_response(in, false);
    check_response(in, true);
    if (gj_answer_decode(in, gj_fuzz_arena(0), &kind, &body) != GJ_OK) return;
    gj_fuzz_identity(gj_answer_shape(kind), body);
    gj_buf_init(&out, bytes, sizeof bytes);
    enum gj_err err = gj_answer_encode(kind, body, &out);
    GJ_ASSERT(err == GJ_OK && out.len <= in.len);
}
