/* SPDX-License-Identifier: Apache-2.0
 *
 * The YAML tree: lines, strictness, limits, and that no broken text gets through or breaks it.
 */
#include "conf/yaml_tree.h"

#include "scratch.h"

static enum gj_err parse(const char *text, struct gj_yaml **ret, struct gj_conf_error *error) {
    *ret = NULL;
    error->text[0] = '\0';
    return gj_yaml_parse("t.yaml", gj_slice_str(text), ret, error);
}

static void tree_knows_lines_keys_and_texts(void **state) {
    (void)state;
    struct gj_yaml *yaml;
    struct gj_conf_error error;
    assert_int_equal(
        parse("# a comment\na: 1\nmap:\n  b: \"no\"\n  c:\n    - x\n    - {d: y}\n", &yaml, &error), GJ_OK);
    const struct gj_yaml_node *root = gj_yaml_root(yaml), *map = gj_yaml_get(root, "map");
    assert_int_equal(root->kind, GJ_YAML_MAP);
    assert_int_equal(root->n, 2);
    assert_string_equal(gj_yaml_get(root, "a")->text, "1");
    assert_false(gj_yaml_get(root, "a")->quoted);
    assert_int_equal(map->line, 3);
    assert_string_equal(gj_yaml_get(map, "b")->text, "no");
    assert_true(gj_yaml_get(map, "b")->quoted);
    const struct gj_yaml_node *list = gj_yaml_get(map, "c");
    assert_int_equal(list->kind, GJ_YAML_LIST);
    assert_int_equal(list->n, 2);
    assert_int_equal(list->first->line, 6);
    assert_int_equal(gj_yaml_get(list->first->next, "d")->line, 7);
    assert_null(gj_yaml_get(root, "none"));
    assert_null(gj_yaml_get(list, "d"));
    assert_null(gj_yaml_get(NULL, "d"));
    gj_yaml_free(&yaml);
    assert_null(yaml);
}

struct refusal {
    const char *text;
    enum gj_err err;
    const char *error;
};

static void what_is_unusual_is_refused_with_its_line(void **state) {
    (void)state;
    static const struct refusal refusals[] = {
        {"a: 1\nb: 2\na: 3\n", GJ_ERR_BAD_CONFIG, "t.yaml:3: a: is here twice, first in line 1"},
        {"x:\n  a: 1\n  a: 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:3: a: is here twice"},
        {"a: &x 1\nb: 2\n", GJ_ERR_BAD_CONFIG, "t.yaml:1: anchors are not allowed"},
        {"b: 2\na: *x\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: aliases are not allowed"},
        {"b: 2\na: !!int 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: tags are not allowed"},
        {"a: 1\n---\nb: 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: a second document is not allowed"},
        {"a: 1\n? [x, y]\n: 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: a key must be a plain text"},
        {"a: 1\n\"\": 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: a key is empty"},
        {"a: 1\nb: \"x\\0y\"\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: a text holds a NUL character"},
        {"a: [1, 2\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: "},
        {"a: 1\n\tb: 1\n", GJ_ERR_BAD_CONFIG, "t.yaml:2: "},
        {"", GJ_ERR_BAD_CONFIG, "t.yaml:1: is empty"},
        {"# only a comment\n", GJ_ERR_BAD_CONFIG, "t.yaml:1: is empty"},
        {"[[[[[[[[[[[[[1]]]]]]]]]]]]]\n", GJ_ERR_TOO_DEEP, "t.yaml:1: is nested too deep"},
        {"a: \xff\n", GJ_ERR_BAD_CONFIG, "t.yaml:"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct gj_yaml *yaml;
        struct gj_conf_error error;
        assert_int_equal(parse(refusals[i].text, &yaml, &error), refusals[i].err);
        assert_null(yaml);
        assert_holds(error.text, refusals[i].error);
    }
}

static char *repeat(const char *head, const char *row, unsigned n) {
    char *text = malloc(strlen(head) + (strlen(row) + 12) * n + 1);
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i < n; i++)
        len += (size_t)sprintf(text + len, "%s%u%s", row, i, strchr(row, 'k') != NULL ? ": 1\n" : "\n");
    return text;
}

