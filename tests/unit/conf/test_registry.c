/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: nothing is believed without the authority's signature over the exact bytes; then each entry
 * is
 * checked, by line and key.
 */
#include "conf/conf.h"

#include "scratch.h"

#define KEY_A                                                                                                \
    "0471178ad4ed7e1b7c760787ff944b380b322c7c76194593c3820df00a9540775dc4631d370e7e5d9e5b6cff1e1c6528635094" \
    "d0ba7f2569b4544aa23d554a8af3"

static struct gj_sign_key *authority_key;
static struct gj_public_key authority;
static char base[8192]; /* two nodes with fresh keys, three regions */

static int make_base(void **state) {
    char text[2][160];
    if (scratch_setup(state) != 0) return -1;
    if (gj_sign_key_generate(GJ_SIGN_SM2, &authority_key) != GJ_OK) return -1;
    gj_sign_key_public(authority_key, &authority);
    for (int i = 0; i < 2; i++) {
        struct gj_sign_key *key = NULL;
        struct gj_public_key public;
        if (gj_sign_key_generate(i == 0 ? GJ_SIGN_SM2 : GJ_SIGN_ED25519, &key) != GJ_OK) return -1;
        gj_sign_key_public(key, &public);
        gj_public_key_format(&public, text[i]);
        gj_sign_key_free(&key);
    }
    (void)snprintf(base, sizeof base,
                   "network_id: \"67f1a9f4b1c54f0c9d7c0e1b5a2d8837\"\n"
                   "serial: 42\n"
                   "nodes:\n"
                   "  - node: \"330000\"\n"
                   "    endpoint: tcp://127.0.0.1:7101\n"
                   "    url: http://127.0.0.1:8101\n"
                   "    curve_public: \"C$)-8v9d+OIYq:l6]rdDAwN4qF}7.W60Yi>dyW?!\"\n"
                   "    keys:\n"
                   "      - public: \"%s\"\n"
                   "        valid_from: 2026-01-01 08:00:00\n"
                   "  - node: jiangxi\n"
                   "    endpoint: tcp://jx.example:7102\n"
                   "    url: https://jx.example\n"
                   "    curve_public: \"1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE!\"\n"
                   "    keys:\n"
                   "      - public: \"%s\"\n"
                   "        valid_from: 2025-01-01\n"
                   "        valid_to: 2027-01-01\n"
                   "        revoked_at: 2026-06-01 12:00:00\n"
                   "regions:\n"
                   "  - {region: \"330100\", node: \"330000\"}\n"
                   "  - {region: \"330200\", node: \"330000\"}\n"
                   "  - {region: \"360100\", node: jiangxi}\n",
                   text[0], text[1]);
    return 0;
}

static int drop_base(void **state) {
    gj_sign_key_free(&authority_key);
    return scratch_teardown(state);
}

static void sign_text(const char *text) {
    uint8_t signature[GJ_SIGNATURE_MAX];
    char hex[2 * GJ_SIGNATURE_MAX + 1];
    size_t len = 0;
    assert_int_equal(gj_sign(authority_key, gj_slice_str(text), signature, &len), GJ_OK);
    gj_hex_encode(hex, signature, sizeof signature);
    scratch_write("registry.yaml.sig", hex);
}

static enum gj_err load(const char *self, struct gj_registry **ret, struct gj_conf_error *error) {
    char path[SCRATCH_PATH_CAP];
    *ret = NULL;
    error->text[0] = '\0';
    return gj_registry_load(scratch_path(path, "registry.yaml"), &authority, self, ret, error);
}

static enum gj_err load_signed(const char *text, const char *self, struct gj_registry **ret,
                               struct gj_conf_error *error) {
    scratch_write("registry.yaml", text);
    sign_text(text);
    return load(self, ret, error);
}

