/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's insides, shared by the files of this folder only.
 */
#ifndef GJ_TESTS_SIM_CHECKER_PRIVATE_H
#define GJ_TESTS_SIM_CHECKER_PRIVATE_H

#include <uthash.h>

#include "base/ids.h"
#include "checker.h"
#include "msgpack.h"

#define CK_KEY_MAX          200
#define CK_LEGS_MAX         24
#define CK_PARTICIPANTS_MAX 12
#define CK_DIGEST           33
#define CK_KEYS_MAX         4
#define CK_KEY_BYTES        65
#define CK_VERIFIED         1024
#define CK_NONCE            16

/* A record: a copy of the table's struct, BINs copied too. */
struct ck_row {
    char key[CK_KEY_MAX]; /* "<table> <key fields>" */
    const struct gj_table *table;
    void *rec;
    UT_hash_handle hh;
};

/* One change of a store transaction that is under way. */
struct ck_change {
    struct ck_row *row;
    bool is_delete;
};

/* A record that a transaction has touched: as it was (NULL: not there), as it is. */
struct ck_touch {
    struct ck_row *old, *now;
};

/* A sum under a name: postings of an account, holds on it, lines of an entry. */
struct ck_sum {
    char key[CK_KEY_MAX];
    int64_t fen, held_fen;
    uint32_t n;
    UT_hash_handle hh;
};

struct ck_key {
    uint8_t alg; /* 1: SM2 with SM3, 2: Ed25519 with SHA-256 */
    uint8_t bytes[CK_KEY_BYTES];
    size_t len;
    int64_t revoked_ms;             /* 0: it holds */
    bool is_over_for[CK_NODES_MAX]; /* who has heard of it, and whose clock says so */
};

struct ck_node {
    char name[32];
    struct ck_key keys[CK_KEYS_MAX];
    size_t n_keys;
    bool in_transaction;
    bool lies; /* its key is in somebody else's hand */
    unsigned n_restores;
    uint32_t max_epoch;   /* of all that it ever had */
    bool is_in_old_epoch; /* put back, it has not learned yet that it had this one */
    struct ck_row *rows;
    struct ck_change *changes;
    size_t n_changes, cap_changes;
    bool in_doubt;            /* whether they were done */
    struct ck_touch *touched; /* of the commit that is being looked at */
    size_t n_touched, cap_touched;
    struct ck_sum *accounts, *entries, *usage;
    uint64_t last_id[CK_NODES_MAX]; /* message ids to each node, of this epoch */
    uint32_t last_epoch[CK_NODES_MAX];
    uint32_t heard[CK_NODES_MAX]; /* newest epoch of each peer in a durable peer record */
    uint64_t n_row_changes, n_said;
    uint32_t doubtful_epoch;                 /* of a start on a store that may not be the latest; 0: none */
    uint8_t welcome[CK_NODES_MAX][CK_NONCE]; /* the HELLO that each other node answered last */
};

struct ck_leg {
    char node[32], from[16], to[16];
    int64_t fen;
    /* refunds, learned from the coordinator's record */
    char original[72];
    uint32_t original_leg;
    bool is_refund;
    int64_t refunded_fen; /* by committed refunds */
};

/* A transaction, put together from every node's records and words. */
struct ck_tx {
    char key
        [CK_KEY_MAX]; /* the txid; of a liar's transaction each node has a tx of its own, "<node> <txid>" */
    char txid[72];
    size_t coordinator;
    uint32_t epoch;
    bool has_core, was_in_store;
    uint8_t digest[CK_DIGEST];
    char kind[32], sender[64], msgid[64];
    uint32_t n_participants, n_legs;
    size_t participants[CK_PARTICIPANTS_MAX];
    struct ck_leg legs[CK_LEGS_MAX];
    char vote[CK_NODES_MAX]; /* 'Y', 'N', or 0: signed votes */
    bool was_prepared[CK_NODES_MAX], is_refused[CK_NODES_MAX];
    char home[32]; /* of the patient: it has all the details */
    bool
        is_loose; /* a node that was put back forgot some of it: what counts is what the others' stores hold */
    bool had_prepared[CK_NODES_MAX]; /* before its store was put back */
    bool is_released[CK_NODES_MAX];  /* gave its hold back on a liar's signed refusal, as it must */
    bool is_committed, is_aborted;   /* somebody decided so */
    size_t committed_by, aborted_by;
    UT_hash_handle hh;
};

/* Which attempt of a biz key was committed. */
struct ck_biz {
    char key[CK_KEY_MAX];
    char txid[72];
    UT_hash_handle hh;
};

