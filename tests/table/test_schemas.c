/* SPDX-License-Identifier: Apache-2.0
 *
 * schemas/messages/ against the descriptions that the codec runs on, field by field and both ways: what a
 * field's schema must say is derived from its C description and compared whole, so that a limit, a type or a
 * `required` that differs, and a field that only one side has, are all found. The last tests change one side
 * on purpose and expect to be told.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/money.h"
#include "wire/message.h"

#define FOLDER      GJ_SOURCE_DIR "/schemas/messages/"
#define ID_BASE     "https://gongji.invalid/schemas/messages/1/"
#define DEFINITIONS "definitions.schema.json"

static const struct gj_shape *const all_shapes[] = {
#define GJ_SHAPE(shape) &gj_shape_##shape,
#define GJ_SHAPE_END(shape)
#define GJ_U64(...)
#define GJ_I64(...)
#define GJ_FEN(...)
#define GJ_FEN_SIGNED(...)
#define GJ_DATE(...)
#define GJ_BOOL(...)
#define GJ_TEXT(...)
#define GJ_SECRET(...)
#define GJ_BIN(...)
#define GJ_FIX(...)
#define GJ_TX(...)
#define GJ_DIG(...)
#define GJ_MAP(...)
#define GJ_LIST(...)
#include "wire/messages.def"
#include "base/shape_undef.h"
};
#define N_SHAPES (sizeof(all_shapes) / sizeof(all_shapes[0]))

/* Shapes of the list that stay within one node's records and never travel. */
static const char *const kept_at_home[] = {"superseded_list"};

/* Bins that carry another map's exact bytes. */
static const struct {
    const char *shape, *field, *content;
} contents[] = {
    {"prepare_core", "core", "core"}, {"commit", "core", "core"}, {"leg_part", "detail", "leg_detail"}};

/* --- what a schema must say ---------------------------------------------------------------------- */

struct audit {
    const json_t *defs; /* of the definitions file */
    bool is_local;      /* the definitions file itself is read: its references are short */
    char why[600];      /* the first difference */
};

static bool complain(struct audit *audit, const char *shape, const char *field, const char *what) {
    snprintf(audit->why, sizeof(audit->why), "%s.%s: %.500s", shape, field, what);
    return false;
}

static json_t *reference(const struct audit *audit, const char *name) {
    return json_sprintf("%s#/$defs/%s", audit->is_local ? "" : DEFINITIONS, name);
}

static json_t *expect_number(const struct gj_field *field) {
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)field->min, "maximum",
                     (json_int_t)field->max);
}

static json_t *expect_text(const struct gj_field *field) {
    json_t *node = json_pack("{s:s, s:I, s:I}", "type", "string", "maxLength", (json_int_t)field->max,
                             "x-max-bytes", (json_int_t)field->max);
    if ((field->flags & GJ_FIELD_REQUIRED) != 0) json_object_set_new(node, "minLength", json_integer(1));
    if ((field->flags & GJ_FIELD_MASKED) != 0) json_object_set_new(node, "x-personal", json_true());
    return node;
}

/* In JSON a bin is written as lower-case hexadecimal digits. */
static json_t *expect_bin(const struct gj_shape *shape, const struct gj_field *field) {
    json_int_t max = field->max, min = (field->flags & GJ_FIELD_REQUIRED) != 0 ? 1 : 0;
    char pattern[40] = "^([0-9a-f]{2})*$";
    if (field->type == GJ_FIELD_FIX) {
        min = max;
        snprintf(pattern, sizeof(pattern), "^[0-9a-f]{%lld}$", (long long)(2 * max));
    }
    json_t *node = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "type", "string", "x-msgpack", "bin",
                             "contentEncoding", "base16", "pattern", pattern, "x-min-bytes", min,
                             "x-max-bytes", max, "minLength", 2 * min, "maxLength", 2 * max);
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        if (strcmp(contents[i].shape, shape->name) != 0 || strcmp(contents[i].field, field->name) != 0)
            continue;
        json_object_set_new(node, "x-content", json_sprintf(DEFINITIONS "#/$defs/%s", contents[i].content));
    }
    return node;
}

static json_t *expect_reference(const struct audit *audit, const char *name) {
    return json_pack("{s:o}", "$ref", reference(audit, name));
}

