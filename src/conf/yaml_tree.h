/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML file as a small tree in which every node knows its line. Strict on purpose: one document, no
 * anchors, aliases, tags or keys that are not plain texts, no key twice, and limits on size and depth.
 * Every scalar stays a text: whoever reads it says what it must be, so that no "no" becomes false.
 */
#ifndef GJ_CONF_YAML_TREE_H
#define GJ_CONF_YAML_TREE_H

#include "base/bytes.h"
#include "conf/conf.h"

#define GJ_YAML_BYTES_MAX  ((size_t)1024 * 1024)
#define GJ_YAML_NODES_MAX  65536u
#define GJ_YAML_DEPTH_MAX  12u
#define GJ_YAML_KEYS_MAX   256u /* in one map */
#define GJ_YAML_SCALAR_MAX 4096u

enum gj_yaml_kind { GJ_YAML_SCALAR, GJ_YAML_MAP, GJ_YAML_LIST };

struct gj_yaml_node {
    enum gj_yaml_kind kind;
    unsigned line;    /* from 1: of the key in a map, of the first character elsewhere */
    bool quoted;      /* a scalar in quotes */
    const char *key;  /* in a map; NULL elsewhere */
    const char *text; /* of a scalar; "" elsewhere */
    size_t n;         /* children */
    const struct gj_yaml_node *first, *next;
};

struct gj_yaml;

/* GJ_ERR_NOT_FOUND, GJ_ERR_IO, GJ_ERR_TOO_LARGE, GJ_ERR_TOO_DEEP, GJ_ERR_TOO_MANY, GJ_ERR_BAD_CONFIG. */
GJ_MUST_USE enum gj_err gj_yaml_load(const char *path, struct gj_yaml **ret, struct gj_conf_error *ret_error);
/* |bytes| are copied; |name| stands for the file in errors. */
GJ_MUST_USE enum gj_err gj_yaml_parse(const char *name, struct gj_slice bytes, struct gj_yaml **ret,
                                      struct gj_conf_error *ret_error);
void gj_yaml_free(struct gj_yaml **yaml_p);
const struct gj_yaml_node *gj_yaml_root(const struct gj_yaml *yaml);
const char *gj_yaml_name(const struct gj_yaml *yaml);
/* The exact bytes of the file, for digests and signatures. */
struct gj_slice gj_yaml_bytes(const struct gj_yaml *yaml);
/* The value of |key| in a map; NULL if there is none or |map| is none. */
const struct gj_yaml_node *gj_yaml_get(const struct gj_yaml_node *map, const char *key);

#endif
