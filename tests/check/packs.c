/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rule packs cap, read for ourselves: of each local pack its region, its dates and its two caps.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "conf/yaml_tree.h"

static const char *text_of(const struct gj_yaml_node *map, const char *key) {
    const struct gj_yaml_node *value = gj_yaml_get(map, key);
    return value == NULL ? "" : value->text;
}

/* "2026-11-22" as 20261122, "500.00" as 50000: the digits, whatever stands between them. */
static int64_t digits_of(const char *text) {
    int64_t value = 0;
    for (; *text != '\0'; text++)
        if (*text >= '0' && *text <= '9') value = 10 * value + (*text - '0');
    return value;
}

static bool read_one(const char *path, struct ck_pack *ret, bool *ret_is_local) {
    struct gj_yaml *yaml = NULL;
    struct gj_conf_error error = {""};
    if (gj_yaml_load(path, &yaml, &error) != GJ_OK) {
        (void)fprintf(stderr, "gongji-check: %s: %s\n", path, error.text);
        return false;
    }
    const struct gj_yaml_node *root = gj_yaml_root(yaml);
    *ret = (struct ck_pack){.valid_from = digits_of(text_of(root, "valid_from")),
                            .valid_to = digits_of(text_of(root, "valid_to")),
                            .per_settlement_cap_fen = digits_of(text_of(root, "per_settlement_cap")),
                            .annual_cap_fen = digits_of(text_of(root, "annual_cap"))};
    (void)snprintf(ret->region, sizeof ret->region, "%s", text_of(root, "region"));
    *ret_is_local = strcmp(text_of(root, "scope"), "local") == 0;
    gj_yaml_free(&yaml);
    if (strlen(ret->region) == 6) return true;
    (void)fprintf(stderr, "gongji-check: %s: a pack without a region\n", path);
    return false;
}

bool check_packs_read(const char *folder, struct ck_pack packs[CHECK_PACKS_MAX], size_t *ret_n) {
    char pattern[4096];
    glob_t found = {0};
    bool ok = true;
    *ret_n = 0;
    (void)snprintf(pattern, sizeof pattern, "%s/*.yaml", folder);
    if (glob(pattern, 0, NULL, &found) != 0) {
        (void)fprintf(stderr, "gongji-check: %s: no pack\n", folder);
        return false;
    }
    for (size_t i = 0; ok && i < found.gl_pathc; i++) {
        bool is_local = false;
        ok = *ret_n < CHECK_PACKS_MAX && read_one(found.gl_pathv[i], &packs[*ret_n], &is_local);
        *ret_n += ok && is_local;
    }
    globfree(&found);
    return ok;
}
