/* SPDX-License-Identifier: Apache-2.0
 *
 * What is the same for every driver: closing, upkeep, and handing out what was read.
 */
#include "store/driver.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

static const struct gj_driver_ops *driver_of(const struct gj_store *store) {
    /* The port is the first member, see driver.h. */
    return (const struct gj_driver_ops *)(const void *)store->ops;
}

bool gj_store_below_reserve(const struct gj_store *store) {
    return driver_of(store)->below_reserve(store);
}

void gj_store_checkpoint(struct gj_store *store) {
    GJ_ASSERT(!store->in_transaction);
    if (store->err == GJ_OK) driver_of(store)->checkpoint(store);
}

void gj_store_close(struct gj_store **store_p) {
    if (*store_p == NULL) return;
    (*store_p)->ops->close(*store_p);
    *store_p = NULL;
}

void gj_driver_fail(struct gj_store *store, enum gj_err err, const char *format, ...) {
    char detail[sizeof(store->detail)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    gj_store_fail(store, err, detail);
}

void *gj_driver_rows(struct gj_store *store, struct gj_arena *arena, size_t n, size_t size) {
    void *rows = gj_arena_array(arena, n, size);
    if (rows == NULL) gj_driver_fail(store, GJ_ERR_NO_SPACE, "no room for %zu records of %zu bytes", n, size);
    return rows;
}

struct gj_slice gj_driver_copy(struct gj_store *store, struct gj_arena *arena, struct gj_slice value) {
    if (value.len == 0) return GJ_SLICE_NONE;
    GJ_ASSERT(arena != NULL);
    struct gj_slice copy = gj_arena_copy(arena, value);
    if (copy.ptr == NULL)
        gj_driver_fail(store, GJ_ERR_NO_SPACE, "no room for a value of %zu bytes", value.len);
    return copy;
}
