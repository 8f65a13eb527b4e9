/* SPDX-License-Identifier: Apache-2.0
 *
 * Several nodes in one process: real engines, real keys, real stores, and a network and clocks that the test
 * holds in its hand. Nothing here sleeps, and nothing happens that the test did not ask for: parcels are
 * delivered in a fixed order, and time stands still until gj_cluster_run() finds that all is quiet and moves
 * it to the next thing that is due. The same config and the same calls give the same story.
 *
 *     struct gj_cluster *c = gj_cluster_new(&config);
 *     gj_cluster_edit(c, 0, load_people, NULL);          before or after the start
 *     gj_cluster_start(c);                               until all have heard each other
 *     kind = gj_cluster_request(c, 0, GJ_REQUEST_SETTLE, &bill, &body);
 *     gj_cluster_crash(c, 1); ... gj_cluster_restart(c, 1, GJ_WITNESS_EQUAL_OR_BEHIND);
 *     gj_cluster_free(&c);
 *
 * A mistake of the test's own (a node that is down is asked, no memory) is an assert.
 */
#ifndef GJ_TESTS_SUPPORT_CLUSTER_H
#define GJ_TESTS_SUPPORT_CLUSTER_H

#include "node/engine.h"

#define GJ_CLUSTER_NODES_MAX   8
#define GJ_CLUSTER_REGIONS_MAX 32
#define GJ_CLUSTER_FLIGHTS_MAX 65536  /* parcels under way; more are dropped and counted */
#define GJ_CLUSTER_REQUEST_MS  180000 /* virtual; within it every request must have its answer */

struct gj_cluster;

/* One parcel on its way, as the hook sees it. */
struct gj_cluster_flight {
    size_t from, to;
    uint64_t number; /* of all parcels of this cluster, from 1 */
    struct gj_slice parcel;
};

/* What becomes of it; as given to the hook: one copy, at once. */
struct gj_cluster_fate {
    unsigned copies;  /* 0: lost */
    int64_t delay_ms; /* different delays reorder */
};

struct gj_cluster_node {
    const char *name;             /* "330000" */
    const char *regions;          /* "330100 330200" */
    const struct gj_packs *packs; /* NULL: the cluster's */
};

struct gj_cluster_config {
    const struct gj_cluster_node *nodes;
    size_t n_nodes;
    const struct gj_packs *packs; /* borrowed for the cluster's life */
    enum gj_sign_alg alg;         /* 0: SM2 */
    const char *folder;           /* SQLite files are made there; NULL: memory stores */
    bool record_inputs;
    uint32_t record_days; /* 0: for ever */
    uint64_t seed;        /* of all random bytes but those inside signatures */
    int64_t wall_ms;      /* when it begins; 0: 2026-11-18 */
    /* Keys of |alg|, one per node, borrowed for the cluster's life: the same keys, the same bytes. NULL: keys that
     * are made once for the whole program. */
    struct gj_sign_key *const *sign_keys;
    const struct gj_data_key *data_keys;
    /* Hooks, each may be NULL. They are called from inside a step and must not call the cluster, but for
     * reading. */
    void *ctx;
    void (*network)(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate);
    void (*event)(void *ctx, size_t node, const struct gj_event *event);
    /* An answer on its way to a client; false: it is lost, as if the node had died just before. */
    bool (*reply)(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer);
    /* Each store that was opened, to be wrapped; closing what is returned closes |opened|. */
    struct gj_store *(*wrap)(void *ctx, size_t node, struct gj_store *opened);
};

/* Stores with their node row, nothing started. */
struct gj_cluster *gj_cluster_new(const struct gj_cluster_config *config);
void gj_cluster_free(struct gj_cluster **cluster_p);

/* --- life of a node ------------------------------------------------------------------------------------- */
/* Starts every node that is down and runs until all have answered each other's HELLO (asserted). */
void gj_cluster_start(struct gj_cluster *cluster);
/* Throws the engine away; its store stays as of the last flush, its waiters never hear. What it sent before
 * is still under way; what arrives while it is down is lost. */
void gj_cluster_crash(struct gj_cluster *cluster, size_t node);
/* Starts it again on its store. */
void gj_cluster_restart(struct gj_cluster *cluster, size_t node, enum gj_witness witness);
bool gj_cluster_is_up(const struct gj_cluster *cluster, size_t node);
/* The error with which the engine gave up by itself, GJ_OK if it did not; such a node counts as crashed. */
enum gj_err gj_cluster_failure(const struct gj_cluster *cluster, size_t node);
/* Works on a node's store in a store transaction of its own: loading people, looking at records. */
void gj_cluster_edit(struct gj_cluster *cluster, size_t node, void (*edit)(void *ctx, struct gj_turn *turn),
                     void *ctx);