static json_t *expect_field(const struct audit *audit, const struct gj_shape *shape,
                            const struct gj_field *field) {
    switch (field->type) {
    case GJ_FIELD_U64:
    case GJ_FIELD_I64:
        return expect_number(field);
    case GJ_FIELD_FEN:
        return expect_reference(audit, field->min < 0 ? "fen_signed" : "fen");
    case GJ_FIELD_DATE:
        return expect_reference(audit, "date");
    case GJ_FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case GJ_FIELD_TEXT:
        return expect_text(field);
    case GJ_FIELD_BIN:
    case GJ_FIELD_FIX:
        return expect_bin(shape, field);
    case GJ_FIELD_TXID:
        return expect_reference(audit, "txid");
    case GJ_FIELD_DIGEST:
        return expect_reference(audit, "digest");
    case GJ_FIELD_MAP:
        return expect_reference(audit, field->shape->name);
    case GJ_FIELD_LIST:
        return json_pack("{s:s, s:I, s:o}", "type", "array", "maxItems", (json_int_t)field->max, "items",
                         expect_reference(audit, field->shape->name));
    }
    return NULL;
}

static json_t *expect_required(const struct gj_shape *shape) {
    json_t *names = json_array();
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if ((shape->fields[i].flags & GJ_FIELD_REQUIRED) == 0) continue;
        json_array_append_new(names, json_string(shape->fields[i].name));
    }
    return names;
}

/* --- comparing ----------------------------------------------------------------------------------- */

static bool is_described(const json_t *node) {
    return json_string_length(json_object_get(node, "description")) > 3;
}

/* Everything but the description, which is for people, must be exactly |expected| (taken). */
static bool keywords_agree(struct audit *audit, const char *shape, const char *field, const json_t *node,
                           json_t *expected) {
    json_t *stated = json_copy((json_t *)(uintptr_t)node);
    json_object_del(stated, "description");
    bool same = json_equal(stated, expected) == 1;
    if (!same) {
        char *want = json_dumps(expected, JSON_SORT_KEYS), *have = json_dumps(stated, JSON_SORT_KEYS);
        char text[500];
        snprintf(text, sizeof(text), "the schema says %.200s, the codec %.200s", have, want);
        complain(audit, shape, field, text);
        free(want);
        free(have);
    }
    json_decref(stated);
    json_decref(expected);
    return same;
}

static bool field_agrees(struct audit *audit, const struct gj_shape *shape, const struct gj_field *field,
                         const json_t *node) {
    if (node == NULL) return complain(audit, shape->name, field->name, "not in the schema");
    if (!is_described(node)) return complain(audit, shape->name, field->name, "has no description");
    if (field->shape != NULL && json_object_get(audit->defs, field->shape->name) == NULL)
        return complain(audit, shape->name, field->name, "its part is not among the definitions");
    return keywords_agree(audit, shape->name, field->name, node, expect_field(audit, shape, field));
}

static const struct gj_field *find_field(const struct gj_shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) return &shape->fields[i];
    }
    return NULL;
}

static bool properties_agree(struct audit *audit, const struct gj_shape *shape, json_t *properties) {
    const char *name;
    json_t *node;
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        if (!field_agrees(audit, shape, field, json_object_get(properties, field->name))) return false;
    }
    json_object_foreach(properties, name, node) {
        if (find_field(shape, name) == NULL) return complain(audit, shape->name, name, "not in the codec");
    }
    return true;
}

/* |frame|: the keywords that the place of the object asks for besides, or NULL; taken. */
static bool object_agrees(struct audit *audit, const struct gj_shape *shape, const json_t *node,
                          json_t *frame) {
    json_t *expected = frame != NULL ? frame : json_object();
    json_t *required = expect_required(shape);
    json_t *properties = json_object_get(node, "properties");
    json_object_set_new(expected, "type", json_string("object"));
    if (json_array_size(required) > 0) json_object_set(expected, "required", required);
    json_object_set(expected, "properties", properties);
    json_decref(required);
    if (!is_described(node)) {
        json_decref(expected);
        return complain(audit, shape->name, "", "has no description");
    }
    return keywords_agree(audit, shape->name, "", node, expected) &&
           properties_agree(audit, shape, properties);
}

