/* SPDX-License-Identifier: Apache-2.0
 *
 * The independent checker: what must be true of a system of nodes, judged only by what they say to each other
 * (frames as sent) and by what their stores hold (rows through the store port). It has its own decoder, its own
 * transactions and its own accounts, and includes no header of protocol or domain. It keeps the first failure.
 */
#ifndef GJ_TESTS_SIM_CHECKER_H
#define GJ_TESTS_SIM_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/store.h"

#define CK_NODES_MAX 8

struct ck;

/* The figures of the one rule pack that the nodes run under; 0: no such limit. */
struct ck_rules {
    int64_t per_settlement_cap_fen, annual_cap_fen, min_retention_fen;
    bool exit_means_suspense; /* where refunds go after a binding has ended */
};

struct ck_failure {
    char invariant[24]; /* "I7", "end" */
    char text[512];
    char txid[72]; /* what it is about, or "" */
    size_t node;
};

struct ck_totals {
    uint64_t messages, commits_of_stores, row_changes, replies, certificates;
    uint64_t transactions, committed, aborted, legs, refunds, bindings;
    uint64_t votes, postings, capped; /* of dumps; payments that a cap was looked at for */
};

struct ck *ck_new(size_t n_nodes, const char *const *names, const struct ck_rules *rules);
void ck_free(struct ck **ck_p);
/* NULL: all is well. */
const struct ck_failure *ck_failed(const struct ck *ck);
const struct ck_totals *ck_totals_of(const struct ck *ck);
/* Every failure is told as it is found, none is kept: ck_failed() stays NULL. */
void ck_tell(struct ck *ck, void (*told)(void *ctx, const struct ck_failure *failure), void *ctx);
/* The 32 bytes of a node's Ed25519 public key, for certificates. */
void ck_set_key(struct ck *ck, size_t node, const uint8_t key[32]);
/* One more public key of a node. |alg| 1: SM2, 65 bytes; 2: Ed25519, 32 bytes. False: no such key, or too many. */
bool ck_add_key(struct ck *ck, size_t node, uint8_t alg, const uint8_t *bytes, size_t len);

/* The key of a node that was added last holds no longer for what is signed from then on, by the signer's clock. */
void ck_revoke_key(struct ck *ck, size_t node, int64_t revoked_ms);
/* |at| knows now that all keys of |node| but the last are over: none of them may speak to it, and no decision may
 * rest on them there. What was signed before is still evidence. */
void ck_keys_are_over(struct ck *ck, size_t at, size_t node);
struct ck_parcel;
/* Is it signed with a key that is over, as |at| knows? */
bool ck_key_is_over(const struct ck *ck, size_t at, const struct ck_parcel *parcel);

/* --- a liar ---------------------------------------------------------------------------------------------- */
/* What is said with this node's key need not be its engine's word. Its own records are still judged, and what its
 * engine says; of the others, all that a lie cannot excuse. |regions|: of that node, borrowed. */
void ck_set_liar(struct ck *ck, size_t node, const char *const *regions, size_t n_regions);
/* It voted for what its engine refused: its engine may never be able to do its part again. */
void ck_set_lame(struct ck *ck);
bool ck_is_lame(const struct ck *ck);

/* --- stores: called by a wrapper round the store port --------------------------------------------------- */
void ck_begin(struct ck *ck, size_t node);
void ck_put(struct ck *ck, size_t node, const struct gj_table *table, const void *rec);
void ck_del(struct ck *ck, size_t node, const struct gj_table *table, const void *rec);
void ck_commit(struct ck *ck, size_t node); /* durable */
void ck_rollback(struct ck *ck, size_t node);
/* The store could not say whether it is durable: it is so or not, and the store when it is opened again tells. */
void ck_doubt(struct ck *ck, size_t node);
bool ck_is_in_doubt(const struct ck *ck, size_t node);
/* True: it was done. |arena| is reset. */
bool ck_settle_doubt(struct ck *ck, size_t node, struct gj_store *store, struct gj_arena *arena);
/* Reads the whole store and compares it with what was made durable (I3). |arena| is reset. */
void ck_compare(struct ck *ck, size_t node, struct gj_store *store, struct gj_arena *arena);
/* A digest over every record of that node, for the trace: records in the order of their keys. */
uint64_t ck_digest(const struct ck *ck, size_t node);
/* Shows every record that is durable at that node, in no order. */
void ck_each_row(const struct ck *ck, size_t node,
                 void (*look)(void *ctx, const struct gj_table *table, const void *rec), void *ctx);
