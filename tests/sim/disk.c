/* SPDX-License-Identifier: Apache-2.0
 *
 * A store in front of a real one: it tells the checker what becomes durable, and it fails when the seed says so.
 */
#include <stdlib.h>

#include "base/check.h"
#include "sim.h"
#include "store/driver.h"
#include "store/sqlite.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define CUT_WITHIN  10u /* writes and syncs: a commit has about as many */
#define STOP_WITHIN 24u /* and the checkpoint at the end of a service */

struct disk {
    struct gj_store head;
    struct gj_store *inner;
    struct sim *sim;
    size_t node;
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

static void do_put(struct gj_store *store, const struct gj_table *table, const void *rec) {
    gj_store_put(of(store)->inner, table, rec);
    latch(of(store));
    if (store->err == GJ_OK) ck_put(of(store)->sim->ck, of(store)->node, table, rec);
}

static bool do_del(struct gj_store *store, const struct gj_table *table, const void *rec) {
    bool found = gj_store_del(of(store)->inner, table, rec);
    latch(of(store));
    if (found) ck_del(of(store)->sim->ck, of(store)->node, table, rec);
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
    store->err = GJ_OK;
    store->writes = 0;
    store->in_transaction = true;
    of(store)->inner->ops->begin(of(store)->inner);
    ck_begin(of(store)->sim->ck, of(store)->node);
    latch(of(store));
}

static enum gj_err fail(struct disk *disk, enum gj_err err) {
    gj_store_fail(&disk->head, err, "the seed says so");
    return err;
}

static enum gj_err commit_inner(struct disk *disk) {
    enum gj_err err = disk->inner->ops->commit(disk->inner);
    const struct sim_node *node = &disk->sim->nodes[disk->node];
    if (err == GJ_OK) {
        if (!sim_disk_is_sound(disk->sim, disk->node))
            ck_fail(disk->sim->ck, "I4", disk->node, NULL, "a sync has failed, and the process goes on");
        ck_commit(disk->sim->ck, disk->node);
    } else if (err == GJ_ERR_STORE && node->disk != NULL) {
        ck_doubt(disk->sim->ck, disk->node); /* the disk will tell */
    } else {
        ck_rollback(disk->sim->ck, disk->node);
    }
    return err;
}

/* The power fails somewhere in this commit or soon after it, or its sync does. */
static enum gj_err commit_in_danger(struct disk *disk) {
    struct sim *sim = disk->sim;
    struct crash_disk *real = sim->nodes[disk->node].disk;
    bool sync_fails = sim_below(sim, SIM_SQLITE, 4) == 0;
    sim_say(sim, "%s: %s", sim_node_name(disk->node),
            sync_fails ? "a sync fails" : "the power will fail soon");
    if (sync_fails) crash_disk_fail_sync(real);
    if (!sync_fails) crash_disk_cut_at(real, 1 + (unsigned)sim_below(sim, SIM_SQLITE, CUT_WITHIN));
    return commit_inner(disk);
}

static enum sim_disk_fault draw(struct disk *disk) {
    struct sim_node *node = &disk->sim->nodes[disk->node];
    enum sim_disk_fault fault = node->next_commit;
    node->next_commit = SIM_DISK_WELL;
    if (disk->sim->options.has_liar && disk->sim->steps > 500 && sim_chance(disk->sim, SIM_PLAN, 1))
        return SIM_DISK_LIES;
    if (fault != SIM_DISK_WELL || node->full_until_ms <= disk->sim->now_ms) return fault;
    return sim_chance(disk->sim, SIM_FULL, 60) ? SIM_DISK_FULL : SIM_DISK_WELL;
}

/* A flush in which the process ends, |is_there| afterwards or not. */
static void count_flush(const struct disk *disk, bool is_there) {
    static const struct {
        const char *table, *state;
        enum sim_row torn, whole;
    } rows[] = {{"coord", "COMMITTED", SIM_ROW_C_TORN, SIM_ROW_C_WHOLE},
                {"part", "PREPARED", SIM_ROW_P_TORN, SIM_ROW_P_WHOLE},
                {"part", "COMMITTED", SIM_ROW_P_COMMIT_TORN, SIM_ROW_P_COMMIT_WHOLE}};
    struct sim *sim = disk->sim;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ck_is_writing(sim->ck, disk->node, rows[i].table, rows[i].state))
            sim->coverage.rows[is_there ? rows[i].whole : rows[i].torn]++;
}

