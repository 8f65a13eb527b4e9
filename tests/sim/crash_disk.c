/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of bytes: written, synced, and lost in a power failure.
 */
#include "crash_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SECTOR 512u /* a write may be torn between two of them */

static struct crash_disk *disks;

/* --- bytes ------------------------------------------------------------------------------------------------ */
static void resize(struct crash_bytes *bytes, size_t len) {
    if (len > bytes->cap) {
        bytes->cap = len + len / 2 + 4096;
        bytes->ptr = realloc(bytes->ptr, bytes->cap);
        GJ_ASSERT(bytes->ptr != NULL);
    }
    if (len > bytes->len) memset(bytes->ptr + bytes->len, 0, len - bytes->len);
    bytes->len = len;
}

static void lay(struct crash_bytes *bytes, const uint8_t *from, size_t len, size_t at) {
    if (at + len > bytes->len) resize(bytes, at + len);
    if (len > 0) memcpy(bytes->ptr + at, from, len);
}

static void copy(struct crash_bytes *to, const struct crash_bytes *from) {
    resize(to, from->len);
    if (from->len > 0) memcpy(to->ptr, from->ptr, from->len);
}

static void apply(struct crash_bytes *bytes, const struct crash_write *write) {
    if (write->is_cut) {
        resize(bytes, write->len);
    } else {
        lay(bytes, write->bytes, write->len, write->at);
    }
}

static void forget_writes(struct crash_file *file) {
    for (size_t i = 0; i < file->n_writes; i++)
        free(file->writes[i].bytes);
    file->n_writes = 0;
}

static uint64_t draw(struct crash_disk *disk, uint64_t n) {
    return disk->random(disk->ctx) % n;
}

/* --- files ------------------------------------------------------------------------------------------------ */
struct crash_disk *crash_disk_find(const char *name) {
    for (struct crash_disk *disk = disks; disk != NULL; disk = disk->next) {
        size_t len = strlen(disk->path);
        if (strncmp(name, disk->path, len) == 0 && (name[len] == '\0' || name[len] == '-')) return disk;
    }
    return NULL;
}

struct crash_file *crash_disk_file(struct crash_disk *disk, const char *name) {
    static const char *const endings[CRASH_FILES] = {"", "-wal", "-journal"};
    for (size_t i = 0; i < CRASH_FILES; i++)
        if (strcmp(name + strlen(disk->path), endings[i]) == 0) return &disk->files[i];
    gj_assert_failed("SQLite has no other files", __FILE__, __LINE__);
}

bool crash_disk_counts_down(struct crash_disk *disk) {
    if (!disk->is_dead && disk->cut_at > 0 && --disk->cut_at == 0) crash_disk_cut(disk);
    return !disk->is_dead;
}

static struct crash_write *note(struct crash_file *file, struct crash_write write) {
    if (file->n_writes == file->cap_writes) {
        file->cap_writes = file->cap_writes == 0 ? 64 : 2 * file->cap_writes;
        file->writes = realloc(file->writes, file->cap_writes * sizeof *file->writes);
        GJ_ASSERT(file->writes != NULL);
    }
    file->writes[file->n_writes] = write;
    return &file->writes[file->n_writes++];
}

/* A write at which the power fails was under way: it is among those of which anything may be left. */
bool crash_file_write(struct crash_disk *disk, struct crash_file *file, const void *from, size_t len,
                      size_t at) {
    if (disk->is_dead) return false;
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    GJ_ASSERT(bytes != NULL);
    if (len > 0) memcpy(bytes, from, len);
    apply(&file->now, note(file, (struct crash_write){.at = at, .len = len, .bytes = bytes}));
    disk->counts.writes++;
    return crash_disk_counts_down(disk);
}

bool crash_file_truncate(struct crash_disk *disk, struct crash_file *file, size_t len) {
    if (disk->is_dead) return false;
    apply(&file->now, note(file, (struct crash_write){.len = len, .is_cut = true}));
    return crash_disk_counts_down(disk);
}

