/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of waiters: bounded, every number once, one taker for each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "http/waiters.h"

static const struct gj_mono later = {1000};
static int pair[2];

static int setup(void **state) {
    *state = gj_waiters_new();
    assert_non_null(*state);
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int teardown(void **state) {
    struct gj_waiters *waiters = *state;
    gj_waiters_free(&waiters);
    assert_null(waiters);
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void each_waiter_has_one_taker(void **state) {
    struct gj_waiters *waiters = *state;
    int calls[2];
    uint64_t a = gj_waiters_add(waiters, &calls[0], pair[0], later);
    uint64_t b = gj_waiters_add(waiters, &calls[1], pair[0], later);
    assert_int_not_equal(a, 0);
    assert_int_not_equal(a, b);
    assert_ptr_equal(gj_waiters_take(waiters, a), &calls[0]);
    assert_null(gj_waiters_take(waiters, a));
    assert_ptr_equal(gj_waiters_take(waiters, b), &calls[1]);
    gj_waiters_woken(waiters);
    gj_waiters_woken(waiters);
    assert_null(gj_waiters_take(waiters, 0));
    assert_null(gj_waiters_take(waiters, UINT64_MAX));
}

static void the_table_is_bounded_and_numbers_are_new(void **state) {
    struct gj_waiters *waiters = *state;
    static uint64_t numbers[GJ_SESSIONS_MAX];
    int call;
    for (uint32_t i = 0; i < GJ_SESSIONS_MAX; i++) {
        numbers[i] = gj_waiters_add(waiters, &call, pair[0], later);
        assert_int_not_equal(numbers[i], 0);
    }
    assert_int_equal(gj_waiters_add(waiters, &call, pair[0], later), 0);
    assert_non_null(gj_waiters_take(waiters, numbers[7]));
    gj_waiters_woken(waiters);
    uint64_t again = gj_waiters_add(waiters, &call, pair[0], later);
    assert_int_not_equal(again, 0);
    assert_null(gj_waiters_take(waiters, numbers[7]));
    for (uint32_t i = 0; i < GJ_SESSIONS_MAX; i++) {
        assert_int_not_equal(again, numbers[i]);
    }
    assert_int_equal(gj_waiters_add(waiters, &call, pair[0], later), 0);
}

static void a_sweep_lists_the_late_and_the_gone(void **state) {
    struct gj_waiters *waiters = *state;
    struct gj_waiter_gone gone[4];
    int call, other[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    uint64_t stays = gj_waiters_add(waiters, &call, pair[0], later);
    uint64_t late = gj_waiters_add(waiters, &call, pair[0], (struct gj_mono){500});
    uint64_t leaves = gj_waiters_add(waiters, &call, other[0], later);
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){499}, gone, 4), 0);
    assert_int_equal(write(other[1], "x", 1), 1); /* bytes to read are no end */
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){500}, gone, 4), 1);
    assert_int_equal(gone[0].waiter, late);
    assert_false(gone[0].hung_up);
    char byte;
    assert_int_equal(read(other[0], &byte, 1), 1);
    close(other[1]);
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){0}, gone, 4), 1);
    assert_int_equal(gone[0].waiter, leaves);
    assert_true(gone[0].hung_up);
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){1000}, gone, 4), 3);
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){1000}, gone, 2), 2);
    assert_non_null(gj_waiters_take(waiters, stays));
    gj_waiters_woken(waiters);
    assert_int_equal(gj_waiters_sweep(waiters, (struct gj_mono){1000}, gone, 4), 2);
    close(other[0]);
}

static void a_closed_table_empties(void **state) {
    struct gj_waiters *waiters = *state;
    int calls[3], taken = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_not_equal(gj_waiters_add(waiters, &calls[i], pair[0], later), 0);
    }
    assert_true(gj_waiters_pause(waiters, 1));
    gj_waiters_close(waiters);
    assert_false(gj_waiters_pause(waiters, 60000));
    assert_int_equal(gj_waiters_add(waiters, &calls[0], pair[0], later), 0);
    uint64_t waiter;
    while ((waiter = gj_waiters_any(waiters)) != 0) {
        assert_non_null(gj_waiters_take(waiters, waiter));
        gj_waiters_woken(waiters);
        taken++;
    }
    assert_int_equal(taken, 3);
    gj_waiters_settle(waiters);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_waiter_has_one_taker, setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_is_bounded_and_numbers_are_new, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sweep_lists_the_late_and_the_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_closed_table_empties, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
