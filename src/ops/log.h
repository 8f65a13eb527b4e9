/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: one line per event on standard error, key=value for people or JSON for machines. A line is one
 * write(2), so lines of several threads never mix. Values are escaped and cut; a payload, a key or a whole
 * identity number is never handed to it.
 */
#ifndef GJ_OPS_LOG_H
#define GJ_OPS_LOG_H

#include "base/bytes.h"
#include "base/clock.h"

#define GJ_LOG_LINE_MAX   2048 /* with its newline; fields that do not fit are left out, and cut=true says so */
#define GJ_LOG_VALUE_MAX  256 /* bytes of one value before escaping */
#define GJ_LOG_FIELDS_MAX 16

enum gj_log_level { GJ_LOG_ERROR, GJ_LOG_WARN, GJ_LOG_INFO, GJ_LOG_DEBUG };
enum gj_log_format { GJ_LOG_TEXT, GJ_LOG_JSON };

struct gj_log {
    int fd;
    enum gj_log_level level; /* lines above it are dropped */
    enum gj_log_format format;
    bool is_journal; /* priority prefixes "<n>", and no time: the journal has its own */
};

struct gj_log_field {
    const char *key;  /* a literal: [a-z_]+ */
    const char *text; /* NULL: a number */
    int64_t number;
};

#define GJ_LOG_STR(k, v) ((struct gj_log_field){.key = (k), .text = (v)})
#define GJ_LOG_INT(k, v) ((struct gj_log_field){.key = (k), .number = (int64_t)(v)})

/* To standard error; whether that is the journal is seen from $JOURNAL_STREAM. */
void gj_log_init(struct gj_log *log, enum gj_log_level level, enum gj_log_format format);
/* "error" "warn" "info" "debug", "text" "json"; GJ_ERR_BAD_FIELD for anything else. */
GJ_MUST_USE enum gj_err gj_log_level_parse(const char *word, enum gj_log_level *ret);
GJ_MUST_USE enum gj_err gj_log_format_parse(const char *word, enum gj_log_format *ret);

/* One line. |event| is a literal word, |text| a literal for people, or NULL. */
void gj_log_write(const struct gj_log *log, enum gj_log_level level, struct gj_wall wall, const char *event,
                  const char *text, const struct gj_log_field *fields, size_t n);
/* The same into a buffer: what gj_log_write() would write. */
void gj_log_format_line(const struct gj_log *log, enum gj_log_level level, struct gj_wall wall,
                        const char *event, const char *text, const struct gj_log_field *fields, size_t n,
                        struct gj_buf *out);

#endif
