/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule packs out of parsed YAML. Inside conf, and for whoever carries packs in files of his own.
 */
#ifndef GJ_CONF_PACKS_H
#define GJ_CONF_PACKS_H

#include "conf/conf.h"
#include "conf/yaml_tree.h"

/* A whole pack out of |map|: what must be there is there, and nothing in it contradicts the rest. The
 * digest is
 * left zero. GJ_ERR_NOT_SUPPORTED for a rule that this version cannot follow, else as gj_pack_load(). */
GJ_MUST_USE enum gj_err gj_pack_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map,
                                     struct gj_pack *ret, struct gj_conf_error *ret_error);
/* Only what |map| says, on top of |pack|; then the same checks. */
GJ_MUST_USE enum gj_err gj_pack_change(const struct gj_yaml *yaml, const struct gj_yaml_node *map,
                                       struct gj_pack *pack, struct gj_conf_error *ret_error);

/* Where in its file a pack says what may clash with another file. */
struct gj_pack_lines {
    unsigned id, valid_from;
};
GJ_MUST_USE enum gj_err gj_pack_load_lines(const char *path, struct gj_pack *ret,
                                           struct gj_pack_lines *ret_lines, struct gj_conf_error *ret_error);

#endif
