/* SPDX-License-Identifier: Apache-2.0
 *
 * A store in front of a memory store: it tells the checker what becomes durable, fails a flush at the record that a
 * story names, and is full when a story says so.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "stage.h"
#include "store/driver.h"

struct disk {
    struct gj_store head;
    struct gj_store *inner;
    struct stage *stage;
    size_t node;
    bool has_met; /* this transaction writes the record at which the node shall die */
};

static struct disk *of(struct gj_store *store) {
    return (struct disk *)store;
}

static void latch(struct disk *disk) {
    if (disk->inner->err != GJ_OK) gj_store_fail(&disk->head, disk->inner->err, disk->inner->detail);
}

static bool do_get(struct gj_store *store, const struct gj_table *table, void *rec, struct gj_arena *arena) {
    bool found = gj_store_get(of(store)->inner, table, rec, arena);
    latch(of(store));
    return found;
}

/* The value of the record's field `state`; "" if it has none. */
static const char *state_of(const struct gj_table *table, const void *rec) {
    for (uint32_t i = 0; i < table->shape->n_fields; i++) {
        const struct gj_field *field = &table->shape->fields[i];
        if (field->type == GJ_FIELD_TEXT && strcmp(field->name, "state") == 0)
            return (const char *)rec + field->offset;
    }
    return "";
}

static void do_put(struct gj_store *store, const struct gj_table *table, const void *rec) {
    struct disk *disk = of(store);
    const struct stage_node *node = &disk->stage->nodes[disk->node];
    gj_store_put(disk->inner, table, rec);
    latch(disk);
    if (store->err != GJ_OK) return;
    ck_put(disk->stage->ck, disk->node, table, rec);
    bool is_blow = node->blow == STAGE_BEFORE_FLUSH || node->blow == STAGE_AFTER_FLUSH;
    if (is_blow && strcmp(table->name, node->blow_table) == 0 &&
        strcmp(state_of(table, rec), node->blow_state) == 0)
        disk->has_met = true;
}

static bool do_del(struct gj_store *store, const struct gj_table *table, const void *rec) {
    bool found = gj_store_del(of(store)->inner, table, rec);
    latch(of(store));
    if (found) ck_del(of(store)->stage->ck, of(store)->node, table, rec);
    return found;
}

static void do_find(struct gj_store *store, const struct gj_table *table, const struct gj_index *index,
                    const void *rec, uint32_t n_match, const void *after, size_t limit,
                    struct gj_arena *arena, struct gj_rows *ret) {
    const char *name = index == NULL ? NULL : index->name;
    gj_store_find(of(store)->inner, table, name, rec, n_match, after, limit, arena, ret);
    latch(of(store));
}

static void do_begin(struct gj_store *store) {
    struct disk *disk = of(store);
    store->err = GJ_OK;
    store->writes = 0;
    store->in_transaction = true;
    disk->has_met = false;
    disk->inner->ops->begin(disk->inner);
    ck_begin(disk->stage->ck, disk->node);
    latch(disk);
}

static void undo(struct disk *disk) {
    disk->inner->ops->rollback(disk->inner);
    ck_rollback(disk->stage->ck, disk->node);
}

static enum gj_err fail(struct disk *disk, enum gj_err err, const char *why) {
    gj_store_fail(&disk->head, err, why);
    return err;
}

/* The node dies at this flush: what it wrote is lost, or kept and never heard of. */
static enum gj_err die(struct disk *disk) {
    struct stage_node *node = &disk->stage->nodes[disk->node];
    bool is_kept = node->blow == STAGE_AFTER_FLUSH;
    stage_say(disk->stage, "%s dies %s it has written %s", disk->stage->names[disk->node],
              is_kept ? "after" : "before", node->blow_state);
    node->blow = STAGE_NO_BLOW;
    disk->has_met = false;
    if (!is_kept) {
        undo(disk);
    } else {
        GJ_ASSERT(disk->inner->ops->commit(disk->inner) == GJ_OK);
        ck_commit(disk->stage->ck, disk->node);
    }
    return fail(disk, GJ_ERR_STORE, "the story says so");
}

static enum gj_err do_commit(struct gj_store *store) {
    struct disk *disk = of(store);
    enum gj_err latched = store->err;
    store->in_transaction = false;
    if (latched != GJ_OK) {
        undo(disk);
        return latched;
    }
    if (disk->has_met) return die(disk);
    if (disk->stage->nodes[disk->node].is_full && store->writes > 0) {
        undo(disk);
        return fail(disk, GJ_ERR_STORE_FULL, "the story says so");
    }
    enum gj_err err = disk->inner->ops->commit(disk->inner);
    if (err == GJ_OK) {
        ck_commit(disk->stage->ck, disk->node);
    } else {
        ck_rollback(disk->stage->ck, disk->node);
    }
    return err;
}

static void do_rollback(struct gj_store *store) {
    store->in_transaction = false;
    store->err = GJ_OK;
    undo(of(store));
}

static void do_close(struct gj_store *store) {
    gj_store_close(&of(store)->inner);
    free(store);
}

static bool do_below_reserve(const struct gj_store *store) {
    const struct disk *disk = (const struct disk *)store;
    return disk->stage->nodes[disk->node].is_low;
}

static void do_checkpoint(struct gj_store *store) {
    gj_store_checkpoint(of(store)->inner);
}

static const struct gj_driver_ops ops = {.port = {.get = do_get,
                                                  .put = do_put,
                                                  .del = do_del,
                                                  .find = do_find,
                                                  .begin = do_begin,
                                                  .commit = do_commit,
                                                  .rollback = do_rollback,
                                                  .close = do_close},
                                         .below_reserve = do_below_reserve,
                                         .checkpoint = do_checkpoint};

struct gj_store *stage_disk_wrap(void *ctx, size_t node, struct gj_store *inner) {
    struct disk *disk = calloc(1, sizeof *disk);
    GJ_ASSERT(disk != NULL);
    disk->head.ops = &ops.port;
    disk->inner = inner;
    disk->stage = ctx;
    disk->node = node;
    return &disk->head;
}

struct gj_store *stage_disk_inner(struct gj_store *wrapped) {
    return of(wrapped)->inner;
}
