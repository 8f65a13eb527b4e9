/* SPDX-License-Identifier: Apache-2.0
 *
 * The node's configuration. One table lists every key; whatever the table cannot say is checked below it.
 * It must never start a node on half of a file, nor open the API to a network without callers' tokens.
 */
#include "conf/conf.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/keys.h"

#define AT(field) offsetof(struct draft, conf.field)

struct draft {
    struct gj_conf conf;
    const struct gj_yaml_node *clients;
};

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

static const struct gj_key conf_keys[] = {
    {"node", GJ_KEY_TEXT, AT(node), 1, GJ_NODE_MAX, NULL, NULL, "this node's name in the registry"},
    {"store", GJ_KEY_TEXT, AT(store), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "the SQLite file; paths are relative to this file"},
    {"witness", GJ_KEY_TEXT, AT(witness), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "says how far the store was; keep it on another disk"},
    {"registry", GJ_KEY_TEXT, AT(registry), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "who is who; its signature is beside it, <registry>.sig"},
    {"registry_key", GJ_KEY_TEXT, AT(registry_key), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "public key of the registry's authority"},
    {"packs", GJ_KEY_TEXT, AT(packs), 1, GJ_PATH_TEXT_MAX, NULL, NULL, "folder of rule packs, *.yaml"},
    {"sign_key", GJ_KEY_TEXT, AT(sign_key), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "private signing key, PEM, mode 0600"},
    {"curve_key", GJ_KEY_TEXT, AT(curve_key), 1, GJ_PATH_TEXT_MAX, NULL, NULL, "CURVE key pair, mode 0600"},
    {"data_key", GJ_KEY_TEXT, AT(data_key), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "key of tokens and sealed fields, mode 0600"},
    {"listen", GJ_KEY_TEXT, AT(listen), 1, GJ_URL_MAX, NULL, NULL,
     "where other nodes connect, tcp://address:port"},
    {"http.address", GJ_KEY_TEXT, AT(http_address), 1, 63, NULL, "127.0.0.1",
     "an IP address; one that is not loopback needs clients"},
    {"http.port", GJ_KEY_U16, AT(http_port), 1, 65535, NULL, NULL, "of the API"},
    {"log.level", GJ_KEY_CHOICE, AT(log_level), 1, 7, log_levels, "info", "error, warn, info, debug"},
    {"log.format", GJ_KEY_CHOICE, AT(log_format), 1, 7, log_formats, "text",
     "text (key=value) or json, on standard error"},
    {"record_inputs", GJ_KEY_BOOL, AT(record_inputs), 0, 0, NULL, "true",
     "keep each batch's inputs, sealed, for replay"},
    {"record_days", GJ_KEY_U32, AT(record_days), 1, 36600, NULL, "366",
     "how long recorded inputs are kept; a store can be replayed from its start only as long as none is "
     "gone"},
    {"retention_years", GJ_KEY_U32, AT(retention_years), GJ_RETENTION_YEARS_MIN, GJ_RETENTION_YEARS_MAX, NULL,
     "30", "how long decided records of other nodes' transactions are kept"},
    {"drain_ms", GJ_KEY_U64, AT(drain_ms), 0, 600000, NULL, "10000",
     "how long a stopping node waits for what is undecided"},
    {"clients", GJ_KEY_NODE, offsetof(struct draft, clients), 0, 0, NULL, "",
     "callers of the API: name, token_file, senders, operator"},
};

static const struct gj_key client_keys[] = {
    {"name", GJ_KEY_TEXT, offsetof(struct gj_conf_client, name), 1, GJ_WORD_MAX, NULL, NULL, "for logs"},
    {"token_file", GJ_KEY_TEXT, offsetof(struct gj_conf_client, token_file), 1, GJ_PATH_TEXT_MAX, NULL, NULL,
     "file with the caller's token, mode 0600"},
    {"senders", GJ_KEY_TEXT, offsetof(struct gj_conf_client, senders), 1, GJ_SENDER_MAX, NULL, NULL,
     "the one sender that it may speak for, or a prefix ending in *"},
    {"operator", GJ_KEY_BOOL, offsetof(struct gj_conf_client, is_operator), 0, 0, NULL, "false",
     "the token of one person who may decide by hand; two are needed"},
};

