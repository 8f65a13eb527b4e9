/* SPDX-License-Identifier: Apache-2.0
 *
 * One call into one request of the engine: body, path and caller are put together as one JSON object, which
 * is then read by the request's shape. Nothing that fails here reaches the engine.
 */
#include "http/edge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/json_edge.h"

/* A request's struct and its lists. Bodies are at most GJ_REQUEST_MAX; a list entry in JSON is shorter than
 * its struct, and the largest list has GJ_SOURCES_MAX entries. */
#define REQUEST_ARENA ((size_t)32 * 1024)

bool gj_http_is_json(const char *content_type) {
    static const char json[] = "application/json";
    if (content_type == NULL || strncasecmp(content_type, json, sizeof json - 1) != 0) return false;
    const char *rest = content_type + sizeof json - 1;
    rest += strspn(rest, " \t");
    if (*rest == '\0') return true;
    if (*rest != ';') return false;
    rest += 1 + strspn(rest + 1, " \t");
    if (strncasecmp(rest, "charset=", 8) != 0) return false;
    rest += 8;
    return strcasecmp(rest, "utf-8") == 0 || strcasecmp(rest, "\"utf-8\"") == 0;
}

static enum gj_err no_memory(struct gj_http_fault *fault) {
    return gj_fault_set(fault, GJ_ERR_NO_MEMORY, NULL, "");
}

/* A value of the address; the body may repeat it but not contradict it. */
static enum gj_err put_param(json_t *object, const struct gj_route_param *param,
                             struct gj_http_fault *fault) {
    const json_t *given = json_object_get(object, param->name);
    if (given != NULL) {
        const char *text = json_string_value(given);
        if (text != NULL && strcmp(text, param->value) == 0) return GJ_OK;
        return gj_fault_set(fault, GJ_ERR_BAD_FIELD, param->name, "the body contradicts the address");
    }
    json_t *value = json_string(param->value);
    if (value == NULL) {
        return gj_fault_set(fault, GJ_ERR_BAD_FIELD, param->name, "the value in the address is not UTF-8");
    }
    if (json_object_set_new(object, param->name, value) != 0) return no_memory(fault);
    return GJ_OK;
}

static bool has_field(const struct gj_shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) return true;
    }
    return false;
}

/* A hospital's or pharmacy's system speaks for itself: its code is the sender. */
static enum gj_err put_sender(json_t *object, const struct gj_shape *shape, struct gj_http_fault *fault) {
    json_t *institution = json_object_get(object, "fixmedins_code");
    if (!has_field(shape, "sender") || !has_field(shape, "fixmedins_code")) return GJ_OK;
    if (json_string_length(institution) == 0 || json_object_get(object, "sender") != NULL) return GJ_OK;
    return json_object_set(object, "sender", institution) == 0 ? GJ_OK : no_memory(fault);
}

/* This amount is a text in its struct, so that "absent" and "0.00" differ; say why a number is refused. */
static enum gj_err check_cash(const json_t *object, struct gj_http_fault *fault) {
    if (!json_is_number(json_object_get(object, "expected_psn_cash_pay"))) return GJ_OK;
    return gj_fault_set(fault, GJ_ERR_BAD_AMOUNT, "expected_psn_cash_pay",
                        "write the amount as a text of yuan with two places, such as \"12.50\": "
                        "a JSON number is rounded by many programs");
}

/* Who decides by hand is the person whose token it is: never what a body says. */
static enum gj_err put_operator(json_t *object, const struct gj_shape *shape,
                                const struct gj_http_client *client, struct gj_http_fault *fault) {
    if (!has_field(shape, "operator")) return GJ_OK;
    if (!client->is_operator)
        return gj_fault_set(fault, GJ_ERR_UNAUTHORIZED, NULL, "this token is not an operator's");
    if (json_object_get(object, "operator") != NULL)
        return gj_fault_set(fault, GJ_ERR_BAD_FIELD, "operator", "is the caller's own name and not given");
    return json_object_set_new(object, "operator", json_string(client->name)) == 0 ? GJ_OK : no_memory(fault);
}

