/* SPDX-License-Identifier: Apache-2.0
 *
 * One seed from nothing to the end: a phase with all its faults, then a phase in which they have stopped and
 * everything must come to an end by itself.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim.h"

#define ARENA_BYTES     ((size_t)16 * 1024 * 1024)
#define FAULT_MS        600000 /* the phase with faults is over after so much virtual time, too */
#define LOOK_MS         5000   /* how often it is asked whether all is done */
#define TURNS_AT_ONE_MS 20000  /* more without time passing: an engine is due again and again */
#define EVENTS_NEVER    5

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t next_ms(const struct sim *sim) {
    int64_t next = least(sim_network_next_ms(sim), sim_clients_next_ms(sim));
    next = least(next, sim_swarm_next_ms(sim));
    for (size_t i = 0; i < sim->n; i++)
        next = least(next, sim_node_next_ms(sim, i));
    return next;
}

/* One instant: whatever is due, in an order that the seed decides. */
void sim_turn(struct sim *sim, int64_t until_ms) {
    int64_t next = least(next_ms(sim), until_ms);
    if (next > sim->now_ms) {
        gj_cluster_advance(sim->cluster, next - sim->now_ms);
        sim->now_ms = next;
    }
    sim_swarm_tick(sim);
    sim_clients_tick(sim);
    sim_network_tick(sim);
    size_t first = (size_t)sim_below(sim, SIM_NET, sim->n);
    for (size_t i = 0; i < sim->n && ck_failed(sim->ck) == NULL; i++)
        sim_node_tick(sim, (first + i) % sim->n);
}

static void open_sim(struct sim *sim) {
    sim->hash = UINT64_C(0x6a09e667f3bcc908);
    sim->arena_memory = malloc(ARENA_BYTES);
    GJ_ASSERT(sim->arena_memory != NULL);
    sim_swarm_draw(sim);
    for (size_t i = 0; i < SIM_NODES_MAX; i++)
        sim->nodes[i].sink_left = -1;
    sim_again_draw(sim);
    sim_world_open(sim);
    sim_again_open(sim);
    sim_liars_open(sim);
    sim->now_ms = gj_cluster_now(sim->cluster, 0).mono.ms;
    sim_clients_open(sim);
    for (size_t i = 0; i < sim->n; i++)
        sim_node_start(sim, i);
}

static void close_sim(struct sim *sim) {
    sim_network_done(sim);
    sim_clients_close(sim);
    sim_liars_close(sim);
    sim_again_close(sim);
    sim_world_close(sim);
    free(sim->arena_memory);
}

/* --- the phases ----------------------------------------------------------------------------------------- */
static bool still_at_one_ms(struct sim *sim, int64_t *at_ms, unsigned *turns) {
    if (*at_ms != sim->now_ms) *turns = 0;
    *at_ms = sim->now_ms;
    if (++*turns < TURNS_AT_ONE_MS) return true;
    ck_fail(sim->ck, "I15", 0, NULL, "something is due again and again at one instant");
    return false;
}

static void with_faults(struct sim *sim) {
    int64_t end_ms = sim->now_ms + FAULT_MS, at_ms = -1;
    unsigned turns = 0;
    while (sim->steps < sim->options.steps && sim->now_ms < end_ms && ck_failed(sim->ck) == NULL &&
           still_at_one_ms(sim, &at_ms, &turns))
        sim_turn(sim, end_ms);
}

static bool all_is_done(struct sim *sim) {
    for (size_t i = 0; i < sim->n; i++)
        if (sim->nodes[i].is_down) return false;
    return sim_clients_are_done(sim) && ck_unfinished(sim->ck)[0] == '\0';
}

static void without_faults(struct sim *sim) {
    int64_t end_ms = sim->now_ms + SIM_LIVENESS_MS, look_ms = sim->now_ms, at_ms = -1;
    unsigned turns = 0;
    sim_heal(sim);
    while (ck_failed(sim->ck) == NULL && still_at_one_ms(sim, &at_ms, &turns)) {
        if (sim->now_ms >= look_ms) {
            if (all_is_done(sim)) return;
            look_ms = sim->now_ms + LOOK_MS;
        }
        if (sim->now_ms >= end_ms) {
            const char *open = ck_unfinished(sim->ck);
            ck_fail(sim->ck, "end", 0, NULL, "not done after %d ms without faults: %s", SIM_LIVENESS_MS,
                    open[0] != '\0' ? open : "a client has no answer");
        }
        sim_turn(sim, look_ms);
    }
}

