/* SPDX-License-Identifier: Apache-2.0
 *
 * A file system for SQLite that does what the real one does until a test orders a fault: no room for further
 * writes, a write or a sync that fails, or the n-th of all calls that change a file. Becomes the default of this
 * process.
 */
#ifndef GJ_TESTS_STORE_FAULTY_VFS_H
#define GJ_TESTS_STORE_FAULTY_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* How the n-th call fails. After an error nothing is written any more until the test says so: the process that had the
 * file open is as good as dead. A full disk is not for ever. */
enum faulty_how { FAULTY_ERROR, FAULTY_HALF_WRITTEN, FAULTY_FULL, FAULTY_HALF_FULL };

struct faults {
    long writes_left; /* then |write_code|; -1: no fault */
    int write_code;
    int sync_code;
    int read_code;
    long syncs;            /* counted always */
    unsigned long fail_at; /* the n-th write, sync, truncation, opening or removal fails; 0: none */
    unsigned long changes; /* counted always; of a full disk only writes */
    enum faulty_how how;
    bool is_dead;
    unsigned long after_death; /* calls that a dead process would not have made */
    bool skips_syncs;          /* said to be done: nothing here survives this machine */
};
static struct faults faults = {.writes_left = -1};

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_file *faulty_real(sqlite3_file *file) {
    return ((struct faulty_file *)(void *)file)->real;
}

/* Is it this call's turn to fail? */
static bool faulty_turn(bool is_write) {
    bool is_full = faults.how == FAULTY_FULL || faults.how == FAULTY_HALF_FULL;
    if (faults.is_dead) {
        faults.after_death++;
        return true;
    }
    if (is_full && !is_write) return false;
    if (++faults.changes != faults.fail_at) return false;
    faults.is_dead = !is_full;
    return true;
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
    bool was_dead = faults.is_dead;
    if (faulty_turn(true)) {
        bool is_half = faults.how == FAULTY_HALF_WRITTEN || faults.how == FAULTY_HALF_FULL;
        if (is_half && !was_dead && n > 1)
            (void)faulty_real(file)->pMethods->xWrite(faulty_real(file), from, n / 2, at);
        return faults.is_dead ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    }
    return faulty_real(file)->pMethods->xWrite(faulty_real(file), from, n, at);
}
static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size) {
    if (faulty_turn(false)) return SQLITE_IOERR_TRUNCATE;
    return faulty_real(file)->pMethods->xTruncate(faulty_real(file), size);
}
static int faulty_sync(sqlite3_file *file, int flags) {
    faults.syncs++;
    if (faults.sync_code != SQLITE_OK) return faults.sync_code;
    if (faulty_turn(false)) return SQLITE_IOERR_FSYNC;
    if (faults.skips_syncs) return SQLITE_OK;
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
    if ((flags & SQLITE_OPEN_READWRITE) != 0 && faulty_turn(false)) return SQLITE_CANTOPEN;
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

static int faulty_remove(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    return faulty_turn(false) ? SQLITE_IOERR_DELETE : faulty_base->xDelete(faulty_base, name, sync);
}

static inline void faulty_install(void) {
    static sqlite3_vfs vfs;
    faulty_base = sqlite3_vfs_find(NULL);
    vfs = *faulty_base;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file);
    vfs.xOpen = faulty_open;
    vfs.xDelete = faulty_remove;
    (void)sqlite3_vfs_register(&vfs, 1);
}

#endif
