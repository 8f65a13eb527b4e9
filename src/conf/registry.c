/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: which nodes there are, their keys, which regions they serve. It must never believe a byte of
 * the file before the authority's signature over exactly these bytes has been verified.
 */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/keys.h"

#define SIGNATURE_FILE_MAX 1024
#define AUTHORITY_FILE_MAX 1024

struct draft_head {
    char network_id[33];
    uint64_t serial;
    const struct gj_yaml_node *nodes, *regions;
};

struct draft_node {
    struct gj_registry_node node;
    char url[GJ_URL_MAX + 1];
    const struct gj_yaml_node *keys;
};

struct draft_key {
    char public_key[160];
    struct gj_wall valid_from, valid_to, revoked_at;
};

static const struct gj_key head_keys[] = {
    {"network_id", GJ_KEY_TEXT, offsetof(struct draft_head, network_id), 32, 32, NULL, NULL,
     "16 bytes as hex; another network's messages are refused"},
    {"serial", GJ_KEY_U64, offsetof(struct draft_head, serial), 1, INT64_C(999999999999), NULL, NULL,
     "grows with every edition"},
    {"nodes", GJ_KEY_NODE, offsetof(struct draft_head, nodes), 0, 0, NULL, NULL, "list of nodes"},
    {"regions", GJ_KEY_NODE, offsetof(struct draft_head, regions), 0, 0, NULL, NULL, "list of regions"},
};
static const struct gj_key node_keys[] = {
    {"node", GJ_KEY_TEXT, offsetof(struct draft_node, node.node), 1, GJ_NODE_MAX, NULL, NULL, "name"},
    {"endpoint", GJ_KEY_TEXT, offsetof(struct draft_node, node.endpoint), 1, GJ_URL_MAX, NULL, NULL,
     "tcp://host:port for other nodes"},
    {"url", GJ_KEY_TEXT, offsetof(struct draft_node, url), 1, GJ_URL_MAX, NULL, NULL, "of its API"},
    {"curve_public", GJ_KEY_TEXT, offsetof(struct draft_node, node.curve_public), GJ_CURVE_KEY_TEXT,
     GJ_CURVE_KEY_TEXT, NULL, NULL, "CURVE public key, Z85"},
    {"keys", GJ_KEY_NODE, offsetof(struct draft_node, keys), 0, 0, NULL, NULL,
     "list of signing keys, old ones too"},
};
static const struct gj_key key_keys[] = {
    {"public", GJ_KEY_TEXT, offsetof(struct draft_key, public_key), 1, 159, NULL, NULL,
     "sm2:<hex> or ed25519:<hex>"},
    {"valid_from", GJ_KEY_TIME, offsetof(struct draft_key, valid_from), 0, 0, NULL, NULL,
     "first moment, UTC+08:00"},
    {"valid_to", GJ_KEY_TIME, offsetof(struct draft_key, valid_to), 0, 0, NULL, "",
     "last moment; absent: open"},
    {"revoked_at", GJ_KEY_TIME, offsetof(struct draft_key, revoked_at), 0, 0, NULL, "",
     "not valid from then on"},
};
static const struct gj_key region_keys[] = {
    {"region", GJ_KEY_TEXT, offsetof(struct gj_directory_region, region), GJ_REGION_MAX, GJ_REGION_MAX, NULL,
     NULL, "six digits"},
    {"node", GJ_KEY_TEXT, offsetof(struct gj_directory_region, node), 1, GJ_NODE_MAX, NULL, NULL,
     "the node that serves it"},
};
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

struct key_ids {
    uint8_t ids[GJ_NODES_MAX * GJ_REGISTRY_KEYS_MAX][GJ_KEY_ID_BYTES];
    size_t n;
};

struct registry {
    struct gj_registry public;
    struct gj_directory_node directory_nodes[GJ_NODES_MAX];
    struct gj_registry_node nodes[GJ_NODES_MAX];
    struct gj_directory_region regions[GJ_REGIONS_MAX];
    struct key_ids key_ids;
};

struct loading {
    const struct gj_yaml *yaml;
    struct registry *registry;
    struct gj_conf_error *error;
};

