/* SPDX-License-Identifier: Apache-2.0
 *
 * The node's configuration: defaults, each way a file can be wrong with its line and key, and that a dump
 * is a
 * configuration again.
 */
#include "conf/conf.h"

#include "scratch.h"

static const char base[] = "node: \"330000\"\n"
                           "store: gongji.db\n"
                           "witness: /var/lib/gongji/witness\n"
                           "registry: registry.yaml\n"
                           "registry_key: authority.pub\n"
                           "packs: packs\n"
                           "sign_key: sign.pem\n"
                           "curve_key: curve.key\n"
                           "data_key: data.key\n"
                           "listen: tcp://127.0.0.1:7101\n"
                           "http:\n"
                           "  port: 8101\n";

static enum gj_err load_text(const char *text, struct gj_conf **ret, struct gj_conf_error *error) {
    char path[SCRATCH_PATH_CAP];
    scratch_write("node.yaml", text);
    *ret = NULL;
    error->text[0] = '\0';
    return gj_conf_load(scratch_path(path, "node.yaml"), ret, error);
}

static void defaults_fill_what_is_absent(void **state) {
    (void)state;
    struct gj_conf *conf;
    struct gj_conf_error error;
    char path[SCRATCH_PATH_CAP];
    assert_int_equal(load_text(base, &conf, &error), GJ_OK);
    assert_string_equal(conf->node, "330000");
    assert_string_equal(conf->store, scratch_path(path, "gongji.db"));
    assert_string_equal(conf->witness, "/var/lib/gongji/witness");
    assert_string_equal(conf->http_address, "127.0.0.1");
    assert_int_equal(conf->http_port, 8101);
    assert_string_equal(conf->log_level, "info");
    assert_string_equal(conf->log_format, "text");
    assert_true(conf->record_inputs);
    assert_int_equal(conf->drain_ms, 10000);
    assert_int_equal(conf->n_clients, 0);
    gj_conf_free(&conf);
    assert_null(conf);
}

struct change {
    const char *from, *to, *error;
};

/* "" as |from| puts the text behind the base. To be freed. */
static char *changed(const struct change *change) {
    if (change->from[0] != '\0') return scratch_replace(base, change->from, change->to);
    char *text = malloc(sizeof base + strlen(change->to));
    assert_non_null(text);
    (void)sprintf(text, "%s%s", base, change->to);
    return text;
}

