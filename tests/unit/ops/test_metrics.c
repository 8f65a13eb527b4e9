/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics page against the text format 0.0.4: every sample after its HELP and TYPE, legal names, one
 * sample per series, and the values that were counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/metrics.h"

static char page[256 * 1024];

static const char *page_of(const struct gj_metrics *metrics) {
    struct gj_buf out;
    gj_buf_init(&out, page, sizeof page - 1);
    gj_metrics_write(metrics, &out);
    assert_int_equal(gj_buf_check(&out), GJ_OK);
    page[out.len] = '\0';
    return page;
}

/* The value of a series, -1 if it is not on the page. */
static long long value_of(const struct gj_metrics *metrics, const char *series) {
    const char *text = page_of(metrics);
    size_t len = strlen(series);
    for (const char *at = strstr(text, series); at != NULL; at = strstr(at + 1, series))
        if ((at == text || at[-1] == '\n') && at[len] == ' ') return strtoll(at + len + 1, NULL, 10);
    return -1;
}

static bool is_name(const char *text, size_t len) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    return len > 0 && strspn(text, first) > 0 && strspn(text, rest) >= len;
}

/* name{labels} value, of the family that was announced last. */
static void check_sample(const char *line, const char *family, const char *type) {
    const char *brace = strchr(line, '{'), *end = strstr(line, "} ");
    assert_non_null(brace);
    assert_non_null(end);
    assert_true(is_name(line, (size_t)(brace - line)));
    assert_int_equal(strlen(family), brace - line);
    assert_memory_equal(family, line, strlen(family));
    char *rest = NULL;
    (void)strtoull(end + 2, &rest, 10);
    assert_true(rest != end + 2 && *rest == '\0');
    bool is_total = strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
    assert_int_equal(is_total, strcmp(type, "counter") == 0);
}

static void test_page_is_well_formed(void **state) {
    (void)state;
    struct gj_metrics *metrics = gj_metrics_new("330000");
    assert_non_null(metrics);
    for (int code = GJ_EVENT_NONE + 1; code < GJ_EVENT_COUNT; code++) {
        const struct gj_event event = {.code = (enum gj_event_code)code, .err = GJ_ERR_REPLAY};
        gj_metrics_event(metrics, &event);
    }
    char *text = strdup(page_of(metrics)), *saved = NULL;
    assert_non_null(text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    char family[128] = "", type[16] = "", helped[128] = "";
    size_t samples = 0;
    for (char *line = strtok_r(text, "\n", &saved); line != NULL; line = strtok_r(NULL, "\n", &saved)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %127s", helped), 1);
        } else if (line[0] == '#') {
            assert_int_equal(sscanf(line, "# TYPE %127s %15s", family, type), 2);
            assert_string_equal(family, helped);
        } else {
            check_sample(line, family, type);
            samples++;
        }
    }
    free(text);
    assert_int_equal(samples, GJ_METRIC_COUNT + 2 * (GJ_EVENT_COUNT - 1));
    gj_metrics_free(&metrics);
    assert_null(metrics);
}

static void test_values_and_refusals(void **state) {
    (void)state;
    struct gj_metrics *metrics = gj_metrics_new("330000");
    assert_non_null(metrics);
    gj_metrics_set(metrics, GJ_METRIC_FLUSHES, 41);
    gj_metrics_set(metrics, GJ_METRIC_FLUSHES, 42);
    gj_metrics_add(metrics, GJ_METRIC_INBOX_FULL, 2);
    gj_metrics_add(metrics, GJ_METRIC_INBOX_FULL, 3);
    const struct gj_event refused = {.code = GJ_EVENT_PARCEL_REFUSED, .err = GJ_ERR_BAD_SIGNATURE};
    const struct gj_event other = {.code = GJ_EVENT_PARCEL_REFUSED, .err = GJ_ERR_OLD_ID};
    const struct gj_event clean = {.code = GJ_EVENT_TX_COMMITTED};
    gj_metrics_event(metrics, &refused);
    gj_metrics_event(metrics, &refused);
    gj_metrics_event(metrics, &other);
    gj_metrics_event(metrics, &clean);

    assert_int_equal(value_of(metrics, "gongji_flushes_total{node=\"330000\"}"), 42);
    assert_int_equal(value_of(metrics, "gongji_inbox_full_total{node=\"330000\"}"), 5);
    assert_int_equal(value_of(metrics, "gongji_events_total{node=\"330000\",event=\"parcel_refused\"}"), 3);
    assert_int_equal(value_of(metrics, "gongji_events_total{node=\"330000\",event=\"tx_committed\"}"), 1);
    assert_int_equal(value_of(metrics, "gongji_events_total{node=\"330000\",event=\"tx_aborted\"}"), 0);
#define REFUSALS "gongji_refusals_total{node=\"330000\",event=\"parcel_refused\",code="
    assert_int_equal(value_of(metrics, REFUSALS "\"BAD_SIGNATURE\"}"), 2);
    assert_int_equal(value_of(metrics, REFUSALS "\"OLD_ID\"}"), 1);
    assert_int_equal(value_of(metrics, REFUSALS "\"REPLAY\"}"), -1);
    gj_metrics_free(&metrics);
}

static void test_page_that_does_not_fit_says_so(void **state) {
    (void)state;
    struct gj_metrics *metrics = gj_metrics_new("330000");
    struct gj_buf out;
    gj_buf_init(&out, page, 100);
    gj_metrics_write(metrics, &out);
    assert_int_equal(gj_buf_check(&out), GJ_ERR_NO_SPACE);
    gj_metrics_free(&metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_is_well_formed),
        cmocka_unit_test(test_values_and_refusals),
        cmocka_unit_test(test_page_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
