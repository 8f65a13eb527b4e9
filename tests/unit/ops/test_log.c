/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: both forms, escaping, cutting, levels, priorities. A line that a value could forge is the fault
 * that these tests look for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/log.h"

static const struct gj_wall noon = {INT64_C(1795060800123)}; /* 2026-11-19 12:00:00.123 in UTC+08:00 */

static char line_memory[GJ_LOG_LINE_MAX + 1];

static const char *line_of(const struct gj_log *log, enum gj_log_level level, const char *text,
                           const struct gj_log_field *fields, size_t n) {
    struct gj_buf out;
    gj_buf_init(&out, line_memory, GJ_LOG_LINE_MAX);
    gj_log_format_line(log, level, noon, "tested", text, fields, n, &out);
    assert_int_equal(gj_buf_check(&out), GJ_OK);
    line_memory[out.len] = '\0';
    return line_memory;
}

static const struct gj_log text_log = {.fd = -1, .level = GJ_LOG_DEBUG, .format = GJ_LOG_TEXT};
static const struct gj_log json_log = {.fd = -1, .level = GJ_LOG_DEBUG, .format = GJ_LOG_JSON};

static void test_text_line(void **state) {
    (void)state;
    const struct gj_log_field fields[] = {GJ_LOG_STR("peer", "360000"), GJ_LOG_INT("value", -5),
                                          GJ_LOG_STR("empty", ""), GJ_LOG_STR("said", "two words")};
    assert_string_equal(
        line_of(&text_log, GJ_LOG_WARN, "for people", fields, 4),
        "2026-11-19 12:00:00.123 warn tested text=\"for people\" peer=360000 value=-5 empty=\"\" "
        "said=\"two words\"\n");
    assert_string_equal(line_of(&text_log, GJ_LOG_INFO, NULL, NULL, 0),
                        "2026-11-19 12:00:00.123 info tested\n");
}

static void test_journal_line_has_a_priority_and_no_time(void **state) {
    (void)state;
    struct gj_log log = text_log;
    log.is_journal = true;
    assert_string_equal(line_of(&log, GJ_LOG_ERROR, NULL, NULL, 0), "<3>error tested\n");
    assert_string_equal(line_of(&log, GJ_LOG_WARN, NULL, NULL, 0), "<4>warn tested\n");
    assert_string_equal(line_of(&log, GJ_LOG_INFO, NULL, NULL, 0), "<6>info tested\n");
    assert_string_equal(line_of(&log, GJ_LOG_DEBUG, NULL, NULL, 0), "<7>debug tested\n");
}

/* Each row would break a line, a field, a quote or a terminal if it stood as it is. */
static void test_text_escapes(void **state) {
    (void)state;
    static const struct {
        const char *value, *shown;
    } rows[] = {{"a\nlevel=error", "\"a\\nlevel=error\""},
                {"\r\n<0>panic", "\"\\x0d\\n<0>panic\""},
                {"say \"hi\"", "\"say \\\"hi\\\"\""},
                {"back\\slash", "\"back\\\\slash\""},
                {"tab\there", "\"tab\\there\""},
                {"\x1b[31mred", "\"\\x1b[31mred\""},
                {"\x7f", "\"\\x7f\""},
                {"key=value", "\"key=value\""},
                {"\xe9\x98\xbf", "\"\xe9\x98\xbf\""},             /* a character of three bytes stays */
                {"\xff\xfe", "\"\\xff\\xfe\""},                   /* no UTF-8 */
                {"\xc0\xaf", "\"\\xc0\\xaf\""},                   /* overlong */
                {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},          /* a surrogate */
                {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""}, /* above the last code point */
                {"\xe9\x98", "\"\\xe9\\x98\""}};                  /* cut in the middle */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gj_log_field field = GJ_LOG_STR("v", rows[i].value);
        char want[256];
        (void)snprintf(want, sizeof want, "2026-11-19 12:00:00.123 info tested v=%s\n", rows[i].shown);
        assert_string_equal(line_of(&text_log, GJ_LOG_INFO, NULL, &field, 1), want);
    }
}

