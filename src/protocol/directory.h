/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of the registry that the pure rooms need: which nodes exist, which node a region and a
 * sender belong to. Plain constant data, filled by conf from the signed registry.
 */
#ifndef GJ_PROTOCOL_DIRECTORY_H
#define GJ_PROTOCOL_DIRECTORY_H

#include "base/bytes.h"
#include "base/ids.h"

#define GJ_URL_MAX 199

struct gj_directory_node {
    char node[GJ_NODE_MAX + 1];
    char url[GJ_URL_MAX + 1]; /* of its API, for a client that asked the wrong node */
};

struct gj_directory_region {
    char region[GJ_REGION_MAX + 1];
    char node[GJ_NODE_MAX + 1];
};

struct gj_directory {
    char self[GJ_NODE_MAX + 1];
    uint8_t network_id[16];
    uint64_t serial;
    const struct gj_directory_node *nodes;
    size_t n_nodes;
    const struct gj_directory_region *regions;
    size_t n_regions;
};

/* NULL if the registry does not know it. Borrowed from the directory. */
const struct gj_directory_node *gj_directory_node(const struct gj_directory *dir, const char *node);
const char *gj_directory_node_of_region(const struct gj_directory *dir, const char *region);
/* A fixmedins_code (letter, six digits of region, five) belongs to its region's node; "node/channel"
 * to that node. NULL for anything else. */
const char *gj_directory_node_of_sender(const struct gj_directory *dir, const char *sender);
bool gj_directory_is_self(const struct gj_directory *dir, const char *node);
/* Position of |node| in dir->nodes, or dir->n_nodes. */
size_t gj_directory_index(const struct gj_directory *dir, const char *node);

#endif
