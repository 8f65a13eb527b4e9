/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that hold keys. It must never read a file that others can read, never leave a torn one, and never
 * overwrite a key: a lost private key cannot be made again.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/internal.h"

#define OTHERS 077

/* --- read -------------------------------------------------------------------------------------------- */
static enum gj_err check_file(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) return GJ_ERR_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & OTHERS) != 0) return GJ_ERR_BAD_CONFIG;
    return st.st_size <= (off_t)GJ_SECRET_FILE_MAX ? GJ_OK : GJ_ERR_TOO_LARGE;
}

/* Until the end of the file or one byte more than allowed. */
static enum gj_err read_all(int fd, struct gj_buf *out) {
    uint8_t chunk[512];
    enum gj_err err = GJ_OK;
    for (size_t total = 0; err == GJ_OK;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) err = GJ_ERR_IO;
        if (got > 0) gj_buf_put(out, chunk, (size_t)got);
        if (got > 0 && (total += (size_t)got) > GJ_SECRET_FILE_MAX) err = GJ_ERR_TOO_LARGE;
        if (out->overflow) err = GJ_ERR_TOO_LARGE;
    }
    gj_wipe(chunk, sizeof chunk);
    return err;
}

enum gj_err gj_crypto_secret_read(const char *path, struct gj_buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not stop the node */
    if (fd < 0) return GJ_ERR_IO;
    enum gj_err err = check_file(fd);
    if (err == GJ_OK) err = read_all(fd, out);
    int keep = errno;
    (void)close(fd);
    errno = keep;
    return err;
}

/* --- write ------------------------------------------------------------------------------------------- */
static bool write_all(int fd, struct gj_slice content) {
    for (size_t done = 0; done < content.len;) {
        ssize_t put = write(fd, content.ptr + done, content.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        done += (size_t)put;
    }
    return fsync(fd) == 0;
}

/* A new name is durable only when its folder is. */
static bool sync_folder_of(const char *path) {
    char copy[PATH_MAX];
    if (gj_text_copy(copy, sizeof copy, path) != GJ_OK) return false;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0;
    (void)close(fd);
    return ok;
}

enum gj_err gj_crypto_secret_write(const char *path, struct gj_slice content) {
    char temp[PATH_MAX];
    int len = snprintf(temp, sizeof temp, "%s.new-XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof temp) return GJ_ERR_TOO_LARGE;
    int fd = mkstemp(temp); /* 0600 */
    if (fd < 0) return GJ_ERR_IO;
    bool ok = fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_all(fd, content);
    ok = close(fd) == 0 && ok;
    /* A link instead of a rename: it fails if the name is taken, a rename would replace the key. */
    ok = ok && link(temp, path) == 0;
    int keep = errno;
    (void)unlink(temp);
    if (!ok) {
        errno = keep;
        return GJ_ERR_IO;
    }
    return sync_folder_of(path) ? GJ_OK : GJ_ERR_IO;
}
