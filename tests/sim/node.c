/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of one simulated node: it takes what is due, steps, and dies where the seed wants it to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/msgpack.h"
#include "protocol/state.h"
#include "sim.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

#define NARROW_STEP_MS 200 /* a node with a full queue is a slow one */

static int64_t downtime_ms(struct sim *sim) {
    return 10 + (int64_t)sim_below(sim, SIM_CRASH, UINT64_C(20) << sim_below(sim, SIM_CRASH, 11));
}

static void count_row(struct sim *sim, size_t node, const char *table, const char *state, enum sim_row row) {
    if (ck_has(sim->ck, node, table, state)) sim->coverage.rows[row]++;
}

/* What it was at when it died. */
static void count_death(struct sim *sim, size_t node) {
    count_row(sim, node, "coord", "BEGUN", SIM_ROW_C_BEGUN);
    count_row(sim, node, "coord", "COMMITTED", SIM_ROW_C_COMMITTED);
    count_row(sim, node, "part", "PREPARED", SIM_ROW_P_PREPARED);
}

static void goes_down(struct sim *sim, size_t node) {
    count_death(sim, node);
    struct sim_node *at = &sim->nodes[node];
    at->is_down = true;
    at->sink_left = -1;
    at->sink_closed = false;
    at->next_commit = SIM_DISK_WELL;
    at->up_ms = sim->now_ms + downtime_ms(sim);
    at->has_request = false;
    if (sim_is_liar(sim, node)) sim_liars_die(sim);
    sim_network_lose(sim, node);
}

void sim_node_crash(struct sim *sim, size_t node, const char *why) {
    if (sim->nodes[node].is_down) return;
    sim_say(sim, "%s %s", sim_node_name(node), why);
    if (sim->nodes[node].disk != NULL && sim_below(sim, SIM_SQLITE, 4) == 0) sim_disk_stops_well(sim, node);
    if (gj_cluster_is_up(sim->cluster, node)) gj_cluster_crash(sim->cluster, node);
    sim_disk_stopped(sim, node);
    goes_down(sim, node);
}

/* I3: what comes back from the disk is what was made durable. */
static void compare(struct sim *sim, size_t node) {
    struct gj_arena arena;
    if (!sim_disk_is_sound(sim, node)) return; /* it has just failed, and the node does not know yet */
    gj_arena_init(&arena, sim->arena_memory, ARENA_BYTES);
    ck_compare(sim->ck, node, gj_cluster_store(sim->cluster, node), &arena);
}

/* Both ways of dying that a step can end in. */
static void after_step(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    if (gj_cluster_is_up(sim->cluster, node) && !gj_engine_is_in_doubt(gj_cluster_engine(sim->cluster, node)))
        at->no_witness = false;
    sim_disk_idles(sim, node);
    if (!gj_cluster_is_up(sim->cluster, node)) {
        sim_say(sim, "%s ends by itself: %s", sim_node_name(node),
                gj_err_name(gj_cluster_failure(sim->cluster, node)));
        goes_down(sim, node);
    } else if (at->sink_closed) {
        sim->coverage.faults[SIM_SENDCRASH]++;
        sim_node_crash(sim, node, "dies with words unsaid");
    }
    if (at->narrow_until_ms > sim->now_ms && !at->is_down)
        at->ready_ms = sim->now_ms + (int64_t)sim_below(sim, SIM_NARROW, NARROW_STEP_MS);
    if (!sim_has(sim, SIM_SLOWDISK) || at->is_down) return;
    int64_t ready = sim->now_ms + (int64_t)sim_below(sim, SIM_SLOWDISK, (uint64_t)sim->swarm.slow_ms);
    if (at->ready_ms < ready) at->ready_ms = ready;
    sim->coverage.faults[SIM_SLOWDISK]++;
}

