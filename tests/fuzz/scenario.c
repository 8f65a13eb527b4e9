/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as a story about three engines: each byte delivers, drops, doubles, delays, crashes, restarts, cuts, asks or
 * lets time pass. Then everything heals, and what must hold at the end holds.
 *
 * "scenario": everybody is honest, so all must agree in the end and nobody may raise an alarm of a broken protocol.
 * "admission": nodes lie under their own signatures, so only this must hold: each node's own books balance, no node
 * ends, no store fails.
 */
#include <stdio.h>
#include <string.h>

#include "domain/books.h"
#include "fuzz/world.h"
#include "protocol/tables.h"

#define OPS_MAX  400u
#define HEAL_MS  1000000 /* a plan's life, and the longest interval between two tries several times */
#define ROWS_MAX 1000
#define STORY_MS 120000 /* virtual; what one byte may let pass at most */

static uint8_t byte(struct world *world) {
    return gj_read_u8(&world->reader);
}

/* A node that ended by itself has met an error of its store: memory has none. */
static void nobody_gave_up(struct world *world) {
    for (size_t i = 0; i < WORLD_NODES; i++)
        GJ_ASSERT(gj_cluster_failure(world->cluster, i) == GJ_OK);
}

static void after(struct world *world) {
    if (world->has_liars) world_release_lies(world);
    nobody_gave_up(world);
    world_hear(world);
}

/* --- what can happen --------------------------------------------------------------------------------------------- */
static void op_step(struct world *world, uint8_t how) {
    if (how % 4 == 3)
        (void)gj_cluster_step(world->cluster);
    else
        (void)gj_cluster_step_node(world->cluster, how % 4 % WORLD_NODES);
}

static void op_run(struct world *world, uint8_t how) {
    static const int64_t spans[] = {1, 50, 400, 1200, 3500, 6000, 30000, STORY_MS};
    (void)gj_cluster_run(world->cluster, NULL, NULL, spans[how % 8]);
}

static void op_advance(struct world *world, uint8_t how) {
    static const int64_t spans[] = {1, 50, 400, 1200, 3500, 6000, 30000, STORY_MS};
    gj_cluster_advance(world->cluster, spans[how % 8]);
}

static void op_network(struct world *world, uint8_t how) {
    static const int64_t delays[] = {1, 10, 100, 700, 2000, 5000, 20000, 100000};
    unsigned n = 1 + how / 4 % 8;
    if (how % 4 == 0) world->drop = n;
    if (how % 4 == 1) world->copy = n;
    if (how % 4 == 2) world->lose_replies = n;
    if (how % 4 != 3) return;
    world->delay = n;
    world->delay_ms = delays[how / 32];
}

