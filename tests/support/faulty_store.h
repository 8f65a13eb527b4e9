/* SPDX-License-Identifier: Apache-2.0
 *
 * A store in front of a real one that fails when the test says so, and that knows whether a store
 * transaction is open: what leaves a node while it is open has left too early.
 */
#ifndef GJ_TESTS_SUPPORT_FAULTY_STORE_H
#define GJ_TESTS_SUPPORT_FAULTY_STORE_H

#include "store/store.h"

struct gj_faulty {
    unsigned commits_until_fault; /* 1: the next one; 0: none */
    unsigned faults;              /* how many commits in a row fail then; 0: one */
    enum gj_err fault;            /* GJ_ERR_STORE_FULL rolls back; any other leaves the outcome unknown */
    bool keeps_commit;            /* the commit that fails was durable all the same */
    bool is_below_reserve;
    uint64_t commits, rollbacks;
    /* Any call, for tests that let each of them fail in turn: begin, get, put, del, find, commit. */
    uint64_t fail_at_call; /* this one fails with |fault|, counted from 1; 0: none */
    uint64_t calls;
};

/* |inner| borrowed: closing the wrapper leaves it open. |faulty| borrowed and read at every call. */
struct gj_store *gj_faulty_store_new(struct gj_store *inner, struct gj_faulty *faulty);

#endif
