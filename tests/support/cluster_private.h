/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's insides, shared by its two files: nodes and clients in cluster.c, time and network in
 * cluster_run.c.
 */
#ifndef GJ_TESTS_SUPPORT_CLUSTER_PRIVATE_H
#define GJ_TESTS_SUPPORT_CLUSTER_PRIVATE_H

#include "support/cluster.h"

/* One thing that will reach a node: a parcel, a request, a hangup. */
struct gj_cluster_item {
    struct gj_cluster_item *next;
    size_t to;
    int64_t due_ms; /* mono */
    struct gj_input input;
    uint8_t bytes[];
};

struct gj_cluster_member {
    struct gj_cluster *cluster;
    size_t index;
    char name[GJ_NODE_MAX + 1];
    const struct gj_packs *packs;
    struct gj_directory directory;
    struct gj_keyring *keyring;
    struct gj_prover prover;
    struct gj_hasher hasher;
    struct gj_store *store;
    struct gj_engine *engine; /* NULL: down */
    enum gj_err failure;
    int64_t skew_ms;
    int64_t drift_percent, drift_since_ms; /* its clocks run so much fast or slow, since then */
    int64_t ahead_ms;                      /* of its monotonic clock, by earlier drifts */
    bool is_starting;                      /* gj_cluster_start() waits for it */
    uint64_t events[GJ_EVENT_COUNT];
};

struct gj_cluster_ticket {
    size_t node;
    unsigned answers;
    uint8_t *answer; /* the first one */
    size_t len;
};

struct gj_cluster {
    struct gj_cluster_config config;
    struct gj_now now;
    uint64_t random_state;
    struct gj_cluster_member members[GJ_CLUSTER_NODES_MAX];
    size_t n;
    struct gj_directory_node nodes[GJ_CLUSTER_NODES_MAX];
    struct gj_directory_region regions[GJ_CLUSTER_REGIONS_MAX];
    size_t n_regions;
    bool cut[GJ_CLUSTER_NODES_MAX][GJ_CLUSTER_NODES_MAX];

    struct gj_cluster_item *items; /* in the order of (due, sent) */
    size_t n_items;
    uint64_t n_flights, n_dropped;

    struct gj_cluster_ticket *tickets;
    size_t n_tickets, cap_tickets;
    uint8_t *arena_memory; /* of edits */
    uint8_t *answer_memory;
    struct gj_arena answer_arena;
};

/* Queues a copy for a node, |delay_ms| from now. */
void gj_cluster_queue(struct gj_cluster *cluster, size_t to, const struct gj_input *input, int64_t delay_ms);
/* Whatever is under way to a node is lost. */
void gj_cluster_lose(struct gj_cluster *cluster, size_t to);
/* The sink's parcel: through the hook into the queue. */
void gj_cluster_transmit(struct gj_cluster *cluster, size_t from, const char *node, struct gj_slice parcel);

#endif
