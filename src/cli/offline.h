/* SPDX-License-Identifier: Apache-2.0
 *
 * A node's files, opened by a person's command instead of the daemon: configuration, registry, packs, data
 * key,
 * store, and a turn over it.
 */
#ifndef GJ_CLI_OFFLINE_H
#define GJ_CLI_OFFLINE_H

#include "cli/cli.h"
#include "conf/conf.h"
#include "domain/books.h"
#include "store/store.h"

#define GJ_OFFLINE_SCRATCH ((size_t)8 * 1024 * 1024)

struct gj_offline {
    const struct gj_args *args;
    struct gj_conf *conf;
    struct gj_registry *registry;
    struct gj_pack_set *packs;
    struct gj_data_key data_key;
    struct gj_hasher hasher;
    struct gj_store *store;
    void *scratch_memory;
    struct gj_arena scratch;
    struct gj_outbox outbox;
    struct gj_replies replies;
    struct gj_events events;
    struct gj_turn turn;
};

/* Configuration, registry and packs. On failure everything is closed and the reason has been printed.
 * Returns an exit code, as all below. */
int gj_offline_open_files(const struct gj_args *args, struct gj_offline *ret);
/* Also the data key and the store, in |mode|. */
int gj_offline_open_store(const struct gj_args *args, enum gj_store_mode mode, struct gj_offline *ret);
void gj_offline_close(struct gj_offline *offline);

#endif