static bool definitions_agree(struct audit *audit, const json_t *file) {
    const char *name;
    json_t *node;
    json_object_foreach(json_object_get(file, "$defs"), name, node) {
        const struct gj_shape *shape = NULL;
        for (size_t i = 0; i < N_SHAPES; i++) {
            if (strcmp(all_shapes[i]->name, name) == 0) shape = all_shapes[i];
        }
        if (shape != NULL && !object_agrees(audit, shape, node, NULL)) return false;
        if (shape != NULL) continue;
        json_t *expected = NULL;
        if (strcmp(name, "fen") == 0)
            expected = json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 0, "maximum",
                                 (json_int_t)GJ_FEN_INPUT_MAX);
        if (strcmp(name, "date") == 0)
            expected =
                json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 19000101, "maximum", 29991231);
        if (strcmp(name, "txid") == 0)
            expected =
                json_pack("{s:s, s:i, s:i, s:i, s:s}", "type", "string", "minLength", 7, "maxLength",
                          GJ_TXID_TEXT_CAP - 1, "x-max-bytes", GJ_TXID_TEXT_CAP - 1, "pattern",
                          "^[0-9a-z-]{1,16}/(0|[1-9][0-9]{0,9})/(0|[1-9][0-9]{0,18})/(0|[1-9][0-9]{0,4})$");
        if (strcmp(name, "digest") == 0)
            expected = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "type", "string", "x-msgpack",
                                 "bin", "contentEncoding", "base16", "x-min-bytes", 33, "x-max-bytes", 33,
                                 "minLength", 66, "maxLength", 66, "pattern", "^0[12][0-9a-f]{64}$");
        if (expected == NULL) return complain(audit, "$defs", name, "not in the codec");
        if (!keywords_agree(audit, "$defs", name, node, expected)) return false;
    }
    return true;
}

/* --- files --------------------------------------------------------------------------------------- */

static json_t *load(const char *word) {
    char path[400];
    json_error_t error;
    snprintf(path, sizeof(path), "%s%s.schema.json", FOLDER, word);
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL) fail_msg("%s:%d: %s", path, error.line, error.text);
    return file;
}

static json_t *frame_of(const char *word) {
    return json_pack("{s:s, s:o, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$id",
                     json_sprintf("%s%s.schema.json", ID_BASE, word), "title", word);
}

static bool file_agrees(struct audit *audit, const char *word, const struct gj_shape *shape,
                        const json_t *file) {
    json_t *frame = frame_of(word);
    enum gj_kind kind = gj_kind_of(word);
    audit->is_local = false;
    if (kind != GJ_KIND_NONE)
        json_object_set_new(frame, "x-new-work", json_boolean(gj_kind_is_new_work(kind)));
    return object_agrees(audit, shape, file, frame);
}

static bool definitions_file_agrees(struct audit *audit, const json_t *file) {
    json_t *frame = frame_of("definitions");
    audit->is_local = true;
    json_object_set(frame, "$defs", json_object_get(file, "$defs"));
    return keywords_agree(audit, "definitions", "", file, frame) && definitions_agree(audit, file);
}

static bool word_agrees(struct audit *audit, const char *word, const json_t *file) {
    if (strcmp(word, "definitions") == 0) return definitions_file_agrees(audit, file);
    if (strcmp(word, "header") == 0) return file_agrees(audit, word, &gj_shape_header, file);
    return file_agrees(audit, word, gj_kind_shape(gj_kind_of(word)), file);
}

static struct audit begin(json_t **ret_definitions) {
    *ret_definitions = load("definitions");
    return (struct audit){.defs = json_object_get(*ret_definitions, "$defs")};
}

static void expect_agrees(const char *word) {
    json_t *definitions, *file = load(word);
    struct audit audit = begin(&definitions);
    bool agrees = word_agrees(&audit, word, file);
    if (!agrees) print_error("%s.schema.json: %s\n", word, audit.why);
    assert_true(agrees);
    json_decref(file);
    json_decref(definitions);
}

/* --- tests --------------------------------------------------------------------------------------- */

static void test_each_kind_agrees(void **state) {
    (void)state;
    expect_agrees("definitions");
    expect_agrees("header");
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        expect_agrees(gj_kind_word(kind));
    }
}

