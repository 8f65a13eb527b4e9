/* SPDX-License-Identifier: Apache-2.0
 *
 * What a driver is beyond the port: the upkeep that the engine asks of a store and the pure rooms never see.
 * For the files of this room only.
 */
#ifndef GJ_STORE_DRIVER_H
#define GJ_STORE_DRIVER_H

#include "store/store.h"

struct gj_driver_ops {
    struct gj_store_ops port;
    bool (*below_reserve)(const struct gj_store *store);
    void (*checkpoint)(struct gj_store *store);
};

/* Every driver's store begins with a gj_store whose |ops| is the |port| of its gj_driver_ops. */

/* Latches |err| with a text made like printf's. */
__attribute__((format(printf, 3, 4))) void gj_driver_fail(struct gj_store *store, enum gj_err err,
                                                          const char *format, ...);

/* An array of |n| records of |size| in |arena|. If it does not fit, the store fails with GJ_ERR_NO_SPACE. */
void *gj_driver_rows(struct gj_store *store, struct gj_arena *arena, size_t n, size_t size);

/* A copy of a BIN value in |arena|; likewise. An empty value is GJ_SLICE_NONE and needs no arena. */
struct gj_slice gj_driver_copy(struct gj_store *store, struct gj_arena *arena, struct gj_slice value);

#endif
