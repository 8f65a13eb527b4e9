/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-fuzz-replay TARGET FILE|FOLDER...: gives each file to a target once, in the order of the names, with any
 * compiler. Exit 0: all went through; 1: a file broke the target, and its name was printed; 2: the call is wrong,
 * or there was nothing to replay.
 *
 * The target "broken" breaks on every input that is not empty: it proves that this program sees a failure.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define FILES_MAX 4096
#define PATH_CAP  1024

static void broken(struct gj_slice in) {
    GJ_ASSERT(in.len == 0);
}

static const struct {
    const char *name;
    size_t max_len;
    void (*run)(struct gj_slice in);
} targets[] = {
#define X(name, max_len, question) {#name, max_len, gj_fuzz_##name},
#include "fuzz/targets.def"
#undef X
    {"broken", 16, broken},
};

static char current[PATH_CAP]; /* read by the handler */

static void on_abort(int signal) {
    (void)signal;
    ssize_t put = write(STDERR_FILENO, "broken by ", 10);
    put += write(STDERR_FILENO, current, strlen(current));
    put += write(STDERR_FILENO, "\n", 1);
    _exit(put > 0 ? 1 : 3);
}

static void replay(size_t target, const char *path) {
    FILE *file = fopen(path, "rb");
    GJ_ASSERT(file != NULL && strlen(path) < sizeof current);
    /* Exactly as long as its content, so that a read past the end is seen. */
    uint8_t *bytes = malloc(targets[target].max_len + 1);
    GJ_ASSERT(bytes != NULL);
    size_t len = fread(bytes, 1, targets[target].max_len + 1, file);
    (void)fclose(file);
    GJ_ASSERT(len <= targets[target].max_len);
    uint8_t *exact = malloc(len > 0 ? len : 1);
    GJ_ASSERT(exact != NULL);
    memcpy(exact, bytes, len);
    free(bytes);
    memcpy(current, path, strlen(path) + 1);
    targets[target].run(gj_slice_of(exact, len));
    free(exact);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t replay_folder(size_t target, const char *folder) {
    static char *names[FILES_MAX];
    char path[PATH_CAP];
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        GJ_ASSERT(n < FILES_MAX);
        names[n] = strdup(entry->d_name);
        GJ_ASSERT(names[n] != NULL);
        n++;
    }
    (void)closedir(dir);
    qsort(names, n, sizeof names[0], by_name);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        replay(target, path);
        free(names[i]);
    }
    return n;
}

int main(int argc, char **argv) {
    const size_t n_targets = sizeof targets / sizeof targets[0];
    size_t target = 0, files = 0;
    while (target < n_targets && (argc < 3 || strcmp(argv[1], targets[target].name) != 0))
        target++;
    if (target == n_targets) {
        (void)fprintf(stderr, "usage: gongji-fuzz-replay TARGET FILE|FOLDER...\ntargets:");
        for (size_t i = 0; i < n_targets; i++)
            (void)fprintf(stderr, " %s", targets[i].name);
        (void)fprintf(stderr, "\n");
        return 2;
    }
    (void)signal(SIGABRT, on_abort);
    for (int i = 2; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) != 0) {
            perror(argv[i]);
            return 2;
        }
        if (S_ISDIR(status.st_mode)) {
            files += replay_folder(target, argv[i]);
        } else {
            replay(target, argv[i]);
            files++;
        }
    }
    (void)printf("%s: %zu files\n", targets[target].name, files);
    return files > 0 ? 0 : 2;
}
