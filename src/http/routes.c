/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks a request line up in the route table. The path is split before it is decoded, so that an encoded
 * slash (of a txid, of a bureau's sender) stays inside its value. Never looks at a body.
 */
#include "http/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

const struct gj_route gj_routes[] = {
#define X(method, path, kind, what, query, whole) {#method, path, GJ_REQUEST_##kind, what, query, whole},
#include "http/routes.def"
#undef X
};

const size_t gj_n_routes = sizeof gj_routes / sizeof gj_routes[0];

/* A value that was found but is still encoded. */
struct raw_param {
    struct gj_slice name;
    struct gj_slice value;
};

struct raw_match {
    struct raw_param params[GJ_ROUTE_PARAMS_MAX];
    size_t n;
};

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* False for a broken escape, a control character or a value that does not fit. */
static bool decode(struct gj_slice in, bool plus_is_space, char *dst, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        int c = in.ptr[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            if (in.len - i < 3) return false;
            int high = hex_digit(in.ptr[i + 1]), low = hex_digit(in.ptr[i + 2]);
            if (high < 0 || low < 0) return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || n + 1 >= cap) return false;
        dst[n++] = (char)c;
    }
    dst[n] = '\0';
    return true;
}

/* Does |path| fit |pattern|? Text between two slashes with a {name} takes what stands before its suffix. */
static bool fits(const char *pattern, const char *path, size_t path_len, struct raw_match *ret) {
    const char *end = path + path_len;
    ret->n = 0;
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (path == end || *path != *pattern) return false;
            path++;
            pattern++;
            continue;
        }
        const char *close = strchr(pattern, '}');
        size_t suffix_len = strcspn(close + 1, "/");
        size_t segment_len = 0;
        while (path + segment_len < end && path[segment_len] != '/') {
            segment_len++;
        }
        if (segment_len <= suffix_len) return false;
        size_t value_len = segment_len - suffix_len;
        if (memcmp(path + value_len, close + 1, suffix_len) != 0) return false;
        GJ_ASSERT(ret->n < GJ_ROUTE_PARAMS_MAX);
        ret->params[ret->n].name = gj_slice_of(pattern + 1, (size_t)(close - pattern - 1));
        ret->params[ret->n].value = gj_slice_of(path, value_len);
        ret->n++;
        path += segment_len;
        pattern = close + 1 + suffix_len;
    }
    return path == end;
}

static enum gj_err add_param(struct gj_slice name, struct gj_slice value, bool of_query,
                             struct gj_route_match *match, struct gj_http_fault *fault) {
    GJ_ASSERT(match->n_params < GJ_ROUTE_PARAMS_MAX && name.len <= GJ_WORD_MAX);
    struct gj_route_param *param = &match->params[match->n_params];
    memcpy(param->name, name.ptr, name.len);
    param->name[name.len] = '\0';
    if (value.len == 0 || !decode(value, of_query, param->value, sizeof param->value)) {
        return gj_fault_set(fault, GJ_ERR_BAD_FIELD, param->name,
                            "the address has an empty, too long or wrongly encoded value");
    }
    match->n_params++;
    return GJ_OK;
}

static enum gj_err add_query(const char *query, struct gj_route_match *match, struct gj_http_fault *fault) {
    const char *known = match->route->query;
    size_t known_len = strlen(known);
    bool seen = false;
    while (*query != '\0') {
        size_t item_len = strcspn(query, "&");
        bool is_known = known_len > 0 && item_len > known_len && strncmp(query, known, known_len) == 0 &&
                        query[known_len] == '=';
        if (!is_known) {
            return gj_fault_set(fault, GJ_ERR_UNKNOWN_FIELD, known_len > 0 ? known : "",
                                known_len > 0
                                    ? "the only query parameter known here is the one named in field"
                                    : "this address takes no query parameters");
        }
        if (seen) return gj_fault_set(fault, GJ_ERR_BAD_FIELD, known, "the query parameter is given twice");
        seen = true;
        struct gj_slice value = gj_slice_of(query + known_len + 1, item_len - known_len - 1);
        GJ_TRY(add_param(gj_slice_str(known), value, true, match, fault));
        query += item_len;
        if (*query == '&') query++;
    }
    return GJ_OK;
}

static enum gj_err wrong_method(const char *pattern, struct gj_http_fault *fault) {
    gj_fault_set(fault, GJ_ERR_UNKNOWN_ROUTE, NULL, "this address does not take that method");
    fault->status = 405;
    for (size_t i = 0; i < gj_n_routes; i++) {
        if (strcmp(gj_routes[i].path, pattern) != 0) continue;
        size_t used = strlen(fault->allow);
        snprintf(fault->allow + used, sizeof fault->allow - used, "%s%s", used > 0 ? ", " : "",
                 gj_routes[i].method);
    }
    return fault->err;
}

enum gj_err gj_route_find(const char *method, const char *target, struct gj_route_match *ret,
                          struct gj_http_fault *fault) {
    size_t path_len = strcspn(target, "?");
    const char *pattern = NULL;
    struct raw_match raw;
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < gj_n_routes && ret->route == NULL; i++) {
        const struct gj_route *route = &gj_routes[i];
        if (pattern != NULL && strcmp(pattern, route->path) != 0) continue;
        if (pattern == NULL && !fits(route->path, target, path_len, &raw)) continue;
        pattern = route->path;
        if (strcmp(route->method, method) == 0) ret->route = route;
    }
    if (pattern == NULL) return gj_fault_set(fault, GJ_ERR_UNKNOWN_ROUTE, NULL, "no such address");
    if (ret->route == NULL) return wrong_method(pattern, fault);
    for (size_t i = 0; i < raw.n; i++) {
        GJ_TRY(add_param(raw.params[i].name, raw.params[i].value, false, ret, fault));
    }
    return add_query(target[path_len] == '?' ? target + path_len + 1 : "", ret, fault);
}
