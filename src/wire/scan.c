/* SPDX-License-Identifier: Apache-2.0
 *
 * The look at bytes before msgpack-c sees them. msgpack-c allocates for the length that an array claims,
 * so a header of five bytes could ask for gigabytes; here every claim must be backed by bytes. This file
 * must never allocate except through msgpack-c's zone, and never recurse over input.
 */
#include "wire/codec.h"

/* One value's head: |payload| bytes follow it, then |children| values. */
struct token {
    uint64_t payload;
    uint64_t children;
    bool is_container;
};

static struct token scalar(uint64_t payload) {
    return (struct token){.payload = payload};
}

static struct token container(uint64_t children) {
    return (struct token){.children = children, .is_container = true};
}

/* The heads above 0xc0 that this protocol uses; false for the others: 0xc1, floats and extensions. */
static bool read_long_token(struct gj_reader *reader, uint8_t head, struct token *ret) {
    switch (head) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        *ret = scalar(0);
        return true;
    case 0xc4: /* bin 8, str 8 */
    case 0xd9:
        *ret = scalar(gj_read_u8(reader));
        return true;
    case 0xc5:
    case 0xda:
        *ret = scalar(gj_read_u16(reader));
        return true;
    case 0xc6:
    case 0xdb:
        *ret = scalar(gj_read_u32(reader));
        return true;
    case 0xcc: /* unsigned, signed */
    case 0xd0:
        *ret = scalar(1);
        return true;
    case 0xcd:
    case 0xd1:
        *ret = scalar(2);
        return true;
    case 0xce:
    case 0xd2:
        *ret = scalar(4);
        return true;
    case 0xcf:
    case 0xd3:
        *ret = scalar(8);
        return true;
    case 0xdc: /* array */
        *ret = container(gj_read_u16(reader));
        return true;
    case 0xdd:
        *ret = container(gj_read_u32(reader));
        return true;
    case 0xde: /* map: a key and a value each */
        *ret = container(UINT64_C(2) * gj_read_u16(reader));
        return true;
    case 0xdf:
        *ret = container(UINT64_C(2) * gj_read_u32(reader));
        return true;
    default:
        return false;
    }
}

static bool read_token(struct gj_reader *reader, struct token *ret) {
    uint8_t head = gj_read_u8(reader);
    if (head <= 0x7f || head >= 0xe0) {
        *ret = scalar(0); /* small integers */
        return true;
    }
    if (head <= 0x8f) {
        *ret = container(2 * (uint64_t)(head & 0x0f));
        return true;
    }
    if (head <= 0x9f) {
        *ret = container(head & 0x0f);
        return true;
    }
    if (head <= 0xbf) {
        *ret = scalar(head & 0x1f);
        return true;
    }
    return read_long_token(reader, head, ret);
}

enum gj_err gj_wire_scan(struct gj_slice in) {
    if (in.len > GJ_MESSAGE_MAX) return GJ_ERR_TOO_LARGE;
    uint64_t waiting[GJ_MSGPACK_DEPTH_MAX]; /* values still to come in each open container */
    size_t depth = 0;
    struct gj_reader reader;
    gj_reader_init(&reader, in);
    do {
        struct token token;
        if (!read_token(&reader, &token)) return GJ_ERR_BAD_MSGPACK;
        gj_read_slice(&reader, (size_t)token.payload);
        /* A value is a byte at least: a count above what is left is refused at once, not at the end. */
        if (reader.failed || token.children > reader.left) return GJ_ERR_BAD_MSGPACK;
        if (token.is_container && depth == GJ_MSGPACK_DEPTH_MAX) return GJ_ERR_TOO_DEEP;
        if (token.children > 0) {
            waiting[depth++] = token.children;
            continue;
        }
        while (depth > 0 && --waiting[depth - 1] == 0) {
            depth--;
        }
    } while (depth > 0);
    return reader.left == 0 ? GJ_OK : GJ_ERR_BAD_MSGPACK;
}

enum gj_err gj_wire_unpack(struct gj_slice in, msgpack_unpacked *ret) {
    GJ_TRY(gj_wire_scan(in));
    size_t used = 0;
    msgpack_unpacked_init(ret);
    msgpack_unpack_return result = msgpack_unpack_next(ret, (const char *)in.ptr, in.len, &used);
    if (result == MSGPACK_UNPACK_SUCCESS && used == in.len) return GJ_OK;
    msgpack_unpacked_destroy(ret);
    return result == MSGPACK_UNPACK_NOMEM_ERROR ? GJ_ERR_NO_MEMORY : GJ_ERR_BAD_MSGPACK;
}

/* The bytes of the well-formed character at the start of |text|; 0 if there is none. */
static size_t character_bytes(const uint8_t *text, size_t left) {
    uint8_t head = text[0];
    uint8_t low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t bytes;
    if (head == 0) return 0;
    if (head < 0x80) return 1;
    if (head < 0xc2 || head > 0xf4) return 0;
    if (head < 0xe0) {
        bytes = 2;
    } else if (head < 0xf0) {
        bytes = 3;
        if (head == 0xe0) low = 0xa0;  /* overlong */
        if (head == 0xed) high = 0x9f; /* surrogates */
    } else {
        bytes = 4;
        if (head == 0xf0) low = 0x90;  /* overlong */
        if (head == 0xf4) high = 0x8f; /* above U+10FFFF */
    }
    if (bytes > left || text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    return bytes;
}

bool gj_wire_text_is_valid(const void *text, size_t len) {
    const uint8_t *bytes = text;
    size_t at = 0;
    while (at < len) {
        size_t step = character_bytes(bytes + at, len - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}