/* As a kernel does that could not write its pages: they count as clean, the process still reads them, and a later sync
 * says OK whether they ever reached the disk or not. */
static void give_up(struct crash_disk *disk, struct crash_file *file) {
    for (size_t i = 0; i < file->n_writes; i++)
        if (draw(disk, 2) == 0) apply(&file->kept, &file->writes[i]);
    forget_writes(file);
}

bool crash_file_sync(struct crash_disk *disk, struct crash_file *file) {
    if (!crash_disk_counts_down(disk)) return false;
    disk->counts.syncs++;
    if (disk->next_sync_fails) {
        disk->next_sync_fails = false;
        disk->counts.bad_syncs++;
        give_up(disk, file);
        return false;
    }
    if (disk->lies && file == &disk->files[1]) return true;
    for (size_t i = 0; i < file->n_writes; i++)
        apply(&file->kept, &file->writes[i]);
    forget_writes(file);
    for (size_t i = 0; i < CRASH_FILES; i++) /* one log for the names of a folder, as file systems have it */
        disk->files[i].may_be_back = false;
    return true;
}

void crash_file_delete(struct crash_file *file, bool for_good) {
    if (!file->may_be_back) copy(&file->deleted, &file->kept);
    file->may_be_back = !for_good && file->deleted.len > 0;
    forget_writes(file);
    resize(&file->now, 0);
    resize(&file->kept, 0);
    file->exists = false;
}

void *crash_disk_shared(struct crash_disk *disk, size_t page, size_t size, bool extend) {
    GJ_ASSERT(page < CRASH_SHARED_MAX);
    if (disk->shared[page] == NULL && extend) disk->shared[page] = calloc(1, size);
    return disk->shared[page];
}

void crash_disk_unshare(struct crash_disk *disk) {
    for (size_t i = 0; i < CRASH_SHARED_MAX; i++) {
        free(disk->shared[i]);
        disk->shared[i] = NULL;
    }
}

/* --- the end of the power ----------------------------------------------------------------------------------- */
/* Some bytes of it are of no one's making. */
static void garble(struct crash_disk *disk, struct crash_write *write) {
    size_t from = (size_t)draw(disk, write->len), n = 1 + (size_t)draw(disk, write->len - from);
    uint64_t word = disk->random(disk->ctx);
    for (size_t i = 0; i < n; i++)
        write->bytes[from + i] =
            (uint8_t)(write->bytes[from + i] ^ (word >> (8 * (i % 8)) & 0xff) ^ (i * 29 + 1));
}

static void survive(struct crash_disk *disk, struct crash_file *file, struct crash_write *write) {
    switch (draw(disk, write->is_cut || write->len == 0 ? 2 : 4)) {
    case 0:
        disk->counts.dropped++;
        return;
    case 1:
        disk->counts.kept++;
        break;
    case 2:
        disk->counts.torn++;
        write->len = (size_t)draw(disk, (write->len + SECTOR - 1) / SECTOR) * SECTOR;
        break;
    default:
        disk->counts.garbled++;
        garble(disk, write);
        break;
    }
    apply(&file->kept, write);
}

/* What a lazy disk had written back already is there whole up to a moment, and nothing of what came after it; else
 * every write has a fate of its own. Both happen. */
static void tear(struct crash_disk *disk, struct crash_file *file) {
    size_t whole = draw(disk, 3) == 0 ? (size_t)draw(disk, file->n_writes + 1) : 0;
    for (size_t i = 0; i < file->n_writes; i++) {
        if (i < whole) {
            disk->counts.kept++;
            apply(&file->kept, &file->writes[i]);
        } else {
            survive(disk, file, &file->writes[i]);
        }
    }
    forget_writes(file);
    if (file->may_be_back && draw(disk, 2) == 0) {
        disk->counts.undeleted++;
        copy(&file->kept, &file->deleted);
        file->exists = true;
    }
    file->may_be_back = false;
    copy(&file->now, &file->kept);
}

