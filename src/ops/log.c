/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes log lines. What cannot be shown as it is (control characters, bytes that are no UTF-8) is escaped, so
 * that no value can forge a line, a field or a priority.
 */
#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

struct level {
    const char *word;
    int priority; /* of syslog(3) */
};

static const struct level levels[] = {[GJ_LOG_ERROR] = {"error", 3},
                                      [GJ_LOG_WARN] = {"warn", 4},
                                      [GJ_LOG_INFO] = {"info", 6},
                                      [GJ_LOG_DEBUG] = {"debug", 7}};
static const char *const formats[] = {[GJ_LOG_TEXT] = "text", [GJ_LOG_JSON] = "json"};

enum gj_err gj_log_level_parse(const char *word, enum gj_log_level *ret) {
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (!gj_text_equal(levels[i].word, word)) continue;
        *ret = (enum gj_log_level)i;
        return GJ_OK;
    }
    return GJ_ERR_BAD_FIELD;
}

enum gj_err gj_log_format_parse(const char *word, enum gj_log_format *ret) {
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (!gj_text_equal(formats[i], word)) continue;
        *ret = (enum gj_log_format)i;
        return GJ_OK;
    }
    return GJ_ERR_BAD_FIELD;
}

/* The journal names the device and inode of the stream that it reads; ours may have been redirected since. */
static bool is_journal_stream(int fd) {
    const char *named = getenv("JOURNAL_STREAM");
    struct stat status;
    uintmax_t device = 0, inode = 0;
    if (named == NULL || sscanf(named, "%ju:%ju", &device, &inode) != 2) return false;
    return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void gj_log_init(struct gj_log *log, enum gj_log_level level, enum gj_log_format format) {
    *log = (struct gj_log){.fd = STDERR_FILENO, .level = level, .format = format};
    log->is_journal = is_journal_stream(log->fd);
}

/* --- escaping ------------------------------------------------------------------------------------------- */
/* Bytes of the UTF-8 character at |at|, 0 if it is none: no overlong forms, no surrogates. */
static size_t utf8_len(const uint8_t *at, size_t left) {
    if (at[0] < 0x80) return 1;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || len > left) return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if (at[0] == 0xe0 && at[1] < 0xa0) return 0;
    if (at[0] == 0xed && at[1] > 0x9f) return 0;
    if (at[0] == 0xf0 && at[1] < 0x90) return 0;
    if (at[0] == 0xf4 && at[1] > 0x8f) return 0;
    return len;
}

static void put_text(struct gj_buf *out, const char *text) {
    gj_buf_put(out, text, strlen(text));
}

/* A byte that may not stand for itself: "\n" and the like, else its code. */
static void put_escaped(struct gj_buf *out, uint8_t byte, enum gj_log_format format) {
    char code[8];
    if (byte == '"' || byte == '\\')
        (void)snprintf(code, sizeof code, "\\%c", byte);
    else if (byte == '\n')
        (void)snprintf(code, sizeof code, "\\n");
    else if (byte == '\t')
        (void)snprintf(code, sizeof code, "\\t");
    else if (format == GJ_LOG_TEXT)
        (void)snprintf(code, sizeof code, "\\x%02x", byte);
    else if (byte < 0x80)
        (void)snprintf(code, sizeof code, "\\u%04x", byte);
    else
        (void)snprintf(code, sizeof code, "\\ufffd"); /* JSON has no form for a byte that is no text */
    put_text(out, code);
}

static void put_quoted(struct gj_buf *out, const char *value, enum gj_log_format format) {
    const uint8_t *at = (const uint8_t *)value;
    size_t len = strnlen(value, GJ_LOG_VALUE_MAX + 1);
    bool is_cut = len > GJ_LOG_VALUE_MAX;
    size_t left = is_cut ? GJ_LOG_VALUE_MAX : len;
    gj_buf_put_u8(out, '"');
    while (left > 0) {
        size_t n = utf8_len(at, left);
        bool is_plain = n > 1 || (n == 1 && at[0] >= 0x20 && at[0] != 0x7f && at[0] != '"' && at[0] != '\\');
        if (is_plain)
            gj_buf_put(out, at, n);
        else
            put_escaped(out, at[0], format);
        if (n == 0) n = 1;
        at += n;
        left -= n;
    }
    if (is_cut) put_text(out, "...");
    gj_buf_put_u8(out, '"');
}

