/* SPDX-License-Identifier: Apache-2.0
 *
 * The path of one call: request line, headers, body, engine, answer. A call that is refused reads on, so that
 * the client hears why instead of a broken line. A call that waits holds no thread: its connection is
 * suspended until whoever takes its waiter wakes it.
 */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/edge.h"

enum phase { CALL_NEW, CALL_BODY, CALL_WAITING };

struct call {
    enum phase phase;
    struct gj_mono begun; /* when its head was whole */
    struct MHD_Connection *connection;
    char *target;
    struct gj_route_match match;
    const struct gj_http_client *client;
    bool refused;
    bool ambiguous; /* where its body ends is not sure: the line is closed after the answer */
    struct gj_http_fault fault;
    uint8_t *body;
    size_t body_len, body_cap;
    size_t discarded;
    struct gj_asked asked;
    uint64_t waiter; /* written on the connection's thread only */
    bool not_taken;  /* the engine's inbox was full */
    uint8_t *answer; /* with its length set by who wakes, read after waking; NULL: unknown */
    size_t answer_len;
};

/* --- responses --------------------------------------------------------------------------------------------- */
static void add_header(struct MHD_Response *response, const char *name, const char *value) {
    if (value[0] != '\0') MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct gj_http_response *what) {
    char retry_after[16] = "";
    if (what->retry_after_s > 0) snprintf(retry_after, sizeof retry_after, "%u", what->retry_after_s);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry_after);
    add_header(response, MHD_HTTP_HEADER_LOCATION, what->location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, what->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, what->status == 401 ? "Bearer" : "");
    add_header(response, MHD_HTTP_HEADER_CONNECTION, what->closes ? "close" : "");
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

