/* SPDX-License-Identifier: Apache-2.0
 *
 * The search's own state: what its processes share, and what each of them has for itself.
 */
#ifndef GJ_TESTS_SIM_EXHAUSTIVE_SEARCH_H
#define GJ_TESTS_SIM_EXHAUSTIVE_SEARCH_H

#include <semaphore.h>
#include <stdatomic.h>

#include "exhaustive.h"

#define EX_PLACE_BOUNDS 5 /* what was left at earlier visits of a state, as many as are kept */
#define EX_LOCKS        1024u
#define EX_CRASHED      "the product's own assertion failed, or it crashed"

/* --- what all processes share --------------------------------------------------------------------------- */
/* Bounds that were left, and choices. */
struct ex_left {
    uint8_t v[EX_BOUND_COUNT], depth;
};

struct ex_place {
    uint64_t hash; /* 0: free */
    uint8_t n;
    struct ex_left left[EX_PLACE_BOUNDS];
};

struct ex_path {
    unsigned n;
    struct ex_choice items[EX_DEPTH_MAX];
};

struct ex_shared {
    sem_t tokens;
    atomic_flag locks[EX_LOCKS];
    atomic_flag failure_lock;
    _Atomic uint64_t states, visits, transitions, leaves, forks;
    _Atomic unsigned deepest, depth_limit;
    _Atomic bool must_stop, is_full, is_out_of_time;
    struct ex_met met;
    bool has_failed;
    struct ck_failure failure;
    struct ex_path failing;
    struct ex_place places[];
};

struct ex_search {
    struct ex_shared *shared;
    struct ex *ex;
    struct ex_path path;
    size_t nodes;
    enum gj_request_kind start;
    uint8_t bounds[EX_BOUND_COUNT];
    uint64_t round; /* of several searches with bounds of their own */
    unsigned jobs;
    bool shortens, has_cells;
    double deadline_s;
};

extern struct ex_search ex_search; /* one a process, and its signal handler must reach it */

double ex_now_s(void);
/* Memory for all processes to come; once. */
void ex_search_open(void);
/* From ex_search.ex on, within ex_search.bounds; what came of it is in ex_search.shared. */
void ex_search_run(double seconds);
/* Looks for a failure with fewer choices than the one that was found. */
void ex_search_shorten(double seconds);

#endif