static void every_wrong_file_is_refused_by_line_and_key(void **state) {
    (void)state;
    static const struct change changes[] = {
        {"", "colour: blue\n", "node.yaml:13: colour: is not known here; known are node, store,"},
        {"  port: 8101\n", "  prot: 8101\n",
         "node.yaml:12: http.prot: is not known here; known are address, port"},
        {"", "node: \"1\"\n", "node.yaml:13: node: is here twice, first in line 1"},
        {"store: gongji.db\n", "", "node.yaml:1: store: is missing"},
        {"/var/lib/gongji/witness", "gongji.db", "node.yaml:3: witness: must be a file of its own"},
        {"/var/lib/gongji/witness", "./data.key", "node.yaml:3: witness: must be a file of its own"},
        {"  port: 8101\n", "  address: 127.0.0.1\n", "http.port: is missing"},
        {"8101", "0", "node.yaml:12: http.port: must be a whole number from 1 to 65535"},
        {"8101", "65536", "node.yaml:12: http.port: must be a whole number from 1 to 65535"},
        {"8101", "-1", "node.yaml:12: http.port: must be a whole number"},
        {"8101", "0x1f", "node.yaml:12: http.port: must be a whole number"},
        {"8101", "99999999999999999999", "node.yaml:12: http.port: must be a whole number"},
        {"8101", "[8101]", "node.yaml:12: http.port: must be a single value"},
        {"http:\n  port: 8101\n", "http: 8101\n", "node.yaml:11: http: must be a map of keys"},
        {"\"330000\"", "\"Zhejiang!\"", "node.yaml:1: node: must be 1 to 16 of 0-9, a-z and -"},
        {"\"330000\"", "\"\"", "node.yaml:1: node: must be a text of 1 to 16 bytes"},
        {"\"330000\"", "\"12345678901234567\"", "node.yaml:1: node: must be a text of 1 to 16 bytes"},
        {"tcp://127.0.0.1:7101", "127.0.0.1:7101", "node.yaml:10: listen: must be tcp://address:port"},
        {"tcp://127.0.0.1:7101", "tcp://127.0.0.1:70000", "node.yaml:10: listen: must be tcp://address:port"},
        {"tcp://127.0.0.1:7101", "tcp://:7101", "node.yaml:10: listen: must be tcp://address:port"},
        {"", "log: {level: loud}\n", "node.yaml:13: log.level: must be one of error, warn, info, debug"},
        {"", "log: {format: xml}\n", "node.yaml:13: log.format: must be one of text, json"},
        {"", "record_inputs: yes\n", "node.yaml:13: record_inputs: must be true or false"},
        {"", "retention_years: 4\n", "node.yaml:13: retention_years: must be a whole number from 5 to 100"},
        {"", "drain_ms: 600001\n", "node.yaml:13: drain_ms: must be a whole number from 0 to 600000"},
        {"  port: 8101\n", "  port: 8101\n  address: localhost\n",
         "node.yaml:13: http.address: must be an IP address"},
        {"  port: 8101\n", "  port: 8101\n  address: 0.0.0.0\n",
         "node.yaml:13: http.address: is not loopback"},
        {"  port: 8101\n", "  port: 8101\n  address: \"::\"\n",
         "node.yaml:13: http.address: is not loopback"},
        {"", "clients: {}\n", "node.yaml:13: clients: must be a list"},
        {"", "clients:\n  - name: his\n    senders: H1\n", "node.yaml:14: clients[0].token_file: is missing"},
        {"", "clients:\n  - {name: his, token_file: t, senders: \"a*b\"}\n",
         "node.yaml:14: clients.senders: must be a sender or a prefix ending in one *"},
        {"",
         "clients:\n  - {name: his, token_file: t, senders: a}\n  - {name: his, token_file: t, senders: b}\n",
         "node.yaml:15: clients.name: his is here twice"},
        {"", "clients:\n  - {name: his, token_file: t, senders: a, role: x}\n",
         "node.yaml:14: clients[0].role: is not known here; known are name, token_file, senders"},
        {"", "clients:\n  - his\n", "node.yaml:14: clients[0]: must be a map of keys"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct gj_conf *conf;
        struct gj_conf_error error;
        char *text = changed(&changes[i]);
        assert_int_equal(load_text(text, &conf, &error), GJ_ERR_BAD_CONFIG);
        assert_null(conf);
        assert_holds(error.text, changes[i].error);
        assert_int_equal(strncmp(error.text, scratch_folder, strlen(scratch_folder)), 0);
        free(text);
    }
}

static void an_open_address_needs_callers(void **state) {
    (void)state;
    static const char *const loopbacks[] = {"127.0.0.1", "127.8.9.1", "\"::1\""};
    struct gj_conf *conf;
    struct gj_conf_error error;
    char text[SCRATCH_TEXT_CAP];
    for (size_t i = 0; i < sizeof loopbacks / sizeof loopbacks[0]; i++) {
        (void)snprintf(text, sizeof text, "%s  address: %s\n", base, loopbacks[i]);
        assert_int_equal(load_text(text, &conf, &error), GJ_OK);
        gj_conf_free(&conf);
    }
    (void)snprintf(text, sizeof text,
                   "%s  address: 0.0.0.0\nclients:\n  - {name: his, token_file: t/his, senders: H33*}\n",
                   base);
    assert_int_equal(load_text(text, &conf, &error), GJ_OK);
    assert_int_equal(conf->n_clients, 1);
    assert_string_equal(conf->clients[0].name, "his");
    assert_string_equal(conf->clients[0].senders, "H33*");
    char path[SCRATCH_PATH_CAP];
    assert_string_equal(conf->clients[0].token_file, scratch_path(path, "t/his"));
    gj_conf_free(&conf);
}

static char *dump(const struct gj_conf *conf) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    gj_conf_dump(conf, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_dump_is_a_configuration_again(void **state) {
    (void)state;
    struct gj_conf *conf, *again;
    struct gj_conf_error error;
    char text[SCRATCH_TEXT_CAP];
    (void)snprintf(
        text, sizeof text,
        "%s  address: 10.0.0.1\nlog: {level: debug, format: json}\nrecord_inputs: false\ndrain_ms: 7\n"
        "clients:\n  - {name: a, token_file: t/a, senders: H33*}\n  - {name: b, token_file: t/b, senders: "
        "b, operator: true}\n",
        base);
    assert_int_equal(load_text(text, &conf, &error), GJ_OK);
    char *first = dump(conf);
    assert_int_equal(load_text(first, &again, &error), GJ_OK);
    char *second = dump(again);
    assert_string_equal(first, second);
    assert_holds(second, "level: \"debug\"");
    assert_holds(second, "drain_ms: 7\n");
    assert_holds(second, "operator: false}\n");
    assert_holds(second, "senders: \"b\", operator: true}\n");
    assert_holds(second, "retention_years: 30\n");
    free(first);
    free(second);
    gj_conf_free(&conf);
    gj_conf_free(&again);
}

static void every_key_is_explained(void **state) {
    (void)state;
    char *text = dump(NULL);
    assert_holds(text, "http.port");
    assert_holds(text, "required");
    assert_holds(text, "drain_ms");
    assert_holds(text, "10000");
    assert_holds(text, "clients");
    free(text);
}

/* A configuration cut anywhere is refused, or still has all it needs. */
static void a_cut_file_is_never_half_used(void **state) {
    (void)state;
    size_t refused = 0;
    for (size_t cut = 0; cut < sizeof base; cut++) {
        struct gj_conf *conf;
        struct gj_conf_error error;
        char text[sizeof base];
        (void)snprintf(text, sizeof text, "%.*s", (int)cut, base);
        if (load_text(text, &conf, &error) != GJ_OK) {
            refused++;
            assert_null(conf);
            assert_holds(error.text, "node.yaml:");
        } else {
            assert_true(cut >= strlen(base) - 5); /* "port: 8", "81", ... are ports too */
            gj_conf_free(&conf);
        }
    }
    assert_true(refused >= strlen(base) - 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_what_is_absent),
        cmocka_unit_test(every_wrong_file_is_refused_by_line_and_key),
        cmocka_unit_test(an_open_address_needs_callers),
        cmocka_unit_test(a_dump_is_a_configuration_again),
        cmocka_unit_test(every_key_is_explained),
        cmocka_unit_test(a_cut_file_is_never_half_used),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
