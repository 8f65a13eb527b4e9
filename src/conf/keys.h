/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of keys: what a map in a YAML file may hold. One table reads the file into a struct, gives the
 * defaults, explains itself, and is dumped again.
 */
#ifndef GJ_CONF_KEYS_H
#define GJ_CONF_KEYS_H

#include <stdio.h>

#include "conf/file.h"
#include "conf/yaml_tree.h"

#define GJ_KEYS_MAX     64 /* rows of one table */
#define GJ_KEY_PATH_CAP 128

enum gj_key_type {
    GJ_KEY_TEXT,   /* char[max + 1]; at least min bytes */
    GJ_KEY_CHOICE, /* char[max + 1]: one of |words| */
    GJ_KEY_U64,    /* uint64_t, min to max */
    GJ_KEY_U32,    /* uint32_t, min to max */
    GJ_KEY_U16,    /* uint16_t, min to max */
    GJ_KEY_BOOL,   /* bool: true or false */
    GJ_KEY_DATE,   /* gj_date: yyyy-MM-dd; a fallback of "" is 0 */
    GJ_KEY_TIME,   /* struct gj_wall: "yyyy-MM-dd" or "yyyy-MM-dd HH:mm:ss", UTC+08:00; "" is 0 */
    GJ_KEY_FEN,    /* int64_t: yuan, whole or with two places, not negative */
    GJ_KEY_WORD,   /* an enum: the position of the word in |words| */
    GJ_KEY_NODE,   /* const struct gj_yaml_node *: a map or list that its owner reads */
    GJ_KEY_ONLY,   /* nothing is stored: the only value taken is |fallback| */
};

struct gj_key {
    const char *name; /* "http.port" is the key port in the map http */
    enum gj_key_type type;
    size_t offset;
    int64_t min, max;
    const char *const *words; /* WORD, CHOICE: NULL-terminated */
    const char *fallback;     /* used when the key is absent; NULL: the key is required */
    const char *about;        /* for people */
};

enum gj_keys_mode {
    GJ_KEYS_WHOLE,   /* absent keys get their fallback, or are missed */
    GJ_KEYS_CHANGES, /* absent keys leave |ret| as it is */
};

/* Reads |map| by the table into |ret|. |prefix| stands before each key in errors ("nodes[0]."), may be "".
 * Any key that the table does not have is refused. */
GJ_MUST_USE enum gj_err gj_keys_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map,
                                     const char *prefix, const struct gj_key *keys, size_t n,
                                     enum gj_keys_mode mode, void *ret, struct gj_conf_error *ret_error);
/* One line per key: its value out of |from|, or with |from| NULL its fallback and what it means. */
void gj_keys_print(const struct gj_key *keys, size_t n, const void *from, FILE *out);

#endif
