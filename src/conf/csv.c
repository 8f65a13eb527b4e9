/* SPDX-License-Identifier: Apache-2.0
 *
 * Splits lines of CSV (csv.h). It must never lose count of the lines: people look for them by number.
 */
#include "conf/csv.h"

#include <string.h>

/* Reads up to the line end into csv->line. False at the end of the file. */
static bool read_line(struct gj_csv *csv, size_t *ret_len) {
    size_t len = 0;
    int c = fgetc(csv->file);
    if (c == EOF) return false;
    csv->number++;
    csv->reason = NULL;
    for (; c != EOF && c != '\n'; c = fgetc(csv->file)) {
        if (c == '\0') csv->reason = "holds a NUL character";
        if (len < GJ_CSV_LINE_MAX) {
            csv->line[len++] = (char)c;
        } else {
            csv->reason = "is longer than 4096 bytes";
        }
    }
    if (len > 0 && csv->line[len - 1] == '\r') len--;
    csv->line[len] = '\0';
    *ret_len = len;
    return true;
}

/* Length of the UTF-8 character at |s|, or 0 if it is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80) return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return len;
}

static const char *check_characters(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    while (*s != '\0') {
        size_t len = utf8_length(s);
        if (len == 0) return "is not UTF-8";
        if (*s < 0x20 || *s == 0x7f) return "holds a control character";
        s += len;
    }
    return NULL;
}

/* Takes the quoted field at |read|, moved to |write|; returns where reading goes on, or NULL. */
static char *take_quoted(char *read, char **write) {
    for (read++; *read != '\0'; read++) {
        if (*read != '"') {
            *(*write)++ = *read;
            continue;
        }
        if (read[1] != '"') return read + 1;
        *(*write)++ = *read++;
    }
    return NULL;
}

/* Splits in place: a field never grows by unquoting. */
static const char *split(struct gj_csv *csv, char *read) {
    csv->n = 0;
    for (;;) {
        if (csv->n == GJ_CSV_FIELDS_MAX) return "has too many fields";
        char *write = read, *start = read;
        if (*read == '"') {
            read = take_quoted(read, &write);
            if (read == NULL) return "has a quote that is not closed in this line";
            if (*read != ',' && *read != '\0') return "has text behind a closing quote";
        } else {
            size_t len = strcspn(read, ",\"");
            if (read[len] == '"') return "has a quote inside a field that is not quoted";
            read += len;
            write = read;
        }
        bool last = *read == '\0';
        *write = '\0';
        csv->fields[csv->n++] = start;
        if (last) return NULL;
        read++;
    }
}

bool gj_csv_next(struct gj_csv *csv) {
    size_t len = 0;
    do {
        if (!read_line(csv, &len)) return false;
        if (csv->number == 1 && strncmp(csv->line, "\xef\xbb\xbf", 3) == 0) {
            memmove(csv->line, csv->line + 3, strlen(csv->line + 3) + 1);
            len -= 3;
        }
    } while (len == 0 && csv->reason == NULL);
    csv->n = 0;
    if (csv->reason == NULL) csv->reason = check_characters(csv->line);
    if (csv->reason == NULL) csv->reason = split(csv, csv->line);
    return true;
}
