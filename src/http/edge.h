/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge without its sockets: who calls, which request a call is, and how an answer reads. All of it can
 * be run by a test with plain texts.
 */
#ifndef GJ_HTTP_EDGE_H
#define GJ_HTTP_EDGE_H

#include "base/bytes.h"
#include "http/http.h"
#include "http/problem.h"
#include "http/routes.h"

/* --- auth.c ---------------------------------------------------------------------------------------------- */
/* The client of an Authorization header ("Bearer <token>"), or NULL. Compares in constant time, with every
 * client, whatever matches. |authorization| may be NULL. */
const struct gj_http_client *gj_http_client_of(const struct gj_http_client *clients, size_t n,
                                               const char *authorization);
/* May the client speak for |sender|? */
bool gj_http_client_may(const struct gj_http_client *client, const char *sender);
/* A prefix is for a bureau's own channels: they read everything at this node. One sender reads its own. */
bool gj_http_client_sees_all(const struct gj_http_client *client);

/* --- request.c --------------------------------------------------------------------------------------------- */
/* What the edge keeps of a request, for the case that no answer comes in time. */
struct gj_asked {
    bool changes;                   /* a POST: its outcome may be unknown */
    char sender[GJ_SENDER_MAX + 1]; /* "" for most reads */
    char msgid[GJ_MSGID_MAX + 1];
};

/* A POST's media type: application/json, in UTF-8 if it says a charset. NULL is refused. */
bool gj_http_is_json(const char *content_type);

/* Checks body, path and sender, and appends gj_request_encode() bytes to |out|. |body| is empty for a GET.
 * Refuses with what gj_json_parse() and gj_json_read() say, BAD_INPUT, or UNAUTHORIZED (403). */
GJ_MUST_USE enum gj_err gj_http_request(const struct gj_route_match *match,
                                        const struct gj_http_client *client, struct gj_slice body,
                                        struct gj_buf *out, struct gj_asked *ret_asked,
                                        struct gj_http_fault *fault);

/* "/v1/requests/<sender>/<msgid>", everything in it percent-encoded. */
#define GJ_LOCATION_CAP (3 * (GJ_SENDER_MAX + GJ_MSGID_MAX) + 16)

/* --- answer.c ---------------------------------------------------------------------------------------------- */
struct gj_http_response {
    unsigned status;
    bool is_problem;                /* application/problem+json, else application/json */
    unsigned retry_after_s;         /* 0: no header */
    char location[GJ_LOCATION_CAP]; /* 202: where to ask again; "" if nowhere */
    char allow[GJ_ALLOW_CAP];
    bool closes; /* the line, after the answer */
    char *body;  /* malloc'ed, NUL-terminated JSON; NULL: out of memory */
};

/* The engine's answer. Bytes that cannot be read: 500 for a read, "in progress" for anything else. */
void gj_http_answer(struct gj_slice answer, const struct gj_asked *asked, struct gj_http_response *ret);
/* No answer yet, and the client shall not wait longer: 202, or 503 for a read. */
void gj_http_answer_unknown(const struct gj_asked *asked, struct gj_http_response *ret);
/* A refusal of the edge itself. */
void gj_http_answer_fault(const struct gj_http_fault *fault, struct gj_http_response *ret);

#endif
