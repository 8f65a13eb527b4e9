/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of one input that runs out when the test says so. The build links these programs with --wrap for the
 * arena and for gj_engine_step(), inside which the pieces asked for are counted while it is armed.
 */
#ifndef GJ_TESTS_SCENARIO_NTH_ARENA_H
#define GJ_TESTS_SCENARIO_NTH_ARENA_H

#include "node/engine.h"

static struct {
    bool is_armed, is_inside;
    uint64_t calls, fail_at;
} nth_arena;

static inline void nth_arena_arm(uint64_t fail_at) {
    nth_arena.calls = 0;
    nth_arena.fail_at = fail_at;
    nth_arena.is_armed = true;
}

/* True if the one that should fail was not reached. */
static inline bool nth_arena_disarm(void) {
    nth_arena.is_armed = false;
    return nth_arena.calls < nth_arena.fail_at;
}

static inline bool nth_arena_is_short(struct gj_arena *of) {
    if (!nth_arena.is_armed || !nth_arena.is_inside || ++nth_arena.calls != nth_arena.fail_at) return false;
    of->overflow = true;
    return true;
}

void *__real_gj_arena_alloc(struct gj_arena *of, size_t size);
void *__real_gj_arena_array(struct gj_arena *of, size_t n, size_t size);
struct gj_slice __real_gj_arena_copy(struct gj_arena *of, struct gj_slice slice);
enum gj_err __real_gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                                  struct gj_now now);
void *__wrap_gj_arena_alloc(struct gj_arena *of, size_t size);
void *__wrap_gj_arena_array(struct gj_arena *of, size_t n, size_t size);
struct gj_slice __wrap_gj_arena_copy(struct gj_arena *of, struct gj_slice slice);
enum gj_err __wrap_gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                                  struct gj_now now);

void *__wrap_gj_arena_alloc(struct gj_arena *of, size_t size) {
    return nth_arena_is_short(of) ? NULL : __real_gj_arena_alloc(of, size);
}

void *__wrap_gj_arena_array(struct gj_arena *of, size_t n, size_t size) {
    return nth_arena_is_short(of) ? NULL : __real_gj_arena_array(of, n, size);
}

struct gj_slice __wrap_gj_arena_copy(struct gj_arena *of, struct gj_slice slice) {
    return nth_arena_is_short(of) ? GJ_SLICE_NONE : __real_gj_arena_copy(of, slice);
}

enum gj_err __wrap_gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                                  struct gj_now now) {
    nth_arena.is_inside = true;
    enum gj_err err = __real_gj_engine_step(engine, inputs, n, now);
    nth_arena.is_inside = false;
    return err;
}

#endif
