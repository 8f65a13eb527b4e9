/* SPDX-License-Identifier: Apache-2.0
 *
 * A file system for SQLite that does what the real one does until a test orders a fault: no room for further
 * writes, a write or a sync that fails. Becomes the default of this process.
 */
#ifndef GJ_TESTS_STORE_FAULTY_VFS_H
#define GJ_TESTS_STORE_FAULTY_VFS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

struct faults {
    long writes_left; /* then |write_code|; -1: no fault */
    int write_code;
    int sync_code;
    int read_code;
    long syncs; /* counted always */
};
static struct faults faults = {.writes_left = -1};

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_file *faulty_real(sqlite3_file *file) {
    return ((struct faulty_file *)(void *)file)->real;
}

static int faulty_close(sqlite3_file *file) {
    sqlite3_file *real = faulty_real(file);
    int code = real->pMethods->xClose(real);
    free(real);
    return code;
}
static int faulty_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at) {
    if (faults.read_code != SQLITE_OK) return faults.read_code;
    return faulty_real(file)->pMethods->xRead(faulty_real(file), to, n, at);
}
static int faulty_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at) {
    if (faults.writes_left == 0) return faults.write_code;
    if (faults.writes_left > 0) faults.writes_left--;
    return faulty_real(file)->pMethods->xWrite(faulty_real(file), from, n, at);
}
static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return faulty_real(file)->pMethods->xTruncate(faulty_real(file), size);
}
static int faulty_sync(sqlite3_file *file, int flags) {
    faults.syncs++;
    if (faults.sync_code != SQLITE_OK) return faults.sync_code;
    return faulty_real(file)->pMethods->xSync(faulty_real(file), flags);
}
static int faulty_size(sqlite3_file *file, sqlite3_int64 *ret) {
    return faulty_real(file)->pMethods->xFileSize(faulty_real(file), ret);
}
static int faulty_lock(sqlite3_file *file, int level) {
    return faulty_real(file)->pMethods->xLock(faulty_real(file), level);
}
static int faulty_unlock(sqlite3_file *file, int level) {
    return faulty_real(file)->pMethods->xUnlock(faulty_real(file), level);
}
static int faulty_reserved(sqlite3_file *file, int *ret) {
    return faulty_real(file)->pMethods->xCheckReservedLock(faulty_real(file), ret);
}
static int faulty_control(sqlite3_file *file, int op, void *arg) {
    return faulty_real(file)->pMethods->xFileControl(faulty_real(file), op, arg);
}
static int faulty_sector(sqlite3_file *file) {
    return faulty_real(file)->pMethods->xSectorSize(faulty_real(file));
}
static int faulty_device(sqlite3_file *file) {
    return faulty_real(file)->pMethods->xDeviceCharacteristics(faulty_real(file));
}
static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
    return faulty_real(file)->pMethods->xShmMap(faulty_real(file), page, size, extend, ret);
}
static int faulty_shm_lock(sqlite3_file *file, int at, int n, int flags) {
    return faulty_real(file)->pMethods->xShmLock(faulty_real(file), at, n, flags);
}
static void faulty_shm_barrier(sqlite3_file *file) {
    faulty_real(file)->pMethods->xShmBarrier(faulty_real(file));
}
static int faulty_shm_unmap(sqlite3_file *file, int remove) {
    return faulty_real(file)->pMethods->xShmUnmap(faulty_real(file), remove);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_device,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static sqlite3_vfs *faulty_base;

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                       int *ret_flags) {
    struct faulty_file *faulty = (struct faulty_file *)(void *)file;
    (void)vfs;
    faulty->base.pMethods = NULL;
    faulty->real = calloc(1, (size_t)faulty_base->szOsFile);
    if (faulty->real == NULL) return SQLITE_NOMEM;
    int code = faulty_base->xOpen(faulty_base, name, faulty->real, flags, ret_flags);
    if (code == SQLITE_OK) {
        faulty->base.pMethods = &faulty_methods;
    } else {
        free(faulty->real);
    }
    return code;
}

static inline void faulty_install(void) {
    static sqlite3_vfs vfs;
    faulty_base = sqlite3_vfs_find(NULL);
    vfs = *faulty_base;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file);
    vfs.xOpen = faulty_open;
    (void)sqlite3_vfs_register(&vfs, 1);
}

#endif
