/* SPDX-License-Identifier: Apache-2.0
 *
 * How a C struct is described to code that carries it elsewhere: to msgpack (wire), to JSON (http),
 * to a table (store). One list of fields makes both the struct and its description, so that they
 * cannot disagree; see base/shape_struct.h and base/shape_desc.h for the macros of such a list.
 */
#ifndef GJ_BASE_SHAPE_H
#define GJ_BASE_SHAPE_H

#include <stddef.h>
#include <stdint.h>

enum gj_field_type {
    GJ_FIELD_U64,    /* uint64_t, min..max */
    GJ_FIELD_I64,    /* int64_t; min..max are signed values */
    GJ_FIELD_FEN,    /* int64_t, money; a yuan text at the JSON edge */
    GJ_FIELD_DATE,   /* gj_date; a "yyyy-MM-dd" text at the JSON edge; 0 is absent */
    GJ_FIELD_BOOL,   /* bool */
    GJ_FIELD_TEXT,   /* char[max + 1], NUL-terminated UTF-8; empty is absent */
    GJ_FIELD_BIN,    /* struct gj_slice, borrowed; empty is absent */
    GJ_FIELD_FIX,    /* uint8_t[max] */
    GJ_FIELD_TXID,   /* struct gj_txid, a text outside; none is absent */
    GJ_FIELD_DIGEST, /* struct gj_digest, 33 bytes outside; all zero is absent */
    GJ_FIELD_MAP,    /* a nested struct */
    GJ_FIELD_LIST,   /* T *name and uint32_t n_name: at most max entries, from an arena */
};

enum gj_field_flags {
    GJ_FIELD_REQUIRED = 1, /* absent is an error; a TEXT, BIN or DATE must not be empty */
    GJ_FIELD_MASKED = 2,   /* personal data: never logged, never shown whole */
};

struct gj_shape;

struct gj_field {
    const char *name;
    enum gj_field_type type;
    uint32_t flags;
    uint32_t offset;
    uint32_t count_offset; /* LIST only */
    int64_t min;
    int64_t max;                  /* value for numbers, bytes for TEXT, BIN, FIX, entries for LIST */
    const struct gj_shape *shape; /* MAP and LIST */
};

struct gj_shape {
    const char *name;
    size_t size;
    const struct gj_field *fields;
    uint32_t n_fields;
};

#endif
