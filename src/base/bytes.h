/* SPDX-License-Identifier: Apache-2.0
 *
 * Borrowed slices, bounded buffers, and the arena that serves one event.
 * A slice never owns. A buffer writes into its caller's memory and latches its overflow: write
 * all, then check once. An arena hands out memory until the event is over; it never frees.
 */
#ifndef GJ_BASE_BYTES_H
#define GJ_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gj_slice {
    const uint8_t *ptr;
    size_t len;
};

#define GJ_SLICE_NONE ((struct gj_slice){NULL, 0})
/* A string literal without its NUL. */
#define GJ_SLICE_LIT(lit) ((struct gj_slice){(const uint8_t *)(lit), sizeof(lit) - 1})

struct gj_slice gj_slice_of(const void *ptr, size_t len);
struct gj_slice gj_slice_str(const char *text);
bool gj_slice_equal(struct gj_slice a, struct gj_slice b);
int gj_slice_compare(struct gj_slice a, struct gj_slice b);

struct gj_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    bool overflow; /* latched: something did not fit; len stays at the last whole write */
};

/* |memory| of |cap| bytes is borrowed for the buffer's life. */
void gj_buf_init(struct gj_buf *buf, void *memory, size_t cap);
void gj_buf_put(struct gj_buf *buf, const void *ptr, size_t len);
void gj_buf_put_slice(struct gj_buf *buf, struct gj_slice slice);
void gj_buf_put_u8(struct gj_buf *buf, uint8_t value);
void gj_buf_put_u16(struct gj_buf *buf, uint16_t value); /* big-endian, as all below */
void gj_buf_put_u32(struct gj_buf *buf, uint32_t value);
void gj_buf_put_u64(struct gj_buf *buf, uint64_t value);
/* GJ_ERR_NO_SPACE if anything overflowed. */
GJ_MUST_USE enum gj_err gj_buf_check(const struct gj_buf *buf);
struct gj_slice gj_buf_slice(const struct gj_buf *buf);

/* Error-latching reader of big-endian fields. After the first short read everything is zero or
 * empty and |failed| is set: read all, then check once. */
struct gj_reader {
    const uint8_t *ptr;
    size_t left;
    bool failed;
};

void gj_reader_init(struct gj_reader *reader, struct gj_slice in);
uint8_t gj_read_u8(struct gj_reader *reader);
uint16_t gj_read_u16(struct gj_reader *reader);
uint32_t gj_read_u32(struct gj_reader *reader);
uint64_t gj_read_u64(struct gj_reader *reader);
struct gj_slice gj_read_slice(struct gj_reader *reader, size_t len); /* borrowed from the input */
void gj_read_copy(struct gj_reader *reader, void *ret, size_t len);

struct gj_arena {
    uint8_t *ptr;
    size_t used;
    size_t cap;
    bool overflow; /* latched, as in gj_buf */
};

void gj_arena_init(struct gj_arena *arena, void *memory, size_t cap);
/* Zeroed, aligned for any type; NULL and latched when the arena is full. size 0 gives a valid pointer. */
void *gj_arena_alloc(struct gj_arena *arena, size_t size);
/* n * size with an overflow check. */
void *gj_arena_array(struct gj_arena *arena, size_t n, size_t size);
/* A copy; {NULL,0} and latched when full. */
struct gj_slice gj_arena_copy(struct gj_arena *arena, struct gj_slice slice);
void gj_arena_reset(struct gj_arena *arena);
/* Gives back all that was handed out since arena->used was |mark|. A latched overflow stays. */
void gj_arena_rewind(struct gj_arena *arena, size_t mark);

/* Copies a NUL-terminated text of at most cap-1 bytes; a longer one is refused with GJ_ERR_TOO_LARGE
 * and |dst| is left empty. */
GJ_MUST_USE enum gj_err gj_text_copy(char *dst, size_t cap, const char *src);
/* For texts whose limit was checked before: asserts that it fits. */
void gj_text_set(char *dst, size_t cap, const char *src);
bool gj_text_equal(const char *a, const char *b);
/* |len| bytes without NUL into a terminated text. GJ_ERR_TOO_LARGE, GJ_ERR_BAD_FIELD for an inner NUL. */
GJ_MUST_USE enum gj_err gj_text_from_slice(char *dst, size_t cap, struct gj_slice src);

/* Lower-case hexadecimal; |dst| has room for 2*len+1. */
void gj_hex_encode(char *dst, const void *src, size_t len);
/* Exactly 2*len hexadecimal digits, either case. GJ_ERR_BAD_FIELD otherwise. */
GJ_MUST_USE enum gj_err gj_hex_decode(void *dst, size_t len, const char *src);

#endif
