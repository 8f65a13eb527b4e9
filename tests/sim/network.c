/* SPDX-License-Identifier: Apache-2.0
 *
 * The network: every frame that a node sends goes into one heap by its time of arrival, after the seed's faults
 * had their say. Nothing is delivered but from here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "checker/msgpack.h"
#include "sim.h"

/* --- the heap ------------------------------------------------------------------------------------------- */
static bool before(const struct sim_flight *a, const struct sim_flight *b) {
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

static void swap(struct sim *sim, size_t a, size_t b) {
    struct sim_flight *kept = sim->heap[a];
    sim->heap[a] = sim->heap[b];
    sim->heap[b] = kept;
}

static void add(struct sim *sim, struct sim_flight *flight) {
    if (sim->n_heap == sim->cap_heap) {
        sim->cap_heap = sim->cap_heap == 0 ? 1024 : 2 * sim->cap_heap;
        sim->heap = realloc(sim->heap, sim->cap_heap * sizeof(*sim->heap));
        GJ_ASSERT(sim->heap != NULL);
    }
    size_t at = sim->n_heap++;
    sim->heap[at] = flight;
    while (at > 0 && before(sim->heap[at], sim->heap[(at - 1) / 2])) {
        swap(sim, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct sim_flight *pop(struct sim *sim) {
    struct sim_flight *first = sim->heap[0];
    sim->heap[0] = sim->heap[--sim->n_heap];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < sim->n_heap && before(sim->heap[child], sim->heap[least])) least = child;
        if (least == at) return first;
        swap(sim, at, least);
        at = least;
    }
}

struct sim_flight *sim_network_push(struct sim *sim, size_t from, size_t to, const uint8_t *bytes, size_t len,
                                    int64_t due_ms) {
    struct sim_flight *flight = malloc(sizeof *flight + len);
    GJ_ASSERT(flight != NULL);
    *flight =
        (struct sim_flight){.due_ms = due_ms, .number = ++sim->n_flights, .from = from, .to = to, .len = len};
    memcpy(flight->bytes, bytes, len);
    add(sim, flight);
    return flight;
}

/* --- sending -------------------------------------------------------------------------------------------- */
static int64_t delay_ms(struct sim *sim) {
    int64_t ms = 1 + (int64_t)sim_below(sim, SIM_NET, 8);
    int64_t more = (int64_t)sim_below(sim, SIM_DELAY, (uint64_t)sim->swarm.delay_ms);
    bool is_late = sim_chance(sim, SIM_TAIL, 4);
    int64_t late = (int64_t)sim_below(sim, SIM_TAIL, (uint64_t)sim->swarm.tail_ms);
    if (sim_has(sim, SIM_DELAY)) ms += more;
    if (sim_has(sim, SIM_TAIL) && is_late) ms += late;
    sim->coverage.faults[SIM_DELAY] += sim_has(sim, SIM_DELAY);
    sim->coverage.faults[SIM_TAIL] += sim_has(sim, SIM_TAIL) && is_late;
    return ms;
}

/* One bit is turned, or the end is cut off. */
static void damage(struct sim *sim, struct sim_flight *flight) {
    flight->is_damaged = true;
    if (sim_chance(sim, SIM_FLIP, 30)) flight->len = (size_t)sim_below(sim, SIM_FLIP, flight->len);
    if (flight->len == 0) return;
    size_t at = (size_t)sim_below(sim, SIM_FLIP, flight->len);
    flight->bytes[at] = (uint8_t)(flight->bytes[at] ^ 1u << sim_below(sim, SIM_FLIP, 8));
}

static void keep(struct sim *sim, const struct gj_cluster_flight *flight) {
    bool wanted = sim_chance(sim, SIM_REPLAY, 5);
    struct sim_kept *kept = &sim->kept[sim_below(sim, SIM_REPLAY, SIM_KEPT_FRAMES)];
    if (!wanted || !sim_has(sim, SIM_REPLAY)) return;
    free(kept->bytes);
    kept->bytes = malloc(flight->parcel.len);
    GJ_ASSERT(kept->bytes != NULL);
    memcpy(kept->bytes, flight->parcel.ptr, flight->parcel.len);
    kept->len = flight->parcel.len;
    kept->from = flight->from;
    kept->to = flight->to;
}

static bool is_swallowed(struct sim *sim, const struct gj_cluster_flight *flight) {
    static struct ck_parcel parcel;
    if (!sim_has(sim, SIM_BLACKHOLE) || sim->hole_until_ms <= sim->now_ms) return false;
    if (!ck_parcel_read(flight->parcel.ptr, flight->parcel.len, &parcel)) return false;
    for (uint32_t i = 0; i < parcel.n; i++)
        if (strcmp(parcel.items[i].kind, sim->hole_kind) == 0) return true;
    return false;
}

/* Why it does not arrive; NULL: it does. */
static const char *lost(struct sim *sim, const struct gj_cluster_flight *flight) {
    bool unlucky = sim_chance(sim, SIM_LOSS, sim->swarm.loss_percent);
    if (sim->nodes[flight->from].cut_until_ms[flight->to] > sim->now_ms) return "cut off";
    if (is_swallowed(sim, flight)) return "swallowed";
    if (!sim_has(sim, SIM_LOSS) || !unlucky) return NULL;
    sim->coverage.faults[SIM_LOSS]++;
    return "lost";
}

static unsigned copies(struct sim *sim) {
    unsigned n = 1;
    while (sim_chance(sim, SIM_DUPLICATE, sim->swarm.duplicate_percent) && n < 4)
        n++;
    if (!sim_has(sim, SIM_DUPLICATE)) return 1;
    sim->coverage.faults[SIM_DUPLICATE] += n - 1;
    sim->totals.faults += n - 1;
    return n;
}

static void send(struct sim *sim, const struct gj_cluster_flight *flight, bool is_refused) {
    unsigned n = copies(sim);
    for (unsigned i = 0; i < n; i++) {
        int64_t due = sim->now_ms + delay_ms(sim);
        bool is_hit = sim_chance(sim, SIM_FLIP, sim->swarm.flip_percent) && sim_has(sim, SIM_FLIP);
        struct sim_flight *copy =
            sim_network_push(sim, flight->from, flight->to, flight->parcel.ptr, flight->parcel.len, due);
        copy->is_again = i > 0;
        copy->is_damaged = is_refused;
        if (!is_hit) continue;
        damage(sim, copy);
        sim->coverage.faults[SIM_FLIP]++;
        sim->totals.faults++;
    }
}

void sim_network_sent(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct sim *sim = ctx;
    struct sim_node *from = &sim->nodes[flight->from];
    fate->copies = 0; /* all goes through our own heap */
    if (from->sink_left == 0) {
        from->sink_closed = true;
        return;
    }
    if (from->sink_left > 0) from->sink_left--;
    sim_mix(sim, flight->parcel.ptr, flight->parcel.len);
    sim_keys_sent(sim, flight->from, flight->parcel.ptr, flight->parcel.len);
    ck_sent(sim->ck, flight->from, flight->to, flight->parcel.ptr, flight->parcel.len);
    sim->totals.flights++;
    struct gj_cluster_flight said = *flight;
    bool is_refused = false;
    if (sim_is_liar(sim, flight->from)) said.parcel = sim_liars_say(sim, flight, &is_refused);
    keep(sim, &said);
    const char *why = lost(sim, &said);
    sim_say_frame(sim, why == NULL ? "sends" : why, said.from, said.to, said.parcel.ptr, said.parcel.len);
    if (why == NULL) {
        send(sim, &said, is_refused);
        return;
    }
    sim->totals.lost++;
    sim->totals.faults++;
}

/* --- arriving ------------------------------------------------------------------------------------------- */
int64_t sim_network_next_ms(const struct sim *sim) {
    return sim->n_heap == 0 ? INT64_MAX : sim->heap[0]->due_ms;
}

bool sim_network_is_full(const struct sim *sim, size_t node) {
    const struct sim_node *to = &sim->nodes[node];
    return to->narrow_until_ms > sim->now_ms && to->n_inbox + to->has_request >= to->room;
}

static void overflow(struct sim *sim, const struct sim_flight *flight) {
    sim_say_frame(sim, "finds no room", flight->from, flight->to, flight->bytes, flight->len);
    sim->coverage.rows[SIM_ROW_QUEUE_FULL]++;
    sim->totals.lost++;
    sim->totals.faults++;
}

/* What is due reaches the inbox of its node, or nobody. */
void sim_network_tick(struct sim *sim) {
    while (sim->n_heap > 0 && sim->heap[0]->due_ms <= sim->now_ms) {
        struct sim_flight *flight = pop(sim);
        struct sim_node *to = &sim->nodes[flight->to];
        bool is_full = !to->is_down && sim_network_is_full(sim, flight->to);
        if (is_full) overflow(sim, flight);
        if (to->is_down || is_full) {
            free(flight);
            continue;
        }
        if (to->n_inbox == to->cap_inbox) {
            to->cap_inbox = to->cap_inbox == 0 ? 64 : 2 * to->cap_inbox;
            to->inbox = realloc(to->inbox, to->cap_inbox * sizeof(*to->inbox));
            GJ_ASSERT(to->inbox != NULL);
        }
        to->inbox[to->n_inbox++] = flight;
    }
}

struct sim_flight *sim_network_take(struct sim *sim, size_t node) {
    struct sim_node *to = &sim->nodes[node];
    if (to->n_inbox == 0) return NULL;
    struct sim_flight *first = to->inbox[0];
    memmove(to->inbox, to->inbox + 1, --to->n_inbox * sizeof(*to->inbox));
    return first;
}

void sim_network_lose(struct sim *sim, size_t node) {
    struct sim_flight *flight;
    while ((flight = sim_network_take(sim, node)) != NULL)
        free(flight);
}

void sim_network_done(struct sim *sim) {
    while (sim->n_heap > 0)
        free(pop(sim));
    free(sim->heap);
    for (size_t i = 0; i < sim->n; i++) {
        sim_network_lose(sim, i);
        free(sim->nodes[i].inbox);
    }
    for (size_t i = 0; i < SIM_KEPT_FRAMES; i++)
        free(sim->kept[i].bytes);
}
