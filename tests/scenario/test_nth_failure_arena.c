/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of one input is too small, at every place where the pure rooms ask for some, in turn: whatever was half
 * done is not kept, nobody hears of it, and the same words succeed the next time. A loop ends when a run passes
 * untouched.
 *
 * The build links this program with --wrap for the arena and for gj_engine_step(), inside which it counts.
 */
#include "nth_world.h"

static struct {
    bool is_armed, is_inside;
    uint64_t calls, fail_at;
} arena;

static bool is_short(struct gj_arena *of) {
    if (!arena.is_armed || !arena.is_inside || ++arena.calls != arena.fail_at) return false;
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
    return is_short(of) ? NULL : __real_gj_arena_alloc(of, size);
}

void *__wrap_gj_arena_array(struct gj_arena *of, size_t n, size_t size) {
    return is_short(of) ? NULL : __real_gj_arena_array(of, n, size);
}

struct gj_slice __wrap_gj_arena_copy(struct gj_arena *of, struct gj_slice slice) {
    return is_short(of) ? GJ_SLICE_NONE : __real_gj_arena_copy(of, slice);
}

enum gj_err __wrap_gj_engine_step(struct gj_engine *engine, const struct gj_input *inputs, size_t n,
                                  struct gj_now now) {
    arena.is_inside = true;
    enum gj_err err = __real_gj_engine_step(engine, inputs, n, now);
    arena.is_inside = false;
    return err;
}

static void every_piece_of_an_input_s_memory(void **state) {
    static struct nth nth;
    uint64_t settled = 0, n = 0;
    (void)state;
    for (bool is_untouched = false; !is_untouched;) {
        n++;
        nth_open(&nth, CARE, NULL);
        arena.calls = 0;
        arena.fail_at = n;
        arena.is_armed = true;
        nth_play(&nth);
        arena.is_armed = false;
        is_untouched = arena.calls < n;
        nth_check(&nth);
        settled += nth.settled && nth.refunded;
        if (is_untouched) assert_true(nth.settled && nth.refunded && nth.acct_pay == NTH_PAYABLE);
        nth_close(&nth);
    }
    assert_true(settled > n / 2);
    print_message("%llu failures, %llu runs with settlement and refund\n", (unsigned long long)n - 1,
                  (unsigned long long)settled);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_of_an_input_s_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
