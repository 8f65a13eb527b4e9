/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV (RFC 4180 quoting), line by line. A line is a record: a quoted field may hold commas and quotes, but no
 * line break, so that an open quote spoils its own line only. A byte order mark and CRLF are accepted.
 */
#ifndef GJ_CONF_CSV_H
#define GJ_CONF_CSV_H

#include <stdio.h>

#include "base/bytes.h"

#define GJ_CSV_LINE_MAX   4096u
#define GJ_CSV_FIELDS_MAX 32u

struct gj_csv {
    FILE *file;
    unsigned number; /* of the line last read, from 1 */
    char line[GJ_CSV_LINE_MAX + 1];
    char *fields[GJ_CSV_FIELDS_MAX]; /* into |line| */
    size_t n;
    const char *reason; /* why the line cannot be taken; NULL if it can */
};

/* Reads the next line that is not empty. False at the end of the file, or if reading fails: see ferror(). */
bool gj_csv_next(struct gj_csv *csv);

#endif
