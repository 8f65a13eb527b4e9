/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole call at the edge without its socket:
 *
 *     u8 client | "METHOD target" | \n | Authorization | \n | Content-Type | \n | body
 *
 * What is let through is a request that the engine can read, and is the same after a turn through JSON.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fuzz/fuzz.h"
#include "http/edge.h"
#include "http/json_edge.h"

static const struct gj_http_client clients[] = {
    {.name = "hospital", .token = "0123456789abcdef0123", .senders = "H33010000001"},
    {.name = "platform", .token = "abcdef0123456789abcd", .senders = "330000/*"},
    {.name = "all", .token = "00000000000000000000", .senders = "*"},
};

struct call {
    uint8_t client;
    char method[16], target[2048], authorization[256], content_type[128];
    struct gj_slice body;
};

/* Up to |stop| or the line's end; what does not fit is cut. */
static void take(struct gj_slice *rest, char stop, char *dst, size_t cap) {
    size_t n = 0, used = 0;
    while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != (uint8_t)stop) {
        if (used + 1 < cap && rest->ptr[n] != 0) dst[used++] = (char)rest->ptr[n];
        n++;
    }
    dst[used] = '\0';
    if (n < rest->len) n++;
    *rest = gj_slice_of(rest->ptr + n, rest->len - n);
}

static void read_call(struct gj_slice in, struct call *ret) {
    memset(ret, 0, sizeof *ret);
    if (in.len < 1) return;
    ret->client = in.ptr[0];
    in = gj_slice_of(in.ptr + 1, in.len - 1);
    take(&in, ' ', ret->method, sizeof ret->method);
    take(&in, '\n', ret->target, sizeof ret->target);
    take(&in, '\n', ret->authorization, sizeof ret->authorization);
    take(&in, '\n', ret->content_type, sizeof ret->content_type);
    ret->body = in;
}

static void check_fault(const struct gj_http_fault *fault) {
    struct gj_http_response response;
    json_error_t error;
    GJ_ASSERT(fault->err != GJ_OK && memchr(fault->field, 0, sizeof fault->field) != NULL);
    GJ_ASSERT(memchr(fault->detail, 0, sizeof fault->detail) != NULL);
    gj_http_answer_fault(fault, &response);
    GJ_ASSERT(response.status >= 400 && response.status < 600 && response.body != NULL);
    json_t *json = json_loads(response.body, JSON_REJECT_DUPLICATES, &error);
    GJ_ASSERT(json_is_object(json));
    json_decref(json);
    free(response.body);
}

static void check_unknown(const struct gj_asked *asked) {
    struct gj_http_response response;
    gj_http_answer_unknown(asked, &response);
    GJ_ASSERT(response.status == (asked->changes ? 202 : 503) && response.body != NULL);
    free(response.body);
}

/* Request bytes -> struct -> JSON -> struct -> request bytes. */
static void check_request(struct gj_slice bytes) {
    static uint8_t again_bytes[GJ_REQUEST_MAX];
    enum gj_request_kind kind;
    struct gj_fault fault;
    struct gj_http_fault http_fault;
    struct gj_buf out;
    void *body = NULL;
    enum gj_err err = gj_request_decode(bytes, gj_fuzz_arena(0), &kind, &body, &fault);
    GJ_ASSERT(err == GJ_OK);
    const struct gj_shape *shape = gj_request_shape(kind);
    gj_fuzz_identity(shape, body);
    json_t *json = gj_json_write(shape, body);
    GJ_ASSERT(json != NULL);
    struct gj_arena *arena = gj_fuzz_arena(1);
    void *again = gj_arena_alloc(arena, shape->size);
    err = gj_json_read(shape, json, arena, again, &http_fault);
    json_decref(json);
    GJ_ASSERT(err == GJ_OK);
    gj_buf_init(&out, again_bytes, sizeof again_bytes);
    err = gj_request_encode(kind, again, &out);
    GJ_ASSERT(err == GJ_OK && gj_slice_equal(gj_buf_slice(&out), bytes));
}

void gj_fuzz_http(struct gj_slice in) {
    static uint8_t bytes[GJ_REQUEST_MAX];
    static struct call call;
    struct gj_route_match match;
    struct gj_http_fault fault;
    struct gj_asked asked;
    struct gj_buf out;
    memset(&fault, 0, sizeof fault);
    read_call(in, &call);
    const size_t n_clients = sizeof clients / sizeof clients[0];
    const struct gj_http_client *client = gj_http_client_of(clients, n_clients, call.authorization);
    (void)gj_http_is_json(call.content_type);
    if (client == NULL) client = &clients[call.client % n_clients];
    if (gj_route_find(call.method, call.target, &match, &fault) != GJ_OK) {
        check_fault(&fault);
        return;
    }
    if (match.route->kind == GJ_REQUEST_NONE) return;
    gj_buf_init(&out, bytes, sizeof bytes);
    enum gj_err err = gj_http_request(&match, client, call.body, &out, &asked, &fault);
    if (err != GJ_OK) {
        check_fault(&fault);
        return;
    }
    check_unknown(&asked);
    check_request(gj_buf_slice(&out));
}