void crash_disk_cut(struct crash_disk *disk) {
    if (disk->is_dead) return;
    for (size_t i = 0; i < CRASH_FILES; i++)
        tear(disk, &disk->files[i]);
    crash_disk_kill(disk);
}

void crash_disk_kill(struct crash_disk *disk) {
    disk->is_dead = true;
    disk->cut_at = 0;
}

void crash_disk_power_on(struct crash_disk *disk) {
    disk->is_dead = false;
}

void crash_disk_reread(struct crash_disk *disk) {
    if (disk->lies) return;
    for (size_t i = 0; i < CRASH_FILES; i++) {
        struct crash_file *file = &disk->files[i];
        if (file->exists) (void)crash_file_sync(disk, file);
        copy(&file->now, &file->kept);
        forget_writes(file);
    }
}

bool crash_disk_is_dead(const struct crash_disk *disk) {
    return disk->is_dead;
}

void crash_disk_cut_at(struct crash_disk *disk, unsigned n) {
    disk->cut_at = n;
}

void crash_disk_fail_sync(struct crash_disk *disk) {
    disk->next_sync_fails = true;
}

void crash_disk_lie(struct crash_disk *disk, bool lies) {
    disk->lies = lies;
}

const struct crash_disk_counts *crash_disk_counts(const struct crash_disk *disk) {
    return &disk->counts;
}

/* --- disks and images --------------------------------------------------------------------------------------- */
struct crash_disk *crash_disk_new(const char *path, uint64_t (*random)(void *ctx), void *ctx) {
    struct crash_disk *disk = calloc(1, sizeof *disk);
    GJ_ASSERT(disk != NULL && strlen(path) < sizeof disk->path);
    (void)snprintf(disk->path, sizeof disk->path, "%s", path);
    disk->random = random;
    disk->ctx = ctx;
    disk->next = disks;
    disks = disk;
    return disk;
}

void crash_disk_free(struct crash_disk **disk_p) {
    struct crash_disk *disk = *disk_p, **at = &disks;
    if (disk == NULL) return;
    while (*at != disk)
        at = &(*at)->next;
    *at = disk->next;
    crash_disk_unshare(disk);
    for (size_t i = 0; i < CRASH_FILES; i++) {
        struct crash_file *file = &disk->files[i];
        forget_writes(file);
        free(file->writes);
        free(file->now.ptr);
        free(file->kept.ptr);
        free(file->deleted.ptr);
    }
    free(disk);
    *disk_p = NULL;
}

struct crash_image {
    bool exists[CRASH_FILES];
    struct crash_bytes files[CRASH_FILES];
};

struct crash_image *crash_image_take(const struct crash_disk *disk) {
    struct crash_image *image = calloc(1, sizeof *image);
    GJ_ASSERT(image != NULL);
    for (size_t i = 0; i < CRASH_FILES; i++) {
        image->exists[i] = disk->files[i].exists;
        copy(&image->files[i], &disk->files[i].now);
    }
    return image;
}

void crash_image_put_back(const struct crash_image *image, struct crash_disk *disk) {
    GJ_ASSERT(disk->is_dead);
    for (size_t i = 0; i < CRASH_FILES; i++) {
        struct crash_file *file = &disk->files[i];
        forget_writes(file);
        file->may_be_back = false;
        file->exists = image->exists[i];
        copy(&file->now, &image->files[i]);
        copy(&file->kept, &image->files[i]);
    }
}

void crash_image_free(struct crash_image **image_p) {
    if (*image_p == NULL) return;
    for (size_t i = 0; i < CRASH_FILES; i++)
        free((*image_p)->files[i].ptr);
    free(*image_p);
    *image_p = NULL;
}
