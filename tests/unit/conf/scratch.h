/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of its own for each test program, and texts changed in one place. For tests of conf and cli.
 */
#ifndef GJ_TESTS_UNIT_CONF_SCRATCH_H
#define GJ_TESTS_UNIT_CONF_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SCRATCH_PATH_CAP 512
#define SCRATCH_TEXT_CAP 65536

static char scratch_folder[64];

static inline int scratch_setup(void **state) {
    (void)state;
    memcpy(scratch_folder, "/tmp/gongji-test-XXXXXX", sizeof "/tmp/gongji-test-XXXXXX");
    return mkdtemp(scratch_folder) == NULL ? -1 : 0;
}

static inline int scratch_teardown(void **state) {
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", scratch_folder);
    return system(command);
}

static inline const char *scratch_path(char dst[SCRATCH_PATH_CAP], const char *name) {
    (void)snprintf(dst, SCRATCH_PATH_CAP, "%s/%s", scratch_folder, name);
    return dst;
}

static inline void scratch_write_bytes(const char *name, const void *bytes, size_t len) {
    char path[SCRATCH_PATH_CAP];
    FILE *file = fopen(scratch_path(path, name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void scratch_write(const char *name, const char *text) {
    scratch_write_bytes(name, text, strlen(text));
}

static inline void scratch_mkdir(const char *name) {
    char path[SCRATCH_PATH_CAP];
    assert_int_equal(mkdir(scratch_path(path, name), 0700), 0);
}

/* The whole file, NUL-terminated, to be freed. */
static inline char *scratch_read_path(const char *path, size_t *ret_len) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = malloc(4 * 1024 * 1024);
    assert_non_null(text);
    *ret_len = fread(text, 1, 4 * 1024 * 1024 - 1, file);
    text[*ret_len] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static inline char *scratch_read(const char *name, size_t *ret_len) {
    char path[SCRATCH_PATH_CAP];
    return scratch_read_path(scratch_path(path, name), ret_len);
}

/* |base| with |from|, which must be there, replaced by |to|. To be freed. */
static inline char *scratch_replace(const char *base, const char *from, const char *to) {
    const char *at = strstr(base, from);
    if (at == NULL) fail_msg("the base text does not hold: %s", from);
    char *text = malloc(strlen(base) + strlen(to) + 1);
    assert_non_null(text);
    (void)sprintf(text, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    return text;
}

/* The text must hold |part|. */
static inline void assert_holds(const char *text, const char *part) {
    if (strstr(text, part) == NULL) fail_msg("expected \"%s\" in \"%s\"", part, text);
}

static inline void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part) != NULL) fail_msg("did not expect \"%s\" in \"%s\"", part, text);
}

#endif
