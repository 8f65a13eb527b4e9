/* SPDX-License-Identifier: Apache-2.0
 *
 * Three provinces for stories out of bytes: place of care, the patient's home, a payer's province; real engines,
 * memory stores, fixed keys, one binding. What the network does to the next parcels is the story's to say.
 */
#ifndef GJ_TESTS_FUZZ_WORLD_H
#define GJ_TESTS_FUZZ_WORLD_H

#include "fuzz/fuzz.h"
#include "support/cluster.h"
#include "support/forge.h"

enum { WORLD_CARE, WORLD_HOME, WORLD_EAST, WORLD_NODES };
#define WORLD_TICKETS 64u
#define WORLD_KNOWN   16u
#define WORLD_LIES    32u

struct world_ticket {
    uint64_t ticket;
    enum gj_request_kind kind;
    char msgid[GJ_MSGID_MAX + 1];
    bool was_read;
};

struct world {
    struct gj_cluster *cluster;
    struct gj_reader reader; /* the story */
    struct gj_pack pack;
    struct gj_packs packs;
    struct world_ticket tickets[WORLD_TICKETS];
    uint32_t n_tickets, n_messages;
    char settlements[WORLD_KNOWN][GJ_REF_MAX + 1], bindings[WORLD_KNOWN][GJ_REF_MAX + 1];
    char plans[WORLD_KNOWN][GJ_REF_MAX + 1];
    uint32_t n_settlements, n_bindings, n_plans; /* ever heard of */
    /* the network: for the next parcels */
    unsigned drop, copy, delay, lose_replies, lie;
    int64_t delay_ms;
    /* lies: parcels that were changed and signed again, to be put into the network after the step */
    bool has_liars;
    struct gj_fuzz_pool pool;
    struct gj_forge forges[WORLD_NODES];
    struct gj_arena arena; /* of the whole story */
    struct {
        size_t to;
        const char *line;
        struct gj_slice frame;
    } lies[WORLD_LIES];
    uint32_t n_lies;
};

void world_open(struct world *world, struct gj_slice story, bool has_liars);
void world_close(struct world *world);
/* Hands a request to a node, made of the next bytes. */
void world_submit(struct world *world);
/* Takes up what was answered since the last call. */
void world_hear(struct world *world);
/* The hook's part in lying (lie.c): true if the flight was taken and something else will come instead. */
bool world_lie(struct world *world, const struct gj_cluster_flight *flight);
/* A message of any kind, signed by any node, put into the network. */
void world_inject(struct world *world);
void world_release_lies(struct world *world);

#endif
