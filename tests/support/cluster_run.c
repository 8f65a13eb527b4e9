/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's network and clocks: one queue in the order of delivery, rounds in the order of the nodes,
 * and time that jumps to the next due when a round did nothing.
 */
#include "support/cluster_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* --- the queue ---------------------------------------------------------------------------------------------- */
void gj_cluster_queue(struct gj_cluster *cluster, size_t to, const struct gj_input *input, int64_t delay_ms) {
    struct gj_cluster_item *item = malloc(sizeof *item + input->bytes.len);
    GJ_ASSERT(item != NULL);
    item->to = to;
    item->due_ms = cluster->now.mono.ms + delay_ms;
    item->input = *input;
    if (input->bytes.len > 0) memcpy(item->bytes, input->bytes.ptr, input->bytes.len);
    item->input.bytes = gj_slice_of(item->bytes, input->bytes.len);

    struct gj_cluster_item **at = &cluster->items;
    while (*at != NULL && (*at)->due_ms <= item->due_ms)
        at = &(*at)->next;
    item->next = *at;
    *at = item;
    cluster->n_items++;
}

void gj_cluster_lose(struct gj_cluster *cluster, size_t to) {
    for (struct gj_cluster_item **at = &cluster->items; *at != NULL;) {
        struct gj_cluster_item *item = *at;
        if (item->to != to) {
            at = &item->next;
            continue;
        }
        *at = item->next;
        cluster->n_items--;
        free(item);
    }
}

void gj_cluster_transmit(struct gj_cluster *cluster, size_t from, const char *node, struct gj_slice parcel) {
    size_t to = gj_cluster_index(cluster, node);
    const struct gj_cluster_flight flight = {from, to, ++cluster->n_flights, parcel};
    struct gj_cluster_fate fate = {.copies = 1};
    if (cluster->config.network != NULL) cluster->config.network(cluster->config.ctx, &flight, &fate);
    if (cluster->cut[from][to]) return;
    struct gj_input input = {.kind = GJ_INPUT_PARCEL, .bytes = parcel};
    gj_text_set(input.line, sizeof input.line, cluster->members[from].name);
    for (unsigned i = 0; i < fate.copies; i++) {
        if (cluster->n_items >= GJ_CLUSTER_FLIGHTS_MAX) {
            cluster->n_dropped++;
            return;
        }
        gj_cluster_queue(cluster, to, &input, fate.delay_ms);
    }
}

void gj_cluster_inject(struct gj_cluster *cluster, size_t to, const char *line, struct gj_slice frame) {
    struct gj_input input = {.kind = GJ_INPUT_PARCEL, .bytes = frame};
    gj_text_set(input.line, sizeof input.line, line);
    gj_cluster_queue(cluster, to, &input, 0);
}

size_t gj_cluster_in_flight(const struct gj_cluster *cluster) {
    return cluster->n_items;
}

/* --- rounds -------------------------------------------------------------------------------------------------- */
/* Takes what is due for a node out of the queue, at most one batch, into |ret|. */
static size_t collect(struct gj_cluster *cluster, size_t node,
                      struct gj_cluster_item *ret[GJ_BATCH_INPUTS_MAX]) {
    size_t n = 0;
    for (struct gj_cluster_item **at = &cluster->items; *at != NULL && n < GJ_BATCH_INPUTS_MAX;) {
        struct gj_cluster_item *item = *at;
        if (item->due_ms > cluster->now.mono.ms) break;
        if (item->to != node) {
            at = &item->next;
            continue;
        }
        *at = item->next;
        cluster->n_items--;
        ret[n++] = item;
    }
    return n;
}

bool gj_cluster_step_node(struct gj_cluster *cluster, size_t node) {
    struct gj_cluster_member *member = &cluster->members[node];
    struct gj_cluster_item *items[GJ_BATCH_INPUTS_MAX];
    struct gj_input inputs[GJ_BATCH_INPUTS_MAX];
    size_t n = collect(cluster, node, items);
    bool is_up = member->engine != NULL;
    bool is_due = is_up && gj_cluster_due_ms(cluster, node) <= cluster->now.mono.ms;
    for (size_t i = 0; i < n; i++)
        inputs[i] = items[i]->input;

    enum gj_err err = GJ_OK;
    if (is_up && (n > 0 || is_due))
        err = gj_engine_step(member->engine, inputs, n, gj_cluster_now(cluster, node));
    for (size_t i = 0; i < n; i++)
        free(items[i]);
    if (!gj_engine_goes_on(err)) {
        gj_cluster_crash(cluster, node);
        member->failure = err;
    }
    return n > 0 || is_due;
}