/* Another store for a node that is down (a wrapper, a restored backup). The old one is given back to the caller. */
struct gj_store *gj_cluster_swap_store(struct gj_cluster *cluster, size_t node, struct gj_store *store);
/* Another registry's keys for a node, at once (a key revoked, a key added). The old ones are given back. */
struct gj_keyring *gj_cluster_swap_keyring(struct gj_cluster *cluster, size_t node,
                                           struct gj_keyring *keyring);

/* --- time and network ------------------------------------------------------------------------------------ */
/* Delivers what is there and steps who has something due, once each in order; false if nothing happened. */
bool gj_cluster_step(struct gj_cluster *cluster);
/* One node only. */
bool gj_cluster_step_node(struct gj_cluster *cluster, size_t node);
/* Steps until |until| (may be NULL: never) is true, moving time forward when all is quiet; true if it was.
 * Ends when |max_ms| of virtual time have passed or nothing will ever be due. */
bool gj_cluster_run(struct gj_cluster *cluster, bool (*until)(void *ctx), void *ctx, int64_t max_ms);
/* Only moves the clocks. */
void gj_cluster_advance(struct gj_cluster *cluster, int64_t ms);
/* For a search that tries other orders of the same things: all clocks, backwards too; and what the next random bytes
 * are made of, so that the same step in another order makes the same bytes. */
void gj_cluster_set_clock(struct gj_cluster *cluster, struct gj_now now);
void gj_cluster_set_random(struct gj_cluster *cluster, uint64_t state);
/* A node's wall clock is wrong by so much from now on. */
void gj_cluster_set_skew(struct gj_cluster *cluster, size_t node, int64_t ms);
/* From now on both its clocks run fast, or slow, by so much. What its wall clock has gained or lost is over when the
 * drift is set again; its monotonic clock keeps it. */
void gj_cluster_set_drift(struct gj_cluster *cluster, size_t node, int64_t percent);
struct gj_now gj_cluster_now(const struct gj_cluster *cluster, size_t node);
/* Nothing passes between the two, in either direction. */
void gj_cluster_cut(struct gj_cluster *cluster, size_t a, size_t b, bool is_cut);
/* Puts a frame of the test's own making into the network, as if |line| had sent it. */
void gj_cluster_inject(struct gj_cluster *cluster, size_t to, const char *line, struct gj_slice frame);
size_t gj_cluster_in_flight(const struct gj_cluster *cluster);

/* --- clients --------------------------------------------------------------------------------------------- */
/* Hands a request to a node; the step comes later. Returns a ticket. |body| is the struct of the kind's shape. */
uint64_t gj_cluster_submit(struct gj_cluster *cluster, size_t node, enum gj_request_kind kind,
                           const void *body);
void gj_cluster_hangup(struct gj_cluster *cluster, uint64_t ticket);
bool gj_cluster_is_answered(const struct gj_cluster *cluster, uint64_t ticket);
/* How many answers a ticket got: more than one would be an error of the node. */
unsigned gj_cluster_answers(const struct gj_cluster *cluster, uint64_t ticket);
/* The answer of an answered ticket, decoded; GJ_ANSWER_NONE if there is none. Valid until the next call of
 * this function or the next one. */
enum gj_answer_kind gj_cluster_answer(struct gj_cluster *cluster, uint64_t ticket, const void **ret_body);
/* Submits and runs until it is answered; GJ_ANSWER_NONE if no answer came within GJ_CLUSTER_REQUEST_MS. */
enum gj_answer_kind gj_cluster_request(struct gj_cluster *cluster, size_t node, enum gj_request_kind kind,
                                       const void *body, const void **ret_body);

/* --- looking --------------------------------------------------------------------------------------------- */
size_t gj_cluster_index(const struct gj_cluster *cluster, const char *name);  /* asserts that it exists */
struct gj_engine *gj_cluster_engine(struct gj_cluster *cluster, size_t node); /* NULL while it is down */
/* When an engine that is up has something to do, on the clock of the cluster; it may be past. INT64_MAX: never. */
int64_t gj_cluster_due_ms(const struct gj_cluster *cluster, size_t node);
struct gj_store *gj_cluster_store(struct gj_cluster *cluster, size_t node);
const struct gj_directory *gj_cluster_directory(const struct gj_cluster *cluster, size_t node);
const struct gj_hasher *gj_cluster_hasher(const struct gj_cluster *cluster, size_t node);
const struct gj_data_key *gj_cluster_data_key(const struct gj_cluster *cluster, size_t node);
const struct gj_sign_key *gj_cluster_sign_key(const struct gj_cluster *cluster, size_t node);
struct gj_keyring *gj_cluster_keyring(const struct gj_cluster *cluster, size_t node);
/* Events of a code that this node has reported since it was made, crashes included. */
uint64_t gj_cluster_events(const struct gj_cluster *cluster, size_t node, enum gj_event_code code);
/* Events of level ALARM at any node. */
uint64_t gj_cluster_alarms(const struct gj_cluster *cluster);

#endif