static bool do_below_reserve(const struct gj_store *store) {
    const struct disk *disk = (const struct disk *)store;
    return disk->sim->nodes[disk->node].reserve_until_ms > disk->sim->now_ms;
}

static enum gj_err do_commit(struct gj_store *store) {
    struct disk *disk = of(store);
    enum gj_err latched = store->err;
    store->in_transaction = false;
    if (latched != GJ_OK) {
        disk->inner->ops->rollback(disk->inner);
        ck_rollback(disk->sim->ck, disk->node);
        return latched;
    }
    enum sim_disk_fault fault = draw(disk);
    switch (fault) {
    case SIM_DISK_WELL:
        if (do_below_reserve(store) && ck_is_writing(disk->sim->ck, disk->node, "part", "COMMITTED"))
            disk->sim->coverage.rows[SIM_ROW_RESERVE]++;
        return commit_inner(disk);
    case SIM_DISK_KEEPS:
        sim_say(disk->sim, "%s: a flush is done and reports an error", sim_node_name(disk->node));
        count_flush(disk, true);
        (void)commit_inner(disk);
        return fail(disk, GJ_ERR_STORE);
    case SIM_DISK_LIES:
        disk->inner->ops->rollback(disk->inner);
        ck_commit(disk->sim->ck, disk->node);
        return GJ_OK;
    case SIM_DISK_LOSES:
        if (disk->sim->nodes[disk->node].disk != NULL) return commit_in_danger(disk);
        break;
    case SIM_DISK_FULL:
        break;
    }
    bool is_full = fault == SIM_DISK_FULL || disk->sim->nodes[disk->node].full_until_ms > disk->sim->now_ms;
    sim_say(disk->sim, "%s: a flush fails%s", sim_node_name(disk->node),
            is_full ? ", the store is full" : "");
    if (!is_full) count_flush(disk, false);
    if (is_full && ck_is_writing(disk->sim->ck, disk->node, "request", NULL))
        disk->sim->coverage.rows[SIM_ROW_STORE_FULL]++;
    disk->inner->ops->rollback(disk->inner);
    ck_rollback(disk->sim->ck, disk->node);
    return fail(disk, is_full ? GJ_ERR_STORE_FULL : GJ_ERR_STORE);
}

static void do_rollback(struct gj_store *store) {
    store->in_transaction = false;
    store->err = GJ_OK;
    of(store)->inner->ops->rollback(of(store)->inner);
    ck_rollback(of(store)->sim->ck, of(store)->node);
}

/* A process that ends does not close its store: what the log holds stays in it. */
static void end_process(struct disk *disk) {
    struct sim_node *node = &disk->sim->nodes[disk->node];
    if (node->disk == NULL || crash_disk_is_dead(node->disk) || node->stops_well) return;
    bool goes_power = sim_below(disk->sim, SIM_SQLITE, 4) != 0;
    sim_say(disk->sim, "%s: %s", sim_node_name(disk->node),
            goes_power ? "the power is off" : "the process is gone");
    if (goes_power) crash_disk_cut(node->disk);
    if (!goes_power) crash_disk_kill(node->disk);
}

