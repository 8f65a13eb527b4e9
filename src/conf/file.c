/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files as a whole, and errors that name a place. It must never read without a limit, nor follow
 * anything but a regular file.
 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum gj_err gj_conf_fail(struct gj_conf_error *error, enum gj_err err, const char *file, unsigned line,
                         const char *key, const char *format, ...) {
    if (error == NULL) return err;
    struct gj_buf out;
    gj_buf_init(&out, error->text, sizeof error->text - 1);
    char part[sizeof error->text];
    if (line > 0) {
        (void)snprintf(part, sizeof part, "%s:%u: ", file, line);
    } else {
        (void)snprintf(part, sizeof part, "%s: ", file);
    }
    gj_buf_put(&out, part, strlen(part));
    if (key != NULL) {
        (void)snprintf(part, sizeof part, "%s: ", key);
        gj_buf_put(&out, part, strlen(part));
    }
    va_list args;
    va_start(args, format);
    /* clang-tidy 14 loses va_start() when it checks several files at once. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(part, sizeof part, format, args);
    va_end(args);
    size_t room = out.cap - out.len, want = strlen(part);
    gj_buf_put(&out, part, want < room ? want : room);
    error->text[out.len] = '\0';
    return err;
}

static enum gj_err fail_errno(struct gj_conf_error *error, const char *path, const char *what) {
    enum gj_err err = errno == ENOENT ? GJ_ERR_NOT_FOUND : GJ_ERR_IO;
    return gj_conf_fail(error, err, path, 0, NULL, "%s: %s", what, strerror(errno));
}

static enum gj_err read_all(int fd, const char *path, size_t max, char **ret, size_t *ret_len,
                            struct gj_conf_error *ret_error) {
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(ret_error, path, "cannot look at it");
    if (!S_ISREG(st.st_mode))
        return gj_conf_fail(ret_error, GJ_ERR_IO, path, 0, NULL, "is not a regular file");
    if (st.st_size < 0 || (uint64_t)st.st_size > max) {
        return gj_conf_fail(ret_error, GJ_ERR_TOO_LARGE, path, 0, NULL, "is larger than %zu bytes", max);
    }
    size_t size = (size_t)st.st_size, len = 0;
    char *text = malloc(size + 1);
    if (text == NULL) return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, path, 0, NULL, "out of memory");
    while (len < size) {
        ssize_t got = read(fd, text + len, size - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(text);
            return fail_errno(ret_error, path, "cannot be read");
        }
        if (got == 0) break;
        len += (size_t)got;
    }
    text[len] = '\0';
    *ret = text;
    *ret_len = len;
    return GJ_OK;
}

enum gj_err gj_file_read(const char *path, size_t max, char **ret, size_t *ret_len,
                         struct gj_conf_error *ret_error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail_errno(ret_error, path, "cannot be opened");
    enum gj_err err = read_all(fd, path, max, ret, ret_len, ret_error);
    (void)close(fd);
    return err;
}

static bool write_all(int fd, struct gj_slice bytes, bool sync) {
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        done += (size_t)put;
    }
    return !sync || fsync(fd) == 0;
}

enum gj_err gj_file_write(const char *path, unsigned mode, struct gj_slice bytes, bool sync,
                          struct gj_conf_error *ret_error) {
    char beside[GJ_PATH_TEXT_MAX + 8];
    int len = snprintf(beside, sizeof beside, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof beside) {
        return gj_conf_fail(ret_error, GJ_ERR_TOO_LARGE, path, 0, NULL, "is too long a path");
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0) return fail_errno(ret_error, beside, "cannot be created");
    bool good = write_all(fd, bytes, sync);
    good = close(fd) == 0 && good;
    if (good && rename(beside, path) == 0) return GJ_OK;
    enum gj_err err = fail_errno(ret_error, path, "cannot be written");
    (void)unlink(beside);
    return err;
}

enum gj_err gj_path_beside(const char *file, const char *name, char dst[GJ_PATH_TEXT_MAX + 1]) {
    const char *slash = strrchr(file, '/');
    int folder = name[0] == '/' || slash == NULL ? 0 : (int)(slash - file) + 1;
    int len = snprintf(dst, GJ_PATH_TEXT_MAX + 1, "%.*s%s", folder, file, name);
    if (len >= 0 && len <= GJ_PATH_TEXT_MAX) return GJ_OK;
    dst[0] = '\0';
    return GJ_ERR_TOO_LARGE;
}

void gj_text_trim_end(char *text) {
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        text[--len] = '\0';
}

bool gj_text_is_endpoint(const char *text) {
    if (strncmp(text, "tcp://", 6) != 0) return false;
    const char *colon = strrchr(text + 6, ':');
    if (colon == NULL || colon == text + 6) return false;
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') return false;
    long port = strtol(colon + 1, NULL, 10);
    return port >= 1 && port <= 65535;
}
