/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of clients, as they would come over HTTP: method, target and JSON body through the product's own edge, but
 * without its sockets. So a story's call is the same here and on a real node.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "stage.h"

#define ARENA_BYTES ((size_t)256 * 1024)

static json_t *response_of(struct gj_http_response *response) {
    GJ_ASSERT(response->body != NULL);
    json_t *body = json_loads(response->body, 0, NULL);
    free(response->body);
    return json_pack("{s:i, s:o}", "status", (int)response->status, "body",
                     body == NULL ? json_object() : body);
}

static json_t *fault_of(const struct gj_http_fault *fault) {
    struct gj_http_response response;
    gj_http_answer_fault(fault, &response);
    return response_of(&response);
}

static struct stage_call *new_call(struct stage *stage) {
    if (stage->n_calls == stage->cap_calls) {
        stage->cap_calls = stage->cap_calls == 0 ? 256 : 2 * stage->cap_calls;
        stage->calls = realloc(stage->calls, stage->cap_calls * sizeof *stage->calls);
        GJ_ASSERT(stage->calls != NULL);
    }
    struct stage_call *call = &stage->calls[stage->n_calls++];
    memset(call, 0, sizeof *call);
    return call;
}

/* The message id that the request's record is found by. */
static const char *msgid_of(enum gj_request_kind kind, const void *body, const struct gj_asked *asked) {
    return kind == GJ_REQUEST_REVERSE ? ((const struct gj_req_reverse *)body)->omsgid : asked->msgid;
}

static json_t *submit(struct stage *stage, size_t node, struct gj_slice request,
                      const struct gj_asked *asked) {
    static _Alignas(max_align_t) uint8_t memory[ARENA_BYTES];
    struct gj_arena arena;
    struct gj_fault fault;
    enum gj_request_kind kind;
    void *body = NULL;
    gj_arena_init(&arena, memory, sizeof memory);
    GJ_ASSERT(gj_request_decode(request, &arena, &kind, &body, &fault) == GJ_OK);
    struct stage_call *call = new_call(stage);
    call->node = node;
    call->life = stage->nodes[node].life;
    call->asked = *asked;
    call->kind = kind;
    gj_text_set(call->record, sizeof call->record, msgid_of(kind, body, asked));
    uint64_t ticket = gj_cluster_submit(stage->cluster, node, kind, body);
    GJ_ASSERT(ticket == stage->n_calls);
    return json_pack("{s:I}", "ticket", (json_int_t)ticket);
}

/* {"node", "method", "target", "body", "operator": who decides by hand}: {"ticket"}; or {"status", "body"} if the edge
 * itself answers; or {"lost"} if nobody listens there. */
json_t *stage_call(struct stage *stage, const json_t *command) {
    static uint8_t memory[GJ_REQUEST_MAX];
    struct gj_http_client client = {.name = "story", .token = "story", .senders = "*"};
    const char *operator= stage_text(command, "operator");
    struct gj_route_match match;
    struct gj_http_fault fault = {0};
    struct gj_asked asked;
    struct gj_buf out;
    size_t node;
    if (!stage_node_of(stage, command, "node", &node)) return stage_error("call: no such node");
    client.is_operator = operator[0] != '\0';
    if (client.is_operator) gj_text_set(client.name, sizeof client.name, operator);
    if (!gj_cluster_is_up(stage->cluster, node)) return json_pack("{s:b}", "lost", true);
    if (gj_route_find(stage_text(command, "method"), stage_text(command, "target"), &match, &fault) != GJ_OK)
        return fault_of(&fault);
    if (match.route->kind == GJ_REQUEST_NONE) return stage_error("call: no page of the edge itself");
    const json_t *object = json_object_get(command, "body");
    char *body = json_is_object(object) ? json_dumps(object, JSON_COMPACT) : strdup("");
    GJ_ASSERT(body != NULL);
    gj_buf_init(&out, memory, sizeof memory);
    enum gj_err err = gj_http_request(&match, &client, gj_slice_of(body, strlen(body)), &out, &asked, &fault);
    free(body);
    return err == GJ_OK ? submit(stage, node, gj_buf_slice(&out), &asked) : fault_of(&fault);
}

bool stage_replies(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer) {
    struct stage *stage = ctx;
    GJ_ASSERT(ticket >= 1 && ticket <= stage->n_calls);
    struct stage_call *call = &stage->calls[ticket - 1];
    if (stage->nodes[node].is_muted) return false;
    /* A look-up and a plan have no record that the answer could be compared with. */
    bool is_stored =
        call->record[0] != '\0' && call->kind != GJ_REQUEST_VERIFY && call->kind != GJ_REQUEST_PLAN;
    if (is_stored)
        ck_replied(stage->ck, node, gj_request_word(call->kind), call->asked.sender, call->record, answer.ptr,
                   answer.len);
    if (call->answer != NULL) {
        ck_fail(stage->ck, "I15", node, NULL, "%s is answered twice", call->record);
        return true;
    }
    call->answer = malloc(answer.len > 0 ? answer.len : 1);
    GJ_ASSERT(call->answer != NULL);
    memcpy(call->answer, answer.ptr, answer.len);
    call->answer_len = answer.len;
    return true;
}

/* {"ticket"}: {"status", "body"}, {} while it waits, {"lost"} if the node died meanwhile. */
json_t *stage_answer(struct stage *stage, const json_t *command) {
    int64_t ticket = stage_int(command, "ticket", 0);
    if (ticket < 1 || (uint64_t)ticket > stage->n_calls) return stage_error("answer: no such ticket");
    const struct stage_call *call = &stage->calls[ticket - 1];
    if (call->answer == NULL)
        return call->life == stage->nodes[call->node].life ? stage_ok() : json_pack("{s:b}", "lost", true);
    struct gj_http_response response;
    gj_http_answer(gj_slice_of(call->answer, call->answer_len), &call->asked, &response);
    return response_of(&response);
}