static void test_no_file_without_a_kind(void **state) {
    (void)state;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    unsigned files = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char word[64] = "";
        if (entry->d_name[0] == '.') continue;
        size_t len = strcspn(entry->d_name, ".");
        assert_true(len < sizeof(word));
        memcpy(word, entry->d_name, len);
        assert_string_equal(entry->d_name + len, ".schema.json");
        bool known = gj_kind_of(word) != GJ_KIND_NONE || strcmp(word, "header") == 0 ||
                     strcmp(word, "definitions") == 0;
        if (!known) print_error("%s: no such kind\n", entry->d_name);
        assert_true(known);
        files++;
    }
    closedir(folder);
    assert_int_equal(files, GJ_KIND_COUNT - 1 + 2);
}

static bool is_body(const struct gj_shape *shape) {
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        if (gj_kind_shape(kind) == shape) return true;
    }
    return shape == &gj_shape_header;
}

static bool is_kept_at_home(const char *name) {
    for (size_t i = 0; i < sizeof(kept_at_home) / sizeof(kept_at_home[0]); i++) {
        if (strcmp(kept_at_home[i], name) == 0) return true;
    }
    return false;
}

/* Each shape of the list has exactly one place: a file of its own, the definitions, or the records. */
static void test_each_shape_has_its_place(void **state) {
    (void)state;
    json_t *definitions;
    struct audit audit = begin(&definitions);
    for (size_t i = 0; i < N_SHAPES; i++) {
        bool defined = json_object_get(audit.defs, all_shapes[i]->name) != NULL;
        int places = defined + is_body(all_shapes[i]) + is_kept_at_home(all_shapes[i]->name);
        if (places != 1) print_error("%s has %d places\n", all_shapes[i]->name, places);
        assert_int_equal(places, 1);
    }
    json_decref(definitions);
}

/* The protocol's text names each kind, so that none is added in silence. */
static void test_readme_tells_each_kind(void **state) {
    (void)state;
    static char text[200000];
    FILE *file = fopen(GJ_SOURCE_DIR "/schemas/README.md", "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        char row[64];
        snprintf(row, sizeof(row), "\n| `%s` |", gj_kind_word(kind));
        if (strstr(text, row) == NULL)
            print_error("schemas/README.md has no row for %s\n", gj_kind_word(kind));
        assert_non_null(strstr(text, row));
    }
}

/* One keyword of one schema changed: |value| as JSON text, NULL to take it away. */
struct change {
    const char *word, *at[4], *key, *value;
};

static const struct change changes[] = {
    {"hello", {"properties"}, "nonce", NULL},
    {"hello", {"properties"}, "extra", "{\"description\": \"new here\", \"type\": \"boolean\"}"},
    {"hello", {"properties", "boot_epoch"}, "maximum", "4294967296"},
    {"hello", {"properties", "boot_epoch"}, "minimum", "0"},
    {"hello", {"properties", "epochs"}, "maxItems", "255"},
    {"hello", {"properties", "epochs"}, "maxItems", NULL},
    {"hello", {"properties", "epochs", "items"}, "$ref", "\"definitions.schema.json#/$defs/tx_ref\""},
    {"hello", {"properties", "nonce"}, "x-msgpack", NULL},
    {"hello", {"properties", "nonce"}, "x-min-bytes", "15"},
    {"hello", {"properties", "nonce"}, "description", NULL},
    {"hello", {"properties", "nonce"}, "description", "\"\""},
    {"hello", {NULL}, "required", NULL},
    {"hello", {NULL}, "required", "[\"version_min\"]"},
    {"welcome", {NULL}, "required", "[\"nonce\", \"version\", \"registry_serial\", \"resync\"]"},
    {"hello", {NULL}, "additionalProperties", "false"},
    {"hello", {NULL}, "x-new-work", "false"},
    {"hello", {NULL}, "title", "\"welcome\""},
    {"hello", {NULL}, "$id", "\"elsewhere\""},
    {"hello", {NULL}, "description", NULL},
    {"revoke", {"properties", "by"}, "maxLength", "25"},
    {"revoke", {"properties", "by"}, "x-max-bytes", "23"},
    {"revoke", {"properties", "by"}, "minLength", NULL},
    {"revoke", {"properties", "by"}, "enum", "[\"payer\"]"},
    {"revoke", {"properties", "business_date"}, "$ref", "\"definitions.schema.json#/$defs/fen\""},
    {"verified", {"properties", "enrolled"}, "type", "\"integer\""},
    {"core", {"properties", "core"}, "x-content", NULL},
    {"header", {"properties", "id"}, "maxLength", "26"},
    {"plan", {"properties", "mdtrt_cert_no"}, "x-personal", NULL},
    {"definitions", {"$defs", "fen"}, "maximum", "1"},
    {"definitions", {"$defs", "digest"}, "pattern", "\"^.*$\""},
    {"definitions", {"$defs"}, "gossip", "{\"type\": \"object\"}"},
    {"definitions", {"$defs"}, "epoch_flush", NULL},
    {"definitions", {"$defs", "core", "properties"}, "legs", NULL},
    {"definitions", {"$defs", "person", "properties", "certno"}, "maxLength", "51"},
};

