/* SPDX-License-Identifier: Apache-2.0
 *
 * CURVE keys and their files. A secret is written once, readable by its owner alone, and a file that
 * others can read is refused. A key in memory is a text and is never logged.
 */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define FILE_MAX 256

enum gj_err gj_curve_generate(char ret_public[GJ_CURVE_TEXT + 1], char ret_secret[GJ_CURVE_TEXT + 1]) {
    return zmq_curve_keypair(ret_public, ret_secret) == 0 ? GJ_OK : GJ_ERR_NOT_SUPPORTED;
}

static bool is_key(const char *text) {
    uint8_t raw[32];
    return strlen(text) == GJ_CURVE_TEXT && zmq_z85_decode(raw, text) != NULL;
}

static enum gj_err write_all(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return GJ_ERR_IO;
        text += done;
        len -= (size_t)done;
    }
    return fsync(fd) == 0 ? GJ_OK : GJ_ERR_IO;
}

enum gj_err gj_curve_save(const char *path, const char *public_key, const char *secret_key) {
    if (!is_key(public_key) || !is_key(secret_key)) return GJ_ERR_BAD_INPUT;
    char text[FILE_MAX];
    int len = snprintf(text, sizeof text, "public %s\nsecret %s\n", public_key, secret_key);
    if (len < 0 || (size_t)len >= sizeof text) return GJ_ERR_TOO_LARGE;

    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0) return GJ_ERR_IO;
    enum gj_err err = write_all(fd, text, (size_t)len);
    if (close(fd) != 0 && err == GJ_OK) err = GJ_ERR_IO;
    return err;
}

static enum gj_err read_file(const char *path, char text[FILE_MAX]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return GJ_ERR_IO;
    struct stat status;
    enum gj_err err = GJ_OK;
    if (fstat(fd, &status) != 0)
        err = GJ_ERR_IO;
    else if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        err = GJ_ERR_BAD_CONFIG;
    else if (status.st_size >= FILE_MAX)
        err = GJ_ERR_BAD_CONFIG;
    size_t len = 0;
    while (err == GJ_OK && len < FILE_MAX - 1) {
        ssize_t got = read(fd, text + len, FILE_MAX - 1 - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) err = GJ_ERR_IO;
        if (got <= 0) break;
        len += (size_t)got;
    }
    text[len] = '\0';
    (void)close(fd);
    return err;
}

enum gj_err gj_curve_load(const char *path, char ret_public[GJ_CURVE_TEXT + 1],
                          char ret_secret[GJ_CURVE_TEXT + 1]) {
    char text[FILE_MAX];
    GJ_TRY(read_file(path, text));
    char public_key[GJ_CURVE_TEXT + 1], secret_key[GJ_CURVE_TEXT + 1];
    int end = 0;
    if (sscanf(text, "public %40s\nsecret %40s\n%n", public_key, secret_key, &end) != 2)
        return GJ_ERR_BAD_CONFIG;
    if (end <= 0 || text[end] != '\0' || !is_key(public_key) || !is_key(secret_key)) return GJ_ERR_BAD_CONFIG;

    /* A pair that does not belong together would connect to nobody, without a word. */
    char derived[GJ_CURVE_TEXT + 1];
    if (zmq_curve_public(derived, secret_key) != 0 || strcmp(derived, public_key) != 0)
        return GJ_ERR_BAD_CONFIG;
    memcpy(ret_public, public_key, sizeof public_key);
    memcpy(ret_secret, secret_key, sizeof secret_key);
    return GJ_OK;
}
