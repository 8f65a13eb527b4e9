/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that runs out when the test says so. The build links these programs with --wrap=malloc,calloc,realloc, so
 * that every allocation of our own code, and of what is compiled into it, comes through here; libraries are given
 * their allocator where they let themselves be. Counted only while armed, in any thread.
 */
#ifndef GJ_TESTS_SCENARIO_NTH_ALLOC_H
#define GJ_TESTS_SCENARIO_NTH_ALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct nth_alloc {
    atomic_bool is_armed;
    atomic_ullong calls, fail_at;
};
static struct nth_alloc nth_alloc;

static inline bool nth_alloc_fails(void) {
    if (!atomic_load(&nth_alloc.is_armed)) return false;
    return atomic_fetch_add(&nth_alloc.calls, 1) + 1 == atomic_load(&nth_alloc.fail_at);
}

static inline void nth_alloc_arm(unsigned long long fail_at) {
    atomic_store(&nth_alloc.calls, 0);
    atomic_store(&nth_alloc.fail_at, fail_at);
    atomic_store(&nth_alloc.is_armed, true);
}

/* True if the one that should fail was not reached. */
static inline bool nth_alloc_disarm(void) {
    atomic_store(&nth_alloc.is_armed, false);
    return atomic_load(&nth_alloc.calls) < atomic_load(&nth_alloc.fail_at);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_malloc(size_t size) {
    return nth_alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    return nth_alloc_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *ptr, size_t size) {
    return nth_alloc_fails() ? NULL : __real_realloc(ptr, size);
}

#endif
