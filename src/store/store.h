/* SPDX-License-Identifier: Apache-2.0
 *
 * Drivers of the store port (base/store.h). Both keep the same contract; tests/store runs one suite on both.
 */
#ifndef GJ_STORE_STORE_H
#define GJ_STORE_STORE_H

#include "base/store.h"

/* Below this much free room on the store's file system new work is refused; the rest serves decisions. */
#define GJ_STORE_RESERVE_BYTES (UINT64_C(64) * 1024 * 1024)

/* A list of all tables that the node keeps, in the order of creation. */
struct gj_catalogue {
    const struct gj_table *const *tables;
    size_t n;
};
/* The tables of protocol and domain, and the store's own. */
const struct gj_catalogue *gj_store_catalogue(void);

/* In memory; gone with the process. */
GJ_MUST_USE enum gj_err gj_store_open_memory(const struct gj_catalogue *catalogue, struct gj_store **ret);
/* A deep copy, for a simulated restart or backup. Not inside a transaction. */
GJ_MUST_USE enum gj_err gj_store_clone_memory(struct gj_store *store, struct gj_store **ret);

enum gj_store_mode { GJ_STORE_CREATE, GJ_STORE_WRITE, GJ_STORE_READ };
/* CREATE refuses an existing file, WRITE and READ a missing one. WRITE takes an exclusive lock on
 * "<path>.lock" (GJ_ERR_STORE_LOCKED), applies missing migrations, and refuses a store of a newer
 * version (GJ_ERR_STORE_NEWER). |ret_detail| (200 bytes, may be NULL) says in words what is wrong. */
GJ_MUST_USE enum gj_err gj_store_open_sqlite(const char *path, enum gj_store_mode mode,
                                             const struct gj_catalogue *catalogue, struct gj_store **ret,
                                             char *ret_detail);
/* Bytes free on the file system below the reserve? Then new work is refused with STORE_FULL. */
bool gj_store_below_reserve(const struct gj_store *store);
/* Whole pages go back into the main file; the engine calls it when idle. */
void gj_store_checkpoint(struct gj_store *store);
void gj_store_close(struct gj_store **store_p);

#endif
