/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of one input is too small, at every place where the pure rooms ask for some, in turn: whatever was half
 * done is not kept, nobody hears of it, and the same words succeed the next time. A loop ends when a run passes
 * untouched.
 */
#include "nth_world.h"

#include "nth_arena.h"
#include "nth_stride.h"

static void every_piece_of_an_input_s_memory(void **state) {
    static struct nth nth;
    uint64_t settled = 0, runs = 0, n = 1;
    (void)state;
    for (bool is_untouched = false; !is_untouched; n += NTH_STRIDE) {
        runs++;
        nth_open(&nth, CARE, NULL);
        nth_arena_arm(n);
        nth_play(&nth);
        is_untouched = nth_arena_disarm();
        nth_check(&nth);
        settled += nth.settled && nth.refunded;
        if (is_untouched) assert_true(nth.settled && nth.refunded && nth.acct_pay == NTH_PAYABLE);
        nth_close(&nth);
    }
    assert_true(settled > runs / 2);
    print_message("%llu failures, %llu runs with settlement and refund\n", (unsigned long long)runs - 1,
                  (unsigned long long)settled);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_of_an_input_s_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