#define N_CONF_KEYS   (sizeof conf_keys / sizeof conf_keys[0])
#define N_CLIENT_KEYS (sizeof client_keys / sizeof client_keys[0])

static unsigned line_of(const struct gj_yaml *yaml, const char *group, const char *key) {
    const struct gj_yaml_node *map = gj_yaml_root(yaml), *node;
    if (group != NULL) map = gj_yaml_get(map, group);
    node = gj_yaml_get(map, key);
    return node != NULL ? node->line : gj_yaml_root(yaml)->line;
}

static bool is_loopback(const char *address, bool *ret_is_address) {
    struct in_addr v4;
    struct in6_addr v6;
    *ret_is_address = true;
    if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address, &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    *ret_is_address = false;
    return false;
}

static bool is_senders(const char *text) {
    size_t len = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/_-");
    return text[len] == '\0' || strcmp(text + len, "*") == 0;
}

static enum gj_err check_values(const struct gj_yaml *yaml, const struct gj_conf *conf,
                                struct gj_conf_error *error) {
    const char *file = gj_yaml_name(yaml);
    if (!gj_node_is_valid(conf->node)) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, line_of(yaml, NULL, "node"), "node",
                            "must be 1 to %d of 0-9, a-z and -", GJ_NODE_MAX);
    }
    if (!gj_text_is_endpoint(conf->listen)) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, line_of(yaml, NULL, "listen"), "listen",
                            "must be tcp://address:port");
    }
    bool is_address = false;
    bool loopback = is_loopback(conf->http_address, &is_address);
    unsigned line = line_of(yaml, "http", "address");
    if (!is_address) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, line, "http.address", "must be an IP address");
    }
    if (!loopback && conf->n_clients == 0) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, line, "http.address",
                            "is not loopback: then clients with tokens are required");
    }
    return GJ_OK;
}

static enum gj_err read_client(const struct gj_yaml *yaml, const struct gj_yaml_node *node,
                               struct gj_conf *conf, struct gj_conf_error *error) {
    const char *file = gj_yaml_name(yaml);
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "clients[%zu].", conf->n_clients);
    struct gj_conf_client *client = &conf->clients[conf->n_clients];
    GJ_TRY(gj_keys_read(yaml, node, prefix, client_keys, N_CLIENT_KEYS, GJ_KEYS_WHOLE, client, error));
    if (!is_senders(client->senders)) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, gj_yaml_get(node, "senders")->line,
                            "clients.senders", "must be a sender or a prefix ending in one *");
    }
    for (size_t i = 0; i < conf->n_clients; i++) {
        if (strcmp(conf->clients[i].name, client->name) != 0) continue;
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, gj_yaml_get(node, "name")->line, "clients.name",
                            "%s is here twice", client->name);
    }
    char path[GJ_PATH_TEXT_MAX + 1];
    if (gj_path_beside(file, client->token_file, path) != GJ_OK) {
        return gj_conf_fail(error, GJ_ERR_TOO_LARGE, file, node->line, "clients.token_file",
                            "is too long a path");
    }
    gj_text_set(client->token_file, sizeof client->token_file, path);
    conf->n_clients++;
    return GJ_OK;
}

static enum gj_err read_clients(const struct gj_yaml *yaml, const struct gj_yaml_node *list,
                                struct gj_conf *conf, struct gj_conf_error *error) {
    if (list == NULL) return GJ_OK;
    const char *file = gj_yaml_name(yaml);
    if (list->kind != GJ_YAML_LIST) {
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, file, list->line, "clients", "must be a list");
    }
    if (list->n > GJ_CONF_CLIENTS_MAX) {
        return gj_conf_fail(error, GJ_ERR_TOO_MANY, file, list->line, "clients", "more than %d",
                            GJ_CONF_CLIENTS_MAX);
    }
    conf->clients = calloc(list->n + 1, sizeof conf->clients[0]);
    if (conf->clients == NULL) return gj_conf_fail(error, GJ_ERR_NO_MEMORY, file, 0, NULL, "out of memory");
    for (const struct gj_yaml_node *node = list->first; node != NULL; node = node->next)
        GJ_TRY(read_client(yaml, node, conf, error));
    return GJ_OK;
}

