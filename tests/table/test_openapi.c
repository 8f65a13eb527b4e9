/* SPDX-License-Identifier: Apache-2.0
 *
 * Does schemas/openapi.yaml say what the code does? Routes, parameters, every field and limit of requests and
 * answers, error codes and statuses; and each example of a request goes through the real reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "http/edge.h"
#include "http/json_edge.h"
#include "wire/message.h"

/* --- YAML as JSON ------------------------------------------------------------------------------------------ */
static json_t *document;

static json_t *load_node(yaml_parser_t *parser, const yaml_event_t *event);

static void next_event(yaml_parser_t *parser, yaml_event_t *event) {
    if (!yaml_parser_parse(parser, event)) {
        print_error("openapi.yaml:%zu: %s\n", parser->problem_mark.line + 1, parser->problem);
        fail();
    }
}

static json_t *load_scalar(const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    char *end;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return json_string(text);
    if (strcmp(text, "true") == 0) return json_true();
    if (strcmp(text, "false") == 0) return json_false();
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text != '\0' && *end == '\0' && errno == 0) return json_integer(number);
    return json_string(text);
}

static json_t *load_mapping(yaml_parser_t *parser) {
    json_t *object = json_object();
    for (;;) {
        yaml_event_t key, value;
        next_event(parser, &key);
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return object;
        }
        assert_int_equal(key.type, YAML_SCALAR_EVENT);
        const char *name = (const char *)key.data.scalar.value;
        if (json_object_get(object, name) != NULL) {
            print_error("openapi.yaml:%zu: %s is given twice\n", key.start_mark.line + 1, name);
            fail();
        }
        next_event(parser, &value);
        json_object_set_new(object, name, load_node(parser, &value));
        yaml_event_delete(&value);
        yaml_event_delete(&key);
    }
}

static json_t *load_sequence(yaml_parser_t *parser) {
    json_t *array = json_array();
    for (;;) {
        yaml_event_t event;
        next_event(parser, &event);
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!is_end) json_array_append_new(array, load_node(parser, &event));
        yaml_event_delete(&event);
        if (is_end) return array;
    }
}

static json_t *load_node(yaml_parser_t *parser, const yaml_event_t *event) {
    if (event->type == YAML_MAPPING_START_EVENT) return load_mapping(parser);
    if (event->type == YAML_SEQUENCE_START_EVENT) return load_sequence(parser);
    assert_int_equal(event->type, YAML_SCALAR_EVENT); /* no aliases here */
    return load_scalar(event);
}

static int setup(void **state) {
    (void)state;
    FILE *file = fopen(GJ_SOURCE_DIR "/schemas/openapi.yaml", "rb");
    yaml_parser_t parser;
    yaml_event_t event;
    assert_non_null(file);
    assert_int_equal(yaml_parser_initialize(&parser), 1);
    yaml_parser_set_input_file(&parser, file);
    do {
        next_event(&parser, &event);
        bool is_root = event.type == YAML_MAPPING_START_EVENT;
        if (is_root) document = load_node(&parser, &event);
        yaml_event_delete(&event);
    } while (document == NULL);
    yaml_parser_delete(&parser);
    fclose(file);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    json_decref(document);
    return 0;
}

/* --- helpers ------------------------------------------------------------------------------------------------- */
/* A path such as "paths|/v1/plans|post". */
static json_t *at(const json_t *from, const char *path) {
    char copy[300];
    assert_true(strlen(path) < sizeof copy);
    strcpy(copy, path);
    json_t *node = (json_t *)(uintptr_t)from;
    char *rest = NULL;
    for (char *name = strtok_r(copy, "|", &rest); name != NULL; name = strtok_r(NULL, "|", &rest)) {
        node = json_object_get(node, name);
    }
    return node;
}

static const char *text_at(const json_t *from, const char *path) {
    const char *text = json_string_value(at(from, path));
    return text == NULL ? "" : text;
}

/* The name that a $ref ends in. */
static const char *ref_at(const json_t *from, const char *path) {
    const char *ref = json_string_value(json_object_get(at(from, path), "$ref"));
    const char *slash = ref == NULL ? NULL : strrchr(ref, '/');
    return slash == NULL ? "" : slash + 1;
}