static json_t *parse(const char *line) {
    json_error_t error;
    size_t len = strlen(line);
    assert_true(len > 0 && line[len - 1] == '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1); /* one line */
    json_t *parsed = json_loadb(line, len - 1, JSON_REJECT_DUPLICATES, &error);
    if (parsed == NULL) print_error("%s in %s", error.text, line);
    assert_non_null(parsed);
    return parsed;
}

static void test_json_is_json_whatever_the_value(void **state) {
    (void)state;
    char value[4];
    for (unsigned a = 1; a < 256; a++) {
        for (unsigned b = 0; b < 256; b += 17) {
            value[0] = (char)a;
            value[1] = (char)b;
            value[2] = '\0';
            const struct gj_log_field fields[] = {GJ_LOG_STR("v", value), GJ_LOG_INT("n", INT64_MIN)};
            json_t *parsed = parse(line_of(&json_log, GJ_LOG_WARN, "text", fields, 2));
            assert_true(json_is_string(json_object_get(parsed, "v")));
            assert_int_equal(json_integer_value(json_object_get(parsed, "n")), INT64_MIN);
            assert_string_equal(json_string_value(json_object_get(parsed, "level")), "warn");
            assert_string_equal(json_string_value(json_object_get(parsed, "event")), "tested");
            assert_int_equal(json_integer_value(json_object_get(parsed, "ms")), noon.ms);
            json_decref(parsed);
        }
    }
    const struct gj_log_field field = GJ_LOG_STR("v", "\xe9\x98\xbf\"\n");
    json_t *parsed = parse(line_of(&json_log, GJ_LOG_WARN, NULL, &field, 1));
    assert_string_equal(json_string_value(json_object_get(parsed, "v")), "\xe9\x98\xbf\"\n");
    json_decref(parsed);
}

static void test_long_values_and_lines_are_cut(void **state) {
    (void)state;
    char longer[GJ_LOG_VALUE_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const struct gj_log_field one = GJ_LOG_STR("v", longer);
    assert_non_null(strstr(line_of(&text_log, GJ_LOG_INFO, NULL, &one, 1), "xxx...\"\n"));
    longer[GJ_LOG_VALUE_MAX] = '\0';
    assert_null(strstr(line_of(&text_log, GJ_LOG_INFO, NULL, &one, 1), "..."));

    /* Every byte of each value becomes four or six: far more than a line. */
    memset(longer, 1, sizeof longer - 1);
    struct gj_log_field many[GJ_LOG_FIELDS_MAX];
    char keys[GJ_LOG_FIELDS_MAX][4];
    for (size_t i = 0; i < GJ_LOG_FIELDS_MAX; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "v%zu", i);
        many[i] = GJ_LOG_STR(keys[i], longer);
    }
    json_t *parsed = parse(line_of(&json_log, GJ_LOG_INFO, NULL, many, GJ_LOG_FIELDS_MAX));
    assert_string_equal(json_string_value(json_object_get(parsed, "cut")), "true");
    assert_non_null(json_object_get(parsed, "v0"));
    json_decref(parsed);
    const char *line = line_of(&text_log, GJ_LOG_INFO, NULL, many, GJ_LOG_FIELDS_MAX);
    assert_string_equal(line + strlen(line) - strlen(" cut=true\n"), " cut=true\n");
}

static void test_levels(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const struct gj_log log = {.fd = ends[1], .level = GJ_LOG_WARN, .format = GJ_LOG_TEXT};
    gj_log_write(&log, GJ_LOG_INFO, noon, "hidden", NULL, NULL, 0);
    gj_log_write(&log, GJ_LOG_WARN, noon, "shown", NULL, NULL, 0);
    assert_int_equal(close(ends[1]), 0);
    char read_back[256] = "";
    assert_true(read(ends[0], read_back, sizeof read_back - 1) > 0);
    assert_string_equal(read_back, "2026-11-19 12:00:00.123 warn shown\n");
    assert_int_equal(close(ends[0]), 0);

    enum gj_log_level level;
    enum gj_log_format format;
    assert_int_equal(gj_log_level_parse("debug", &level), GJ_OK);
    assert_int_equal(level, GJ_LOG_DEBUG);
    assert_int_equal(gj_log_level_parse("Debug", &level), GJ_ERR_BAD_FIELD);
    assert_int_equal(gj_log_format_parse("json", &format), GJ_OK);
    assert_int_equal(format, GJ_LOG_JSON);
    assert_int_equal(gj_log_format_parse("xml", &format), GJ_ERR_BAD_FIELD);
}

/* The journal's variable names one stream; only that one gets prefixes. */
static void test_journal_is_recognised_by_its_stream(void **state) {
    (void)state;
    struct gj_log log;
    struct stat status;
    char stream[64];
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    gj_log_init(&log, GJ_LOG_INFO, GJ_LOG_TEXT);
    assert_false(log.is_journal);
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    gj_log_init(&log, GJ_LOG_INFO, GJ_LOG_TEXT);
    assert_false(log.is_journal);
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    gj_log_init(&log, GJ_LOG_INFO, GJ_LOG_TEXT);
    assert_true(log.is_journal);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_line),
        cmocka_unit_test(test_journal_line_has_a_priority_and_no_time),
        cmocka_unit_test(test_text_escapes),
        cmocka_unit_test(test_json_is_json_whatever_the_value),
        cmocka_unit_test(test_long_values_and_lines_are_cut),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_journal_is_recognised_by_its_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
