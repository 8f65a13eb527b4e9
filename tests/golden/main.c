/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-golden DIR: every case of every *.yaml in DIR, one line per case and layout, and last
 * "N passed, N failed, N skipped". A file that cannot be read is a failure, and so is a folder without cases.
 * With --broken the cases must fail, each with the words that are its id: the proof that the runner can fail.
 */
#include "golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct totals {
    bool broken; /* the cases must fail */
    unsigned passed, failed, skipped;
};

static const char *const layout_words[] = {[GJ_LAYOUT_WRITTEN] = ", as written",
                                           [GJ_LAYOUT_TOGETHER] = ", together",
                                           [GJ_LAYOUT_SPREAD] = ", spread out"};

/* One result of a case; |text| says what is wrong with it, "" nothing. */
static void count(const struct gj_golden_case *c, const char *file, const char *layout, const char *text,
                  struct totals *totals) {
    bool passed = totals->broken ? strstr(text, c->id) != NULL : text[0] == '\0';
    if (passed) {
        totals->passed++;
        printf("pass  %s  %s%s\n", file, c->id, layout);
    } else {
        totals->failed++;
        const char *what = text[0] != '\0' ? text : "passes, and must not";
        printf("FAIL  %s:%u  %s%s: %s\n", file, c->line, c->id, layout, what);
    }
    (void)fflush(stdout);
}

static void run_layout(const struct gj_golden_case *c, const char *file, enum gj_golden_layout layout,
                       struct totals *totals) {
    static struct gj_golden_report report;
    gj_golden_run(c, layout, &report);
    count(c, file, layout_words[layout], report.text, totals);
}

static void run_case(const struct gj_yaml *yaml, const struct gj_yaml_node *map, const char *file,
                     struct totals *totals) {
    static struct gj_golden_case c;
    struct gj_conf_error error = {""};
    if (gj_golden_read(yaml, map, &c, &error) != GJ_OK) {
        count(&c, file, "", error.text, totals);
        return;
    }
    if (c.skip[0] != '\0' && !totals->broken) {
        totals->skipped++;
        printf("skip  %s  %s: needs %s, which this version has not\n", file, c.id, c.skip);
        return;
    }
    if (c.skip[0] != '\0') {
        count(&c, file, "", "", totals);
    } else if (c.is_placed) {
        run_layout(&c, file, GJ_LAYOUT_WRITTEN, totals);
    } else {
        run_layout(&c, file, GJ_LAYOUT_TOGETHER, totals);
        run_layout(&c, file, GJ_LAYOUT_SPREAD, totals);
    }
}

static void run_file(const char *folder, const char *file, struct totals *totals) {
    char path[GJ_PATH_TEXT_MAX + 1];
    struct gj_conf_error error = {""};
    struct gj_yaml *yaml = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    if (gj_yaml_load(path, &yaml, &error) != GJ_OK || gj_yaml_root(yaml)->kind != GJ_YAML_LIST) {
        totals->failed++;
        printf("FAIL  %s: %s\n", file, error.text[0] != '\0' ? error.text : "must be a list of cases");
        gj_yaml_free(&yaml);
        return;
    }
    for (const struct gj_yaml_node *map = gj_yaml_root(yaml)->first; map != NULL; map = map->next)
        run_case(yaml, map, file, totals);
    gj_yaml_free(&yaml);
}

static int is_yaml(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

int main(int argc, char **argv) {
    struct dirent **entries = NULL;
    struct totals totals = {.broken = argc == 3 && strcmp(argv[1], "--broken") == 0};
    if (argc != (totals.broken ? 3 : 2)) {
        (void)fprintf(stderr, "usage: gongji-golden [--broken] DIR\n");
        return 2;
    }
    const char *folder = argv[argc - 1];
    int n = scandir(folder, &entries, is_yaml, alphasort);
    if (n < 0) {
        perror(folder);
        return 2;
    }
    for (int i = 0; i < n; i++) {
        run_file(folder, entries[i]->d_name, &totals);
        free(entries[i]);
    }
    free(entries);
    printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
    return totals.failed == 0 && totals.passed > 0 ? 0 : 1;
}
