/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry, as far as a verifier of signatures needs it: who the nodes are and every key that they have or had.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "check.h"
#include "conf/yaml_tree.h"

#define KEY_BYTES_MAX 65

static bool refuse(const char *path, const char *why, const char *what) {
    (void)fprintf(stderr, "gongji-check: %s: %s %s\n", path, why, what);
    return false;
}

static const char *text_of(const struct gj_yaml_node *map, const char *key) {
    const struct gj_yaml_node *value = gj_yaml_get(map, key);
    return value == NULL ? "" : value->text;
}

bool check_registry_open(const char *path, struct check_registry *ret) {
    struct gj_conf_error error = {""};
    *ret = (struct check_registry){0};
    if (gj_yaml_load(path, &ret->yaml, &error) != GJ_OK) return refuse(path, error.text, "");
    const struct gj_yaml_node *nodes = gj_yaml_get(gj_yaml_root(ret->yaml), "nodes");
    for (const struct gj_yaml_node *at = nodes == NULL ? NULL : nodes->first; at != NULL; at = at->next) {
        const char *name = text_of(at, "node");
        if (name[0] == '\0' || strlen(name) > CHECK_NAME_MAX) return refuse(path, "a node's name:", name);
        if (ret->n == CHECK_NODES_MAX) return refuse(path, "too many nodes", "");
        memcpy(ret->names[ret->n++], name, strlen(name) + 1);
    }
    return ret->n > 0 || refuse(path, "names no node", "");
}

static bool add_key(struct ck *ck, size_t node, const char *text) {
    uint8_t bytes[KEY_BYTES_MAX];
    const char *colon = strchr(text, ':');
    if (colon == NULL) return false;
    size_t len = strlen(colon + 1) / 2;
    bool is_sm2 = strncmp(text, "sm2:", 4) == 0, is_ed25519 = strncmp(text, "ed25519:", 8) == 0;
    if (!(is_sm2 || is_ed25519) || len > sizeof bytes) return false;
    for (size_t i = 0; i < len; i++) {
        unsigned value;
        if (sscanf(colon + 1 + 2 * i, "%2x", &value) != 1) return false;
        bytes[i] = (uint8_t)value;
    }
    return ck_add_key(ck, node, is_sm2 ? 1 : 2, bytes, len);
}

bool check_registry_keys(const struct check_registry *registry, struct ck *ck) {
    const struct gj_yaml_node *nodes = gj_yaml_get(gj_yaml_root(registry->yaml), "nodes");
    const struct gj_yaml_node *at = nodes->first;
    for (size_t i = 0; i < registry->n; i++, at = at->next) {
        const struct gj_yaml_node *keys = gj_yaml_get(at, "keys");
        for (const struct gj_yaml_node *key = keys == NULL ? NULL : keys->first; key != NULL;
             key = key->next) {
            if (!add_key(ck, i, text_of(key, "public")))
                return refuse(gj_yaml_name(registry->yaml), "a key of", registry->names[i]);
        }
    }
    return true;
}

void check_registry_close(struct check_registry *registry) {
    gj_yaml_free(&registry->yaml);
}