bool gj_cluster_step(struct gj_cluster *cluster) {
    bool happened = false;
    for (size_t i = 0; i < cluster->n; i++)
        if (gj_cluster_step_node(cluster, i)) happened = true;
    return happened;
}

/* When something will happen; INT64_MAX: never. */
static int64_t next_due_ms(const struct gj_cluster *cluster) {
    int64_t next = cluster->items != NULL ? cluster->items->due_ms : INT64_MAX;
    for (size_t i = 0; i < cluster->n; i++) {
        if (!gj_cluster_is_up(cluster, i)) continue;
        int64_t due = gj_cluster_due_ms(cluster, i);
        if (due < next) next = due;
    }
    return next;
}

/* Rounds without time passing: an engine that is due again and again at one instant is broken. */
#define ROUNDS_MAX 100000

bool gj_cluster_run(struct gj_cluster *cluster, bool (*until)(void *ctx), void *ctx, int64_t max_ms) {
    int64_t end_ms = cluster->now.mono.ms + max_ms;
    for (unsigned rounds = 0; rounds < ROUNDS_MAX;) {
        if (until != NULL && until(ctx)) return true;
        if (gj_cluster_step(cluster)) {
            rounds++;
            continue;
        }
        int64_t next = next_due_ms(cluster);
        if (next > end_ms) {
            if (next != INT64_MAX) gj_cluster_advance(cluster, end_ms - cluster->now.mono.ms);
            return false;
        }
        gj_cluster_advance(cluster, next - cluster->now.mono.ms);
        rounds = 0;
    }
    gj_assert_failed("time passes", __FILE__, __LINE__);
}

/* --- clocks --------------------------------------------------------------------------------------------------- */
void gj_cluster_advance(struct gj_cluster *cluster, int64_t ms) {
    GJ_ASSERT(ms >= 0);
    cluster->now.mono.ms += ms;
    cluster->now.wall.ms += ms;
}

void gj_cluster_set_clock(struct gj_cluster *cluster, struct gj_now now) {
    cluster->now = now;
}

void gj_cluster_set_random(struct gj_cluster *cluster, uint64_t state) {
    cluster->random_state = state;
}

void gj_cluster_set_skew(struct gj_cluster *cluster, size_t node, int64_t ms) {
    cluster->members[node].skew_ms = ms;
}

static int64_t drifted_ms(const struct gj_cluster_member *member, int64_t at_ms) {
    return (at_ms - member->drift_since_ms) * member->drift_percent / 100;
}

void gj_cluster_set_drift(struct gj_cluster *cluster, size_t node, int64_t percent) {
    struct gj_cluster_member *member = &cluster->members[node];
    GJ_ASSERT(percent > -100);
    member->ahead_ms += drifted_ms(member, cluster->now.mono.ms);
    member->drift_since_ms = cluster->now.mono.ms;
    member->drift_percent = percent;
}

struct gj_now gj_cluster_now(const struct gj_cluster *cluster, size_t node) {
    const struct gj_cluster_member *member = &cluster->members[node];
    struct gj_now now = cluster->now;
    int64_t drifted = drifted_ms(member, now.mono.ms);
    now.mono.ms += member->ahead_ms + drifted;
    now.wall.ms += member->skew_ms + drifted;
    return now;
}

int64_t gj_cluster_due_ms(const struct gj_cluster *cluster, size_t node) {
    const struct gj_cluster_member *member = &cluster->members[node];
    int64_t due = gj_engine_next_due(member->engine).ms;
    int64_t left = due - gj_cluster_now(cluster, node).mono.ms;
    if (due == INT64_MAX || left <= 0 || member->drift_percent == 0)
        return due == INT64_MAX ? due : due - member->ahead_ms;
    int64_t at = cluster->now.mono.ms + left * 100 / (100 + member->drift_percent);
    while (at + member->ahead_ms + drifted_ms(member, at) < due)
        at++;
    return at;
}

void gj_cluster_cut(struct gj_cluster *cluster, size_t a, size_t b, bool is_cut) {
    cluster->cut[a][b] = cluster->cut[b][a] = is_cut;
}