struct ck {
    size_t n;
    struct ck_node nodes[CK_NODES_MAX];
    struct ck_rules rules;
    const struct ck_pack *packs; /* of dumps */
    size_t n_packs;
    struct ck_tx *txs;
    struct ck_biz *biz;
    const char *const *liar_regions;
    size_t n_liar_regions;
    bool is_lame,
        has_split; /* a liar voted for what it had refused; a transaction came out both ways by its lie */
    struct ck_totals totals;
    struct ck_failure failure;
    bool has_failed;
    void (*told)(void *ctx, const struct ck_failure *failure);
    void *told_ctx;
    struct ck_parcel parcel, evidence;               /* scratch */
    uint8_t verified[CK_VERIFIED][CK_NODES_MAX][32]; /* signatures found good, one place each */
    uint64_t n_verified;
    char unfinished[256];
};

/* --- records (rows.c) ----------------------------------------------------------------------------------- */
struct ck_row *ck_row_find(const struct ck *ck, size_t node, const char *table, const char *key);
struct ck_row *ck_row_new(const struct gj_table *table, const void *rec);
void ck_row_free(struct ck_row *row); /* NULL: nothing */
bool ck_row_same(const struct ck_row *a, const struct ck_row *b);
const char *ck_row_text(const struct ck_row *row, const char *field); /* "" for no row */
int64_t ck_row_int(const struct ck_row *row, const char *field);
struct gj_slice ck_row_bin(const struct ck_row *row, const char *field);
const uint8_t *ck_row_digest(const struct ck_row *row,
                             const char *field); /* CK_DIGEST bytes; NULL for no row */
bool ck_row_is(const struct ck_row *row, const char *table);
/* A TXID field as text. */
char *ck_row_txid(const struct ck_row *row, const char *field, char dst[72]);

/* --- transactions (tx.c) -------------------------------------------------------------------------------- */
struct ck_tx *ck_tx_get(struct ck *ck, const char *txid); /* makes it */
struct ck_tx *ck_tx_find(const struct ck *ck, const char *txid);
struct ck_tx *ck_tx_by_key(struct ck *ck, const char *key, const char *txid);
size_t ck_node_of(const struct ck *ck, const char *name); /* ck->n if unknown */
void ck_tx_core(struct ck *ck, size_t node, struct ck_tx *tx, const uint8_t *core, size_t len);
void ck_tx_digest(struct ck *ck, size_t node, struct ck_tx *tx, const uint8_t *digest);
void ck_tx_by_hand(struct ck *ck, size_t node, const struct ck_tx *tx);
void ck_tx_vote(struct ck *ck, size_t node, struct ck_tx *tx, bool yes);
void ck_tx_decided(struct ck *ck, size_t node, struct ck_tx *tx, bool committed);
bool ck_tx_lists(const struct ck_tx *tx, size_t node);
/* May its coordinator still commit it, as far as the stores say? */
bool ck_tx_may_commit(const struct ck *ck, const struct ck_tx *tx);
/* What a refund undoes, out of its coordinator's record. */
void ck_tx_originals(struct ck_tx *tx, const struct ck_row *row);
/* One committed attempt per biz key. */
void ck_tx_biz(struct ck *ck, size_t node, const struct ck_tx *tx);
void ck_tx_proof(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row,
                 bool committed);
void ck_tx_touched(struct ck *ck, size_t node, const struct ck_touch *touch);
void ck_tx_settled(struct ck *ck, size_t node,
                   const struct ck_touch *touch); /* after all records are in place */

/* --- stores put back (backup.c) -------------------------------------------------------------------------- */
/* Does anybody's store say so now, that of |but| aside (ck->n: nobody's)? */
bool ck_is_known(const struct ck *ck, const struct ck_tx *tx, bool committed, size_t but);
bool ck_vote_is_known(const struct ck *ck, const struct ck_tx *tx, size_t node);
/* Is this transaction one that the node has lost, or may have? */
bool ck_is_lost_at(const struct ck *ck, const struct ck_tx *tx, size_t node);
/* Has the node lost what no other store can give back: its own legs as a coordinator, of which only the home of the
 * patient has a copy; what rests on such a thing; all, if the coordinator lost it too? Then people decide. */
