/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything in config/ is read by the code that a node reads it with: an example that no node would take is
 * worse than none.
 */
#include <dirent.h>

#include "conf/conf.h"
#include "domain/pack.h"

#include "scratch.h"

#define CONFIG GJ_SOURCE_DIR "/config/"

static void the_node_finds_all_that_its_file_names(void **state) {
    (void)state;
    struct gj_conf *conf = NULL;
    struct gj_registry *registry = NULL;
    struct gj_pack_set *set = NULL;
    struct gj_public_key authority;
    struct gj_conf_error error = {""};
    assert_int_equal(gj_conf_load(CONFIG "node.yaml", &conf, &error), GJ_OK);
    assert_int_equal(gj_authority_load(conf->registry_key, &authority, &error), GJ_OK);
    assert_int_equal(gj_registry_load(conf->registry, &authority, conf->node, &registry, &error), GJ_OK);
    assert_int_equal(gj_pack_set_load(conf->packs, &set, &error), GJ_OK);
    const struct gj_directory *directory = &registry->directory;
    assert_string_equal(gj_directory_node_of_region(directory, "330200"), "330000");
    assert_string_equal(gj_directory_node_of_region(directory, "360800"), "360000");
    assert_string_equal(gj_directory_node_of_region(directory, "130100"), "130000");
    gj_pack_set_free(&set);
    gj_registry_free(&registry);
    gj_conf_free(&conf);
}

struct look_up {
    const char *region;
    bool cross_province;
    gj_date date;
    const char *id; /* NULL: none */
};

static void packs_are_found_by_region_scope_and_day(void **state) {
    (void)state;
    static const struct look_up look_ups[] = {
        {"330100", false, 20261121, "330000-2024"},
        {"330100", false, 20240725, "000000-base"},
        {"360100", false, 20250630, "360000-2025-05"},
        {"360100", false, 20250701, "360000-2025-07"},
        {"360800", false, 20250430, "360800-2024"},
        {"360800", false, 20250501, "360000-2025-05"},
        {"130100", false, 20261121, "130000-pilot"},
        {"450100", false, 20261121, "000000-base"},
        {"130100", true, 20261121, "000000-cross-province"},
        {"360800", true, 20241202, "000000-cross-province"},
        {"450100", false, 20231231, NULL},
    };
    struct gj_pack_set *set = NULL;
    struct gj_conf_error error;
    assert_int_equal(gj_pack_set_load(CONFIG "packs", &set, &error), GJ_OK);
    for (size_t i = 0; i < sizeof look_ups / sizeof look_ups[0]; i++) {
        const struct look_up *row = &look_ups[i];
        const struct gj_pack *pack = gj_pack_find(&set->packs, row->region, row->cross_province, row->date);
        if (row->id == NULL) {
            assert_null(pack);
        } else {
            assert_non_null(pack);
            assert_string_equal(pack->id, row->id);
        }
    }
    gj_pack_set_free(&set);
}

/* What the trial between three provinces rests on. */
static void the_pilot_packs_allow_the_pilot(void **state) {
    (void)state;
    static const char *const regions[] = {"330100", "330200", "360100", "360800", "130100", "130200"};
    struct gj_pack_set *set = NULL;
    struct gj_conf_error error;
    assert_int_equal(gj_pack_set_load(CONFIG "packs", &set, &error), GJ_OK);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        for (int cross = 0; cross <= 1; cross++) {
            const struct gj_pack *pack = gj_pack_find(&set->packs, regions[i], cross == 1, 20261121);
            assert_non_null(pack);
            assert_int_equal(pack->cross_province, cross == 1);
            assert_int_equal(pack->reach, GJ_REACH_NATIONAL);
            assert_int_equal(pack->draw, GJ_DRAW_CASCADE);
            assert_true((pack->relations & 1u << GJ_RELATION_SIBLING) != 0);
            assert_true((pack->relations & 1u << GJ_RELATION_SPOUSE_PARENT) == 0);
        }
    }
    const struct gj_pack *hebei = gj_pack_find(&set->packs, "130100", false, 20261121);
    assert_int_equal(hebei->per_settlement_cap_fen, 50000);
    assert_int_equal(hebei->annual_cap_fen, 2000000);
    gj_pack_set_free(&set);
}

/* A file in config/ that no test knows would be one that nothing reads. */
static void no_file_is_left_unread(void **state) {
    (void)state;
    static const char *const known[] = {".",
                                        "..",
                                        "README.md",
                                        "node.yaml",
                                        "registry.yaml",
                                        "registry.yaml.sig",
                                        "authority.pub",
                                        "gongjid.service",
                                        "packs"};
    DIR *dir = opendir(CONFIG);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(entry->d_name, known[i]) == 0;
        if (!found) fail_msg("config/%s is read by no test", entry->d_name);
    }
    assert_int_equal(closedir(dir), 0);
}

/* A systemd unit: sections, then key=value; and that it starts what the project builds. */
static void the_unit_file_is_one(void **state) {
    (void)state;
    size_t len = 0;
    char *text = scratch_read_path(CONFIG "gongjid.service", &len);
    bool in_section = false;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#') continue;
        if (line[0] == '[') {
            assert_int_equal(line[strlen(line) - 1], ']');
            in_section = true;
            continue;
        }
        assert_true(in_section);
        const char *equals = strchr(line, '=');
        if (equals == NULL || equals == line || strcspn(line, " ") < (size_t)(equals - line))
            fail_msg("%s", line);
        if (strncmp(line, "ExecStart=", 10) == 0)
            assert_holds(line, "gongjid --config /etc/gongji/node.yaml");
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_node_finds_all_that_its_file_names),
        cmocka_unit_test(packs_are_found_by_region_scope_and_day),
        cmocka_unit_test(the_pilot_packs_allow_the_pilot),
        cmocka_unit_test(no_file_is_left_unread),
        cmocka_unit_test(the_unit_file_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
