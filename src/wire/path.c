/* SPDX-License-Identifier: Apache-2.0
 *
 * The path of a fault as a text. Names of fields only, never a value: values are people's data.
 */
#include <string.h>

#include "wire/codec.h"

static void append(struct gj_fault *fault, const char *text) {
    size_t used = strlen(fault->field);
    size_t room = sizeof(fault->field) - 1 - used;
    size_t len = strlen(text);
    if (len > room) len = room;
    memcpy(fault->field + used, text, len);
    fault->field[used + len] = '\0';
}

static void append_number(struct gj_fault *fault, int64_t number) {
    char digits[24] = {0};
    size_t at = sizeof(digits) - 1;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(fault, digits + at);
}

/* Recursion is as deep as shapes nest, which is fixed at compile time. */
static void append_path(struct gj_fault *fault, const struct gj_path *path) {
    if (path == NULL) return;
    append_path(fault, path->parent);
    if (fault->field[0] != '\0') append(fault, ".");
    append(fault, path->name);
    if (path->index < 0) return;
    append(fault, "[");
    append_number(fault, path->index);
    append(fault, "]");
}

void gj_path_write(const struct gj_path *path, struct gj_fault *ret_fault) {
    if (ret_fault == NULL) return;
    ret_fault->field[0] = '\0';
    append_path(ret_fault, path);
}