#define REFUSE(l, node, key, ...)                                                                            \
    gj_conf_fail((l)->error, GJ_ERR_BAD_CONFIG, gj_yaml_name((l)->yaml), (node)->line, key, __VA_ARGS__)

static unsigned line_of(const struct gj_yaml_node *map, const char *key) {
    const struct gj_yaml_node *node = gj_yaml_get(map, key);
    return node != NULL ? node->line : map->line;
}

static enum gj_err refuse_key(const struct loading *l, const struct gj_yaml_node *map, const char *prefix,
                              const char *key, const char *what) {
    char path[GJ_KEY_PATH_CAP];
    (void)snprintf(path, sizeof path, "%s%s", prefix, key);
    return gj_conf_fail(l->error, GJ_ERR_BAD_CONFIG, gj_yaml_name(l->yaml), line_of(map, key), path, "%s",
                        what);
}

static bool is_z85(const char *text) {
    return strspn(text,
                  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#") ==
           GJ_CURVE_KEY_TEXT;
}

static bool is_url(const char *text) {
    return (strncmp(text, "http://", 7) == 0 && text[7] != '\0') ||
           (strncmp(text, "https://", 8) == 0 && text[8] != '\0');
}

static enum gj_err check_list(const struct loading *l, const struct gj_yaml_node *list, const char *key,
                              size_t max) {
    if (list->kind != GJ_YAML_LIST) return REFUSE(l, list, key, "must be a list");
    if (list->n == 0) return REFUSE(l, list, key, "must not be empty");
    if (list->n <= max) return GJ_OK;
    return gj_conf_fail(l->error, GJ_ERR_TOO_MANY, gj_yaml_name(l->yaml), list->line, key,
                        "more than %zu entries", max);
}

static enum gj_err add_key(struct loading *l, const struct gj_yaml_node *map, const char *prefix,
                           const char *node) {
    struct draft_key draft = {.public_key = ""};
    struct gj_public_key key;
    GJ_TRY(gj_keys_read(l->yaml, map, prefix, key_keys, ROWS(key_keys), GJ_KEYS_WHOLE, &draft, l->error));
    if (gj_public_key_parse(draft.public_key, &key) != GJ_OK) {
        return refuse_key(l, map, prefix, "public", "must be sm2:<hex> or ed25519:<hex> of a public key");
    }
    if (draft.valid_to.ms != 0 && draft.valid_to.ms <= draft.valid_from.ms) {
        return refuse_key(l, map, prefix, "valid_to", "must come after valid_from");
    }
    struct key_ids *ids = &l->registry->key_ids;
    GJ_ASSERT(ids->n < ROWS(ids->ids));
    gj_public_key_id(&key, ids->ids[ids->n]);
    for (size_t i = 0; i < ids->n; i++) {
        if (memcmp(ids->ids[i], ids->ids[ids->n], GJ_KEY_ID_BYTES) != 0) continue;
        return refuse_key(l, map, prefix, "public", "has the id of another key in this registry");
    }
    ids->n++;
    enum gj_err err = gj_keyring_add(l->registry->public.keyring, node, &key, draft.valid_from,
                                     draft.valid_to, draft.revoked_at);
    return err == GJ_OK ? GJ_OK : refuse_key(l, map, prefix, "public", gj_err_text_en(err));
}

static enum gj_err check_node(const struct loading *l, const struct gj_yaml_node *map, const char *prefix,
                              const struct draft_node *draft) {
    const struct gj_registry *registry = &l->registry->public;
    const struct gj_registry_node *node = &draft->node;
    if (!gj_node_is_valid(node->node)) return refuse_key(l, map, prefix, "node", "must be of 0-9, a-z and -");
    if (!gj_text_is_endpoint(node->endpoint))
        return refuse_key(l, map, prefix, "endpoint", "must be tcp://host:port");
    if (!is_url(draft->url)) return refuse_key(l, map, prefix, "url", "must start with http:// or https://");
    if (!is_z85(node->curve_public))
        return refuse_key(l, map, prefix, "curve_public", "must be 40 characters of Z85");
    for (size_t i = 0; i < registry->n_nodes; i++) {
        const struct gj_registry_node *other = &registry->nodes[i];
        if (strcmp(other->node, node->node) == 0) return refuse_key(l, map, prefix, "node", "is here twice");
        if (strcmp(other->endpoint, node->endpoint) == 0) {
            return refuse_key(l, map, prefix, "endpoint", "is that of another node");
        }
        if (strcmp(other->curve_public, node->curve_public) == 0) {
            return refuse_key(l, map, prefix, "curve_public", "is that of another node");
        }
    }
    return check_list(l, draft->keys, "keys", GJ_REGISTRY_KEYS_MAX);
}

static enum gj_err add_node(struct loading *l, const struct gj_yaml_node *map) {
    struct gj_registry *registry = &l->registry->public;
    size_t at = registry->n_nodes;
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "nodes[%zu].", at);
    struct draft_node draft = {.keys = NULL};
    GJ_TRY(gj_keys_read(l->yaml, map, prefix, node_keys, ROWS(node_keys), GJ_KEYS_WHOLE, &draft, l->error));
    GJ_TRY(check_node(l, map, prefix, &draft));
    struct gj_directory_node *entry = &l->registry->directory_nodes[at];
    gj_text_set(entry->node, sizeof entry->node, draft.node.node);
    gj_text_set(entry->url, sizeof entry->url, draft.url);
    l->registry->nodes[at] = draft.node;
    registry->n_nodes = registry->directory.n_nodes = at + 1;
    size_t i = 0;
    for (const struct gj_yaml_node *key = draft.keys->first; key != NULL; key = key->next, i++) {
        (void)snprintf(prefix, sizeof prefix, "nodes[%zu].keys[%zu].", at, i);
        GJ_TRY(add_key(l, key, prefix, draft.node.node));
    }
    return GJ_OK;
}