void sim_node_start(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    bool dies = sim_chance(sim, SIM_BOOTCRASH, 40), after = sim_chance(sim, SIM_BOOTCRASH, 50);
    uint64_t words = sim_below(sim, SIM_BOOTCRASH, 3);
    bool in_doubt = sim_chance(sim, SIM_DOUBT, 50) && sim_has(sim, SIM_DOUBT);
    at->is_down = false;
    at->life++;
    at->ready_ms = sim->now_ms;
    if (dies && sim_has(sim, SIM_BOOTCRASH)) {
        sim->coverage.faults[SIM_BOOTCRASH]++;
        if (after) at->sink_left = (int)words;
        if (!after) at->next_commit = words == 0 ? SIM_DISK_KEEPS : SIM_DISK_LOSES;
    }
    if (in_doubt) sim->coverage.faults[SIM_DOUBT]++;
    sim->coverage.rows[SIM_ROW_GATE_SHUT] += in_doubt;
    sim_say(sim, "%s starts%s", sim_node_name(node), in_doubt ? ", its witness is missing" : "");
    /* Its witness is newer, or of another machine, or lost: in doubt in each case. */
    if (at->is_put_back) {
        at->no_witness = true;
        sim_disk_put_back(sim, node);
    }
    at->no_witness = at->no_witness || in_doubt;
    in_doubt = at->no_witness;
    sim_disk_starts(sim, node);
    gj_cluster_restart(sim->cluster, node, in_doubt ? GJ_WITNESS_DOUBTFUL : GJ_WITNESS_EQUAL_OR_BEHIND);
    ck_started(sim->ck, node, in_doubt);
    after_step(sim, node);
    if (!at->is_down) compare(sim, node);
}

int64_t sim_node_next_ms(const struct sim *sim, size_t node) {
    const struct sim_node *at = &sim->nodes[node];
    if (at->is_down) return at->up_ms;
    int64_t due = gj_cluster_due_ms(sim->cluster, node);
    if (at->n_inbox > 0 || at->has_request) due = sim->now_ms;
    return due > at->ready_ms ? due : at->ready_ms;
}

static uint64_t unheard_so_far(const struct sim *sim) {
    return sim->events[GJ_EVENT_PARCEL_REFUSED] + sim->events[GJ_EVENT_CLOCK_SKEW] +
           sim->events[GJ_EVENT_LIMIT_REACHED] + sim->events[GJ_EVENT_VIOLATION];
}

static void inject(struct sim *sim, const struct sim_flight *flight) {
    if (sim_is_liar(sim, flight->to) && !sim_liars_hear(sim, flight)) return;
    gj_cluster_inject(sim->cluster, flight->to, sim_node_name(flight->from),
                      gj_slice_of(flight->bytes, flight->len));
}

/* An abort that was heard is remembered, also where its PREPARE has not come: else that would hold money for nobody. What
 * was refused at the door, and what came while there was no room, need not be. */
static void check_aborts(struct sim *sim, size_t node, const struct sim_flight *flight, uint64_t unheard) {
    static struct ck_parcel parcel;
    const struct sim_node *at = &sim->nodes[node];
    bool has_room = at->full_until_ms <= sim->now_ms && at->reserve_until_ms <= sim->now_ms;
    if (at->is_down || !has_room || unheard != unheard_so_far(sim) || ck_in_resync(sim->ck, node)) return;
    if (!ck_parcel_read(flight->bytes, flight->len, &parcel)) return;
    for (uint32_t i = 0; i < parcel.n; i++) {
        char txid[72];
        if (strcmp(parcel.items[i].kind, "abort") != 0) continue;
        (void)mp_text(mp_get(parcel.items[i].header, "tx"), txid, sizeof txid);
        if (ck_part_state(sim->ck, node, txid)[0] == '\0')
            ck_fail(sim->ck, "step", node, txid, "its abort was heard and left no record");
    }
}

