/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of rule packs. It must never leave in doubt which pack is in force: two packs of one region and
 * scope may not share a day, and no two may share an id.
 */
#include "conf/packs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/file.h"

#define FILE_NAME_MAX 255

struct pack_set {
    struct gj_pack_set public;
    struct gj_pack packs[GJ_PACKS_MAX];
    char names[GJ_PACKS_MAX][FILE_NAME_MAX + 1];
    size_t n_names;
};

_Static_assert(offsetof(struct pack_set, public) == 0, "gj_pack_set_free() frees the whole");

static bool is_pack_name(const char *name) {
    size_t len = strlen(name);
    return len > 5 && len <= FILE_NAME_MAX && name[0] != '.' && strcmp(name + len - 5, ".yaml") == 0;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

static enum gj_err list_folder(const char *folder, struct pack_set *set, struct gj_conf_error *error) {
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        enum gj_err err = errno == ENOENT ? GJ_ERR_NOT_FOUND : GJ_ERR_IO;
        return gj_conf_fail(error, err, folder, 0, NULL, "cannot be opened: %s", strerror(errno));
    }
    enum gj_err err = GJ_OK;
    const struct dirent *entry;
    while (err == GJ_OK && (entry = readdir(dir)) != NULL) {
        if (!is_pack_name(entry->d_name)) continue;
        if (set->n_names == GJ_PACKS_MAX) {
            err =
                gj_conf_fail(error, GJ_ERR_TOO_MANY, folder, 0, NULL, "has more than %d packs", GJ_PACKS_MAX);
            break;
        }
        gj_text_set(set->names[set->n_names++], FILE_NAME_MAX + 1, entry->d_name);
    }
    (void)closedir(dir);
    if (err == GJ_OK && set->n_names == 0) {
        err = gj_conf_fail(error, GJ_ERR_BAD_CONFIG, folder, 0, NULL, "has no rule pack (*.yaml)");
    }
    qsort(set->names, set->n_names, sizeof set->names[0], compare_names);
    return err;
}

static bool share_a_day(const struct gj_pack *a, const struct gj_pack *b) {
    bool a_ends_before = a->valid_to != 0 && a->valid_to < b->valid_from;
    bool b_ends_before = b->valid_to != 0 && b->valid_to < a->valid_from;
    return !a_ends_before && !b_ends_before;
}

static enum gj_err check_against_others(const struct pack_set *set, const char *path, size_t at,
                                        const struct gj_pack_lines *lines, struct gj_conf_error *error) {
    const struct gj_pack *pack = &set->packs[at];
    for (size_t i = 0; i < at; i++) {
        const struct gj_pack *other = &set->packs[i];
        if (strcmp(other->id, pack->id) == 0) {
            return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, path, lines->id, "id", "%s is also the id of %s",
                                pack->id, set->names[i]);
        }
        if (strcmp(other->region, pack->region) != 0 || other->cross_province != pack->cross_province)
            continue;
        if (!share_a_day(other, pack)) continue;
        return gj_conf_fail(error, GJ_ERR_BAD_CONFIG, path, lines->valid_from, "valid_from",
                            "overlaps %s: both are for region %s, scope %s", set->names[i], pack->region,
                            pack->cross_province ? "cross_province" : "local");
    }
    return GJ_OK;
}

static enum gj_err load_all(const char *folder, struct pack_set *set, struct gj_conf_error *error) {
    GJ_TRY(list_folder(folder, set, error));
    for (size_t i = 0; i < set->n_names; i++) {
        char path[GJ_PATH_TEXT_MAX + FILE_NAME_MAX + 2];
        (void)snprintf(path, sizeof path, "%s/%s", folder, set->names[i]);
        struct gj_pack_lines lines;
        GJ_TRY(gj_pack_load_lines(path, &set->packs[i], &lines, error));
        GJ_TRY(check_against_others(set, path, i, &lines, error));
    }
    set->public.packs = (struct gj_packs){set->packs, set->n_names};
    return GJ_OK;
}

enum gj_err gj_pack_set_load(const char *folder, struct gj_pack_set **ret, struct gj_conf_error *ret_error) {
    struct pack_set *set = calloc(1, sizeof *set);
    if (set == NULL) return gj_conf_fail(ret_error, GJ_ERR_NO_MEMORY, folder, 0, NULL, "out of memory");
    enum gj_err err = load_all(folder, set, ret_error);
    if (err == GJ_OK) {
        *ret = &set->public;
        return GJ_OK;
    }
    free(set);
    return err;
}

void gj_pack_set_free(struct gj_pack_set **set_p) {
    free(*set_p);
    *set_p = NULL;
}