static void do_close(struct gj_store *store) {
    end_process(of(store));
    gj_store_close(&of(store)->inner);
    free(store);
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

bool sim_disk_is_sound(const struct sim *sim, size_t node) {
    const struct sim_node *at = &sim->nodes[node];
    return at->disk == NULL ||
           (!crash_disk_is_dead(at->disk) && crash_disk_counts(at->disk)->bad_syncs == at->bad_syncs);
}

/* --- with SQLite -------------------------------------------------------------------------------------------- */
static uint64_t fate_of_a_write(void *ctx) {
    return sim_random(ctx, SIM_SQLITE);
}

void sim_disk_open(struct sim *sim, size_t node, const char *path) {
    crash_vfs_install();
    sim->nodes[node].disk = crash_disk_new(path, fate_of_a_write, sim);
}

void sim_disk_starts(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    if (at->disk == NULL) return;
    crash_disk_power_on(at->disk);
    crash_disk_lie(at->disk, sim->options.bad_disk == SIM_DISK_UNSYNCED);
    at->bad_syncs = crash_disk_counts(at->disk)->bad_syncs;
}

/* The next close is an orderly one, with its checkpoint; the power may fail in it, or after it. */
void sim_disk_stops_well(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    at->stops_well = true;
    crash_disk_cut_at(at->disk, (unsigned)sim_below(sim, SIM_SQLITE, STOP_WITHIN));
}

void sim_disk_stopped(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    if (at->disk == NULL || !at->stops_well) return;
    at->stops_well = false;
    if (sim_below(sim, SIM_SQLITE, 2) == 0) crash_disk_cut(at->disk);
    crash_disk_kill(at->disk);
}

/* The process that drives an engine writes its log back when there is nothing else to do. */
void sim_disk_idles(struct sim *sim, size_t node) {
    if (sim->nodes[node].disk == NULL || !gj_cluster_is_up(sim->cluster, node)) return;
    if (sim_below(sim, SIM_SQLITE, 4) == 0) gj_store_checkpoint(gj_cluster_store(sim->cluster, node));
}

/* --- backups ------------------------------------------------------------------------------------------------- */
void sim_disk_back_up(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    if (at->is_down || !sim_disk_is_sound(sim, node)) return;
    sim_say(sim, "%s: a backup is taken", sim_node_name(node));
    ck_image_free(&at->image);
    crash_image_free(&at->disk_image);
    at->image = ck_image_take(sim->ck, node);
    if (at->disk != NULL) at->disk_image = crash_image_take(at->disk);
}

void sim_disk_put_back(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    sim_say(sim, "%s: its backup is put back", sim_node_name(node));
    at->is_put_back = false;
    ck_image_put_back(sim->ck, node, at->image);
    if (at->disk != NULL) {
        crash_image_put_back(at->disk_image, at->disk);
        return;
    }
    struct gj_store *store = NULL;
    GJ_ASSERT(gj_store_open_memory(gj_store_catalogue(), &store) == GJ_OK);
    store->ops->begin(store);
    ck_image_write(at->image, store);
    GJ_ASSERT(store->ops->commit(store) == GJ_OK);
    store = gj_cluster_swap_store(sim->cluster, node, sim_disk_wrap(sim, node, store));
    gj_store_close(&store);
}

struct gj_store *sim_disk_clone(struct sim *sim, size_t node) {
    struct gj_store *copy = NULL;
    GJ_ASSERT(gj_store_clone_memory(of(gj_cluster_store(sim->cluster, node))->inner, &copy) == GJ_OK);
    return copy;
}

void sim_disk_close(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    ck_image_free(&at->image);
    crash_image_free(&at->disk_image);
    crash_disk_free(&at->disk);
}

/* A store that was opened again tells what became of a commit whose outcome nobody heard. */
static void opened(struct disk *disk) {
    struct sim *sim = disk->sim;
    struct gj_arena arena;
    if (sim->nodes[disk->node].disk == NULL) return;
    if (sim->options.bad_disk == SIM_DISK_NORMAL)
        (void)sqlite3_exec(((struct gj_sqlite *)(void *)disk->inner)->db, "PRAGMA synchronous=NORMAL", NULL,
                           NULL, NULL);
    if (!ck_is_in_doubt(sim->ck, disk->node)) return;
    gj_arena_init(&arena, sim->arena_memory, ARENA_BYTES);
    bool was_done = ck_settle_doubt(sim->ck, disk->node, disk->inner, &arena);
    sim_say(sim, "%s: the commit that nobody heard of is %s", sim_node_name(disk->node),
            was_done ? "there" : "not there");
}

struct gj_store *sim_disk_wrap(void *ctx, size_t node, struct gj_store *inner) {
    struct disk *disk = calloc(1, sizeof *disk);
    GJ_ASSERT(disk != NULL);
    disk->head.ops = &ops.port;
    disk->inner = inner;
    disk->sim = ctx;
    disk->node = node;
    opened(disk);
    return &disk->head;
}