/* Takes |body|, malloc'ed. */
static enum MHD_Result send_text(struct MHD_Connection *connection, char *body, const char *type,
                                 const struct gj_http_response *what) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    add_headers(response, what);
    enum MHD_Result queued = MHD_queue_response(connection, what->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Without memory for a body the line is closed: the client asks again. */
static enum MHD_Result send_response(struct MHD_Connection *connection, struct gj_http_response *what) {
    if (what->body == NULL) return MHD_NO;
    return send_text(connection, what->body,
                     what->is_problem ? "application/problem+json" : "application/json", what);
}

static enum MHD_Result send_fault(struct gj_http *http, struct call *call) {
    struct gj_http_response what;
    atomic_fetch_add(&http->refused, 1);
    if (call->fault.err == GJ_ERR_TOO_LARGE) atomic_fetch_add(&http->too_large, 1);
    if (call->fault.err == GJ_ERR_BUSY) atomic_fetch_add(&http->busy, 1);
    gj_http_answer_fault(&call->fault, &what);
    what.closes = call->ambiguous;
    return send_response(call->connection, &what);
}

static enum MHD_Result send_busy(struct gj_http *http, struct call *call) {
    bool closing = atomic_load(&http->closing);
    gj_fault_set(&call->fault, closing ? GJ_ERR_DRAINING : GJ_ERR_BUSY, NULL, "nothing was done; try again");
    return send_fault(http, call);
}

static enum MHD_Result send_answer(struct gj_http *http, struct call *call) {
    struct gj_http_response what;
    if (call->not_taken) return send_busy(http, call);
    if (call->answer == NULL) {
        gj_http_answer_unknown(&call->asked, &what);
    } else {
        atomic_fetch_add(&http->answered, 1);
        gj_http_answer(gj_slice_of(call->answer, call->answer_len), &call->asked, &what);
    }
    return send_response(call->connection, &what);
}

/* --- what the edge answers itself ----------------------------------------------------------------------------- */
static enum MHD_Result send_metrics(struct gj_http *http, struct call *call) {
    const struct gj_http_response what = {.status = 200};
    char *page = malloc(GJ_HTTP_METRICS_MAX);
    if (page == NULL) return send_busy(http, call);
    struct gj_buf out;
    gj_buf_init(&out, page, GJ_HTTP_METRICS_MAX - 1);
    if (http->config.metrics != NULL) http->config.metrics(http->config.ctx, &out);
    page[out.len] = '\0';
    if (gj_buf_check(&out) == GJ_OK) {
        return send_text(call->connection, page, "text/plain; version=0.0.4; charset=utf-8", &what);
    }
    free(page);
    gj_fault_set(&call->fault, GJ_ERR_INTERNAL, NULL, "the metrics page is larger than its limit");
    return send_fault(http, call);
}

static enum MHD_Result send_local(struct gj_http *http, struct call *call) {
    if (strcmp(call->match.route->what, "metrics") == 0) return send_metrics(http, call);
    if (atomic_load(&http->closing)) return send_busy(http, call);
    struct gj_http_response what = {.status = 200, .body = strdup("{\"status\":\"ok\"}")};
    return send_response(call->connection, &what);
}

/* --- headers ---------------------------------------------------------------------------------------------------- */
static const char *header(const struct call *call, const char *name) {
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

static uint64_t stated_length(const struct call *call) {
    const char *text = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static enum gj_err refuse_large(struct call *call) {
    return gj_fault_set(&call->fault, GJ_ERR_TOO_LARGE, NULL, "the body is larger than 65536 bytes");
}

struct named {
    const char *name;
    unsigned n;
};

static enum MHD_Result count_named(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct named *named = cls;
    (void)kind;
    (void)value;
    if (strcasecmp(named->name, name) == 0) named->n++;
    return MHD_YES;
}

/* Where two lines say different things, whoever stands in front of us may have believed the other one. */
static enum gj_err check_said_once(struct call *call) {
    static const char *const names[] = {MHD_HTTP_HEADER_CONTENT_LENGTH, MHD_HTTP_HEADER_AUTHORIZATION,
                                        MHD_HTTP_HEADER_CONTENT_TYPE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct named named = {names[i], 0};
        MHD_get_connection_values(call->connection, MHD_HEADER_KIND, count_named, &named);
        if (named.n <= 1) continue;
        call->ambiguous = true;
        return gj_fault_set(&call->fault, GJ_ERR_BAD_INPUT, NULL, "a header is given twice");
    }
    return GJ_OK;
}

/* Everything that can be said before the body is there. */
static enum gj_err check_head(struct gj_http *http, struct call *call, const char *method) {
    GJ_TRY(check_said_once(call));
    GJ_TRY(gj_route_find(method, call->target, &call->match, &call->fault));
    atomic_fetch_add(&http->requests, 1);
    const struct gj_route *route = call->match.route;
    if (route->kind == GJ_REQUEST_NONE) return GJ_OK;
    call->client =
        gj_http_client_of(http->clients, http->config.n_clients, header(call, MHD_HTTP_HEADER_AUTHORIZATION));
    if (call->client == NULL) {
        gj_fault_set(&call->fault, GJ_ERR_UNAUTHORIZED, NULL,
                     "state Authorization: Bearer <token> with a known token");
        call->fault.status = 401;
        return call->fault.err;
    }
    if (stated_length(call) > GJ_REQUEST_MAX) return refuse_large(call);
    if (route->kind != GJ_REQUEST_GET && !gj_http_is_json(header(call, MHD_HTTP_HEADER_CONTENT_TYPE))) {
        gj_fault_set(&call->fault, GJ_ERR_BAD_INPUT, NULL, "state Content-Type: application/json, in UTF-8");
        call->fault.status = 415;
        return call->fault.err;
    }
    return GJ_OK;
}

static enum MHD_Result begin(struct gj_http *http, struct call *call, const char *method) {
    call->phase = CALL_BODY;
    call->refused = check_head(http, call, method) != GJ_OK;
    if (!call->refused) return MHD_YES;
    bool asks_first = header(call, MHD_HTTP_HEADER_EXPECT) != NULL;
    if (call->ambiguous || asks_first || stated_length(call) > GJ_HTTP_DISCARD_MAX)
        return send_fault(http, call);
    return MHD_YES;
}

/* --- body --------------------------------------------------------------------------------------------------------- */
static bool grow(struct call *call, size_t need) {
    if (need <= call->body_cap) return true;
    size_t cap = call->body_cap == 0 ? 2048 : call->body_cap;
    while (cap < need) {
        cap *= 2;
    }
    uint8_t *body = realloc(call->body, cap);
    if (body == NULL) return false;
    call->body = body;
    call->body_cap = cap;
    return true;
}

static int64_t mono_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A body that drips in is cut off after the time that its answer might have taken. */
static enum MHD_Result take_body(const struct gj_http *http, struct call *call, const char *data,
                                 size_t len) {
    if (mono_ms() - call->begun.ms > (int64_t)http->config.wait_ms) return MHD_NO;
    if (!call->refused && call->body_len + len > GJ_REQUEST_MAX) {
        refuse_large(call);
        call->refused = true;
    }
    if (call->refused) {
        call->discarded += len;
        return call->discarded > GJ_HTTP_DISCARD_MAX ? MHD_NO : MHD_YES;
    }
    if (!grow(call, call->body_len + len)) return MHD_NO;
    memcpy(call->body + call->body_len, data, len);
    call->body_len += len;
    return MHD_YES;
}

/* --- engine ------------------------------------------------------------------------------------------------------- */
static int socket_of(struct MHD_Connection *connection) {
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Suspended before anybody can know the waiter, so that no answer comes too early. */
static void submit(struct gj_http *http, struct call *call, struct gj_slice request) {
    call->phase = CALL_WAITING;
    atomic_fetch_add(&http->suspended, 1);
    MHD_suspend_connection(call->connection);
    uint64_t waiter = gj_waiters_add(http->waiters, call, socket_of(call->connection),
                                     (struct gj_mono){mono_ms() + http->config.wait_ms});
    call->waiter = waiter;
    if (waiter == 0) {
        call->not_taken = true;
        MHD_resume_connection(call->connection);
        return;
    }
    atomic_fetch_add(&http->submitted, 1);
    if (http->config.submit(http->config.ctx, waiter, request)) return;
    if (gj_waiters_take(http->waiters, waiter) == NULL) return;
    call->not_taken = true;
    MHD_resume_connection(call->connection);
    gj_waiters_woken(http->waiters);
}

static enum MHD_Result complete(struct gj_http *http, struct call *call) {
    if (call->refused) return send_fault(http, call);
    if (call->match.route->kind == GJ_REQUEST_NONE) return send_local(http, call);
    uint8_t *memory = malloc(GJ_REQUEST_MAX);
    if (memory == NULL) return send_busy(http, call);
    struct gj_buf request;
    gj_buf_init(&request, memory, GJ_REQUEST_MAX);
    enum gj_err err = gj_http_request(&call->match, call->client, gj_slice_of(call->body, call->body_len),
                                      &request, &call->asked, &call->fault);
    enum MHD_Result result = MHD_YES;
    if (err == GJ_OK) {
        submit(http, call, gj_buf_slice(&request));
    } else {
        result = send_fault(http, call);
    }
    free(memory);
    return result;
}

bool gj_call_wake(struct gj_http *http, uint64_t waiter, struct gj_slice answer) {
    struct call *call = gj_waiters_take(http->waiters, waiter);
    if (call == NULL) return false;
    call->answer = answer.len == 0 ? NULL : malloc(answer.len);
    if (call->answer != NULL) {
        memcpy(call->answer, answer.ptr, answer.len);
        call->answer_len = answer.len;
    }
    MHD_resume_connection(call->connection); /* the call may be gone after this */
    gj_waiters_woken(http->waiters);
    return true;
}

/* --- callbacks ------------------------------------------------------------------------------------------------------ */
void *gj_call_open(void *cls, const char *target, struct MHD_Connection *connection) {
    (void)cls;
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL) return NULL;
    call->connection = connection;
    call->target = strdup(target);
    if (call->target != NULL) return call;
    free(call);
    return NULL;
}

enum MHD_Result gj_call_handle(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data, size_t *data_len,
                               void **call_p) {
    struct gj_http *http = cls;
    struct call *call = *call_p;
    (void)connection;
    (void)url;
    (void)version;
    if (call == NULL) return MHD_NO;
    if (call->phase == CALL_NEW) {
        call->begun.ms = mono_ms();
        return begin(http, call, method);
    }
    if (call->phase == CALL_WAITING) return send_answer(http, call);
    if (*data_len == 0) return complete(http, call);
    size_t len = *data_len;
    *data_len = 0;
    return take_body(http, call, data, len);
}

void gj_call_done(void *cls, struct MHD_Connection *connection, void **call_p,
                  enum MHD_RequestTerminationCode how) {
    struct gj_http *http = cls;
    struct call *call = *call_p;
    (void)connection;
    (void)how;
    if (call == NULL) return;
    *call_p = NULL;
    if (call->waiter != 0 && gj_waiters_take(http->waiters, call->waiter) != NULL) {
        gj_waiters_woken(http->waiters);
        atomic_fetch_add(&http->hangups, 1);
        http->config.hangup(http->config.ctx, call->waiter);
    }
    if (call->phase == CALL_WAITING) atomic_fetch_sub(&http->suspended, 1);
    free(call->answer);
    free(call->body);
    free(call->target);
    free(call);
}
