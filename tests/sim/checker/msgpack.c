/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading msgpack and parcels by hand: a cursor that never passes its end, and nothing that it does not know.
 */
#include "msgpack.h"

#include <string.h>

#define DEPTH_MAX 16

static uint64_t big(const uint8_t *at, unsigned n) {
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

/* --- shape of one value --------------------------------------------------------------------------------- */
enum type { BAD, NIL, BOOL, UINT, INT, STR, BIN, ARRAY, MAP };

struct head {
    enum type type;
    uint64_t value; /* number, length, count */
    size_t size;    /* of the head itself */
};

static const struct head bad = {BAD, 0, 0};

static struct head sized(struct mp in, enum type type, unsigned n) {
    if ((size_t)(in.end - in.at) < 1 + n) return bad;
    return (struct head){type, big(in.at + 1, n), 1 + n};
}

static struct head signed_of(struct mp in, unsigned n) {
    struct head head = sized(in, INT, n);
    if (head.type == BAD || n == 8) return head;
    uint64_t sign = UINT64_C(1) << (8 * n - 1);
    if ((head.value & sign) != 0) head.value |= ~(sign * 2 - 1);
    return head;
}

static struct head head_of(struct mp in) {
    if (in.at == NULL || in.at >= in.end) return bad;
    uint8_t b = *in.at;
    if (b < 0x80) return (struct head){UINT, b, 1};
    if (b < 0x90) return (struct head){MAP, b & 0x0fu, 1};
    if (b < 0xa0) return (struct head){ARRAY, b & 0x0fu, 1};
    if (b < 0xc0) return (struct head){STR, b & 0x1fu, 1};
    if (b >= 0xe0) return (struct head){INT, (uint64_t)(int64_t)(int8_t)b, 1};
    switch (b) {
    case 0xc0:
        return (struct head){NIL, 0, 1};
    case 0xc2:
    case 0xc3:
        return (struct head){BOOL, b & 1u, 1};
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return sized(in, BIN, 1u << (b - 0xc4));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return sized(in, UINT, 1u << (b - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return signed_of(in, 1u << (b - 0xd0));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return sized(in, STR, 1u << (b - 0xd9));
    case 0xdc:
    case 0xdd:
        return sized(in, ARRAY, 2u << (b - 0xdc));
    case 0xde:
    case 0xdf:
        return sized(in, MAP, 2u << (b - 0xde));
    default:
        return bad;
    }
}

/* Where the value that begins at |in| ends; NULL if it does not fit. */
static const uint8_t *end_of(struct mp in, unsigned depth) {
    struct head head = head_of(in);
    if (head.type == BAD || depth > DEPTH_MAX) return NULL;
    const uint8_t *at = in.at + head.size;
    if (head.type == STR || head.type == BIN)
        return (uint64_t)(in.end - at) < head.value ? NULL : at + head.value;
    if (head.type != ARRAY && head.type != MAP) return at;
    uint64_t n = head.type == MAP ? 2 * head.value : head.value;
    for (uint64_t i = 0; i < n && at != NULL; i++)
        at = end_of((struct mp){at, in.end}, depth + 1);
    return at;
}

static const struct mp absent = {NULL, NULL};

struct mp mp_whole(const void *ptr, size_t len) {
    if (ptr == NULL || len == 0) return absent;
    struct mp value = {ptr, (const uint8_t *)ptr + len};
    return end_of(value, 0) == value.end ? value : absent;
}

bool mp_is(struct mp value) {
    return value.at != NULL;
}

static struct mp element(struct mp in, uint64_t index, enum type type, unsigned step) {
    struct head head = head_of(in);
    if (head.type != type || index >= head.value) return absent;
    struct mp at = {in.at + head.size, in.end};
    for (uint64_t i = 0; i < index * step; i++)
        at.at = end_of(at, 0);
    return (struct mp){at.at, end_of(at, 0)};
}

struct mp mp_at(struct mp array, uint32_t index) {
    return element(array, index, ARRAY, 1);
}

uint32_t mp_count(struct mp array) {
    struct head head = head_of(array);
    return head.type == ARRAY ? (uint32_t)head.value : 0;
}

const uint8_t *mp_bytes(struct mp value, size_t *ret_len) {
    struct head head = head_of(value);
    *ret_len = 0;
    if (head.type != STR && head.type != BIN) return NULL;
    *ret_len = (size_t)head.value;
    return value.at + head.size;
}

struct mp mp_get(struct mp map, const char *key) {
    struct head head = head_of(map);
    if (head.type != MAP) return absent;
    size_t wanted = strlen(key);
    struct mp at = {map.at + head.size, map.end};
    for (uint64_t i = 0; i < head.value; i++) {
        size_t len;
        const uint8_t *name = mp_bytes(at, &len);
        at.at = end_of(at, 0);
        struct mp value = {at.at, end_of(at, 0)};
        if (name != NULL && len == wanted && memcmp(name, key, len) == 0) return value;
        at.at = value.end;
    }
    return absent;
}

char *mp_text(struct mp value, char *dst, size_t cap) {
    size_t len;
    const uint8_t *bytes = mp_bytes(value, &len);
    if (bytes == NULL) len = 0;
    if (len >= cap) len = cap - 1;
    if (len > 0) memcpy(dst, bytes, len);
    dst[len] = '\0';
    return dst;
}

int64_t mp_int(struct mp value) {
    struct head head = head_of(value);
    return head.type == UINT || head.type == INT ? (int64_t)head.value : 0;
}

bool mp_true(struct mp value) {
    struct head head = head_of(value);
    return head.type == BOOL && head.value == 1;
}

/* --- parcels -------------------------------------------------------------------------------------------- */
struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static const uint8_t *take(struct cursor *in, size_t n) {
    if (in->failed || (size_t)(in->end - in->at) < n) {
        in->failed = true;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += n;
    return at;
}

static uint64_t number(struct cursor *in, unsigned n) {
    const uint8_t *at = take(in, n);
    return at == NULL ? 0 : big(at, n);
}

static bool read_signed(struct ck_parcel *ret) {
    static const char tag[] = "gongji-batch-root/1";
    struct cursor in = {ret->signed_bytes, ret->signed_bytes + ret->signed_len, false};
    const uint8_t *at = take(&in, sizeof tag);
    if (at == NULL || memcmp(at, tag, sizeof tag) != 0) return false;
    (void)take(&in, 16);
    ret->alg = (uint8_t)number(&in, 1);
    ret->key_id = take(&in, 8);
    size_t len = (size_t)number(&in, 1);
    const uint8_t *sender = take(&in, len);
    if (sender == NULL || len >= sizeof ret->sender) return false;
    memcpy(ret->sender, sender, len);
    ret->sender[len] = '\0';
    ret->epoch = (uint32_t)number(&in, 4);
    ret->flush = number(&in, 8);
    ret->batch_id = take(&in, 16);
    ret->n_leaves = (uint32_t)number(&in, 4);
    ret->root = take(&in, 32);
    ret->created_ms = number(&in, 8);
    return !in.failed && in.at == in.end;
}

static bool read_item(struct cursor *in, struct ck_item *ret) {
    ret->index = (uint32_t)number(in, 4);
    ret->salt = take(in, 16);
    ret->path_hashes = (size_t)number(in, 1);
    ret->path = take(in, 32 * ret->path_hashes);
    ret->len = (size_t)number(in, 4);
    ret->message = take(in, ret->len);
    if (in->failed) return false;
    struct mp message = mp_whole(ret->message, ret->len);
    if (mp_count(message) != 2) return false;
    ret->header = mp_at(message, 0);
    ret->body = mp_at(message, 1);
    (void)mp_text(mp_get(ret->header, "kind"), ret->kind, sizeof ret->kind);
    return ret->kind[0] != '\0';
}

bool ck_parcel_read(const uint8_t *frame, size_t len, struct ck_parcel *ret) {
    struct cursor in = {frame, frame + len, false};
    const uint8_t *magic = take(&in, 4);
    if (magic == NULL || memcmp(magic, "GJP1", 4) != 0) return false;
    ret->signed_len = (size_t)number(&in, 4);
    ret->signed_bytes = take(&in, ret->signed_len);
    ret->signature_len = (size_t)number(&in, 2);
    ret->signature = take(&in, ret->signature_len);
    ret->n = (uint32_t)number(&in, 4);
    if (in.failed || ret->n == 0 || ret->n > CK_PARCEL_MAX || !read_signed(ret)) return false;
    for (uint32_t i = 0; i < ret->n; i++)
        if (!read_item(&in, &ret->items[i])) return false;
    return in.at == in.end;
}