static enum gj_err check_caller(json_t *object, const struct gj_route *route,
                                const struct gj_http_client *client, struct gj_http_fault *fault) {
    const char *sender = json_string_value(json_object_get(object, "sender"));
    if (sender != NULL && strchr(sender, '*') != NULL) {
        return gj_fault_set(fault, GJ_ERR_BAD_FIELD, "sender", "must not hold a *");
    }
    if (sender != NULL && !gj_http_client_may(client, sender)) {
        return gj_fault_set(fault, GJ_ERR_UNAUTHORIZED, "sender", "this token may not speak for that sender");
    }
    if (route->kind != GJ_REQUEST_GET || gj_http_client_sees_all(client)) return GJ_OK;
    if (route->whole_node) {
        return gj_fault_set(fault, GJ_ERR_UNAUTHORIZED, NULL, "this token may not read the whole node");
    }
    if (sender != NULL) return GJ_OK; /* of the address, and allowed above */
    /* The engine shows a record only to the sender that it belongs to, or to a prefix of such senders. */
    return json_object_set_new(object, "sender", json_string(client->senders)) == 0 ? GJ_OK
                                                                                    : no_memory(fault);
}

static enum gj_err open_object(const struct gj_route_match *match, struct gj_slice body, json_t **ret,
                               struct gj_http_fault *fault) {
    if (match->route->kind != GJ_REQUEST_GET) return gj_json_parse(body, ret, fault);
    if (body.len > 0) return gj_fault_set(fault, GJ_ERR_BAD_INPUT, NULL, "a GET takes no body");
    json_t *object = json_object();
    if (object == NULL) return no_memory(fault);
    if (json_object_set_new(object, "what", json_string(match->route->what)) != 0) {
        json_decref(object);
        return no_memory(fault);
    }
    *ret = object;
    return GJ_OK;
}

static enum gj_err complete(json_t *object, const struct gj_route_match *match, const struct gj_shape *shape,
                            const struct gj_http_client *client, struct gj_http_fault *fault) {
    for (size_t i = 0; i < match->n_params; i++) {
        GJ_TRY(put_param(object, &match->params[i], fault));
    }
    GJ_TRY(put_sender(object, shape, fault));
    GJ_TRY(put_operator(object, shape, client, fault));
    GJ_TRY(check_cash(object, fault));
    return check_caller(object, match->route, client, fault);
}

static enum gj_err encode(const json_t *object, enum gj_request_kind kind, struct gj_buf *out,
                          struct gj_http_fault *fault) {
    const struct gj_shape *shape = gj_request_shape(kind);
    void *memory = malloc(REQUEST_ARENA);
    if (memory == NULL) return no_memory(fault);
    struct gj_arena arena;
    gj_arena_init(&arena, memory, REQUEST_ARENA);
    void *value = gj_arena_alloc(&arena, shape->size);
    enum gj_err err = gj_json_read(shape, object, &arena, value, fault);
    if (err == GJ_OK) {
        err = gj_request_encode(kind, value, out);
        if (err != GJ_OK) gj_fault_set(fault, err, NULL, "the request cannot be passed on");
    }
    free(memory);
    return err;
}

static void note(const json_t *object, struct gj_asked *ret) {
    const char *sender = json_string_value(json_object_get(object, "sender"));
    const char *msgid = json_string_value(json_object_get(object, "msgid"));
    if (msgid == NULL) msgid = json_string_value(json_object_get(object, "omsgid"));
    if (sender != NULL) gj_text_set(ret->sender, sizeof ret->sender, sender);
    if (msgid != NULL) gj_text_set(ret->msgid, sizeof ret->msgid, msgid);
}

enum gj_err gj_http_request(const struct gj_route_match *match, const struct gj_http_client *client,
                            struct gj_slice body, struct gj_buf *out, struct gj_asked *ret_asked,
                            struct gj_http_fault *fault) {
    enum gj_request_kind kind = match->route->kind;
    json_t *object = NULL;
    memset(ret_asked, 0, sizeof *ret_asked);
    ret_asked->changes = kind != GJ_REQUEST_GET;
    GJ_TRY(open_object(match, body, &object, fault));
    enum gj_err err = complete(object, match, gj_request_shape(kind), client, fault);
    if (err == GJ_OK) err = encode(object, kind, out, fault);
    if (err == GJ_OK) note(object, ret_asked);
    json_decref(object);
    return err;
}