/* Whose key is over is not heard, whatever he says. |changes|: of its records, before it came; nothing else was due. */
static void check_revoked(struct sim *sim, size_t node, const struct sim_flight *flight, uint64_t changes) {
    static struct ck_parcel parcel;
    if (!ck_parcel_read(flight->bytes, flight->len, &parcel)) return;
    if (!ck_key_is_over(sim->ck, node, &parcel)) return;
    sim->coverage.rows[SIM_ROW_KEY_OVER]++;
    if (ck_changes(sim->ck, node) != changes)
        ck_fail(sim->ck, "I16", node, NULL, "a parcel under a revoked key changed records");
}

/* I11: the frame that was just handled, once more, while nothing else is due: no record changes, nothing is said
 * but an error. */
static void probe_duplicate(struct sim *sim, size_t node, const struct sim_flight *flight) {
    const struct sim_node *at = &sim->nodes[node];
    bool is_wanted = sim_chance(sim, SIM_NET, 5);
    if (!is_wanted || at->is_down || at->sink_left >= 0 || at->next_commit != SIM_DISK_WELL) return;
    if (gj_cluster_due_ms(sim->cluster, node) <= sim->now_ms) return;
    uint64_t changes = ck_changes(sim->ck, node), said = ck_said(sim->ck, node);
    sim_say_frame(sim, "at once again", flight->from, node, flight->bytes, flight->len);
    inject(sim, flight);
    (void)gj_cluster_step_node(sim->cluster, node);
    sim->steps++;
    if (ck_changes(sim->ck, node) != changes)
        ck_fail(sim->ck, "I11", node, NULL, "a parcel that came twice changed records the second time");
    if (ck_said(sim->ck, node) != said)
        ck_fail(sim->ck, "I11", node, NULL, "a parcel that came twice was answered twice");
    after_step(sim, node);
}

/* One step with what is due: one frame alone, or all of them, as the seed says. */
void sim_node_tick(struct sim *sim, size_t node) {
    struct sim_node *at = &sim->nodes[node];
    if (at->is_down && at->up_ms <= sim->now_ms) {
        sim_node_start(sim, node);
        return;
    }
    if (at->is_down || at->ready_ms > sim->now_ms) return;
    size_t limit = sim_chance(sim, SIM_NET, 50) ? 1 : 1 + (size_t)sim_below(sim, SIM_NET, 64);
    struct sim_flight *flight, *alone = NULL;
    for (size_t n = 0; n < limit && (flight = sim_network_take(sim, node)) != NULL; n++) {
        sim_say_frame(sim, flight->is_damaged ? "hears damaged" : "hears", flight->from, flight->to,
                      flight->bytes, flight->len);
        if (limit == 1) sim_cells_delivered(sim, flight);
        inject(sim, flight);
        free(alone);
        alone = flight;
    }
    /* What comes in one parcel with the HELLO of a new epoch is refused the first time (NO_HELLO), not the second. */
    uint32_t heard = alone == NULL ? 0 : ck_heard_epoch(sim->ck, node, alone->from);
    bool had_request = at->has_request;
    at->has_request = false;
    uint64_t unheard = unheard_so_far(sim), changes = ck_changes(sim->ck, node);
    const bool was_deaf = ck_in_resync(sim->ck, node); /* it may open in this very step */
    bool is_idle = limit == 1 && !had_request && gj_cluster_due_ms(sim->cluster, node) > sim->now_ms;
    if (gj_cluster_step_node(sim->cluster, node)) {
        sim->steps++;
        after_step(sim, node);
        if (alone != NULL && is_idle && !at->is_down) check_revoked(sim, node, alone, changes);
        if (alone != NULL && limit == 1 && !was_deaf && !sim_is_liar(sim, node) &&
            !sim_is_liar(sim, alone->from))
            check_aborts(sim, node, alone, unheard);
        bool is_same = alone != NULL && heard == ck_heard_epoch(sim->ck, node, alone->from);
        if (limit == 1 && is_same && !had_request) probe_duplicate(sim, node, alone);
    }
    free(alone);
}

