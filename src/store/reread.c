/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the system forget what it remembers of a store's files, after writing what it still has to write. It must
 * never change a byte of them.
 */
#include "store/reread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum gj_err reread_file(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? GJ_OK : GJ_ERR_IO;
    int failed = fsync(fd) == 0 ? 0 : errno;
    if (failed == 0) failed = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
    errno = failed;
    return failed == 0 ? GJ_OK : GJ_ERR_IO;
}

enum gj_err gj_store_reread(const char *path) {
    char log[4096];
    int n = snprintf(log, sizeof log, "%s-wal", path);
    if (n < 0 || (size_t)n >= sizeof log) {
        errno = ENAMETOOLONG;
        return GJ_ERR_IO;
    }
    enum gj_err err = reread_file(log);
    return err == GJ_OK ? reread_file(path) : err;
}
