/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads what a node needs and checks that it fits together: a node whose key is not the registry's would be
 * refused by every peer, so it is refused here, with a reason. It never creates a file.
 */
#include "node/load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/file.h"

#define TOKEN_FILE_MAX 1024
#define TOKEN_MIN      16

/* An error of another room, told with the key of the configuration that named the file. To those rooms a bad
 * key file and one that others can read are the same. */
static enum gj_err blame(const char *config, const char *key, const char *file, enum gj_err err,
                         struct gj_conf_error *ret_error) {
    if (err == GJ_OK) return GJ_OK;
    const char *why = err == GJ_ERR_BAD_CONFIG
                          ? "is not a whole key file that only its owner can read (mode 0600)"
                          : gj_err_text_en(err);
    return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, config, 0, key, "%s: %s", file, why);
}

static enum gj_err load_keys(const char *path, struct gj_loaded *ret, struct gj_conf_error *ret_error) {
    const struct gj_conf *conf = ret->conf;
    GJ_TRY(
        blame(path, "sign_key", conf->sign_key, gj_sign_key_load(conf->sign_key, &ret->sign_key), ret_error));
    GJ_TRY(
        blame(path, "data_key", conf->data_key, gj_data_key_load(conf->data_key, &ret->data_key), ret_error));
    return blame(path, "curve_key", conf->curve_key,
                 gj_curve_load(conf->curve_key, ret->curve_public, ret->curve_secret), ret_error);
}

/* Does the registry say of us what our own files say? */
static enum gj_err check_self(const char *path, const struct gj_loaded *loaded, struct gj_wall now,
                              struct gj_conf_error *ret_error) {
    const struct gj_registry_node *self = NULL;
    for (size_t i = 0; i < loaded->registry->n_nodes; i++)
        if (gj_text_equal(loaded->registry->nodes[i].node, loaded->conf->node))
            self = &loaded->registry->nodes[i];
    if (self == NULL)
        return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "node", "%s is not in the registry %s",
                            loaded->conf->node, loaded->conf->registry);
    if (!gj_text_equal(self->curve_public, loaded->curve_public))
        return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "curve_key",
                            "%s is not the key in the registry", loaded->conf->curve_key);

    struct gj_public_key key;
    struct gj_batch_head head = {0};
    gj_sign_key_public(loaded->sign_key, &key);
    gj_public_key_id(&key, head.key_id);
    head.alg = key.alg;
    gj_text_set(head.sender, sizeof head.sender, loaded->conf->node);
    if (!gj_keyring_key_valid(loaded->registry->keyring, &head, now))
        return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "sign_key",
                            "%s is not a key of %s in the registry that is valid now", loaded->conf->sign_key,
                            loaded->conf->node);
    return GJ_OK;
}

static enum gj_err load_registry(struct gj_loaded *ret, struct gj_conf_error *ret_error) {
    struct gj_public_key authority;
    GJ_TRY(gj_authority_load(ret->conf->registry_key, &authority, ret_error));
    GJ_TRY(gj_registry_load(ret->conf->registry, &authority, ret->conf->node, &ret->registry, ret_error));
    ret->peers = calloc(ret->registry->n_nodes + 1, sizeof *ret->peers);
    if (ret->peers == NULL) return GJ_ERR_NO_MEMORY;
    for (size_t i = 0; i < ret->registry->n_nodes; i++) {
        const struct gj_registry_node *node = &ret->registry->nodes[i];
        if (gj_text_equal(node->node, ret->conf->node)) continue;
        struct gj_net_peer *peer = &ret->peers[ret->n_peers++];
        gj_text_set(peer->node, sizeof peer->node, node->node);
        gj_text_set(peer->endpoint, sizeof peer->endpoint, node->endpoint);
        gj_text_set(peer->curve_public, sizeof peer->curve_public, node->curve_public);
    }
    return GJ_OK;
}

/* One word of printable ASCII, too long to be guessed. */
static bool is_token(const char *text) {
    size_t len = 0;
    while (text[len] > 0x20 && text[len] < 0x7f)
        len++;
    return text[len] == '\0' && len >= TOKEN_MIN;
}

