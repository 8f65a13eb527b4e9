/* SPDX-License-Identifier: Apache-2.0
 *
 * What crash_vfs.c and crash_disk.c share: files, the writes that no sync has confirmed.
 */
#ifndef GJ_TESTS_SIM_CRASH_DISK_H
#define GJ_TESTS_SIM_CRASH_DISK_H

#include "crash_vfs.h"

#define CRASH_FILES      3u  /* database, "-wal", "-journal" */
#define CRASH_SHARED_MAX 16u /* pages of shared memory */

struct crash_bytes {
    uint8_t *ptr;
    size_t len, cap;
};

/* A write, or with |is_cut| the new length, that was not synced. */
struct crash_write {
    size_t at, len;
    bool is_cut;
    uint8_t *bytes;
};

struct crash_file {
    bool exists;
    struct crash_bytes now;  /* as the process sees it */
    struct crash_bytes kept; /* as the last sync left it */
    struct crash_write *writes;
    size_t n_writes, cap_writes;
    /* Deleted, and nothing was synced since that would make it so for good: this may be there again. */
    bool may_be_back;
    struct crash_bytes deleted;
};

struct crash_disk {
    char path[160];
    struct crash_file files[CRASH_FILES];
    void *shared[CRASH_SHARED_MAX];
    bool is_dead, lies, next_sync_fails;
    unsigned cut_at;
    uint64_t (*random)(void *ctx);
    void *ctx;
    struct crash_disk_counts counts;
    struct crash_disk *next;
};

/* The disk whose file this is; NULL: nobody's. */
struct crash_disk *crash_disk_find(const char *name);
struct crash_file *crash_disk_file(struct crash_disk *disk, const char *name);
/* False: the disk is dead, or dies now. */
bool crash_disk_counts_down(struct crash_disk *disk);
bool crash_file_write(struct crash_disk *disk, struct crash_file *file, const void *from, size_t len,
                      size_t at);
bool crash_file_truncate(struct crash_disk *disk, struct crash_file *file, size_t len);
bool crash_file_sync(struct crash_disk *disk, struct crash_file *file);
void crash_file_delete(struct crash_file *file, bool for_good);
void *crash_disk_shared(struct crash_disk *disk, size_t page, size_t size, bool extend);
void crash_disk_unshare(struct crash_disk *disk);

#endif
