/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups in the directory. Linear: a country has some thirty nodes and a few hundred regions.
 */
#include "protocol/directory.h"

#include <string.h>

const struct gj_directory_node *gj_directory_node(const struct gj_directory *dir, const char *node) {
    size_t index = gj_directory_index(dir, node);
    return index == dir->n_nodes ? NULL : &dir->nodes[index];
}

size_t gj_directory_index(const struct gj_directory *dir, const char *node) {
    for (size_t i = 0; i < dir->n_nodes; i++) {
        if (gj_text_equal(dir->nodes[i].node, node)) return i;
    }
    return dir->n_nodes;
}

const char *gj_directory_node_of_region(const struct gj_directory *dir, const char *region) {
    for (size_t i = 0; i < dir->n_regions; i++) {
        if (gj_text_equal(dir->regions[i].region, region)) return dir->regions[i].node;
    }
    return NULL;
}

const char *gj_directory_node_of_sender(const struct gj_directory *dir, const char *sender) {
    const char *slash = strchr(sender, '/');
    if (slash != NULL) {
        char node[GJ_NODE_MAX + 1];
        struct gj_slice name = gj_slice_of(sender, (size_t)(slash - sender));
        if (slash[1] == '\0' || gj_text_from_slice(node, sizeof node, name) != GJ_OK) return NULL;
        const struct gj_directory_node *found = gj_directory_node(dir, node);
        return found == NULL ? NULL : found->node;
    }
    if (strlen(sender) != 12) return NULL;
    char region[GJ_REGION_MAX + 1];
    memcpy(region, sender + 1, GJ_REGION_MAX);
    region[GJ_REGION_MAX] = '\0';
    return gj_directory_node_of_region(dir, region);
}

bool gj_directory_is_self(const struct gj_directory *dir, const char *node) {
    return gj_text_equal(dir->self, node);
}