/* A token names its caller: two with the same one could not be told apart. */
static enum gj_err check_token_is_new(const char *path, const struct gj_loaded *loaded,
                                      struct gj_conf_error *ret_error) {
    const struct gj_http_client *last = &loaded->clients[loaded->n_clients];
    for (size_t i = 0; i < loaded->n_clients; i++) {
        if (strcmp(loaded->clients[i].token, last->token) != 0) continue;
        return gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "clients.token_file",
                            "%s and %s have the same token", loaded->clients[i].name, last->name);
    }
    return GJ_OK;
}

static enum gj_err load_token(const char *path, const struct gj_conf_client *client,
                              struct gj_http_client *ret, struct gj_conf_error *ret_error) {
    struct stat status;
    char *text = NULL;
    size_t len = 0;
    GJ_TRY(gj_file_read(client->token_file, TOKEN_FILE_MAX, &text, &len, ret_error));
    gj_text_trim_end(text);
    enum gj_err err = GJ_OK;
    if (stat(client->token_file, &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        err = gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "clients.token_file",
                           "%s: others can read it", client->token_file);
    else if (!is_token(text) || gj_text_copy(ret->token, sizeof ret->token, text) != GJ_OK)
        err = gj_conf_fail(ret_error, GJ_ERR_BAD_CONFIG, path, 0, "clients.token_file",
                           "%s: must hold one token of %d to %zu characters without spaces",
                           client->token_file, TOKEN_MIN, sizeof ret->token - 1);
    gj_wipe(text, len);
    free(text);
    gj_text_set(ret->name, sizeof ret->name, client->name);
    gj_text_set(ret->senders, sizeof ret->senders, client->senders);
    ret->is_operator = client->is_operator;
    return err;
}

static enum gj_err load_clients(const char *path, struct gj_loaded *ret, struct gj_conf_error *ret_error) {
    ret->clients = calloc(ret->conf->n_clients + 1, sizeof *ret->clients);
    if (ret->clients == NULL) return GJ_ERR_NO_MEMORY;
    for (; ret->n_clients < ret->conf->n_clients; ret->n_clients++) {
        GJ_TRY(
            load_token(path, &ret->conf->clients[ret->n_clients], &ret->clients[ret->n_clients], ret_error));
        GJ_TRY(check_token_is_new(path, ret, ret_error));
    }
    return GJ_OK;
}

static enum gj_err load_all(const char *path, struct gj_wall now, struct gj_loaded *ret,
                            struct gj_conf_error *ret_error) {
    GJ_TRY(gj_conf_load(path, &ret->conf, ret_error));
    GJ_TRY(load_registry(ret, ret_error));
    GJ_TRY(load_keys(path, ret, ret_error));
    GJ_TRY(check_self(path, ret, now, ret_error));
    GJ_TRY(gj_pack_set_load(ret->conf->packs, &ret->packs, ret_error));
    return load_clients(path, ret, ret_error);
}

enum gj_err gj_load(const char *path, struct gj_wall now, struct gj_loaded *ret,
                    struct gj_conf_error *ret_error) {
    struct gj_loaded loaded = {0};
    ret_error->text[0] = '\0';
    enum gj_err err = load_all(path, now, &loaded, ret_error);
    if (err != GJ_OK) {
        if (ret_error->text[0] == '\0')
            (void)gj_conf_fail(ret_error, err, path, 0, NULL, "%s", gj_err_text_en(err));
        gj_load_done(&loaded);
        return err;
    }
    *ret = loaded;
    gj_wipe(&loaded, sizeof loaded);
    return GJ_OK;
}

void gj_load_done(struct gj_loaded *loaded) {
    if (loaded->clients != NULL) gj_wipe(loaded->clients, loaded->n_clients * sizeof *loaded->clients);
    free(loaded->clients);
    free(loaded->peers);
    gj_pack_set_free(&loaded->packs);
    gj_registry_free(&loaded->registry);
    gj_sign_key_free(&loaded->sign_key);
    gj_conf_free(&loaded->conf);
    gj_wipe(loaded, sizeof *loaded);
}
