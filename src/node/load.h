/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that a node reads before it starts: configuration, registry, keys, packs, callers' tokens. All of
 * it is checked, and that the parts belong together, before anything is opened.
 */
#ifndef GJ_NODE_LOAD_H
#define GJ_NODE_LOAD_H

#include "conf/conf.h"
#include "http/http.h"
#include "net/net.h"

struct gj_loaded {
    struct gj_conf *conf;
    struct gj_registry *registry;
    struct gj_pack_set *packs;
    struct gj_sign_key *sign_key;
    struct gj_data_key data_key;
    char curve_public[GJ_CURVE_TEXT + 1];
    char curve_secret[GJ_CURVE_TEXT + 1];
    struct gj_net_peer *peers; /* all other nodes */
    size_t n_peers;
    struct gj_http_client *clients;
    size_t n_clients;
};

/* |now| for the validity of our own key. On an error |ret_error| says where and what. */
GJ_MUST_USE enum gj_err gj_load(const char *path, struct gj_wall now, struct gj_loaded *ret,
                                struct gj_conf_error *ret_error);
/* Wipes the secrets. */
void gj_load_done(struct gj_loaded *loaded);

#endif