bool ck_is_case(const struct ck *ck, const struct ck_tx *tx, size_t node);
bool ck_is_case_anywhere(const struct ck *ck, const struct ck_tx *tx);
bool ck_is_case_row(const struct ck *ck, size_t node, const struct ck_row *row);
/* Are the two ends of a pair of regions apart for such a reason? */
bool ck_is_case_pair(const struct ck *ck, const char *key);
/* Is it one that its coordinator has lost, and of which no store and no certificate knows? Its txid may come again. */
bool ck_tx_is_unheard(const struct ck *ck, const struct ck_tx *tx);
void ck_tx_reset(struct ck_tx *tx);
void ck_uncount_refunds(struct ck *ck, const struct ck_tx *tx);

/* --- liars (liars.c) ------------------------------------------------------------------------------------ */
/* As that node knows it: what a liar coordinates may be another transaction to each. */
struct ck_tx *ck_tx_at(struct ck *ck, size_t node, const char *txid);
bool ck_txid_is_liars(const struct ck *ck, const char *txid);
/* Its coordinator lies, a liar is listed, or somebody was told otherwise by a liar. */
bool ck_tx_is_tainted(const struct ck *ck, const struct ck_tx *tx);
/* What an honest node decided about a transaction that a liar coordinates: nobody commits what an honest one that is
 * listed was not ready for, on these very terms, nor two under one key, nor without a whole certificate. */
void ck_liars_decision(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row,
                       bool committed);
/* Was the hold given back because a liar that is listed had refused, under his signature? Then it is his doing. */
void ck_liars_refusal(struct ck *ck, size_t node, struct ck_tx *tx, const struct ck_row *row);
/* What only a liar could end: what it coordinates, what it does not acknowledge, what it told two ways. */
bool ck_waits_for_a_liar(struct ck *ck, const struct ck_row *row);
bool ck_is_liars_pair(const struct ck *ck, const char *key);
bool ck_is_liars_relation(const struct ck *ck, const struct ck_row *row);
/* By so much, and no more, do the ends of a pair differ where an honest node gave its hold back on a liar's refusal. */
void ck_add_released(const struct ck *ck, struct ck_sum **pairs);

/* --- books (books.c) ------------------------------------------------------------------------------------ */
void ck_books_touched(struct ck *ck, size_t node, const struct ck_touch *touch);
void ck_books_settled(struct ck *ck, size_t node);
/* A dump's record goes into the sums; then each account and each year's use is compared with its sum. */
void ck_books_add(struct ck *ck, size_t node, struct ck_row *row);
void ck_books_compare(struct ck *ck, size_t node);
/* The line of an entry that is on an account beginning with |prefix|; NULL if none. */
const struct ck_row *ck_books_line(const struct ck *ck, size_t node, const char *entry, const char *prefix);
/* What the home, the payers' nodes and the place of care noted of a committed transaction. */
void ck_notes(struct ck *ck, struct ck_tx *tx);
/* An undecided transaction holds each of its money legs here; a decided one holds none. */
void ck_books_held(struct ck *ck, size_t node, struct ck_tx *tx, bool undecided);
void ck_books_decided(struct ck *ck, size_t node, struct ck_tx *tx); /* COMMITTED at this node, just now */
struct ck_sum *ck_sum_of(struct ck_sum **map, const char *key);
void ck_sums_free(struct ck_sum **map);

/* --- single steps (steps.c) ----------------------------------------------------------------------------- */
void ck_step_begun(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row);
/* |row|: of part, just PREPARED or REFUSED. */
void ck_step_asked(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row);
void ck_step_judged(struct ck *ck, size_t node, const struct ck_tx *tx, const struct ck_row *row);
void ck_step_refund_held(struct ck *ck, size_t node, const struct ck_row *hold, const char *txid);
void ck_step_refunded(struct ck *ck, size_t node, const struct ck_row *row);
void ck_step_welcomed(struct ck *ck, size_t from, size_t to, struct mp welcome);
void ck_step_said(struct ck *ck, size_t node, const char *kind, const struct ck_tx *tx);

/* --- certificates (proof.c) ----------------------------------------------------------------------------- */
/* |alg| 1: SM3, else SHA-256. */
void ck_hash(uint8_t alg, const void *ptr, size_t len, uint8_t ret[32]);
/* Does the parcel's signature verify, and does its item lead to the root? */
bool ck_parcel_is_signed(struct ck *ck, const struct ck_parcel *parcel);
bool ck_item_is_inside(const struct ck_parcel *parcel, const struct ck_item *item);
void ck_certificate(struct ck *ck, size_t node, struct ck_tx *tx, struct mp commit);
/* Which participant's YES on (txid, digest) these bytes are; ck->n: none. */
size_t ck_voter_of(struct ck *ck, const struct ck_tx *tx, const uint8_t *bytes, size_t len);

#endif