static void assert_limit(char *text, enum gj_err err) {
    struct gj_yaml *yaml = NULL;
    struct gj_conf_error error;
    assert_int_equal(parse(text, &yaml, &error), err);
    if (err != GJ_OK) assert_holds(error.text, "t.yaml:");
    gj_yaml_free(&yaml);
    free(text);
}

static void limits_hold_and_the_last_allowed_passes(void **state) {
    (void)state;
    assert_limit(repeat("", "k", GJ_YAML_KEYS_MAX), GJ_OK);
    assert_limit(repeat("", "k", GJ_YAML_KEYS_MAX + 1), GJ_ERR_TOO_MANY);
    assert_limit(repeat("", "- ", GJ_YAML_NODES_MAX - 1), GJ_OK);
    assert_limit(repeat("", "- ", GJ_YAML_NODES_MAX), GJ_ERR_TOO_MANY);
    char *longest = malloc(GJ_YAML_SCALAR_MAX + 8);
    assert_non_null(longest);
    memset(longest, 'x', GJ_YAML_SCALAR_MAX + 1);
    longest[GJ_YAML_SCALAR_MAX] = '\0';
    assert_limit(longest, GJ_OK);
    longest = malloc(GJ_YAML_SCALAR_MAX + 8);
    assert_non_null(longest);
    memset(longest, 'x', GJ_YAML_SCALAR_MAX + 1);
    longest[GJ_YAML_SCALAR_MAX + 1] = '\0';
    assert_limit(longest, GJ_ERR_TOO_LARGE);
    char *big = malloc(GJ_YAML_BYTES_MAX + 2);
    assert_non_null(big);
    memset(big, '\n', GJ_YAML_BYTES_MAX + 1);
    big[GJ_YAML_BYTES_MAX + 1] = '\0';
    assert_limit(big, GJ_ERR_TOO_LARGE);
}

static void files_that_are_no_files(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    struct gj_yaml *yaml = NULL;
    struct gj_conf_error error;
    assert_int_equal(gj_yaml_load(scratch_path(path, "missing.yaml"), &yaml, &error), GJ_ERR_NOT_FOUND);
    assert_holds(error.text, "missing.yaml: cannot be opened");
    assert_int_equal(gj_yaml_load(scratch_folder, &yaml, &error), GJ_ERR_IO);
    assert_holds(error.text, "is not a regular file");
    assert_null(yaml);
}

/* Any prefix and any flipped byte of a good file either parses or is refused in words; sanitizers see the
 * rest. */
static void broken_texts_never_break_the_reader(void **state) {
    (void)state;
    size_t len = 0, refused = 0;
    char *good = scratch_read_path(GJ_SOURCE_DIR "/config/node.yaml", &len);
    for (size_t cut = 0; cut <= len; cut += 3) {
        struct gj_yaml *yaml = NULL;
        struct gj_conf_error error = {""};
        if (gj_yaml_parse("t.yaml", gj_slice_of(good, cut), &yaml, &error) != GJ_OK) {
            refused++;
            assert_holds(error.text, "t.yaml:");
        }
        gj_yaml_free(&yaml);
    }
    for (size_t at = 0; at < len; at += 5) {
        struct gj_yaml *yaml = NULL;
        struct gj_conf_error error = {""};
        good[at] = (char)(good[at] ^ 0x5a);
        if (gj_yaml_parse("t.yaml", gj_slice_of(good, len), &yaml, &error) != GJ_OK) {
            refused++;
            assert_holds(error.text, "t.yaml:");
        }
        gj_yaml_free(&yaml);
        good[at] = (char)(good[at] ^ 0x5a);
    }
    assert_true(refused > 10);
    free(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_knows_lines_keys_and_texts),
        cmocka_unit_test(what_is_unusual_is_refused_with_its_line),
        cmocka_unit_test(limits_hold_and_the_last_allowed_passes),
        cmocka_unit_test(files_that_are_no_files),
        cmocka_unit_test(broken_texts_never_break_the_reader),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
