/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands, exit codes, keys and the registry's signature.
 */
#include "cli_run.h"

#include "conf/conf.h"

static void help_names_every_command_in_both_languages(void **state) {
    (void)state;
    static const char *const names[] = {
        "gongji keys", "gongji registry sign", "gongji registry check", "check-config",    "pack check",
        "gongji init", "gongji load",          "load-institutions",     "people generate", "gongji books",
        "gongji legs", "Exit codes:",          "初始化数据库"};
    assert_cli("gongji --help", GJ_EXIT_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_holds(cli_out, names[i]);
    assert_cli("gongji load --help", GJ_EXIT_OK);
    assert_holds(cli_out, "--skip-bad");
    assert_lacks(cli_out, "--seed");
}

struct call {
    const char *line, *error;
};

static void wrong_calls_are_refused_before_anything_is_done(void **state) {
    (void)state;
    static const struct call calls[] = {
        {"gongji", "a command is missing"},
        {"gongji pay", "there is no such command"},
        {"gongji registry", "there is no such command"},
        {"gongji registry burn", "there is no such command"},
        {"gongji keys", "keys: --out is missing"},
        {"gongji keys --out", "keys: a value is missing behind --out"},
        {"gongji keys --out @k --seed 1", "keys: does not know"},
        {"gongji keys --out @k --out @l", "keys: --out is given twice"},
        {"gongji keys --out @k --alg rsa", "keys: --alg must be sm2 or ed25519"},
        {"gongji keys --out @k more", "keys: takes only options"},
        {"gongji init", "init: --config is missing"},
        {"gongji load --config @n", "load: needs PEOPLE.csv"},
        {"gongji load --config @n a b", "load: takes only PEOPLE.csv"},
        {"gongji check-config", "check-config: --config is missing"},
        {"gongji pack check", "pack check: needs FILE|FOLDER"},
        {"gongji people generate --regions 330100 --count 0 --seed 1", "--count must be"},
        {"gongji people generate --regions 330100 --count 5x --seed 1", "--count must be"},
        {"gongji people generate --regions 330100 --count 5 --seed -1", "--seed must be"},
        {"gongji people generate --regions 3301 --count 5 --seed 1", "--regions must be"},
        {"gongji people generate --regions 330100, --count 5 --seed 1", "--regions must be"},
        {"gongji people generate --regions 330100,330102 --count 5 --seed 1", "of different cities"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_cli(calls[i].line, GJ_EXIT_USAGE);
        assert_holds(cli_err, calls[i].error);
        assert_string_equal(cli_out, "");
    }
    char path[SCRATCH_PATH_CAP];
    struct stat st;
    assert_int_equal(stat(scratch_path(path, "k"), &st), -1);
}

static void missing_files_are_named(void **state) {
    (void)state;
    assert_cli("gongji check-config --config @none.yaml", GJ_EXIT_FILE);
    assert_holds(cli_err, "none.yaml: cannot be opened");
    assert_holds(cli_err, "(NOT_FOUND)");
    assert_cli("gongji books --config @none.yaml", GJ_EXIT_FILE);
    assert_cli("gongji registry check --key @none.pub @none.yaml", GJ_EXIT_FILE);
}

static mode_t mode_of(const char *name) {
    char path[SCRATCH_PATH_CAP];
    struct stat st;
    assert_int_equal(stat(scratch_path(path, name), &st), 0);
    return st.st_mode & 0777;
}

static void keys_are_private_loadable_and_never_written_over(void **state) {
    (void)state;
    static const char *const algs[] = {"sm2", "ed25519"};
    for (size_t i = 0; i < 2; i++) {
        char line[200], name[64], path[SCRATCH_PATH_CAP];
        (void)snprintf(line, sizeof line, "gongji keys --alg %s --out @keys-%s", algs[i], algs[i]);
        assert_cli(line, GJ_EXIT_OK);
        assert_holds(cli_out, "curve_public: \"");
        (void)snprintf(name, sizeof name, "public: \"%s:", algs[i]);
        assert_holds(cli_out, name);
        (void)snprintf(name, sizeof name, "keys-%s/sign.pem", algs[i]);
        assert_int_equal(mode_of(name), 0600);
        struct gj_sign_key *key = NULL;
        struct gj_public_key public;
        char text[160];
        assert_int_equal(gj_sign_key_load(scratch_path(path, name), &key), GJ_OK);
        gj_sign_key_public(key, &public);
        gj_public_key_format(&public, text);
        assert_holds(cli_out, text);
        gj_sign_key_free(&key);
        (void)snprintf(name, sizeof name, "keys-%s/data.key", algs[i]);
        struct gj_data_key data_key;
        assert_int_equal(mode_of(name), 0600);
        assert_int_equal(gj_data_key_load(scratch_path(path, name), &data_key), GJ_OK);
        (void)snprintf(name, sizeof name, "keys-%s/curve.key", algs[i]);
        assert_int_equal(mode_of(name), 0600);
        size_t len = 0;
        char *before = scratch_read(name, &len);
        assert_cli(line, GJ_EXIT_FILE);
        assert_holds(cli_err, "exists; a key is never written over");
        char *after = scratch_read(name, &len);
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
}

static void a_registry_is_signed_only_if_a_node_would_take_it(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    struct stat st;
    size_t len = 0;
    assert_cli("gongji keys --authority --out @authority", GJ_EXIT_OK);
    assert_int_equal(mode_of("authority/authority.pem"), 0600);
    char *good = scratch_read_path(GJ_SOURCE_DIR "/config/registry.yaml", &len);
    scratch_write("registry.yaml", good);
    assert_cli("gongji registry sign --key @authority/authority.pem @registry.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "registry.yaml: serial 1, 3 nodes, 6 regions");
    assert_cli("gongji registry check --key @authority/authority.pub @registry.yaml", GJ_EXIT_OK);
    char *bad = scratch_replace(good, "serial: 1", "serial: 2");
    scratch_write("registry.yaml", bad);
    assert_cli("gongji registry check --key @authority/authority.pub @registry.yaml", GJ_EXIT_FILE);
    assert_holds(cli_err, "(BAD_SIGNATURE)");
    free(bad);
    bad = scratch_replace(good, "serial: 1", "serial: no");
    scratch_write("registry.yaml", bad);
    assert_cli("gongji registry sign --key @authority/authority.pem @registry.yaml", GJ_EXIT_FILE);
    assert_holds(cli_err, "serial: must be a whole number");
    assert_int_equal(stat(scratch_path(path, "registry.yaml.sig"), &st), -1);
    free(bad);
    free(good);
}

static void packs_and_the_example_are_checked(void **state) {
    (void)state;
    assert_cli("gongji pack check " GJ_SOURCE_DIR "/config/packs", GJ_EXIT_OK);
    assert_holds(cli_out, "000000-cross-province    region 000000, cross_province, version 1");
    assert_cli("gongji pack check " GJ_SOURCE_DIR "/config/packs/130000-hebei.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "1 packs");
    assert_cli("gongji pack check " GJ_SOURCE_DIR "/config/node.yaml", GJ_EXIT_FILE);
    assert_cli("gongji check-config --config " GJ_SOURCE_DIR "/config/node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "node 330000");
    assert_cli("gongji check-config --dump --config " GJ_SOURCE_DIR "/config/node.yaml", GJ_EXIT_OK);
    assert_holds(cli_out, "listen: \"tcp://127.0.0.1:7101\"");
    assert_cli("gongji check-config --keys", GJ_EXIT_OK);
    assert_holds(cli_out, "record_inputs");
}

static int teardown(void **state) {
    cli_forget();
    return scratch_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_command_in_both_languages),
        cmocka_unit_test(wrong_calls_are_refused_before_anything_is_done),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(keys_are_private_loadable_and_never_written_over),
        cmocka_unit_test(a_registry_is_signed_only_if_a_node_would_take_it),
        cmocka_unit_test(packs_and_the_example_are_checked),
    };
    return cmocka_run_group_tests(tests, scratch_setup, teardown);
}
