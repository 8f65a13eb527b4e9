/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's answers as HTTP: status, problem details (RFC 9457) with words for people, JSON. An outcome
 * that is not known is 202, never an error: the client asks again by (sender, msgid).
 */
#include "http/edge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/json_edge.h"

/* The longest answers are lists of transactions: 200 structs of about 220 bytes. */
#define ANSWER_ARENA ((size_t)96 * 1024)

/* --- small parts ---------------------------------------------------------------------------------------- */
/* What cannot be put in leaves no object at all: half an answer about money is worse than none. */
static void put(json_t **object_p, const char *name, json_t *value) {
    if (json_object_set_new(*object_p, name, value) == 0) return;
    json_decref(*object_p);
    *object_p = NULL;
}

static void put_text(json_t **object_p, const char *name, const char *text) {
    if (text[0] != '\0') put(object_p, name, json_string(text));
}

static void put_txid(json_t **object_p, const struct gj_txid *txid) {
    char text[GJ_TXID_TEXT_CAP];
    if (!gj_txid_is_none(txid)) put_text(object_p, "txid", gj_txid_format(text, txid));
}

/* What a person reads: the rule's words if a rule decided, else those of the code. */
static void put_words(json_t **object_p, enum gj_err err, const char *rule) {
    const struct gj_rule_text *words = rule[0] == '\0' ? NULL : gj_rule_text_of(rule);
    put_text(object_p, "message", words == NULL ? gj_err_text_en(err) : words->en);
    put_text(object_p, "message_zh", words == NULL ? gj_err_text_zh(err) : words->zh);
}