static bool lists(const json_t *array, const char *text) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *item = json_string_value(json_array_get(array, i));
        if (item != NULL && strcmp(item, text) == 0) return true;
    }
    return false;
}

static const json_t *schema_of(const char *name) {
    const json_t *schema = json_object_get(at(document, "components|schemas"), name);
    if (schema == NULL) print_error("no schema %s\n", name);
    assert_non_null(schema);
    return schema;
}

static const json_t *operation_of(const struct gj_route *route) {
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++) {
        method[i] = (char)(route->method[i] + ('a' - 'A'));
    }
    return json_object_get(json_object_get(at(document, "paths"), route->path), method);
}

/* --- routes ------------------------------------------------------------------------------------------------------ */
static void every_route_is_in_the_file(void **state) {
    (void)state;
    for (size_t i = 0; i < gj_n_routes; i++) {
        if (operation_of(&gj_routes[i]) == NULL)
            print_error("%s %s\n", gj_routes[i].method, gj_routes[i].path);
        assert_non_null(operation_of(&gj_routes[i]));
    }
}

static void the_file_has_no_other_routes(void **state) {
    (void)state;
    const char *path, *method;
    json_t *item, *operation;
    size_t n = 0;
    json_object_foreach(at(document, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            n++;
        }
    }
    assert_int_equal(n, gj_n_routes);
}

static const struct gj_field *field_of(const struct gj_shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) return &shape->fields[i];
    }
    return NULL;
}

static void parameters_are_fields_with_their_limits(void **state) {
    (void)state;
    for (size_t i = 0; i < gj_n_routes; i++) {
        const struct gj_route *route = &gj_routes[i];
        const json_t *parameters = json_object_get(operation_of(route), "parameters");
        size_t expected = route->query[0] != '\0' ? 1 : 0;
        for (const char *c = route->path; (c = strchr(c, '{')) != NULL; c++) {
            expected++;
        }
        assert_int_equal(json_array_size(parameters), expected);
        for (size_t k = 0; k < expected; k++) {
            const json_t *parameter = json_array_get(parameters, k);
            const char *name = text_at(parameter, "name");
            bool in_query = strcmp(text_at(parameter, "in"), "query") == 0;
            char braces[40];
            snprintf(braces, sizeof braces, "{%s}", name);
            assert_true(in_query ? strcmp(route->query, name) == 0 : strstr(route->path, braces) != NULL);
            assert_int_equal(json_is_true(json_object_get(parameter, "required")), !in_query);
            const struct gj_field *field = field_of(gj_request_shape(route->kind), name);
            assert_non_null(field);
            assert_int_equal(json_integer_value(at(parameter, "schema|maxLength")), field->max);
        }
    }
}

static void tokens_are_needed_where_the_code_says(void **state) {
    (void)state;
    assert_true(json_array_size(json_object_get(document, "security")) == 1);
    for (size_t i = 0; i < gj_n_routes; i++) {
        const json_t *security = json_object_get(operation_of(&gj_routes[i]), "security");
        assert_int_equal(security != NULL, gj_routes[i].kind == GJ_REQUEST_NONE);
        assert_int_equal(json_array_size(security), 0);
    }
}

/* What each request is answered with when it is done. */
static const struct gj_shape *answer_of(const struct gj_route *route) {
    const struct {
        const char *what;
        enum gj_answer_kind kind;
    } reads[] = {
        {"binding", GJ_ANSWER_BINDING},
        {"plan", GJ_ANSWER_PLAN},
        {"settlement", GJ_ANSWER_SETTLEMENT},
        {"refund", GJ_ANSWER_REFUND},
        {"request", GJ_ANSWER_REQUEST},
        {"transaction", GJ_ANSWER_TRANSACTIONS},
        {"transactions", GJ_ANSWER_TRANSACTIONS},
        {"cases", GJ_ANSWER_CASES},
        {"resync", GJ_ANSWER_RESYNC},
        {"node", GJ_ANSWER_NODE},
    };
    static const enum gj_answer_kind answers[GJ_REQUEST_COUNT] = {
        [GJ_REQUEST_VERIFY] = GJ_ANSWER_VERIFY,      [GJ_REQUEST_BIND] = GJ_ANSWER_BINDING,
        [GJ_REQUEST_UNBIND] = GJ_ANSWER_BINDING,     [GJ_REQUEST_ORDER] = GJ_ANSWER_ORDER,
        [GJ_REQUEST_PLAN] = GJ_ANSWER_PLAN,          [GJ_REQUEST_SETTLE] = GJ_ANSWER_SETTLEMENT,
        [GJ_REQUEST_REFUND] = GJ_ANSWER_REFUND,      [GJ_REQUEST_REVERSE] = GJ_ANSWER_REVERSAL,
        [GJ_REQUEST_PROPOSE] = GJ_ANSWER_RESOLUTION, [GJ_REQUEST_CONFIRM] = GJ_ANSWER_RESOLUTION,
        [GJ_REQUEST_OPEN] = GJ_ANSWER_RESYNC,
    };
    if (route->kind != GJ_REQUEST_GET) return gj_answer_shape(answers[route->kind]);
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        if (strcmp(reads[i].what, route->what) == 0) return gj_answer_shape(reads[i].kind);
    }
    return NULL;
}

