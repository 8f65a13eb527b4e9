/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's own reader of msgpack and of parcels. It shares no code with src/wire, so that a mistake there
 * is not repeated here. Values borrow from the bytes that they were read from.
 */
#ifndef GJ_TESTS_SIM_CHECKER_MSGPACK_H
#define GJ_TESTS_SIM_CHECKER_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value, not yet looked into: its bytes from the first to beyond the last. An absent value has no bytes. */
struct mp {
    const uint8_t *at, *end;
};

struct mp mp_whole(const void *ptr, size_t len); /* absent if it is not exactly one well-formed value */
bool mp_is(struct mp value);                     /* is it there? */
struct mp mp_get(struct mp map, const char *key);
struct mp mp_at(struct mp array, uint32_t index);
uint32_t mp_count(struct mp array); /* 0 for anything else */
/* Bytes of a str or bin; NULL for anything else. */
const uint8_t *mp_bytes(struct mp value, size_t *ret_len);
/* A text, cut at |cap|; "" for anything else. */
char *mp_text(struct mp value, char *dst, size_t cap);
int64_t mp_int(struct mp value); /* 0 for anything else */
bool mp_true(struct mp value);

/* --- parcels -------------------------------------------------------------------------------------------- */
#define CK_PARCEL_MAX 1024

struct ck_item {
    uint32_t index;
    const uint8_t *salt, *path, *message;
    size_t path_hashes, len;
    struct mp header, body;
    char kind[32];
};

struct ck_parcel {
    const uint8_t *signed_bytes, *signature;
    size_t signed_len, signature_len;
    uint8_t alg;
    const uint8_t *key_id, *batch_id, *root;
    char sender[32];
    uint32_t epoch, n_leaves;
    uint64_t flush, created_ms;
    uint32_t n;
    struct ck_item items[CK_PARCEL_MAX];
};

/* False if it is not a whole parcel of well-formed messages. */
bool ck_parcel_read(const uint8_t *frame, size_t len, struct ck_parcel *ret);

#endif