static void apply(json_t *file, const struct change *change) {
    json_t *node = file;
    for (size_t i = 0; i < 4 && change->at[i] != NULL; i++) {
        node = json_object_get(node, change->at[i]);
        assert_non_null(node);
    }
    json_t *before = json_object_get(node, change->key);
    if (change->value == NULL) {
        assert_non_null(before);
        json_object_del(node, change->key);
        return;
    }
    json_t *after = json_loads(change->value, JSON_DECODE_ANY, NULL);
    assert_non_null(after);
    assert_false(json_equal(before, after));
    json_object_set_new(node, change->key, after);
}

/* Does any file still agree with everything after the change? A definition is seen by those that use it. */
static bool all_agree(const char *changed_word, json_t *changed) {
    json_t *definitions;
    struct audit audit = begin(&definitions);
    if (strcmp(changed_word, "definitions") == 0) audit.defs = json_object_get(changed, "$defs");
    bool agree = word_agrees(&audit, changed_word, changed);
    json_t *hello = load("hello");
    agree = agree && word_agrees(&audit, "hello", hello);
    json_decref(hello);
    json_decref(definitions);
    return agree;
}

static void test_a_changed_schema_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        json_t *file = load(changes[i].word);
        assert_true(all_agree(changes[i].word, file));
        apply(file, &changes[i]);
        bool agree = all_agree(changes[i].word, file);
        if (agree) print_error("row %zu: %s %s\n", i, changes[i].word, changes[i].key);
        assert_false(agree);
        json_decref(file);
    }
}

static bool changed_shape_agrees(uint32_t number, const struct gj_field *instead) {
    struct gj_field fields[16];
    struct gj_shape shape = gj_shape_revoke;
    json_t *definitions, *file = load("revoke");
    struct audit audit = begin(&definitions);
    assert_true(shape.n_fields < 16);
    memcpy(fields, shape.fields, shape.n_fields * sizeof(fields[0]));
    fields[number] = *instead;
    shape.fields = fields;
    if (number == shape.n_fields) shape.n_fields++;
    bool agrees = file_agrees(&audit, "revoke", &shape, file);
    json_decref(file);
    json_decref(definitions);
    return agrees;
}

static void test_a_changed_codec_is_found(void **state) {
    (void)state;
    const struct gj_field *by = find_field(&gj_shape_revoke, "by");
    uint32_t number = (uint32_t)(by - gj_shape_revoke.fields);
    struct gj_field changed = *by;
    assert_true(changed_shape_agrees(number, &changed));
    changed.max++;
    assert_false(changed_shape_agrees(number, &changed));
    changed = *by;
    changed.flags = 0;
    assert_false(changed_shape_agrees(number, &changed));
    changed = *by;
    changed.flags |= GJ_FIELD_MASKED;
    assert_false(changed_shape_agrees(number, &changed));
    changed = *by;
    changed.name = "whose";
    assert_false(changed_shape_agrees(number, &changed));
    changed = *by;
    changed.type = GJ_FIELD_BIN;
    assert_false(changed_shape_agrees(number, &changed));
    changed = *by;
    changed.name = "also";
    assert_false(changed_shape_agrees(gj_shape_revoke.n_fields, &changed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_agrees),          cmocka_unit_test(test_no_file_without_a_kind),
        cmocka_unit_test(test_each_shape_has_its_place),  cmocka_unit_test(test_readme_tells_each_kind),
        cmocka_unit_test(test_a_changed_schema_is_found), cmocka_unit_test(test_a_changed_codec_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
