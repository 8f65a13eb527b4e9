/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices, bounded buffers, the latching reader, the arena, texts and hexadecimal.
 * Nothing here allocates: all memory is the caller's.
 */
#include "base/bytes.h"

#include <stdalign.h>
#include <string.h>

#include "base/check.h"

/* --- slices --------------------------------------------------------------------------------------------- */

struct gj_slice gj_slice_of(const void *ptr, size_t len) {
    return (struct gj_slice){ptr, len};
}

struct gj_slice gj_slice_str(const char *text) {
    return (struct gj_slice){(const uint8_t *)text, strlen(text)};
}

bool gj_slice_equal(struct gj_slice a, struct gj_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int gj_slice_compare(struct gj_slice a, struct gj_slice b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0) return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* --- buffers -------------------------------------------------------------------------------------------- */

void gj_buf_init(struct gj_buf *buf, void *memory, size_t cap) {
    *buf = (struct gj_buf){.ptr = memory, .cap = cap};
}

void gj_buf_put(struct gj_buf *buf, const void *ptr, size_t len) {
    if (buf->overflow || len > buf->cap - buf->len) {
        buf->overflow = true;
        return;
    }
    if (len > 0) memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
}

void gj_buf_put_slice(struct gj_buf *buf, struct gj_slice slice) {
    gj_buf_put(buf, slice.ptr, slice.len);
}

static void put_big_endian(struct gj_buf *buf, uint64_t value, unsigned bytes) {
    uint8_t out[8];
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    gj_buf_put(buf, out, bytes);
}

void gj_buf_put_u8(struct gj_buf *buf, uint8_t value) {
    put_big_endian(buf, value, 1);
}

void gj_buf_put_u16(struct gj_buf *buf, uint16_t value) {
    put_big_endian(buf, value, 2);
}

void gj_buf_put_u32(struct gj_buf *buf, uint32_t value) {
    put_big_endian(buf, value, 4);
}

void gj_buf_put_u64(struct gj_buf *buf, uint64_t value) {
    put_big_endian(buf, value, 8);
}

enum gj_err gj_buf_check(const struct gj_buf *buf) {
    return buf->overflow ? GJ_ERR_NO_SPACE : GJ_OK;
}

struct gj_slice gj_buf_slice(const struct gj_buf *buf) {
    return (struct gj_slice){buf->ptr, buf->len};
}

/* --- reader --------------------------------------------------------------------------------------------- */

void gj_reader_init(struct gj_reader *reader, struct gj_slice in) {
    *reader = (struct gj_reader){.ptr = in.ptr, .left = in.len};
}

struct gj_slice gj_read_slice(struct gj_reader *reader, size_t len) {
    if (reader->failed || len > reader->left) {
        reader->failed = true;
        return GJ_SLICE_NONE;
    }
    struct gj_slice slice = {reader->ptr, len};
    if (len > 0) reader->ptr += len;
    reader->left -= len;
    return slice;
}

static uint64_t read_big_endian(struct gj_reader *reader, size_t bytes) {
    struct gj_slice slice = gj_read_slice(reader, bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < slice.len; i++) {
        value = value << 8 | slice.ptr[i];
    }
    return value;
}

uint8_t gj_read_u8(struct gj_reader *reader) {
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t gj_read_u16(struct gj_reader *reader) {
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t gj_read_u32(struct gj_reader *reader) {
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t gj_read_u64(struct gj_reader *reader) {
    return read_big_endian(reader, 8);
}

void gj_read_copy(struct gj_reader *reader, void *ret, size_t len) {
    struct gj_slice slice = gj_read_slice(reader, len);
    memset(ret, 0, len);
    if (slice.len > 0) memcpy(ret, slice.ptr, slice.len);
}

/* --- arena ---------------------------------------------------------------------------------------------- */

void gj_arena_init(struct gj_arena *arena, void *memory, size_t cap) {
    GJ_ASSERT((uintptr_t)memory % alignof(max_align_t) == 0);
    *arena = (struct gj_arena){.ptr = memory, .cap = cap};
}

void *gj_arena_alloc(struct gj_arena *arena, size_t size) {
    const size_t align = alignof(max_align_t);
    if (arena->overflow || size > arena->cap - arena->used) {
        arena->overflow = true;
        return NULL;
    }
    void *ptr = arena->ptr + arena->used;
    size_t rounded = (size + align - 1) / align * align;
    size_t left = arena->cap - arena->used;
    arena->used += rounded < left ? rounded : left;
    memset(ptr, 0, size);
    return ptr;
}

void *gj_arena_array(struct gj_arena *arena, size_t n, size_t size) {
    if (size != 0 && n > SIZE_MAX / size) {
        arena->overflow = true;
        return NULL;
    }
    return gj_arena_alloc(arena, n * size);
}

struct gj_slice gj_arena_copy(struct gj_arena *arena, struct gj_slice slice) {
    uint8_t *ptr = gj_arena_alloc(arena, slice.len);
    if (ptr == NULL) return GJ_SLICE_NONE;
    if (slice.len > 0) memcpy(ptr, slice.ptr, slice.len);
    return (struct gj_slice){ptr, slice.len};
}

void gj_arena_rewind(struct gj_arena *arena, size_t mark) {
    GJ_ASSERT(mark <= arena->used);
    arena->used = mark;
}

void gj_arena_reset(struct gj_arena *arena) {
    arena->used = 0;
    arena->overflow = false;
}

/* --- texts ---------------------------------------------------------------------------------------------- */

enum gj_err gj_text_from_slice(char *dst, size_t cap, struct gj_slice src) {
    dst[0] = '\0';
    if (src.len >= cap) return GJ_ERR_TOO_LARGE;
    if (src.len == 0) return GJ_OK;
    if (memchr(src.ptr, 0, src.len) != NULL) return GJ_ERR_BAD_FIELD;
    memcpy(dst, src.ptr, src.len);
    dst[src.len] = '\0';
    return GJ_OK;
}

enum gj_err gj_text_copy(char *dst, size_t cap, const char *src) {
    return gj_text_from_slice(dst, cap, gj_slice_str(src));
}

void gj_text_set(char *dst, size_t cap, const char *src) {
    enum gj_err err = gj_text_copy(dst, cap, src);
    GJ_ASSERT(err == GJ_OK);
}

bool gj_text_equal(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* --- hexadecimal ---------------------------------------------------------------------------------------- */

void gj_hex_encode(char *dst, const void *src, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = src;
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = digits[bytes[i] >> 4];
        dst[2 * i + 1] = digits[bytes[i] & 15];
    }
    dst[2 * len] = '\0';
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum gj_err gj_hex_decode(void *dst, size_t len, const char *src) {
    uint8_t *bytes = dst;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(src[2 * i]);
        int low = high < 0 ? -1 : hex_value(src[2 * i + 1]);
        if (low < 0) return GJ_ERR_BAD_FIELD;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return src[2 * len] == '\0' ? GJ_OK : GJ_ERR_BAD_FIELD;
}
