/* SPDX-License-Identifier: Apache-2.0
 *
 * The route table: each address is found by its method, values are decoded, everything else is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "http/routes.h"

static enum gj_err find(const char *method, const char *target, struct gj_route_match *match,
                        struct gj_http_fault *fault) {
    memset(match, 0xaa, sizeof *match);
    memset(fault, 0, sizeof *fault);
    return gj_route_find(method, target, match, fault);
}

static void finds_every_route(void **state) {
    (void)state;
    const struct {
        const char *method, *target;
        enum gj_request_kind kind;
        const char *what, *name, *value;
    } rows[] = {
        {"POST", "/v1/enrolments:verify", GJ_REQUEST_VERIFY, "", NULL, NULL},
        {"POST", "/v1/bindings", GJ_REQUEST_BIND, "", NULL, NULL},
        {"POST", "/v1/bindings:order", GJ_REQUEST_ORDER, "", NULL, NULL},
        {"POST", "/v1/bindings/b-7:unbind", GJ_REQUEST_UNBIND, "", "binding_id", "b-7"},
        {"GET", "/v1/bindings/b-7", GJ_REQUEST_GET, "binding", "id", "b-7"},
        {"POST", "/v1/plans", GJ_REQUEST_PLAN, "", NULL, NULL},
        {"GET", "/v1/plans/p1", GJ_REQUEST_GET, "plan", "id", "p1"},
        {"POST", "/v1/settlements", GJ_REQUEST_SETTLE, "", NULL, NULL},
        {"GET", "/v1/settlements/S1", GJ_REQUEST_GET, "settlement", "id", "S1"},
        {"POST", "/v1/settlements/S1/refunds", GJ_REQUEST_REFUND, "", "setl_id", "S1"},
        {"GET", "/v1/refunds/R1", GJ_REQUEST_GET, "refund", "id", "R1"},
        {"POST", "/v1/reversals", GJ_REQUEST_REVERSE, "", NULL, NULL},
        {"GET", "/v1/requests/H33010000001/m1", GJ_REQUEST_GET, "request", "sender", "H33010000001"},
        {"GET", "/v1/transactions/330000%2F1795000000%2f42%2F1", GJ_REQUEST_GET, "transaction", "id",
         "330000/1795000000/42/1"},
        {"GET", "/v1/transactions", GJ_REQUEST_GET, "transactions", NULL, NULL},
        {"GET", "/v1/transactions?state=PREPARED", GJ_REQUEST_GET, "transactions", "state", "PREPARED"},
        {"GET", "/v1/node", GJ_REQUEST_GET, "node", NULL, NULL},
        {"GET", "/metrics", GJ_REQUEST_NONE, "metrics", NULL, NULL},
        {"GET", "/healthz?", GJ_REQUEST_NONE, "healthz", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_route_match match;
        struct gj_http_fault fault;
        assert_int_equal(find(rows[i].method, rows[i].target, &match, &fault), GJ_OK);
        assert_int_equal(match.route->kind, rows[i].kind);
        assert_string_equal(match.route->what, rows[i].what);
        if (rows[i].name == NULL) {
            assert_int_equal(match.n_params, 0);
            continue;
        }
        assert_string_equal(match.params[0].name, rows[i].name);
        assert_string_equal(match.params[0].value, rows[i].value);
    }
}

static void two_values_keep_their_places(void **state) {
    (void)state;
    struct gj_route_match match;
    struct gj_http_fault fault;
    assert_int_equal(find("GET", "/v1/requests/330000%2Fapp/a:b+c%25", &match, &fault), GJ_OK);
    assert_int_equal(match.n_params, 2);
    assert_string_equal(match.params[0].name, "sender");
    assert_string_equal(match.params[0].value, "330000/app");
    assert_string_equal(match.params[1].name, "id");
    assert_string_equal(match.params[1].value, "a:b+c%");
}

static void every_route_of_the_table_is_reachable(void **state) {
    (void)state;
    for (size_t i = 0; i < gj_n_routes; i++) {
        char target[200];
        size_t n = 0;
        for (const char *c = gj_routes[i].path; *c != '\0'; c++) {
            if (*c == '{') {
                c = strchr(c, '}');
                target[n++] = 'v';
            } else {
                target[n++] = *c;
            }
        }
        target[n] = '\0';
        struct gj_route_match match;
        struct gj_http_fault fault;
        assert_int_equal(find(gj_routes[i].method, target, &match, &fault), GJ_OK);
        assert_ptr_equal(match.route, &gj_routes[i]);
    }
}

static void unknown_addresses_are_404(void **state) {
    (void)state;
    const char *targets[] = {"",
                             "/",
                             "*",
                             "/v1",
                             "/v1/",
                             "/v1/plans/",
                             "/v1/plans/a/b",
                             "/v1/settlements/S1/refund",
                             "/v1/settlements//refunds",
                             "/v1/transactions/a/b/1/1",
                             "/V1/plans",
                             "/v1/requests/only",
                             "/metricsx",
                             "//v1/plans",
                             "/v1/%70lans"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct gj_route_match match;
        struct gj_http_fault fault;
        assert_int_equal(find("GET", targets[i], &match, &fault), GJ_ERR_UNKNOWN_ROUTE);
        assert_int_equal(fault.status, 0);
    }
}

static void a_wrong_method_is_405_with_the_right_ones(void **state) {
    (void)state;
    const struct {
        const char *method, *target, *allow;
    } rows[] = {
        {"GET", "/v1/plans", "POST"},         {"HEAD", "/v1/node", "GET"},
        {"DELETE", "/v1/bindings/b1", "GET"}, {"OPTIONS", "/v1/node", "GET"},
        {"PUT", "/v1/settlements", "POST"},   {"GET", "/v1/bindings/b:unbind", "POST"},
        {"get", "/metrics", "GET"},           {"GET", "/v1/bindings:order", "POST"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_route_match match;
        struct gj_http_fault fault;
        assert_int_equal(find(rows[i].method, rows[i].target, &match, &fault), GJ_ERR_UNKNOWN_ROUTE);
        assert_int_equal(fault.status, 405);
        assert_string_equal(fault.allow, rows[i].allow);
    }
}

static void bad_values_are_named(void **state) {
    (void)state;
    char long_target[300] = "/v1/plans/";
    memset(long_target + 10, 'a', GJ_ROUTE_VALUE_MAX + 1);
    const struct {
        const char *target, *field;
        enum gj_err err;
    } rows[] = {
        {"/v1/plans/%", "id", GJ_ERR_BAD_FIELD},
        {"/v1/plans/a%2", "id", GJ_ERR_BAD_FIELD},
        {"/v1/plans/a%zz", "id", GJ_ERR_BAD_FIELD},
        {"/v1/plans/a%00b", "id", GJ_ERR_BAD_FIELD},
        {"/v1/plans/a%0Ab", "id", GJ_ERR_BAD_FIELD},
        {long_target, "id", GJ_ERR_BAD_FIELD},
        {"/v1/transactions?state=", "state", GJ_ERR_BAD_FIELD},
        {"/v1/transactions?state=A&state=B", "state", GJ_ERR_BAD_FIELD},
        {"/v1/transactions?status=A", "state", GJ_ERR_UNKNOWN_FIELD},
        {"/v1/transactions?statex=A", "state", GJ_ERR_UNKNOWN_FIELD},
        {"/v1/transactions?state=%zz", "state", GJ_ERR_BAD_FIELD},
        {"/v1/node?x=1", "", GJ_ERR_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gj_route_match match;
        struct gj_http_fault fault;
        assert_int_equal(find("GET", rows[i].target, &match, &fault), rows[i].err);
        assert_int_equal(fault.err, rows[i].err);
        assert_string_equal(fault.field, rows[i].field);
    }
    long_target[10 + GJ_ROUTE_VALUE_MAX] = '\0';
    struct gj_route_match match;
    struct gj_http_fault fault;
    assert_int_equal(find("GET", long_target, &match, &fault), GJ_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_route),
        cmocka_unit_test(two_values_keep_their_places),
        cmocka_unit_test(every_route_of_the_table_is_reachable),
        cmocka_unit_test(unknown_addresses_are_404),
        cmocka_unit_test(a_wrong_method_is_405_with_the_right_ones),
        cmocka_unit_test(bad_values_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