static void bodies_and_answers_are_the_right_ones(void **state) {
    (void)state;
    for (size_t i = 0; i < gj_n_routes; i++) {
        const struct gj_route *route = &gj_routes[i];
        const json_t *operation = operation_of(route);
        if (route->kind == GJ_REQUEST_NONE) continue;
        const char *body = ref_at(operation, "requestBody|content|application/json|schema");
        bool is_post = route->kind != GJ_REQUEST_GET;
        assert_string_equal(body, is_post ? gj_request_shape(route->kind)->name : "");
        const char *answer = ref_at(operation, "responses|200|content|application/json|schema");
        assert_non_null(answer_of(route));
        assert_string_equal(answer, answer_of(route)->name);
        assert_string_equal(ref_at(operation, "responses|default"), "problem");
        if (is_post) assert_string_equal(ref_at(operation, "responses|202"), "in_progress");
    }
}

/* --- shapes --------------------------------------------------------------------------------------------------------- */
static void check_limits(const struct gj_field *field, const json_t *property) {
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
        assert_string_equal(text_at(property, "type"), "integer");
        assert_true(json_integer_value(at(property, "minimum")) == field->min &&
                    at(property, "minimum") != NULL);
        assert_true(json_integer_value(at(property, "maximum")) == field->max);
        return;
    case GJ_FIELD_FEN:
        assert_string_equal(ref_at(property, ""), "yuan");
        return;
    case GJ_FIELD_DATE:
        assert_string_equal(text_at(property, "format"), "date");
        return;
    case GJ_FIELD_BOOL:
        assert_string_equal(text_at(property, "type"), "boolean");
        return;
    case GJ_FIELD_TEXT:
        assert_string_equal(text_at(property, "type"), "string");
        assert_int_equal(json_integer_value(at(property, "maxLength")), field->max);
        return;
    case GJ_FIELD_TXID:
        assert_string_equal(ref_at(property, ""), "txid");
        return;
    case GJ_FIELD_MAP:
        assert_string_equal(ref_at(property, ""), field->shape->name);
        return;
    case GJ_FIELD_LIST:
        assert_string_equal(text_at(property, "type"), "array");
        assert_int_equal(json_integer_value(at(property, "maxItems")), field->max);
        assert_string_equal(ref_at(property, "items"), field->shape->name);
        return;
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
    case GJ_FIELD_DIGEST:
        fail_msg("%s: no such type at this edge yet", field->name);
    }
}

static bool comes_from_the_address(const struct gj_shape *shape, const char *field) {
    for (size_t i = 0; i < gj_n_routes; i++) {
        char braces[40];
        snprintf(braces, sizeof braces, "{%s}", field);
        if (gj_routes[i].kind == GJ_REQUEST_NONE || gj_request_shape(gj_routes[i].kind) != shape) continue;
        if (strstr(gj_routes[i].path, braces) != NULL) return true;
    }
    return false;
}

/* A field may be left out of a body when the edge knows it from elsewhere. */
static bool must_be_given(const struct gj_shape *shape, const struct gj_field *field) {
    if ((field->flags & GJ_FIELD_REQUIRED) == 0 || comes_from_the_address(shape, field->name)) return false;
    return strcmp(field->name, "sender") != 0 || field_of(shape, "fixmedins_code") == NULL;
}