static enum gj_err add_region(struct loading *l, const struct gj_yaml_node *map) {
    struct gj_directory *directory = &l->registry->public.directory;
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "regions[%zu].", directory->n_regions);
    struct gj_directory_region region = {{0}, {0}};
    GJ_TRY(
        gj_keys_read(l->yaml, map, prefix, region_keys, ROWS(region_keys), GJ_KEYS_WHOLE, &region, l->error));
    if (!gj_region_is_valid(region.region)) return refuse_key(l, map, prefix, "region", "must be six digits");
    if (gj_directory_node(directory, region.node) == NULL) {
        return refuse_key(l, map, prefix, "node", "is not among the nodes");
    }
    if (gj_directory_node_of_region(directory, region.region) != NULL) {
        return refuse_key(l, map, prefix, "region", "is here twice");
    }
    l->registry->regions[directory->n_regions++] = region;
    return GJ_OK;
}

static enum gj_err read_registry(struct loading *l) {
    static const uint8_t zero[16];
    const struct gj_yaml_node *root = gj_yaml_root(l->yaml);
    struct gj_directory *directory = &l->registry->public.directory;
    struct draft_head head = {.nodes = NULL};
    GJ_TRY(gj_keys_read(l->yaml, root, "", head_keys, ROWS(head_keys), GJ_KEYS_WHOLE, &head, l->error));
    if (gj_hex_decode(directory->network_id, 16, head.network_id) != GJ_OK ||
        memcmp(directory->network_id, zero, sizeof zero) == 0) {
        return refuse_key(l, root, "", "network_id", "must be 32 hexadecimal digits, not all zero");
    }
    directory->serial = head.serial;
    GJ_TRY(check_list(l, head.nodes, "nodes", GJ_NODES_MAX));
    GJ_TRY(check_list(l, head.regions, "regions", GJ_REGIONS_MAX));
    for (const struct gj_yaml_node *node = head.nodes->first; node != NULL; node = node->next)
        GJ_TRY(add_node(l, node));
    for (const struct gj_yaml_node *region = head.regions->first; region != NULL; region = region->next)
        GJ_TRY(add_region(l, region));
    return GJ_OK;
}

