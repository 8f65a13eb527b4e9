/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock beside a store. flock() and not fcntl(): a lock of fcntl() is lost when any descriptor of the
 * file is closed, and does not keep one process from opening a store twice.
 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_TEXT_CAP 24

static pid_t read_holder(int fd) {
    char text[PID_TEXT_CAP] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 ? (pid_t)pid : 0;
}

/* For the people who look into the file; the lock does not depend on it. */
static void write_holder(int fd) {
    char text[PID_TEXT_CAP];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) return;
}

static int open_beside(const char *path) {
    size_t len = strlen(path);
    char *name = malloc(len + sizeof(".lock"));
    if (name == NULL) return -1;
    (void)snprintf(name, len + sizeof(".lock"), "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(name);
    return fd;
}

enum gj_err gj_lock_take(const char *path, int *ret_fd, pid_t *ret_holder) {
    int fd = open_beside(path);
    if (fd < 0) return GJ_ERR_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(fd);
        *ret_fd = fd;
        return GJ_OK;
    }
    enum gj_err err = errno == EWOULDBLOCK ? GJ_ERR_STORE_LOCKED : GJ_ERR_IO;
    *ret_holder = read_holder(fd);
    (void)close(fd);
    return err;
}