/* The edge adds the words of a rule to each line of an explanation. */
static size_t added_by_the_edge(const struct gj_shape *shape) {
    return shape == &gj_shape_explain_line ? 2 : 0;
}

static void check_shape(const struct gj_shape *shape) {
    const json_t *schema = schema_of(shape->name);
    const json_t *properties = json_object_get(schema, "properties");
    size_t required = 0;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        const json_t *property = json_object_get(properties, field->name);
        if (property == NULL) print_error("%s.%s is not in the file\n", shape->name, field->name);
        assert_non_null(property);
        assert_true(text_at(property, "description")[0] != '\0');
        check_limits(field, property);
        assert_int_equal(lists(json_object_get(schema, "required"), field->name),
                         must_be_given(shape, field));
        if (must_be_given(shape, field)) required++;
        if (field->shape != NULL) check_shape(field->shape);
    }
    assert_int_equal(json_object_size(properties), shape->n_fields + added_by_the_edge(shape));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), required);
    if (strncmp(shape->name, "req_", 4) == 0) {
        assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    }
}

static void every_field_and_limit_is_in_the_file(void **state) {
    (void)state;
    for (int kind = GJ_REQUEST_NONE + 1; kind < GJ_REQUEST_COUNT; kind++) {
        if (kind != GJ_REQUEST_GET) check_shape(gj_request_shape((enum gj_request_kind)kind));
    }
    for (int kind = GJ_ANSWER_NONE + 1; kind < GJ_ANSWER_COUNT; kind++) {
        if (kind != GJ_ANSWER_PROBLEM) check_shape(gj_answer_shape((enum gj_answer_kind)kind));
    }
}

/* --- problems --------------------------------------------------------------------------------------------------------- */
static const struct {
    enum gj_err err;
    const char *name;
} codes[] = {
#define X(name, number, class, retry, en, zh) {GJ_ERR_##name, #name},
#include "base/err.def"
#undef X
};
#define N_CODES (sizeof codes / sizeof codes[0])

static void codes_and_statuses_agree(void **state) {
    (void)state;
    const json_t *problem = schema_of("problem");
    const json_t *names = at(problem, "properties|code|enum"),
                 *statuses = json_object_get(problem, "x-statuses");
    assert_int_equal(json_array_size(names), N_CODES);
    assert_int_equal(json_object_size(statuses), N_CODES);
    for (size_t i = 0; i < N_CODES; i++) {
        if (!lists(names, codes[i].name)) print_error("%s is not in the file\n", codes[i].name);
        assert_true(lists(names, codes[i].name));
        assert_int_equal(json_integer_value(json_object_get(statuses, codes[i].name)),
                         gj_http_status(codes[i].err));
    }
}

static void note_names(json_t *seen, const struct gj_http_response *what) {
    json_t *body = json_loads(what->body, 0, NULL);
    assert_non_null(body);
    json_object_update(seen, body);
    json_decref(body);
    free(what->body);
}

static void render_problem(json_t *seen, const struct gj_ans_problem *problem) {
    static uint8_t memory[32768];
    const struct gj_asked asked = {true, "330000/app", "m1"};
    struct gj_buf out;
    struct gj_http_response what;
    gj_buf_init(&out, memory, sizeof memory);
    assert_int_equal(gj_answer_encode(GJ_ANSWER_PROBLEM, problem, &out), GJ_OK);
    gj_http_answer(gj_buf_slice(&out), &asked, &what);
    note_names(seen, &what);
}

static struct gj_ans_problem full_problem(const char *outcome, const char *code) {
    static uint8_t memory[1024];
    struct gj_ans_problem problem = {0};
    struct gj_ans_plan plan = {.plan_id = "P1"};
    struct gj_fault fault;
    struct gj_buf bytes;
    gj_buf_init(&bytes, memory, sizeof memory);
    assert_int_equal(gj_shape_encode(&gj_shape_ans_plan, &plan, &bytes, &fault), GJ_OK);
    strcpy(problem.outcome, outcome);
    strcpy(problem.code, code);
    strcpy(problem.rule, "R1");
    strcpy(problem.detail, "d");
    strcpy(problem.txid.coordinator, "330000");
    problem.txid.seq = 1;
    strcpy(problem.node, "360000");
    strcpy(problem.url, "http://x");
    problem.plan = gj_buf_slice(&bytes);
    return problem;
}

