/* SPDX-License-Identifier: Apache-2.0
 *
 * A file system for SQLite, in memory, that keeps what was written apart from what was synced. When the power fails,
 * each write since the last sync is kept, dropped, torn (its first sectors only) or garbled, each by a word of the
 * caller's; a deleted file may be back. When only the process dies, all that it wrote is still there.
 *
 * It promises what SQLite is built on and no more: a sync that said OK is kept; bytes beside a write are not touched
 * (powersafe overwrite, what the real unix VFS claims too). It must never order writes or make one atomic.
 */
#ifndef GJ_TESTS_SIM_CRASH_VFS_H
#define GJ_TESTS_SIM_CRASH_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The disk of one node: a database, its journal or log. */
struct crash_disk;

struct crash_disk_counts {
    uint64_t writes, syncs, kept, dropped, torn, garbled, undeleted, bad_syncs;
};

/* Becomes the default of this process, once. Only paths of disks can be opened. */
void crash_vfs_install(void);
/* |path| of the database. |random| decides what becomes of a write. */
struct crash_disk *crash_disk_new(const char *path, uint64_t (*random)(void *ctx), void *ctx);
void crash_disk_free(struct crash_disk **disk_p);
const struct crash_disk_counts *crash_disk_counts(const struct crash_disk *disk);

/* Nothing is written any more until power_on; handles may only be closed. */
void crash_disk_kill(struct crash_disk *disk); /* the process died */
void crash_disk_cut(struct crash_disk *disk);  /* the machine died */
void crash_disk_power_on(struct crash_disk *disk);
/* What the process would read is again what the disk holds: all is written that waits, the rest is forgotten. */
void crash_disk_reread(struct crash_disk *disk);
bool crash_disk_is_dead(const struct crash_disk *disk);
/* The machine dies at the |n|-th write, sync or truncation from now on; 0: it does not. */
void crash_disk_cut_at(struct crash_disk *disk, unsigned n);
/* The next sync fails. What was to be synced may be lost, and no later sync can know. */
void crash_disk_fail_sync(struct crash_disk *disk);
/* Deliberate fault: says that it has synced the log, and has not. */
void crash_disk_lie(struct crash_disk *disk, bool lies);

/* A backup: a copy of what is on the disk now; NULL path of none. */
struct crash_image;
struct crash_image *crash_image_take(const struct crash_disk *disk);
void crash_image_put_back(const struct crash_image *image, struct crash_disk *disk);
void crash_image_free(struct crash_image **image_p);

#endif
