/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox: order, both limits, waking, closing; and many threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "node/inbox.h"

static const struct gj_mono past = {0};
static const struct gj_mono never = {INT64_MAX};

static bool put(struct gj_inbox *inbox, uint64_t waiter, struct gj_slice bytes) {
    const struct gj_input input = {.kind = GJ_INPUT_REQUEST, .waiter = waiter, .bytes = bytes};
    return gj_inbox_put(inbox, &input);
}

static void test_order_and_copies(void **state) {
    (void)state;
    struct gj_inbox *inbox = gj_inbox_new();
    struct gj_input taken[4];
    char text[] = "one";
    assert_non_null(inbox);
    assert_int_equal(gj_inbox_take(inbox, past, taken, 4), 0);
    assert_true(put(inbox, 1, gj_slice_of(text, 3)));
    text[0] = 'X'; /* the inbox has its own copy */
    assert_true(put(inbox, 2, GJ_SLICE_LIT("two")));
    assert_true(put(inbox, 3, GJ_SLICE_NONE));
    assert_int_equal(gj_inbox_waiting(inbox), 3);
    assert_int_equal(gj_inbox_take(inbox, never, taken, 2), 2);
    assert_int_equal(taken[0].waiter, 1);
    assert_true(gj_slice_equal(taken[0].bytes, GJ_SLICE_LIT("one")));
    assert_true(gj_slice_equal(taken[1].bytes, GJ_SLICE_LIT("two")));
    assert_int_equal(gj_inbox_take(inbox, never, taken, 4), 1);
    assert_int_equal(taken[0].waiter, 3);
    assert_int_equal(gj_inbox_waiting(inbox), 0);
    gj_inbox_free(&inbox);
    assert_null(inbox);
}

static void test_number_is_limited(void **state) {
    (void)state;
    struct gj_inbox *inbox = gj_inbox_new();
    struct gj_input taken[1];
    for (uint64_t i = 0; i < GJ_INBOX_INPUTS_MAX; i++)
        assert_true(put(inbox, i, GJ_SLICE_NONE));
    assert_false(put(inbox, 0, GJ_SLICE_NONE));
    assert_int_equal(gj_inbox_take(inbox, past, taken, 1), 1);
    assert_true(put(inbox, 0, GJ_SLICE_NONE)); /* room again */
    assert_false(put(inbox, 0, GJ_SLICE_NONE));
    gj_inbox_free(&inbox);
}

static void test_bytes_are_limited(void **state) {
    (void)state;
    struct gj_inbox *inbox = gj_inbox_new();
    struct gj_input taken[1];
    uint8_t *frame = calloc(1, GJ_PARCEL_MAX);
    assert_non_null(frame);
    size_t n = 0;
    while (n <= GJ_INBOX_BYTES_MAX / GJ_PARCEL_MAX && put(inbox, n, gj_slice_of(frame, GJ_PARCEL_MAX)))
        n++;
    assert_int_equal(n, GJ_INBOX_BYTES_MAX / GJ_PARCEL_MAX);
    assert_false(put(inbox, 0, gj_slice_of(frame, 1)));
    assert_true(put(inbox, 0, GJ_SLICE_NONE));
    assert_int_equal(gj_inbox_take(inbox, past, taken, 1), 1);
    assert_true(put(inbox, 0, gj_slice_of(frame, GJ_PARCEL_MAX)));
    free(frame);
    gj_inbox_free(&inbox);
}

static void test_wake_and_close(void **state) {
    (void)state;
    struct gj_inbox *inbox = gj_inbox_new();
    struct gj_input taken[1];
    gj_inbox_wake(inbox);
    assert_int_equal(gj_inbox_take(inbox, never, taken, 1), 0); /* returns though nothing came */
    assert_true(put(inbox, 1, GJ_SLICE_NONE));
    gj_inbox_close(inbox);
    assert_false(put(inbox, 2, GJ_SLICE_NONE));
    assert_int_equal(gj_inbox_take(inbox, never, taken, 1), 1); /* what was in stays */
    gj_inbox_free(&inbox);
}

#define THREADS 4
#define EACH    2000

static void *fill(void *arg) {
    struct gj_inbox *inbox = arg;
    for (uint64_t i = 1; i <= EACH;)
        if (put(inbox, i, gj_slice_of(&i, sizeof i))) i++;
    return NULL;
}

static void test_many_threads_lose_nothing(void **state) {
    (void)state;
    struct gj_inbox *inbox = gj_inbox_new();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fill, inbox), 0);
    uint64_t n = 0, sum = 0;
    while (n < THREADS * EACH) {
        struct gj_input taken[100];
        size_t got = gj_inbox_take(inbox, never, taken, 100);
        for (size_t i = 0; i < got; i++) {
            uint64_t value;
            assert_int_equal(taken[i].bytes.len, sizeof value);
            memcpy(&value, taken[i].bytes.ptr, sizeof value);
            assert_int_equal(value, taken[i].waiter);
            sum += value;
        }
        n += got;
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(n, THREADS * EACH);
    assert_int_equal(sum, (uint64_t)THREADS * EACH * (EACH + 1) / 2);
    gj_inbox_free(&inbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_copies),          cmocka_unit_test(test_number_is_limited),
        cmocka_unit_test(test_bytes_are_limited),         cmocka_unit_test(test_wake_and_close),
        cmocka_unit_test(test_many_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