static void check_names(const json_t *seen, const char *schema_name) {
    const json_t *schema = schema_of(schema_name), *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *ignored;
    json_object_foreach((json_t *)(uintptr_t)seen, name, ignored) {
        if (json_object_get(properties, name) == NULL)
            print_error("%s.%s is not in the file\n", schema_name, name);
        assert_non_null(json_object_get(properties, name));
    }
    assert_int_equal(json_object_size(seen), json_object_size(properties));
}

static void problems_have_the_members_of_the_file(void **state) {
    (void)state;
    json_t *seen = json_object();
    struct gj_ans_problem problem = full_problem("refused", "RULE");
    struct gj_http_fault fault;
    struct gj_http_response what;
    render_problem(seen, &problem);
    gj_fault_set(&fault, GJ_ERR_BAD_FIELD, "f", "d");
    gj_http_answer_fault(&fault, &what);
    note_names(seen, &what);
    check_names(seen, "problem");
    json_object_clear(seen);
    problem = full_problem("in_progress", "IN_PROGRESS");
    render_problem(seen, &problem);
    check_names(seen, "in_progress");
    json_decref(seen);
}

/* --- examples ------------------------------------------------------------------------------------------------------------ */
static void send_example(const struct gj_route *route, const json_t *example) {
    static uint8_t memory[GJ_REQUEST_MAX];
    static const struct gj_http_client anybody = {"any", "t", "*", true};
    struct gj_route_match match;
    struct gj_http_fault fault = {0};
    struct gj_asked asked;
    struct gj_buf out;
    char target[200];
    size_t n = 0;
    for (const char *c = route->path; *c != '\0'; c++) {
        target[n++] = *c == '{' ? 'v' : *c;
        if (*c == '{') c = strchr(c, '}');
    }
    target[n] = '\0';
    assert_int_equal(gj_route_find(route->method, target, &match, &fault), GJ_OK);
    char *body = json_dumps(example, 0);
    assert_non_null(body);
    gj_buf_init(&out, memory, sizeof memory);
    enum gj_err err = gj_http_request(&match, &anybody, gj_slice_str(body), &out, &asked, &fault);
    if (err != GJ_OK) print_error("%s: %s: %s\n", route->path, fault.field, fault.detail);
    assert_int_equal(err, GJ_OK);
    free(body);
}

/* An answer's example must read as the answer; the words that the edge adds are in it or not. */
static void read_example(const struct gj_shape *shape, const json_t *example, const char *path) {
    static uint8_t memory[65536];
    struct gj_arena arena;
    struct gj_http_fault fault = {0};
    gj_arena_init(&arena, memory, sizeof memory);
    void *value = gj_arena_alloc(&arena, shape->size);
    enum gj_err err = gj_json_read(shape, example, &arena, value, &fault);
    if (err != GJ_OK) print_error("%s: %s: %s\n", path, fault.field, fault.detail);
    assert_int_equal(err, GJ_OK);
}

static void examples_are_true(void **state) {
    (void)state;
    for (size_t i = 0; i < gj_n_routes; i++) {
        const struct gj_route *route = &gj_routes[i];
        const json_t *operation = operation_of(route);
        if (route->kind == GJ_REQUEST_NONE) continue;
        const json_t *answer = at(operation, "responses|200|content|application/json|example");
        assert_non_null(answer);
        read_example(answer_of(route), answer, route->path);
        if (route->kind == GJ_REQUEST_GET) continue;
        const json_t *body = at(operation, "requestBody|content|application/json|example");
        assert_non_null(body);
        send_example(route, body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_in_the_file),
        cmocka_unit_test(the_file_has_no_other_routes),
        cmocka_unit_test(parameters_are_fields_with_their_limits),
        cmocka_unit_test(tokens_are_needed_where_the_code_says),
        cmocka_unit_test(bodies_and_answers_are_the_right_ones),
        cmocka_unit_test(every_field_and_limit_is_in_the_file),
        cmocka_unit_test(codes_and_statuses_agree),
        cmocka_unit_test(problems_have_the_members_of_the_file),
        cmocka_unit_test(examples_are_true),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