/* No alarm without a cause that was injected. */
static void check_alarms(struct sim *sim) {
    static const enum gj_event_code never[EVENTS_NEVER] = {GJ_EVENT_EQUIVOCATION, GJ_EVENT_VIOLATION,
                                                           GJ_EVENT_BAD_CERTIFICATE, GJ_EVENT_RESYNC_NEEDED,
                                                           GJ_EVENT_CASE_OPENED};
    const uint32_t late = UINT32_C(1) << SIM_CLOCK | UINT32_C(1) << SIM_DRIFT | UINT32_C(1) << SIM_TAIL |
                          UINT32_C(1) << SIM_PAUSE | UINT32_C(1) << SIM_REPLAY | UINT32_C(1) << SIM_SLOWDISK |
                          UINT32_C(1) << SIM_LIAR |
                          UINT32_C(1) << SIM_FLIP; /* sent_at is judged before the signature */
    /* A liar makes others sound alarms; but no peer alone may stop a node. */
    const bool has_liar = sim->liars != NULL;
    const bool has_hands = (sim->swarm.on >> SIM_HAND & 1) != 0;
    const bool has_restore = sim_has_backups(sim);
    for (size_t i = 0; i < EVENTS_NEVER; i++)
        if (sim->events[never[i]] > 0 &&
            !(has_restore && (never[i] == GJ_EVENT_RESYNC_NEEDED || never[i] == GJ_EVENT_CASE_OPENED)) &&
            !(has_hands && never[i] == GJ_EVENT_CASE_OPENED) &&
            (!has_liar || never[i] == GJ_EVENT_RESYNC_NEEDED))
            ck_fail(sim->ck, "alarm", 0, NULL, "%s, and nobody lied", gj_event_word(never[i]));
    if (sim->events[GJ_EVENT_CLOCK_SKEW] > 0 && (sim->swarm.on & late) == 0)
        ck_fail(sim->ck, "alarm", 0, NULL, "clock_skew, and every clock was right");
    if (sim->events[GJ_EVENT_IN_DOUBT] > 0 && sim->swarm.on == 0)
        ck_fail(sim->ck, "alarm", 0, NULL, "in_doubt without any fault");
}

static void finish(struct sim *sim) {
    struct gj_arena arena;
    gj_arena_init(&arena, sim->arena_memory, ARENA_BYTES);
    if (ck_failed(sim->ck) == NULL) ck_end(sim->ck);
    check_alarms(sim);
    sim_again_compare(sim);
    for (size_t i = 0; i < sim->n; i++) {
        if (gj_cluster_store(sim->cluster, i) != NULL && ck_failed(sim->ck) == NULL)
            ck_compare(sim->ck, i, gj_cluster_store(sim->cluster, i), &arena);
        uint64_t digest = ck_digest(sim->ck, i);
        sim_mix(sim, &digest, sizeof digest);
    }
}

static void count_disks(struct sim *sim) {
    for (size_t i = 0; i < sim->n; i++) {
        if (sim->nodes[i].disk == NULL) continue;
        const struct crash_disk_counts *of = crash_disk_counts(sim->nodes[i].disk);
        sim->totals.faults += of->dropped + of->torn + of->garbled + of->undeleted + of->bad_syncs;
    }
}

static void add_up(struct sim *sim, int64_t begin_ms) {
    count_disks(sim);
    const struct ck_totals *totals = ck_totals_of(sim->ck);
    sim->totals.seeds = 1;
    sim->totals.failed = ck_failed(sim->ck) != NULL;
    sim->totals.steps = sim->steps;
    sim->totals.transactions = totals->transactions;
    sim->totals.committed = totals->committed;
    sim->totals.refunds = totals->refunds;
    sim->totals.bindings = totals->bindings;
    sim->totals.messages = totals->messages;
    sim->totals.certificates = totals->certificates;
    sim->totals.store_commits = totals->commits_of_stores;
    sim->totals.virtual_ms = sim->now_ms - begin_ms;
}

static void add_totals(struct sim_totals *to, const struct sim_totals *from) {
    uint64_t *sum = (uint64_t *)to;
    const uint64_t *one = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *sum; i++)
        sum[i] += one[i];
}

void sim_run(const struct sim_options *options, struct sim_result *ret, struct sim_coverage *coverage,
             struct sim_totals *totals) {
    struct sim *sim = calloc(1, sizeof *sim);
    GJ_ASSERT(sim != NULL);
    sim->options = *options;
    sim->story = (struct sim_story){.is_kept = options->keeps_story, .is_verbose = options->is_verbose};
    open_sim(sim);
    int64_t begin_ms = sim->now_ms;
    with_faults(sim);
    sim_away(sim);
    if (ck_failed(sim->ck) == NULL) without_faults(sim);
    sim_years(sim);
    finish(sim);
    add_up(sim, begin_ms);
    *ret = (struct sim_result){.failed = ck_failed(sim->ck) != NULL,
                               .hash = sim->hash,
                               .steps = sim->steps,
                               .faults = sim->swarm.on,
                               .nodes = sim->n,
                               .story = sim->story};
    if (ret->failed) ret->failure = *ck_failed(sim->ck);
    if (coverage != NULL) sim_coverage_add(coverage, &sim->coverage);
    if (totals != NULL) add_totals(totals, &sim->totals);
    close_sim(sim);
    free(sim);
}