static void count_refusal(struct sim *sim, struct gj_slice answer) {
    char what[48], code[32];
    if (answer.len < 2 || answer.ptr[0] != GJ_ANSWER_PROBLEM) return;
    struct mp map = mp_whole(answer.ptr + 1, answer.len - 1);
    (void)snprintf(what, sizeof what, "answer refused %s", mp_text(mp_get(map, "code"), code, sizeof code));
    sim_coverage_reason(&sim->coverage, what, 1);
}

/* --- what comes out of a step --------------------------------------------------------------------------- */
bool sim_node_replies(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer) {
    struct sim *sim = ctx;
    struct sim_node *at = &sim->nodes[node];
    if (at->sink_left == 0) {
        at->sink_closed = true;
        return false;
    }
    if (at->sink_left > 0) at->sink_left--;
    const struct sim_ticket *of = &sim->tickets[ticket - 1];
    sim_mix(sim, answer.ptr, answer.len);
    if (gj_cluster_answers(sim->cluster, ticket) > 0)
        ck_fail(sim->ck, "I15", node, NULL, "%s %s is answered twice", of->request, of->msgid);
    if (strcmp(of->request, "propose") == 0 || strcmp(of->request, "confirm") == 0)
        count_refusal(sim, answer);
    if (of->msgid[0] != '\0')
        ck_replied(sim->ck, node, of->request, of->sender, of->msgid, answer.ptr, answer.len);
    return true;
}

void sim_node_reports(void *ctx, size_t node, const struct gj_event *event) {
    struct sim *sim = ctx;
    char txid[GJ_TXID_TEXT_CAP] = "", what[48];
    /* Who is put back and takes an epoch that it had before is told so by a peer, who reports it. */
    bool is_known = sim_has_backups(sim) && event->code == GJ_EVENT_VIOLATION &&
                    (event->err == GJ_ERR_BAD_NONCE || ck_was_put_back(sim->ck, node));
    if (!sim_is_liar(sim, node) && !is_known && !sim_keys_excuse(sim, node, event))
        sim->events[event->code]++;
    sim->coverage.events[event->code]++;
    /* Some cannot wait, and decide by hand what the coordinator is just about to. */
    if (event->code == GJ_EVENT_VOTED_YES && sim_has(sim, SIM_HAND) && sim_chance(sim, SIM_HAND, 1))
        sim->wants_hands = true;
    if (event->code == GJ_EVENT_VOTED_YES) sim_keys_voted(sim, node, event->txid.coordinator);
    sim->coverage.rows[SIM_ROW_GATE_OPENS] += event->code == GJ_EVENT_GATE_OPEN;
    sim->coverage.rows[SIM_ROW_OLD_STORE] += event->code == GJ_EVENT_RESYNC_NEEDED && !sim_is_liar(sim, node);
    if (event->code == GJ_EVENT_TX_ABORTED && event->err == GJ_ERR_REVERSED)
        sim->coverage.coord[GJ_COORD_COLLECTING][GJ_COORD_ON_CANCEL]++;
    if (event->code == GJ_EVENT_PARCEL_REFUSED || event->code == GJ_EVENT_PEER_ERROR ||
        event->code == GJ_EVENT_CLOCK_SKEW) {
        (void)snprintf(what, sizeof what, "%s %s", gj_event_word(event->code), gj_err_name(event->err));
        sim_coverage_reason(&sim->coverage, what, 1);
    }
    if (event->code == GJ_EVENT_CASE_OPENED && event->err == GJ_ERR_RESYNC)
        ck_case_opened(sim->ck, node, gj_txid_format(txid, &event->txid));
    if (gj_event_level_of(event->code) == GJ_LEVEL_ALARM) sim->totals.alarms++;
    if (!sim->story.is_kept) return;
    if (!gj_txid_is_none(&event->txid)) (void)gj_txid_format(txid, &event->txid);
    sim_say(sim, "%s: %s %s %s %s", sim_node_name(node), gj_event_word(event->code),
            event->err == GJ_OK ? "" : gj_err_name(event->err), event->node, txid);
}
