/* SPDX-License-Identifier: Apache-2.0
 *
 * Every call of a node's store fails in turn, while it starts, serves a settlement and a refund, and stops: the
 * coordinator's, the home's, the payer's. A loop ends when a run passes untouched.
 */
#include "nth_world.h"

enum what { A_CALL, A_FLUSH_THAT_IS_KEPT };

/* Returns how many failures there were: after as many runs nothing failed any more. */
static uint64_t loop(size_t node, enum gj_err fault, enum what what) {
    static struct nth nth;
    uint64_t settled = 0, n = 0;
    for (bool is_untouched = false; !is_untouched;) {
        n++;
        nth_open(&nth, node, NULL);
        nth.faulty.fault = fault;
        nth.faulty.keeps_commit = what == A_FLUSH_THAT_IS_KEPT;
        if (what == A_CALL)
            nth.faulty.fail_at_call = n;
        else
            nth.faulty.commits_until_fault = (unsigned)n;
        nth_play(&nth);
        is_untouched = what == A_CALL ? nth.faulty.calls < n : nth.faulty.commits_until_fault > 0;
        nth_check(&nth);
        settled += nth.settled && nth.refunded;
        if (is_untouched) assert_true(nth.settled && nth.refunded && nth.acct_pay == NTH_PAYABLE);
        nth_close(&nth);
    }
    assert_true(settled > n / 2); /* a failure is an exception for the client too */
    print_message("%s, %s: %llu failures, %llu runs with settlement and refund\n", desk_nodes[node].name,
                  gj_err_name(fault), (unsigned long long)n - 1, (unsigned long long)settled);
    return n - 1;
}

static void every_call_of_the_coordinators_store(void **state) {
    (void)state;
    assert_true(loop(CARE, GJ_ERR_STORE, A_CALL) > 100);
}

static void every_call_of_the_homes_store(void **state) {
    (void)state;
    assert_true(loop(HOME, GJ_ERR_STORE, A_CALL) > 50);
}

static void every_call_of_the_payers_store(void **state) {
    (void)state;
    assert_true(loop(EAST, GJ_ERR_STORE, A_CALL) > 50);
}

static void every_call_finds_the_store_full(void **state) {
    (void)state;
    assert_true(loop(CARE, GJ_ERR_STORE_FULL, A_CALL) > 100);
}

static void every_flush_is_durable_but_says_that_it_failed(void **state) {
    (void)state;
    assert_true(loop(CARE, GJ_ERR_STORE, A_FLUSH_THAT_IS_KEPT) > 5);
    assert_true(loop(EAST, GJ_ERR_STORE, A_FLUSH_THAT_IS_KEPT) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_the_coordinators_store),
        cmocka_unit_test(every_call_of_the_homes_store),
        cmocka_unit_test(every_call_of_the_payers_store),
        cmocka_unit_test(every_call_finds_the_store_full),
        cmocka_unit_test(every_flush_is_durable_but_says_that_it_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
