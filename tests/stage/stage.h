/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-stage: the back end on which stories are played in virtual time. It holds a cluster of real engines
 * (support/cluster.h), a network that can lose, hold and double single kinds of message, disks that fail at a named
 * record, and the independent checker (sim/checker). One command a line on standard input, as a JSON object, gives
 * one line of JSON on standard output. Nothing happens between two commands, and time passes only in "run".
 *
 * It must never judge a story: that is its reader's part (tests/scenario). It only does and shows.
 */
#ifndef GJ_TESTS_STAGE_STAGE_H
#define GJ_TESTS_STAGE_STAGE_H

#include <jansson.h>

#include "http/edge.h"
#include "sim/checker/checker.h"
#include "support/cluster.h"

#define STAGE_NODES_MAX GJ_CLUSTER_NODES_MAX
#define STAGE_TRAPS_MAX 32
#define STAGE_LABEL_MAX 31
#define STAGE_LOG_MAX   4096
#define STAGE_KEYS_MAX  4 /* that one node has in its life on the stage */
#define STAGE_ROUNDS_MAX                                                                                     \
    100000 /* steps without time passing: an engine that is due again and again is broken */

enum stage_act { STAGE_LOSE, STAGE_HOLD, STAGE_DUPLICATE, STAGE_DELAY, STAGE_RECORD };

/* What becomes of messages of one kind on one way. */
struct stage_trap {
    bool is_set;
    enum stage_act act;
    char kind[32]; /* "" is any */
    size_t from, to;
    int64_t left; /* how many parcels more; -1: all */
    int64_t delay_ms;
    char label[STAGE_LABEL_MAX + 1];
    uint64_t hits;
};

struct stage_flight {
    struct stage_flight *next;
    int64_t due_ms;
    size_t from, to, len;
    char label[STAGE_LABEL_MAX + 1]; /* of what holds it */
    uint8_t bytes[];
};

/* Where a node dies. */
enum stage_blow { STAGE_NO_BLOW, STAGE_BEFORE_FLUSH, STAGE_AFTER_FLUSH, STAGE_AFTER_SEND };

struct stage_node {
    bool is_frozen, is_full, is_low;
    bool is_deaf_to[STAGE_NODES_MAX]; /* a line that carries nothing to it, by sender */
    enum stage_blow blow;
    char blow_table[16], blow_state[16], blow_kind[32];
    bool was_up, is_struck, is_muted;
    unsigned life;
    uint32_t forged; /* messages that were said in its name */
    struct gj_store *backup;
    struct ck_image *image; /* the checker's copy of that moment */
    struct gj_public_key keys[STAGE_KEYS_MAX];
    int64_t revoked_ms[STAGE_KEYS_MAX];
    size_t n_keys;
};

struct stage_call {
    size_t node;
    unsigned life; /* of the node when it was asked */
    struct gj_asked asked;
    enum gj_request_kind kind;
    char record[GJ_MSGID_MAX + 1]; /* message id of the request's record: of a reversal, the reversed one's */
    uint8_t *answer;               /* NULL: not yet */
    size_t answer_len;
};

struct stage {
    struct gj_cluster *cluster;
    struct gj_pack_set *packs;
    struct ck *ck;
    size_t n;
    struct gj_cluster_node specs[STAGE_NODES_MAX];
    char names[STAGE_NODES_MAX][GJ_NODE_MAX + 1], regions[STAGE_NODES_MAX][128];
    struct gj_sign_key *sign_keys[STAGE_NODES_MAX];
    struct gj_sign_key *retired[STAGE_NODES_MAX * STAGE_KEYS_MAX];
    size_t n_retired;
    struct gj_data_key data_keys[STAGE_NODES_MAX];
    struct stage_node nodes[STAGE_NODES_MAX];
    struct stage_trap traps[STAGE_TRAPS_MAX];
    struct stage_flight *flights; /* under way, by the time of arrival */
    struct stage_flight *held;    /* in the order of sending */
    struct stage_call *calls;     /* by ticket - 1 */
    size_t n_calls, cap_calls;
    uint8_t *arena_memory;
    json_t *log; /* of what passed since it was asked for last */
};

/* --- world.c ------------------------------------------------------------------------------------------------ */
json_t *stage_start(struct stage *stage, const json_t *command);
void stage_close(struct stage *stage);
json_t *stage_restart(struct stage *stage, const json_t *command);
json_t *stage_crash(struct stage *stage, const json_t *command);
json_t *stage_backup(struct stage *stage, const json_t *command);
json_t *stage_restore(struct stage *stage, const json_t *command);
json_t *stage_revoke_key(struct stage *stage, const json_t *command);
/* What a step left of a node. */
void stage_after_step(struct stage *stage, size_t node);

/* --- network.c ---------------------------------------------------------------------------------------------- */
void stage_network_sent(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate);
void stage_network_lose(struct stage *stage, size_t node);
void stage_network_close(struct stage *stage);
json_t *stage_trap(struct stage *stage, const json_t *command);
json_t *stage_untrap(struct stage *stage, const json_t *command);
json_t *stage_release(struct stage *stage, const json_t *command);
json_t *stage_cut(struct stage *stage, const json_t *command);
json_t *stage_run(struct stage *stage, const json_t *command);

/* --- disk.c --------------------------------------------------------------------------------------------------- */
struct gj_store *stage_disk_wrap(void *ctx, size_t node, struct gj_store *inner);
/* What is behind the wrapper; the checker's view goes with it. */
struct gj_store *stage_disk_inner(struct gj_store *wrapped);

/* --- calls.c -------------------------------------------------------------------------------------------------- */
json_t *stage_call(struct stage *stage, const json_t *command);
json_t *stage_answer(struct stage *stage, const json_t *command);
bool stage_replies(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer);

/* --- look.c --------------------------------------------------------------------------------------------------- */
json_t *stage_rows(struct stage *stage, const json_t *command);
json_t *stage_events(struct stage *stage, const json_t *command);
json_t *stage_state(struct stage *stage, const json_t *command);
json_t *stage_check(struct stage *stage, const json_t *command);
json_t *stage_take_log(struct stage *stage, const json_t *command);
void stage_reports(void *ctx, size_t node, const struct gj_event *event);
void stage_say(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- lies.c --------------------------------------------------------------------------------------------------- */
json_t *stage_lie(struct stage *stage, const json_t *command);

/* --- main.c: reading a command ---------------------------------------------------------------------------------- */
json_t *stage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
json_t *stage_ok(void);
/* The node under |key|; false if there is none of that number. */
bool stage_node_of(const struct stage *stage, const json_t *command, const char *key, size_t *ret);
const char *stage_text(const json_t *command, const char *key); /* "" if absent */
int64_t stage_int(const json_t *command, const char *key, int64_t absent);

#endif
