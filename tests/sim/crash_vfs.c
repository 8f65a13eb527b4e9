/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods that SQLite calls: locks are nobody's (there is one connection), shared memory is the process's own
 * and gone with it. What becomes of bytes is in crash_disk.c.
 */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/err.h"
#include "crash_disk.h"

struct handle {
    sqlite3_file base;
    struct crash_disk *disk;
    struct crash_file *file;
    bool deletes_on_close;
};

static struct handle *of(sqlite3_file *file) {
    return (struct handle *)(void *)file;
}

/* --- a file ----------------------------------------------------------------------------------------------- */
static int do_close(sqlite3_file *file) {
    if (of(file)->deletes_on_close && !of(file)->disk->is_dead) crash_file_delete(of(file)->file, true);
    return SQLITE_OK;
}

static int do_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at) {
    const struct crash_bytes *now = &of(file)->file->now;
    size_t from = (size_t)at, wanted = (size_t)n;
    if (of(file)->disk->is_dead) return SQLITE_IOERR_READ;
    size_t there = from >= now->len ? 0 : now->len - from;
    if (there > wanted) there = wanted;
    if (there > 0) memcpy(to, now->ptr + from, there);
    memset((uint8_t *)to + there, 0, wanted - there);
    return there < wanted ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int do_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at) {
    bool ok = crash_file_write(of(file)->disk, of(file)->file, from, (size_t)n, (size_t)at);
    return ok ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return crash_file_truncate(of(file)->disk, of(file)->file, (size_t)size) ? SQLITE_OK
                                                                             : SQLITE_IOERR_TRUNCATE;
}

static int do_sync(sqlite3_file *file, int flags) {
    (void)flags;
    return crash_file_sync(of(file)->disk, of(file)->file) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int do_size(sqlite3_file *file, sqlite3_int64 *ret) {
    *ret = (sqlite3_int64)of(file)->file->now.len;
    return SQLITE_OK;
}

static int do_lock(sqlite3_file *file, int level) {
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int do_reserved(sqlite3_file *file, int *ret) {
    (void)file;
    *ret = 0;
    return SQLITE_OK;
}

static int do_control(sqlite3_file *file, int op, void *arg) {
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int do_sector(sqlite3_file *file) {
    (void)file;
    return 4096;
}

static int do_device(sqlite3_file *file) {
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int do_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
    *ret = crash_disk_shared(of(file)->disk, (size_t)page, (size_t)size, extend != 0);
    return *ret == NULL && extend != 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static int do_shm_lock(sqlite3_file *file, int at, int n, int flags) {
    (void)file;
    (void)at;
    (void)n;
    (void)flags;
    return SQLITE_OK;
}

static void do_shm_barrier(sqlite3_file *file) {
    (void)file;
}

static int do_shm_unmap(sqlite3_file *file, int remove) {
    (void)remove; /* the last one who uses it goes */
    crash_disk_unshare(of(file)->disk);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_lock,
    .xCheckReservedLock = do_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector,
    .xDeviceCharacteristics = do_device,
    .xShmMap = do_shm_map,
    .xShmLock = do_shm_lock,
    .xShmBarrier = do_shm_barrier,
    .xShmUnmap = do_shm_unmap,
};

/* --- the file system ------------------------------------------------------------------------------------ */
static int do_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags) {
    struct crash_disk *disk = name == NULL ? NULL : crash_disk_find(name);
    (void)vfs;
    file->pMethods = NULL;
    if (disk == NULL || disk->is_dead) return SQLITE_CANTOPEN;
    struct crash_file *found = crash_disk_file(disk, name);
    if (!found->exists && (flags & SQLITE_OPEN_CREATE) == 0 && (flags & SQLITE_OPEN_MAIN_DB) == 0)
        return SQLITE_CANTOPEN;
    found->exists = true;
    *of(file) = (struct handle){.base.pMethods = &methods,
                                .disk = disk,
                                .file = found,
                                .deletes_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
    if (ret_flags != NULL) *ret_flags = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int syncs_folder) {
    struct crash_disk *disk = crash_disk_find(name);
    (void)vfs;
    if (disk == NULL || disk->is_dead) return SQLITE_IOERR_DELETE;
    struct crash_file *file = crash_disk_file(disk, name);
    if (!file->exists) return SQLITE_IOERR_DELETE_NOENT;
    return crash_disk_counts_down(disk) ? crash_file_delete(file, syncs_folder != 0),
           SQLITE_OK                    : SQLITE_IOERR_DELETE;
}

static int do_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
    struct crash_disk *disk = crash_disk_find(name);
    (void)vfs;
    *ret = disk != NULL && !disk->is_dead && crash_disk_file(disk, name)->exists;
    if (*ret != 0 && flags == SQLITE_ACCESS_EXISTS) *ret = crash_disk_file(disk, name)->now.len > 0;
    return SQLITE_OK;
}

static int do_path(sqlite3_vfs *vfs, const char *name, int n, char *ret) {
    (void)vfs;
    if (strlen(name) >= (size_t)n) return SQLITE_CANTOPEN;
    memcpy(ret, name, strlen(name) + 1);
    return SQLITE_OK;
}

/* The same in every run: nothing that a store gives back depends on it. */
static int do_randomness(sqlite3_vfs *vfs, int n, char *ret) {
    (void)vfs;
    memset(ret, 0x5a, (size_t)n);
    return n;
}

static int do_sleep(sqlite3_vfs *vfs, int micros) {
    (void)vfs;
    return micros;
}

static int do_time(sqlite3_vfs *vfs, double *ret) {
    (void)vfs;
    *ret = 2461365.5;
    return SQLITE_OK;
}

static int do_last_error(sqlite3_vfs *vfs, int n, char *ret) {
    (void)vfs;
    (void)n;
    (void)ret;
    return 0;
}

/* What the store does to real files before it opens them (linked with --wrap). */
enum gj_err __wrap_gj_store_reread(const char *path);
enum gj_err __wrap_gj_store_reread(const char *path) {
    struct crash_disk *disk = crash_disk_find(path);
    if (disk != NULL) crash_disk_reread(disk);
    return GJ_OK;
}

void crash_vfs_install(void) {
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = (int)sizeof(struct handle),
                              .mxPathname = 512,
                              .zName = "crash",
                              .xOpen = do_open,
                              .xDelete = do_delete,
                              .xAccess = do_access,
                              .xFullPathname = do_path,
                              .xRandomness = do_randomness,
                              .xSleep = do_sleep,
                              .xCurrentTime = do_time,
                              .xGetLastError = do_last_error};
    if (sqlite3_vfs_find("crash") == NULL) (void)sqlite3_vfs_register(&vfs, 1);
}