static bool is_same_inode(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Splits at the last slash; returns the name. */
static const char *split(const char *path, char ret_folder[GJ_PATH_TEXT_MAX + 1]) {
    const char *slash = strrchr(path, '/');
    gj_text_set(ret_folder, GJ_PATH_TEXT_MAX + 1, slash == NULL ? "." : path);
    if (slash == NULL) return path;
    ret_folder[slash - path + 1] = '\0';
    return slash + 1;
}

/* Also of files that do not exist yet: one name in one folder. */
static bool is_same_file(const char *a, const char *b) {
    char first[GJ_PATH_TEXT_MAX + 1], second[GJ_PATH_TEXT_MAX + 1];
    if (is_same_inode(a, b)) return true;
    const char *name = split(a, first);
    return strcmp(name, split(b, second)) == 0 &&
           (strcmp(first, second) == 0 || is_same_inode(first, second));
}

/* The witness is written anew after every flush: under another file's name it would destroy that file. */
static enum gj_err check_witness_is_alone(const struct gj_yaml *yaml, const struct gj_conf *conf,
                                          struct gj_conf_error *error) {
    const char *const others[] = {conf->store,    conf->registry,  conf->registry_key,
                                  conf->sign_key, conf->curve_key, conf->data_key};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (!is_same_file(conf->witness, others[i])) continue;
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, gj_yaml_name(yaml), line_of(yaml, NULL, "witness"),
                            "witness", "must be a file of its own");
    }
    return GJ_OK;
}

static enum gj_err resolve_paths(const struct gj_yaml *yaml, struct gj_conf *conf,
                                 struct gj_conf_error *error) {
    char *const paths[] = {conf->store, conf->witness,  conf->registry,  conf->registry_key,
                           conf->packs, conf->sign_key, conf->curve_key, conf->data_key};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char path[GJ_PATH_TEXT_MAX + 1];
        if (gj_path_beside(gj_yaml_name(yaml), paths[i], path) != GJ_OK) {
            return gj_conf_fail(error, GJ_ERR_TOO_LARGE, gj_yaml_name(yaml), 0, paths[i],
                                "is too long a path");
        }
        gj_text_set(paths[i], GJ_PATH_TEXT_MAX + 1, path);
    }
    return check_witness_is_alone(yaml, conf, error);
}

static enum gj_err read_conf(const struct gj_yaml *yaml, struct draft *draft, struct gj_conf_error *error) {
    GJ_TRY(gj_keys_read(yaml, gj_yaml_root(yaml), "", conf_keys, N_CONF_KEYS, GJ_KEYS_WHOLE, draft, error));
    GJ_TRY(read_clients(yaml, draft->clients, &draft->conf, error));
    GJ_TRY(check_values(yaml, &draft->conf, error));
    return resolve_paths(yaml, &draft->conf, error);
}

enum gj_err gj_conf_load(const char *path, struct gj_conf **ret, struct gj_conf_error *ret_error) {
    struct gj_yaml *yaml = NULL;
    GJ_TRY(gj_yaml_load(path, &yaml, ret_error));
    struct draft *draft = calloc(1, sizeof *draft); /* conf is its first member: freed as conf */
    if (draft == NULL) {
        gj_yaml_free(&yaml);
        return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, path, 0, NULL, "out of memory");
    }
    enum gj_err err = read_conf(yaml, draft, ret_error);
    draft->clients = NULL;
    gj_yaml_free(&yaml);
    struct gj_conf *conf = &draft->conf;
    if (err != GJ_OK) {
        gj_conf_free(&conf);
        return err;
    }
    *ret = conf;
    return GJ_OK;
}

_Static_assert(offsetof(struct draft, conf) == 0, "gj_conf_free() frees the draft");

void gj_conf_free(struct gj_conf **conf_p) {
    if (*conf_p == NULL) return;
    free((*conf_p)->clients);
    free(*conf_p);
    *conf_p = NULL;
}

void gj_conf_dump(const struct gj_conf *conf, FILE *out) {
    gj_keys_print(conf_keys, N_CONF_KEYS, conf, out);
    if (conf == NULL) return;
    for (size_t i = 0; i < conf->n_clients; i++) {
        const struct gj_conf_client *client = &conf->clients[i];
        fprintf(out, "%s  - {name: \"%s\", token_file: \"%s\", senders: \"%s\", operator: %s}\n",
                i == 0 ? "clients:\n" : "", client->name, client->token_file, client->senders,
                client->is_operator ? "true" : "false");
    }
}
