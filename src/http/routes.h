/* SPDX-License-Identifier: Apache-2.0
 *
 * The route table, and how a request line is looked up in it.
 */
#ifndef GJ_HTTP_ROUTES_H
#define GJ_HTTP_ROUTES_H

#include "base/limits.h"
#include "http/problem.h"
#include "wire/message.h"

struct gj_route {
    const char *method;
    const char *path;
    enum gj_request_kind kind;
    const char *what;
    const char *query;
    bool whole_node;
};

extern const struct gj_route gj_routes[];
extern const size_t gj_n_routes;

#define GJ_ROUTE_PARAMS_MAX 3
#define GJ_ROUTE_VALUE_MAX  127 /* the longest value, decoded; a field's own limit may be shorter */

struct gj_route_param {
    char name[GJ_WORD_MAX + 1];
    char value[GJ_ROUTE_VALUE_MAX + 1];
};

struct gj_route_match {
    const struct gj_route *route;
    struct gj_route_param params[GJ_ROUTE_PARAMS_MAX]; /* of the path, then of the query */
    size_t n_params;
};

/* |target| is the request target as it came, percent-encoded, with its query. GJ_ERR_UNKNOWN_ROUTE: 404,
 * or 405 with |fault|->allow when only the method is wrong. GJ_ERR_BAD_FIELD: a value that is not decodable
 * or too long. GJ_ERR_UNKNOWN_FIELD: a query parameter that the route does not know. */
GJ_MUST_USE enum gj_err gj_route_find(const char *method, const char *target, struct gj_route_match *ret,
                                      struct gj_http_fault *fault);

#endif