/* Measured first: json_dumps() leaves a name out where its own buffer cannot grow, and says nothing. */
static char *dump(const json_t *object) {
    size_t size = object == NULL ? 0 : json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *text = size == 0 ? NULL : malloc(size + 1);
    if (text == NULL) return NULL;
    if (json_dumpb(object, text, size, JSON_COMPACT) != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

static void finish(json_t *object, struct gj_http_response *ret) {
    ret->body = dump(object);
    json_decref(object);
}

/* Percent-encodes everything but unreserved characters, so that a slash in a sender stays inside it. |dst| has
 * room for three bytes a character. */
static void escape(char *dst, size_t cap, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = 0;
    dst[0] = '\0';
    for (; *text != '\0' && used + 4 <= cap; text++) {
        if (strchr(plain, *text) != NULL) {
            used += (size_t)snprintf(dst + used, cap - used, "%c", *text);
        } else {
            used += (size_t)snprintf(dst + used, cap - used, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

static void put_location(const struct gj_asked *asked, struct gj_http_response *ret) {
    char sender[3 * GJ_SENDER_MAX + 1], msgid[3 * GJ_MSGID_MAX + 1];
    if (asked->sender[0] == '\0' || asked->msgid[0] == '\0') return;
    escape(sender, sizeof sender, asked->sender);
    escape(msgid, sizeof msgid, asked->msgid);
    snprintf(ret->location, sizeof ret->location, "/v1/requests/%s/%s", sender, msgid);
}

/* --- in progress ------------------------------------------------------------------------------------------- */
static void answer_in_progress(const struct gj_ans_problem *known, const struct gj_asked *asked,
                               struct gj_http_response *ret) {
    ret->status = gj_http_status(GJ_ERR_IN_PROGRESS);
    put_location(asked, ret);
    json_t *object = json_object();
    put_text(&object, "outcome", "in_progress");
    put_text(&object, "code", gj_err_name(GJ_ERR_IN_PROGRESS));
    put_txid(&object, &known->txid);
    put_text(&object, "sender", asked->sender);
    put_text(&object, "msgid", asked->msgid);
    put_text(&object, "detail", known->detail);
    put_words(&object, GJ_ERR_IN_PROGRESS, "");
    put_text(&object, "ask", ret->location);
    finish(object, ret);
}

/* --- problems ------------------------------------------------------------------------------------------------ */
static json_t *open_problem(enum gj_err err, unsigned status, struct gj_http_response *ret) {
    char type[64];
    snprintf(type, sizeof type, "urn:gongji:error:%s", gj_err_name(err));
    ret->status = status;
    ret->is_problem = true;
    ret->retry_after_s = status == 503 ? gj_http_retry_after(err) : 0;
    json_t *object = json_object();
    put_text(&object, "type", type);
    put_text(&object, "title", gj_err_text_en(err));
    put(&object, "status", json_integer((json_int_t)status));
    put_text(&object, "outcome", err == GJ_ERR_WRONG_NODE ? "wrong_node" : "refused");
    put_text(&object, "code", gj_err_name(err));
    put(&object, "retry", json_boolean(gj_err_is_retryable(err)));
    return object;
}

/* Plans say why each source was taken or not; the counter needs the words beside the rule's number. */
static void explain_in_words(json_t **plan_p) {
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(*plan_p, "explain"), i, line) {
        const char *rule = json_string_value(json_object_get(line, "rule"));
        const struct gj_rule_text *words = rule == NULL ? NULL : gj_rule_text_of(rule);
        if (words == NULL) continue;
        if (json_object_set_new(line, "message", json_string(words->en)) == 0 &&
            json_object_set_new(line, "message_zh", json_string(words->zh)) == 0)
            continue;
        json_decref(*plan_p);
        *plan_p = NULL;
        return;
    }
}

/* The new plan of PLAN_CHANGED; without it the problem still stands. */
static void put_plan(json_t **object_p, struct gj_slice bytes) {
    if (bytes.len == 0) return;
    void *memory = malloc(ANSWER_ARENA);
    if (memory == NULL) return;
    struct gj_arena arena;
    struct gj_fault fault;
    struct gj_ans_plan plan;
    gj_arena_init(&arena, memory, ANSWER_ARENA);
    if (gj_shape_decode(&gj_shape_ans_plan, bytes, &arena, &plan, &fault) == GJ_OK) {
        json_t *nested = gj_json_write(&gj_shape_ans_plan, &plan);
        explain_in_words(&nested);
        if (nested != NULL) put(object_p, "plan", nested);
    }
    free(memory);
}

static void answer_problem(const struct gj_ans_problem *problem, const struct gj_asked *asked,
                           struct gj_http_response *ret) {
    enum gj_err err = gj_err_from_name(problem->code);
    if (err == GJ_ERR_IN_PROGRESS || strcmp(problem->outcome, "in_progress") == 0) {
        answer_in_progress(problem, asked, ret);
        return;
    }
    if (strcmp(problem->outcome, "wrong_node") == 0) err = GJ_ERR_WRONG_NODE;
    json_t *object = open_problem(err, gj_http_status(err), ret);
    put_text(&object, "rule", problem->rule);
    put_text(&object, "detail", problem->detail);
    put_words(&object, err, problem->rule);
    put_txid(&object, &problem->txid);
    put_text(&object, "node", problem->node);
    put_text(&object, "url", problem->url);
    put_plan(&object, problem->plan);
    finish(object, ret);
}

void gj_http_answer_fault(const struct gj_http_fault *fault, struct gj_http_response *ret) {
    memset(ret, 0, sizeof *ret);
    memcpy(ret->allow, fault->allow, sizeof ret->allow);
    json_t *object =
        open_problem(fault->err, fault->status != 0 ? fault->status : gj_http_status(fault->err), ret);
    put_text(&object, "field", fault->field);
    put_text(&object, "detail", fault->detail);
    put_words(&object, fault->err, "");
    finish(object, ret);
}

/* --- answers --------------------------------------------------------------------------------------------------- */
void gj_http_answer_unknown(const struct gj_asked *asked, struct gj_http_response *ret) {
    struct gj_http_fault fault;
    static const struct gj_ans_problem nothing_known;
    if (!asked->changes) {
        gj_fault_set(&fault, GJ_ERR_BUSY, NULL, "the node did not answer in time");
        gj_http_answer_fault(&fault, ret);
        return;
    }
    memset(ret, 0, sizeof *ret);
    answer_in_progress(&nothing_known, asked, ret);
}

static void answer_unreadable(const struct gj_asked *asked, struct gj_http_response *ret) {
    struct gj_http_fault fault;
    if (asked->changes) {
        gj_http_answer_unknown(asked, ret);
        return;
    }
    gj_fault_set(&fault, GJ_ERR_INTERNAL, NULL, "the node's answer cannot be shown");
    gj_http_answer_fault(&fault, ret);
}

static void answer_done(const struct gj_shape *shape, const void *value, struct gj_http_response *ret) {
    json_t *object = gj_json_write(shape, value);
    explain_in_words(&object);
    ret->status = 200;
    finish(object, ret);
}

void gj_http_answer(struct gj_slice answer, const struct gj_asked *asked, struct gj_http_response *ret) {
    enum gj_answer_kind kind = GJ_ANSWER_NONE;
    void *value = NULL;
    void *memory = malloc(ANSWER_ARENA);
    memset(ret, 0, sizeof *ret);
    if (memory != NULL) {
        struct gj_arena arena;
        gj_arena_init(&arena, memory, ANSWER_ARENA);
        if (gj_answer_decode(answer, &arena, &kind, &value) != GJ_OK) kind = GJ_ANSWER_NONE;
    }
    if (kind == GJ_ANSWER_PROBLEM) {
        answer_problem(value, asked, ret);
    } else if (kind != GJ_ANSWER_NONE) {
        answer_done(gj_answer_shape(kind), value, ret);
    }
    if (ret->body == NULL) answer_unreadable(asked, ret);
    free(memory);
}