/* A value of letters, digits and a few signs needs no quotes in the text form. */
static bool is_bare(const char *value) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+*";
    return value[0] != '\0' && strspn(value, plain) == strlen(value) && strlen(value) <= GJ_LOG_VALUE_MAX;
}

static void put_value(struct gj_buf *out, const struct gj_log_field *field, enum gj_log_format format) {
    if (field->text == NULL) {
        char number[24];
        (void)snprintf(number, sizeof number, "%" PRId64, field->number);
        put_text(out, number);
    } else if (format == GJ_LOG_TEXT && is_bare(field->text)) {
        put_text(out, field->text);
    } else {
        put_quoted(out, field->text, format);
    }
}

static void put_field(struct gj_buf *out, const struct gj_log_field *field, enum gj_log_format format) {
    put_text(out, format == GJ_LOG_JSON ? ",\"" : " ");
    put_text(out, field->key);
    put_text(out, format == GJ_LOG_JSON ? "\":" : "=");
    put_value(out, field, format);
}

/* --- the line ------------------------------------------------------------------------------------------- */
static void put_front(struct gj_buf *out, const struct gj_log *log, enum gj_log_level level,
                      struct gj_wall wall, const char *event) {
    char front[160], time[20] = "";
    const char *word = levels[level].word;
    if (log->is_journal) {
        (void)snprintf(front, sizeof front, "<%d>", levels[level].priority);
        put_text(out, front);
    }
    if (!log->is_journal) (void)gj_wall_format(time, wall);
    if (log->format == GJ_LOG_JSON)
        (void)snprintf(front, sizeof front,
                       "{\"time\":\"%s\",\"ms\":%" PRId64 ",\"level\":\"%s\",\"event\":\"%s\"", time, wall.ms,
                       word, event);
    else if (log->is_journal)
        (void)snprintf(front, sizeof front, "%s %s", word, event);
    else
        (void)snprintf(front, sizeof front, "%s.%03d %s %s", time, (int)(wall.ms % 1000), word, event);
    put_text(out, front);
}

/* Room that every line keeps for its end: cut=true, the brace, the newline. */
#define END_BYTES 24

void gj_log_format_line(const struct gj_log *log, enum gj_log_level level, struct gj_wall wall,
                        const char *event, const char *text, const struct gj_log_field *fields, size_t n,
                        struct gj_buf *out) {
    GJ_ASSERT(n <= GJ_LOG_FIELDS_MAX);
    bool is_cut = false;
    put_front(out, log, level, wall, event);
    const struct gj_log_field text_field = GJ_LOG_STR("text", text);
    for (size_t i = 0; i <= n; i++) {
        /* The text comes first, if there is one. */
        const struct gj_log_field *field = i == 0 ? &text_field : &fields[i - 1];
        uint8_t memory[GJ_LOG_VALUE_MAX * 6 + 64];
        struct gj_buf one;
        if (i == 0 && text == NULL) continue;
        gj_buf_init(&one, memory, sizeof memory);
        put_field(&one, field, log->format);
        bool fits = !one.overflow && out->len + one.len + END_BYTES <= out->cap;
        if (fits)
            gj_buf_put_slice(out, gj_buf_slice(&one));
        else
            is_cut = true;
    }
    const struct gj_log_field cut = GJ_LOG_STR("cut", "true");
    if (is_cut) put_field(out, &cut, log->format);
    put_text(out, log->format == GJ_LOG_JSON ? "}\n" : "\n");
}

void gj_log_write(const struct gj_log *log, enum gj_log_level level, struct gj_wall wall, const char *event,
                  const char *text, const struct gj_log_field *fields, size_t n) {
    if (level > log->level) return;
    uint8_t memory[GJ_LOG_LINE_MAX];
    struct gj_buf line;
    gj_buf_init(&line, memory, sizeof memory);
    gj_log_format_line(log, level, wall, event, text, fields, n, &line);
    /* A log that cannot be written is not worth stopping for. */
    ssize_t written = write(log->fd, line.ptr, line.len);
    (void)written;
}
