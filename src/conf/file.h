/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files as a whole, and errors that name a place. Inside conf and for cli.
 */
#ifndef GJ_CONF_FILE_H
#define GJ_CONF_FILE_H

#include "base/bytes.h"
#include "conf/conf.h"

/* Sets "<file>:<line>: <key>: <what>" (line 0 and key NULL are left out) and returns |err|. |error| may be
 * NULL. */
enum gj_err gj_conf_fail(struct gj_conf_error *error, enum gj_err err, const char *file, unsigned line,
                         const char *key, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The whole file as malloc'd memory with a NUL behind it; the caller frees it. GJ_ERR_NOT_FOUND, GJ_ERR_IO,
 * GJ_ERR_TOO_LARGE above |max| bytes. Only regular files. */
GJ_MUST_USE enum gj_err gj_file_read(const char *path, size_t max, char **ret, size_t *ret_len,
                                     struct gj_conf_error *ret_error);
/* Writes beside |path| and renames, so that a reader sees the old or the new file, never half of one.
 * |sync|: it also survives a power cut. GJ_ERR_IO. */
GJ_MUST_USE enum gj_err gj_file_write(const char *path, unsigned mode, struct gj_slice bytes, bool sync,
                                      struct gj_conf_error *ret_error);
/* |name| as seen from the folder of |file|, unless it is absolute. GJ_ERR_TOO_LARGE. */
GJ_MUST_USE enum gj_err gj_path_beside(const char *file, const char *name, char dst[GJ_PATH_TEXT_MAX + 1]);
/* Takes spaces and line ends off the end of |text|. */
void gj_text_trim_end(char *text);
/* "tcp://host:port" with a port from 1 to 65535. */
bool gj_text_is_endpoint(const char *text);

#endif