static void a_signed_registry_fills_directory_and_keyring(void **state) {
    (void)state;
    struct gj_registry *registry;
    struct gj_conf_error error;
    assert_int_equal(load_signed(base, "jiangxi", &registry, &error), GJ_OK);
    const struct gj_directory *directory = &registry->directory;
    assert_string_equal(directory->self, "jiangxi");
    assert_int_equal(directory->serial, 42);
    assert_int_equal(directory->network_id[0], 0x67);
    assert_int_equal(directory->network_id[15], 0x37);
    assert_int_equal(registry->n_nodes, 2);
    assert_int_equal(directory->n_nodes, 2);
    assert_int_equal(directory->n_regions, 3);
    assert_string_equal(registry->nodes[1].endpoint, "tcp://jx.example:7102");
    assert_string_equal(directory->nodes[1].url, "https://jx.example");
    assert_string_equal(gj_directory_node_of_region(directory, "330200"), "330000");
    assert_null(gj_directory_node_of_region(directory, "130100"));
    gj_registry_free(&registry);
    assert_null(registry);
    assert_int_equal(load_signed(base, NULL, &registry, &error), GJ_OK);
    assert_string_equal(registry->directory.self, "");
    gj_registry_free(&registry);
}

/* The keyring must hold the times that the file states, in UTC+08:00. */
static void key_times_are_taken_to_the_second(void **state) {
    (void)state;
    struct gj_registry *registry;
    struct gj_conf_error error;
    assert_int_equal(load_signed(base, NULL, &registry, &error), GJ_OK);
    const char *at = strstr(base, "ed25519:");
    char text[160] = "";
    memcpy(text, at, strcspn(at, "\""));
    struct gj_public_key key;
    assert_int_equal(gj_public_key_parse(text, &key), GJ_OK);
    struct gj_batch_head head = {.alg = GJ_SIGN_ED25519, .sender = "jiangxi"};
    gj_public_key_id(&key, head.key_id);
    const int64_t from = INT64_C(1735660800000);    /* 2025-01-01 00:00:00 +08:00 */
    const int64_t revoked = INT64_C(1780286400000); /* 2026-06-01 12:00:00 +08:00 */
    assert_false(gj_keyring_key_valid(registry->keyring, &head, (struct gj_wall){from - 1}));
    assert_true(gj_keyring_key_valid(registry->keyring, &head, (struct gj_wall){from}));
    assert_true(gj_keyring_key_valid(registry->keyring, &head, (struct gj_wall){revoked - 1}));
    assert_false(gj_keyring_key_valid(registry->keyring, &head, (struct gj_wall){revoked}));
    gj_registry_free(&registry);
}

static void nothing_is_believed_without_the_signature(void **state) {
    (void)state;
    struct gj_registry *registry;
    struct gj_conf_error error;
    char path[SCRATCH_PATH_CAP], other[sizeof base + 4];
    scratch_write("registry.yaml", base);
    assert_int_equal(remove(scratch_path(path, "registry.yaml.sig")), 0);
    assert_int_equal(load(NULL, &registry, &error), GJ_ERR_NOT_FOUND);
    assert_holds(error.text, "registry.yaml.sig: cannot be opened");
    /* One byte of the file, a space in a comment even. */
    (void)snprintf(other, sizeof other, "%s# ", base);
    sign_text(other);
    assert_int_equal(load(NULL, &registry, &error), GJ_ERR_BAD_SIGNATURE);
    assert_holds(error.text, "registry.yaml.sig:1: does not verify");
    scratch_write("registry.yaml.sig", "abcd");
    assert_int_equal(load(NULL, &registry, &error), GJ_ERR_BAD_SIGNATURE);
    assert_holds(error.text, "must be 128 hexadecimal digits");
    /* Signed by somebody else. */
    struct gj_sign_key *stranger = NULL, *mine = authority_key;
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_SM2, &stranger), GJ_OK);
    authority_key = stranger;
    sign_text(base);
    authority_key = mine;
    gj_sign_key_free(&stranger);
    assert_int_equal(load(NULL, &registry, &error), GJ_ERR_BAD_SIGNATURE);
    assert_null(registry);
    sign_text(base);
    assert_int_equal(load(NULL, &registry, &error), GJ_OK);
    gj_registry_free(&registry);
}

struct change {
    const char *from, *to, *error;
};

