/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens a node's files for a command (offline.h). It must never open a store for writing beside a running
 * node:
 * the store's lock says so, and nothing here goes round it.
 */
#include "cli/offline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct gj_now read_clocks(void) {
    struct timespec mono = {0}, wall = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct gj_now){{(int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000},
                           {(int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000}};
}

int gj_offline_open_files(const struct gj_args *args, struct gj_offline *ret) {
    struct gj_conf_error error = {""};
    struct gj_public_key authority;
    *ret = (struct gj_offline){.args = args};
    enum gj_err err = gj_conf_load(args->value[GJ_OPTION_CONFIG], &ret->conf, &error);
    if (err == GJ_OK) err = gj_authority_load(ret->conf->registry_key, &authority, &error);
    if (err == GJ_OK) {
        err = gj_registry_load(ret->conf->registry, &authority, ret->conf->node, &ret->registry, &error);
    }
    if (err == GJ_OK) err = gj_pack_set_load(ret->conf->packs, &ret->packs, &error);
    if (err == GJ_OK) return GJ_EXIT_OK;
    gj_offline_close(ret);
    return gj_cli_fail(args, err, error.text);
}

static void make_turn(struct gj_offline *offline) {
    gj_arena_init(&offline->scratch, offline->scratch_memory, GJ_OFFLINE_SCRATCH);
    offline->hasher = gj_crypto_hasher(&offline->data_key);
    offline->turn = (struct gj_turn){.store = offline->store,
                                     .now = read_clocks(),
                                     .scratch = &offline->scratch,
                                     .batch = &offline->scratch,
                                     .outbox = &offline->outbox,
                                     .replies = &offline->replies,
                                     .events = &offline->events,
                                     .hasher = &offline->hasher};
    gj_random_bytes(offline->turn.seed, sizeof offline->turn.seed);
}

int gj_offline_open_store(const struct gj_args *args, enum gj_store_mode mode, struct gj_offline *ret) {
    int code = gj_offline_open_files(args, ret);
    if (code != GJ_EXIT_OK) return code;
    char detail[200] = "";
    const char *what = ret->conf->data_key;
    enum gj_err err = gj_data_key_load(ret->conf->data_key, &ret->data_key);
    if (err == GJ_OK) {
        what = ret->conf->store;
        err = gj_store_open_sqlite(ret->conf->store, mode, gj_store_catalogue(), &ret->store, detail);
    }
    if (err == GJ_OK && (ret->scratch_memory = malloc(GJ_OFFLINE_SCRATCH)) == NULL) err = GJ_ERR_NO_MEMORY;
    if (err == GJ_OK) {
        make_turn(ret);
        return GJ_EXIT_OK;
    }
    struct gj_conf_error text;
    (void)snprintf(text.text, sizeof text.text, "%.280s: %.200s", what,
                   detail[0] != '\0' ? detail : gj_err_text_en(err));
    gj_offline_close(ret);
    return gj_cli_fail(args, err, text.text);
}

void gj_offline_close(struct gj_offline *offline) {
    if (offline->store != NULL) gj_store_close(&offline->store);
    free(offline->scratch_memory);
    offline->scratch_memory = NULL;
    gj_pack_set_free(&offline->packs);
    gj_registry_free(&offline->registry);
    gj_conf_free(&offline->conf);
    gj_wipe(&offline->data_key, sizeof offline->data_key);
}