/* "<path>.sig": the signature over the exact bytes of the file, in hex. */
static enum gj_err check_signature(const char *path, struct gj_slice bytes,
                                   const struct gj_public_key *authority, struct gj_conf_error *error) {
    char sig_path[GJ_PATH_TEXT_MAX + 8], *text = NULL;
    uint8_t signature[GJ_SIGNATURE_MAX];
    size_t len = 0;
    (void)snprintf(sig_path, sizeof sig_path, "%s.sig", path);
    GJ_TRY(gj_file_read(sig_path, SIGNATURE_FILE_MAX, &text, &len, error));
    gj_text_trim_end(text);
    enum gj_err err = gj_hex_decode(signature, sizeof signature, text);
    free(text);
    if (err != GJ_OK) {
        return gj_conf_fail(error, GJ_ERR_BAD_SIGNATURE, sig_path, 1, NULL, "must be %d hexadecimal digits",
                            2 * GJ_SIGNATURE_MAX);
    }
    err = gj_verify_signature(authority, bytes, gj_slice_of(signature, sizeof signature));
    if (err == GJ_OK) return GJ_OK;
    return gj_conf_fail(error, err, sig_path, 1, NULL, "does not verify under the registry authority's key");
}

static enum gj_err set_self(struct loading *l, const char *self) {
    struct gj_directory *directory = &l->registry->public.directory;
    if (self == NULL) return GJ_OK;
    if (gj_directory_node(directory, self) == NULL) {
        return gj_conf_fail(l->error, GJ_ERR_BAD_CONFIG, gj_yaml_name(l->yaml), 0, "nodes",
                            "this node, %s, is not among them", self);
    }
    gj_text_set(directory->self, sizeof directory->self, self);
    return GJ_OK;
}

static enum gj_err load(struct loading *l, const char *self) {
    struct registry *registry = l->registry;
    registry->public.directory.nodes = registry->directory_nodes;
    registry->public.directory.regions = registry->regions;
    registry->public.nodes = registry->nodes;
    enum gj_err err = gj_keyring_new(&registry->public.keyring);
    if (err != GJ_OK) return gj_conf_fail(l->error, err, gj_yaml_name(l->yaml), 0, NULL, "no keyring");
    GJ_TRY(read_registry(l));
    return set_self(l, self);
}

/* The signature is checked over the bytes in memory, so that what is verified is what is read. */
enum gj_err gj_registry_load(const char *path, const struct gj_public_key *authority, const char *self,
                             struct gj_registry **ret, struct gj_conf_error *ret_error) {
    char *text = NULL;
    size_t len = 0;
    if (strlen(path) > GJ_PATH_TEXT_MAX)
        return gj_conf_fail(ret_error, GJ_ERR_TOO_LARGE, path, 0, NULL, "too long");
    GJ_TRY(gj_file_read(path, GJ_YAML_BYTES_MAX, &text, &len, ret_error));
    struct gj_yaml *yaml = NULL;
    enum gj_err err = check_signature(path, gj_slice_of(text, len), authority, ret_error);
    if (err == GJ_OK) err = gj_yaml_parse(path, gj_slice_of(text, len), &yaml, ret_error);
    free(text);
    if (err != GJ_OK) return err;
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        gj_yaml_free(&yaml);
        return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, path, 0, NULL, "out of memory");
    }
    struct loading loading = {.yaml = yaml, .registry = registry, .error = ret_error};
    err = load(&loading, self);
    gj_yaml_free(&yaml);
    struct gj_registry *public = &registry->public;
    if (err != GJ_OK) {
        gj_registry_free(&public);
        return err;
    }
    *ret = public;
    return GJ_OK;
}

_Static_assert(offsetof(struct registry, public) == 0, "gj_registry_free() frees the whole");

void gj_registry_free(struct gj_registry **registry_p) {
    if (*registry_p == NULL) return;
    if ((*registry_p)->keyring != NULL) gj_keyring_free(&(*registry_p)->keyring);
    free(*registry_p);
    *registry_p = NULL;
}

enum gj_err gj_authority_load(const char *path, struct gj_public_key *ret, struct gj_conf_error *ret_error) {
    char *text = NULL;
    size_t len = 0;
    GJ_TRY(gj_file_read(path, AUTHORITY_FILE_MAX, &text, &len, ret_error));
    gj_text_trim_end(text);
    enum gj_err err = gj_public_key_parse(text, ret);
    free(text);
    if (err == GJ_OK) return GJ_OK;
    return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 1, NULL,
                        "must be one line, sm2:<hex> or ed25519:<hex>");
}
