/* SPDX-License-Identifier: Apache-2.0
 *
 * The faulty store: every call goes to the inner one, whose error latches here too.
 */
#include "support/faulty_store.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/driver.h"

struct wrapper {
    struct gj_store head;
    struct gj_store *inner;
    struct gj_faulty *faulty;
};

static struct wrapper *of(struct gj_store *store) {
    return (struct wrapper *)store;
}

static void latch(struct wrapper *wrapper) {
    if (wrapper->inner->err != GJ_OK)
        gj_store_fail(&wrapper->head, wrapper->inner->err, wrapper->inner->detail);
}

/* Counts a call; true if it is the one that fails. */
static bool fails(struct gj_store *store) {
    struct gj_faulty *faulty = of(store)->faulty;
    if (++faulty->calls != faulty->fail_at_call) return false;
    gj_store_fail(store, faulty->fault, "as the test asked");
    return true;
}

static bool do_get(struct gj_store *store, const struct gj_table *table, void *rec, struct gj_arena *arena) {
    if (fails(store)) return false;
    bool found = gj_store_get(of(store)->inner, table, rec, arena);
    latch(of(store));
    return found;
}

static void do_put(struct gj_store *store, const struct gj_table *table, const void *rec) {
    if (fails(store)) return;
    gj_store_put(of(store)->inner, table, rec);
    latch(of(store));
}

static bool do_del(struct gj_store *store, const struct gj_table *table, const void *rec) {
    if (fails(store)) return false;
    bool found = gj_store_del(of(store)->inner, table, rec);
    latch(of(store));
    return found;
}

static void do_find(struct gj_store *store, const struct gj_table *table, const struct gj_index *index,
                    const void *rec, uint32_t n_match, const void *after, size_t limit,
                    struct gj_arena *arena, struct gj_rows *ret) {
    if (fails(store)) return;
    const char *name = index == NULL ? NULL : index->name;
    gj_store_find(of(store)->inner, table, name, rec, n_match, after, limit, arena, ret);
    latch(of(store));
}

static void do_begin(struct gj_store *store) {
    store->err = GJ_OK;
    store->writes = 0;
    store->in_transaction = true;
    of(store)->inner->ops->begin(of(store)->inner);
    latch(of(store));
    (void)fails(store);
}

static bool is_due(struct gj_faulty *faulty) {
    if (faulty->commits_until_fault == 0) return false;
    if (--faulty->commits_until_fault > 0) return false;
    if (faulty->faults > 1) {
        faulty->faults--;
        faulty->commits_until_fault = 1;
    }
    return true;
}

static enum gj_err do_commit(struct gj_store *store) {
    struct wrapper *wrapper = of(store);
    store->in_transaction = false;
    wrapper->faulty->commits++;
    if (fails(store) || store->err != GJ_OK) {
        enum gj_err err = store->err;
        wrapper->inner->ops->rollback(wrapper->inner);
        return err;
    }
    if (!is_due(wrapper->faulty)) return wrapper->inner->ops->commit(wrapper->inner);
    enum gj_err kept = GJ_OK;
    if (wrapper->faulty->keeps_commit)
        kept = wrapper->inner->ops->commit(wrapper->inner);
    else
        wrapper->inner->ops->rollback(wrapper->inner);
    GJ_ASSERT(kept == GJ_OK);
    gj_store_fail(store, wrapper->faulty->fault, "as the test asked");
    return wrapper->faulty->fault;
}

static void do_rollback(struct gj_store *store) {
    store->in_transaction = false;
    store->err = GJ_OK;
    of(store)->faulty->rollbacks++;
    of(store)->inner->ops->rollback(of(store)->inner);
}

static void do_close(struct gj_store *store) {
    free(store);
}

static bool do_below_reserve(const struct gj_store *store) {
    const struct wrapper *wrapper = (const struct wrapper *)store;
    return wrapper->faulty->is_below_reserve || gj_store_below_reserve(wrapper->inner);
}

static void do_checkpoint(struct gj_store *store) {
    gj_store_checkpoint(of(store)->inner);
}

static const struct gj_driver_ops wrapper_ops = {.port = {.get = do_get,
                                                          .put = do_put,
                                                          .del = do_del,
                                                          .find = do_find,
                                                          .begin = do_begin,
                                                          .commit = do_commit,
                                                          .rollback = do_rollback,
                                                          .close = do_close},
                                                 .below_reserve = do_below_reserve,
                                                 .checkpoint = do_checkpoint};

struct gj_store *gj_faulty_store_new(struct gj_store *inner, struct gj_faulty *faulty) {
    struct wrapper *wrapper = calloc(1, sizeof *wrapper);
    GJ_ASSERT(wrapper != NULL);
    wrapper->head.ops = &wrapper_ops.port;
    wrapper->inner = inner;
    wrapper->faulty = faulty;
    return &wrapper->head;
}