static void every_wrong_entry_is_refused_by_line_and_key(void **state) {
    (void)state;
    static const struct change changes[] = {
        {"67f1", "6zf1", "registry.yaml:1: network_id: must be 32 hexadecimal digits"},
        {"67f1a9f4b1c54f0c9d7c0e1b5a2d8837", "00000000000000000000000000000000",
         "registry.yaml:1: network_id: must"},
        {"67f1", "67f", "registry.yaml:1: network_id: must be a text of 32 to 32 bytes"},
        {"serial: 42", "serial: 0", "registry.yaml:2: serial: must be a whole number from 1"},
        {"serial: 42\n", "", "serial: is missing"},
        {"serial: 42", "serial: 42\nedition: 1", "registry.yaml:3: edition: is not known here"},
        {"- node: jiangxi", "- node: \"330000\"", "registry.yaml:11: nodes[1].node: is here twice"},
        {"- node: jiangxi", "- node: Jiangxi", "registry.yaml:11: nodes[1].node: must be of 0-9, a-z and -"},
        {"tcp://jx.example:7102", "jx.example:7102",
         "registry.yaml:12: nodes[1].endpoint: must be tcp://host:port"},
        {"tcp://jx.example:7102", "tcp://127.0.0.1:7101",
         "registry.yaml:12: nodes[1].endpoint: is that of another"},
        {"https://jx.example", "jx.example", "registry.yaml:13: nodes[1].url: must start with http"},
        {"1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE!", "1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE",
         "registry.yaml:14: nodes[1].curve_public: must be a text of 40 to 40 bytes"},
        {"1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE!", "1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE~",
         "registry.yaml:14: nodes[1].curve_public: must be 40 characters of Z85"},
        {"1[=*)1p[l.H>r4M[/Wu}IcZi#pMqARiZ4(1/3FE!", "C$)-8v9d+OIYq:l6]rdDAwN4qF}7.W60Yi>dyW?!",
         "registry.yaml:14: nodes[1].curve_public: is that of another node"},
        {"ed25519:", "rsa:", "registry.yaml:16: nodes[1].keys[0].public: must be sm2:<hex> or ed25519:<hex>"},
        {"valid_from: 2025-01-01\n", "valid_from: 2025-02-30\n",
         "registry.yaml:17: nodes[1].keys[0].valid_from: must"},
        {"2026-01-01 08:00:00", "2026-01-01 24:00:00",
         "registry.yaml:10: nodes[0].keys[0].valid_from: must be a time"},
        {"2026-01-01 08:00:00", "2026-01-01T08:00:00",
         "registry.yaml:10: nodes[0].keys[0].valid_from: must be a time"},
        {"valid_to: 2027-01-01", "valid_to: 2025-01-01",
         "registry.yaml:18: nodes[1].keys[0].valid_to: must come after"},
        {"        valid_from: 2025-01-01\n", "", "registry.yaml:16: nodes[1].keys[0].valid_from: is missing"},
        {"\"330200\"", "\"330100\"", "registry.yaml:22: regions[1].region: is here twice"},
        {"\"330200\"", "\"3302\"", "registry.yaml:22: regions[1].region: must be a text of 6 to 6 bytes"},
        {"\"330200\"", "\"33O200\"", "registry.yaml:22: regions[1].region: must be six digits"},
        {"node: jiangxi}", "node: hebei}", "registry.yaml:23: regions[2].node: is not among the nodes"},
        {"nodes:\n", "nodes: []\nnods:\n", "registry.yaml:4: nods: is not known here"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct gj_registry *registry;
        struct gj_conf_error error;
        char *text = scratch_replace(base, changes[i].from, changes[i].to);
        assert_int_equal(load_signed(text, NULL, &registry, &error), GJ_ERR_BAD_CONFIG);
        assert_null(registry);
        assert_holds(error.text, changes[i].error);
        free(text);
    }
}

static void lists_must_be_lists_and_not_empty(void **state) {
    (void)state;
    static const char head[] = "network_id: \"67f1a9f4b1c54f0c9d7c0e1b5a2d8837\"\nserial: 1\n";
    static const struct change bodies[] = {
        {"", "nodes: []\nregions: []\n", "registry.yaml:3: nodes: must not be empty"},
        {"", "nodes: x\nregions: []\n", "registry.yaml:3: nodes: must be a list"},
        {"", "nodes: [x]\nregions: [x]\n", "registry.yaml:3: nodes[0]: must be a map of keys"},
        {"", "nodes: [x]\n", "regions: is missing"},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct gj_registry *registry;
        struct gj_conf_error error;
        char text[512];
        (void)snprintf(text, sizeof text, "%s%s", head, bodies[i].to);
        assert_int_equal(load_signed(text, NULL, &registry, &error), GJ_ERR_BAD_CONFIG);
        assert_holds(error.text, bodies[i].error);
    }
}

/* Two entries with one key id would make it undecidable who signed. */
static void one_key_for_two_nodes_is_refused(void **state) {
    (void)state;
    struct gj_registry *registry;
    struct gj_conf_error error;
    const char *first = strstr(base, "sm2:"), *second = strstr(base, "ed25519:");
    char from[200] = "", to[200] = "";
    memcpy(from, second, strcspn(second, "\""));
    memcpy(to, first, strcspn(first, "\""));
    char *text = scratch_replace(base, from, to);
    assert_int_equal(load_signed(text, NULL, &registry, &error), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "registry.yaml:16: nodes[1].keys[0].public: has the id of another key");
    free(text);
}

static void a_node_must_find_itself(void **state) {
    (void)state;
    struct gj_registry *registry;
    struct gj_conf_error error;
    assert_int_equal(load_signed(base, "hebei", &registry, &error), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "nodes: this node, hebei, is not among them");
    assert_null(registry);
}

/* GJ_REGIONS_MAX regions pass, one more does not. */
static void the_limit_of_regions_holds(void **state) {
    (void)state;
    for (unsigned extra = 0; extra <= 1; extra++) {
        struct gj_registry *registry;
        struct gj_conf_error error;
        char *text = malloc(256 * 1024);
        assert_non_null(text);
        size_t len = (size_t)snprintf(text, sizeof base, "%s", base);
        for (unsigned i = 3; i < GJ_REGIONS_MAX + extra; i++)
            len += (size_t)sprintf(text + len, "  - {region: \"%06u\", node: jiangxi}\n", 400000 + i);
        assert_int_equal(load_signed(text, NULL, &registry, &error), extra == 0 ? GJ_OK : GJ_ERR_TOO_MANY);
        if (extra == 1) assert_holds(error.text, "registry.yaml:20: regions: more than 1024 entries");
        gj_registry_free(&registry);
        free(text);
    }
}

static void the_authority_is_one_line(void **state) {
    (void)state;
    struct gj_public_key key;
    struct gj_conf_error error;
    char path[SCRATCH_PATH_CAP];
    scratch_write("authority.pub", "sm2:" KEY_A "\n");
    assert_int_equal(gj_authority_load(scratch_path(path, "authority.pub"), &key, &error), GJ_OK);
    assert_int_equal(key.alg, GJ_SIGN_SM2);
    scratch_write("authority.pub", "sm2:" KEY_A "\nsm2:" KEY_A "\n");
    assert_int_equal(gj_authority_load(path, &key, &error), GJ_ERR_BAD_CONFIG);
    assert_holds(error.text, "authority.pub:1: must be one line");
    assert_int_equal(gj_authority_load(scratch_path(path, "none.pub"), &key, &error), GJ_ERR_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_registry_fills_directory_and_keyring),
        cmocka_unit_test(key_times_are_taken_to_the_second),
        cmocka_unit_test(nothing_is_believed_without_the_signature),
        cmocka_unit_test(every_wrong_entry_is_refused_by_line_and_key),
        cmocka_unit_test(lists_must_be_lists_and_not_empty),
        cmocka_unit_test(one_key_for_two_nodes_is_refused),
        cmocka_unit_test(a_node_must_find_itself),
        cmocka_unit_test(the_limit_of_regions_holds),
        cmocka_unit_test(the_authority_is_one_line),
    };
    return cmocka_run_group_tests(tests, make_base, drop_base);
}