/* How many records the node's transactions have changed so far. */
uint64_t ck_changes(const struct ck *ck, size_t node);
/* How many messages other than errors it has sent. */
uint64_t ck_said(const struct ck *ck, size_t node);

/* The node has started; |is_doubtful|: its store may not be the latest. */
void ck_started(struct ck *ck, size_t node, bool is_doubtful);

/* --- a store put back from a copy of itself ----------------------------------------------------------------- */
struct ck_image;
struct ck_image *ck_image_take(const struct ck *ck, size_t node);
void ck_image_free(struct ck_image **image_p);
/* Every record of the copy into an empty store that is inside a transaction. */
void ck_image_write(const struct ck_image *image, struct gj_store *store);
/* From now on the copy is what was made durable there. What only that node knew may be lost; what any other store holds
 * must come back. */
void ck_image_put_back(struct ck *ck, size_t node, const struct ck_image *image);

bool ck_was_put_back(const struct ck *ck, size_t node);
/* The node says that only people can settle this: it must be true. */
void ck_case_opened(struct ck *ck, size_t node, const char *txid);
/* Its commit came back, and not what its client was told: in progress, until people see to it. Or a refund came back so: then
 * other refunds of its settlement wait for people too. */
bool ck_is_case_request(const struct ck *ck, size_t node, const char *sender, const char *msgid);

/* --- the wire ------------------------------------------------------------------------------------------- */
void ck_sent(struct ck *ck, size_t from, size_t to, const uint8_t *frame, size_t len);
/* |answer|: one byte of kind, then the map. |sender|, |msgid|: the biz key of the request that it answers. */
void ck_replied(struct ck *ck, size_t node, const char *request, const char *sender, const char *msgid,
                const uint8_t *answer, size_t len);
void ck_fail(struct ck *ck, const char *invariant, size_t node, const char *txid, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* --- the end -------------------------------------------------------------------------------------------- */
/* "" if nothing is left undone anywhere, else what. Says nothing about right or wrong. */
const char *ck_unfinished(struct ck *ck);
/* What must hold when all is decided. */
void ck_end(struct ck *ck);

/* --- stores alone, after or during a run ---------------------------------------------------------------- */
/* One record of a store that nobody watched. */
void ck_dump_put(struct ck *ck, size_t node, const struct gj_table *table, const void *rec);
/* When all records of all nodes are there: whatever they show by themselves. |is_over|: the faults have stopped and
 * everything must have come to its end; else the stores may be of different moments. */
void ck_dump_judge(struct ck *ck, bool is_over);

/* What a pack says of a payer's relatives, for regions that |region| stands for: itself, a city's "360800" for its
 * districts, a province's "360000", "000000". 0: no such limit. The caller keeps it. */
struct ck_pack {
    char region[8];
    int64_t valid_from, valid_to; /* yyyymmdd; 0: still */
    int64_t per_settlement_cap_fen, annual_cap_fen;
};
void ck_set_packs(struct ck *ck, const struct ck_pack *packs, size_t n);

/* --- looking, for coverage ------------------------------------------------------------------------------ */
/* The state word of a record of coord or part, "" if there is none. */
const char *ck_part_state(const struct ck *ck, size_t node, const char *txid);
const char *ck_coord_state(const struct ck *ck, size_t node, const char *txid);
/* "", OPEN, DONE, REFUSED: the durable state of a client's request. */
const char *ck_request_state(const struct ck *ck, size_t node, const char *sender, const char *msgid);
/* Would that node's record of the transaction hear a word of |from| with this digest (CK_DIGEST bytes, may be NULL)? */
bool ck_coord_hears(const struct ck *ck, size_t node, size_t from, const char *txid, const uint8_t *digest);
bool ck_part_hears(const struct ck *ck, size_t node, const char *txid, const uint8_t *digest);
/* Is there a durable record of that table in that state; is one being written just now? |state| NULL: any. */
/* The |n|-th transaction of that table in that state, in an order of its own; false: there are not so many. */
bool ck_nth(const struct ck *ck, size_t node, const char *table, const char *state, unsigned n,
            char ret_txid[72]);
bool ck_has(const struct ck *ck, size_t node, const char *table, const char *state);
bool ck_is_writing(const struct ck *ck, size_t node, const char *table, const char *state);
uint32_t ck_epoch(const struct ck *ck, size_t node);
bool ck_in_resync(const struct ck *ck, size_t node);
/* The epoch of |peer| that |node| has heard HELLO of. */
uint32_t ck_heard_epoch(const struct ck *ck, size_t node, size_t peer);

#endif