static void op_life(struct world *world, uint8_t how) {
    size_t node = how % WORLD_NODES;
    if (gj_cluster_is_up(world->cluster, node)) {
        gj_cluster_crash(world->cluster, node);
        if (how < 64) return; /* it stays down for a while */
        gj_cluster_advance(world->cluster, 1);
    }
    gj_cluster_restart(world->cluster, node,
                       how % 16 == 15 ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
}

static void op_cut(struct world *world, uint8_t how) {
    size_t a = how % WORLD_NODES, b = (a + 1 + how / 4 % 2) % WORLD_NODES;
    gj_cluster_cut(world->cluster, a, b, how >= 128);
}

static void op_clock(struct world *world, uint8_t how) {
    static const int64_t skews[] = {0, 1000, -1000, 29000, -29000, 120000, -120000, 86400000};
    gj_cluster_set_skew(world->cluster, how % WORLD_NODES, skews[how / 4 % 8]);
}

static void op_hangup(struct world *world, uint8_t how) {
    if (world->n_tickets == 0) return;
    uint32_t n = world->n_tickets < WORLD_TICKETS ? world->n_tickets : WORLD_TICKETS;
    gj_cluster_hangup(world->cluster, world->tickets[how % n].ticket);
}

static void play(struct world *world) {
    for (unsigned i = 0; i < OPS_MAX && world->reader.left > 0; i++) {
        uint8_t op = byte(world) % 16;
        uint8_t how = op < 4 || op >= 13 ? 0 : byte(world);
        if (op < 4)
            op_step(world, op);
        else if (op == 4)
            op_advance(world, how);
        else if (op <= 6)
            op_run(world, how);
        else if (op <= 8)
            op_network(world, how);
        else if (op == 9)
            op_life(world, how);
        else if (op == 10)
            op_cut(world, how);
        else if (op == 11)
            op_clock(world, how);
        else if (op == 12)
            op_hangup(world, how);
        else if (op == 15 && world->has_liars && byte(world) % 2 == 0)
            world_inject(world);
        else if (op >= 14 && world->has_liars)
            world->lie = 1 + byte(world) % 4u;
        else
            world_submit(world);
        after(world);
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------- */
static void heal(struct world *world) {
    world->drop = world->copy = world->delay = world->lose_replies = world->lie = 0;
    for (size_t i = 0; i < WORLD_NODES; i++) {
        gj_cluster_cut(world->cluster, i, (i + 1) % WORLD_NODES, false);
        gj_cluster_set_skew(world->cluster, i, 0);
        if (!gj_cluster_is_up(world->cluster, i))
            gj_cluster_restart(world->cluster, i, GJ_WITNESS_EQUAL_OR_BEHIND);
    }
    (void)gj_cluster_run(world->cluster, NULL, NULL, HEAL_MS);
    after(world);
}

struct look {
    struct world *world;
    bool all_are_honest;
    int64_t held_fen;
};

static void on_difference(void *ctx, const char *account, const char *what) {
    (void)ctx;
    (void)fprintf(stderr, "difference: %s %s\n", account, what);
}

static void find(struct gj_turn *turn, const struct gj_table *table, const void *any, struct gj_rows *ret) {
    gj_store_find(turn->store, table, NULL, any, 0, NULL, ROWS_MAX, turn->scratch, ret);
}

static void look_at_node(void *ctx, struct gj_turn *turn) {
    struct look *look = ctx;
    struct gj_books_totals totals;
    struct gj_rows rows;
    uint64_t differences = gj_books_check(turn, &totals, on_difference, NULL);
    GJ_ASSERT(differences == 0);
    look->held_fen += totals.held_fen;
    if (!look->all_are_honest) return;
    find(turn, &gj_table_part, &(struct gj_part_row){.since_ms = 0}, &rows);
    for (size_t i = 0; i < rows.n; i++)
        GJ_ASSERT(strcmp(((const struct gj_part_row *)rows.items)[i].state, "PREPARED") != 0);
    find(turn, &gj_table_coord, &(struct gj_coord_row){.begun_ms = 0}, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        const char *state = ((const struct gj_coord_row *)rows.items)[i].state;
        GJ_ASSERT(strcmp(state, "ENDED") == 0 || strcmp(state, "ABORTED") == 0);
    }
    find(turn, &gj_table_request, &(struct gj_request_row){.opened_ms = 0}, &rows);
    for (size_t i = 0; i < rows.n; i++)
        GJ_ASSERT(strcmp(((const struct gj_request_row *)rows.items)[i].state, "OPEN") != 0);
}

/* One transaction, one outcome: what a participant keeps against what its coordinator does. */
struct compare {
    const struct gj_part_row *part;
    bool is_committed;
};

static void read_decision(void *ctx, struct gj_turn *turn) {
    struct compare *compare = ctx;
    struct gj_coord_row row = {.txid = compare->part->txid};
    compare->is_committed =
        gj_store_get(turn->store, &gj_table_coord, &row, turn->scratch) && strcmp(row.state, "ENDED") == 0;
}

struct parts {
    struct gj_part_row rows[ROWS_MAX];
    size_t n;
};

static void copy_parts(void *ctx, struct gj_turn *turn) {
    struct parts *parts = ctx;
    struct gj_rows rows;
    find(turn, &gj_table_part, &(struct gj_part_row){.since_ms = 0}, &rows);
    parts->n = rows.n;
    if (rows.n > 0)
        memcpy(parts->rows, rows.items, rows.n * sizeof parts->rows[0]); /* slices are not looked at */
}

static void all_agree(struct world *world) {
    static struct parts parts;
    for (size_t i = 0; i < WORLD_NODES; i++) {
        gj_cluster_edit(world->cluster, i, copy_parts, &parts);
        for (size_t k = 0; k < parts.n; k++) {
            struct compare compare = {.part = &parts.rows[k]};
            size_t coordinator = gj_cluster_index(world->cluster, parts.rows[k].txid.coordinator);
            gj_cluster_edit(world->cluster, coordinator, read_decision, &compare);
            GJ_ASSERT(compare.is_committed == (strcmp(parts.rows[k].state, "COMMITTED") == 0));
        }
    }
}

struct balance {
    struct gj_account_row row;
};

static void read_balance(void *ctx, struct gj_turn *turn) {
    struct balance *balance = ctx;
    if (!gj_store_get(turn->store, &gj_table_account, &balance->row, turn->scratch))
        balance->row.balance_fen = 0;
}

/* What a province owes is what the place of care may claim. */
static void both_ends_agree(struct world *world) {
    static const struct {
        const char *account;
        size_t payer;
    } pairs[] = {
        {"R/360800/450100", WORLD_HOME}, {"R/360100/450100", WORLD_HOME}, {"R/330200/450100", WORLD_EAST}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct balance here, there;
        memset(&here, 0, sizeof here);
        gj_text_set(here.row.account, sizeof here.row.account, pairs[i].account);
        there = here;
        gj_cluster_edit(world->cluster, WORLD_CARE, read_balance, &here);
        gj_cluster_edit(world->cluster, pairs[i].payer, read_balance, &there);
        GJ_ASSERT(here.row.balance_fen + there.row.balance_fen == 0);
    }
}

static void nobody_lied(const struct world *world) {
    static const enum gj_event_code codes[] = {GJ_EVENT_EQUIVOCATION, GJ_EVENT_VIOLATION,
                                               GJ_EVENT_BAD_CERTIFICATE, GJ_EVENT_RESYNC_NEEDED};
    for (size_t i = 0; i < WORLD_NODES; i++)
        for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
            GJ_ASSERT(gj_cluster_events(world->cluster, i, codes[k]) == 0);
}

static void run(struct gj_slice in, bool has_liars) {
    static struct world world;
    world_open(&world, in, has_liars);
    play(&world);
    heal(&world);
    struct look look = {.world = &world, .all_are_honest = !has_liars};
    for (size_t i = 0; i < WORLD_NODES; i++)
        gj_cluster_edit(world.cluster, i, look_at_node, &look);
    if (!has_liars) {
        GJ_ASSERT(look.held_fen == 0);
        all_agree(&world);
        both_ends_agree(&world);
        nobody_lied(&world);
    }
    world_close(&world);
}

void gj_fuzz_scenario(struct gj_slice in) {
    run(in, false);
}

void gj_fuzz_admission(struct gj_slice in) {
    run(in, true);
}
