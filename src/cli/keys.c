/* SPDX-License-Identifier: Apache-2.0
 *
 * Making keys, signing and checking registries. It must never write over a key that exists, nor print a
 * private one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "conf/file.h"
#include "conf/yaml_tree.h"
#include "net/net.h"

#define PUBLIC_TEXT_MAX 160

static int fail_at(const struct gj_args *args, enum gj_err err, const char *path) {
    char text[GJ_PATH_TEXT_MAX + 200];
    (void)snprintf(text, sizeof text, "%s: %s", path, gj_err_text_en(err));
    return gj_cli_fail(args, err, text);
}

/* The path of |name| in the folder of --out; an existing file is refused. */
static bool new_file(const struct gj_args *args, const char *name, char dst[GJ_PATH_TEXT_MAX + 1],
                     int *ret_code) {
    int len = snprintf(dst, GJ_PATH_TEXT_MAX + 1, "%s/%s", args->value[GJ_OPTION_OUT], name);
    if (len < 0 || len > GJ_PATH_TEXT_MAX) {
        *ret_code = gj_cli_usage(args, "keys: --out is too long a path");
        return false;
    }
    if (access(dst, F_OK) != 0) return true;
    char text[GJ_PATH_TEXT_MAX + 64];
    (void)snprintf(text, sizeof text, "%s: exists; a key is never written over", dst);
    *ret_code = gj_cli_fail(args, GJ_ERR_BAD_CONFIG, text);
    return false;
}

static bool read_alg(const struct gj_args *args, enum gj_sign_alg *ret) {
    const char *alg = args->value[GJ_OPTION_ALG];
    *ret = GJ_SIGN_SM2;
    if (alg == NULL || strcmp(alg, "sm2") == 0) return true;
    *ret = GJ_SIGN_ED25519;
    return strcmp(alg, "ed25519") == 0;
}

static enum gj_err make_sign_key(enum gj_sign_alg alg, const char *path, char ret_public[PUBLIC_TEXT_MAX]) {
    struct gj_sign_key *key = NULL;
    struct gj_public_key public;
    GJ_TRY(gj_sign_key_generate(alg, &key));
    enum gj_err err = gj_sign_key_save(key, path);
    gj_sign_key_public(key, &public);
    gj_public_key_format(&public, ret_public);
    gj_sign_key_free(&key);
    return err;
}

static int make_authority(const struct gj_args *args, enum gj_sign_alg alg) {
    char private_path[GJ_PATH_TEXT_MAX + 1], public_path[GJ_PATH_TEXT_MAX + 1], text[PUBLIC_TEXT_MAX],
        line[PUBLIC_TEXT_MAX + 2];
    struct gj_conf_error error = {""};
    int code = GJ_EXIT_OK;
    if (!new_file(args, "authority.pem", private_path, &code)) return code;
    if (!new_file(args, "authority.pub", public_path, &code)) return code;
    enum gj_err err = make_sign_key(alg, private_path, text);
    if (err != GJ_OK) return fail_at(args, err, private_path);
    fprintf(args->out, "authority: %s\n", text);
    (void)snprintf(line, sizeof line, "%s\n", text);
    err = gj_file_write(public_path, 0644, gj_slice_str(line), true, &error);
    return err == GJ_OK ? GJ_EXIT_OK : gj_cli_fail(args, err, error.text);
}

static int make_node_keys(const struct gj_args *args, enum gj_sign_alg alg) {
    char sign_path[GJ_PATH_TEXT_MAX + 1], curve_path[GJ_PATH_TEXT_MAX + 1], data_path[GJ_PATH_TEXT_MAX + 1];
    char public_text[PUBLIC_TEXT_MAX], curve_public[GJ_CURVE_TEXT + 1], curve_secret[GJ_CURVE_TEXT + 1];
    struct gj_data_key data_key;
    int code = GJ_EXIT_OK;
    if (!new_file(args, "sign.pem", sign_path, &code)) return code;
    if (!new_file(args, "curve.key", curve_path, &code)) return code;
    if (!new_file(args, "data.key", data_path, &code)) return code;
    enum gj_err err = make_sign_key(alg, sign_path, public_text);
    if (err != GJ_OK) return fail_at(args, err, sign_path);
    err = gj_curve_generate(curve_public, curve_secret);
    if (err == GJ_OK) err = gj_curve_save(curve_path, curve_public, curve_secret);
    gj_wipe(curve_secret, sizeof curve_secret);
    if (err != GJ_OK) return fail_at(args, err, curve_path);
    err = gj_data_key_generate(&data_key);
    if (err == GJ_OK) err = gj_data_key_save(&data_key, data_path);
    gj_wipe(&data_key, sizeof data_key);
    if (err != GJ_OK) return fail_at(args, err, data_path);
    /* In the registry's own form, to be given to the authority. */
    fprintf(args->out, "curve_public: \"%s\"\npublic: \"%s\"\n", curve_public, public_text);
    return GJ_EXIT_OK;
}

int gj_cmd_keys(const struct gj_args *args) {
    enum gj_sign_alg alg;
    if (!read_alg(args, &alg)) return gj_cli_usage(args, "keys: --alg must be sm2 or ed25519");
    if (mkdir(args->value[GJ_OPTION_OUT], 0700) != 0 && errno != EEXIST) {
        return fail_at(args, GJ_ERR_IO, args->value[GJ_OPTION_OUT]);
    }
    return args->given[GJ_OPTION_AUTHORITY] ? make_authority(args, alg) : make_node_keys(args, alg);
}

static enum gj_err sign_file(const char *path, const struct gj_sign_key *key, struct gj_conf_error *error) {
    char *text = NULL, sig_path[GJ_PATH_TEXT_MAX + 8], hex[2 * GJ_SIGNATURE_MAX + 2];
    uint8_t signature[GJ_SIGNATURE_MAX];
    size_t len = 0, signature_len = 0;
    int path_len = snprintf(sig_path, sizeof sig_path, "%s.sig", path);
    if (path_len < 0 || (size_t)path_len >= sizeof sig_path) {
        return gj_conf_fail(error, GJ_ERR_TOO_LARGE, path, 0, NULL, "is too long a path");
    }
    GJ_TRY(gj_file_read(path, GJ_YAML_BYTES_MAX, &text, &len, error));
    enum gj_err err = gj_sign(key, gj_slice_of(text, len), signature, &signature_len);
    free(text);
    if (err != GJ_OK) return gj_conf_fail(error, err, path, 0, NULL, "cannot be signed");
    gj_hex_encode(hex, signature, sizeof signature);
    hex[2 * sizeof signature] = '\n';
    hex[2 * sizeof signature + 1] = '\0';
    return gj_file_write(sig_path, 0644, gj_slice_str(hex), true, error);
}

static void say_registry(const struct gj_args *args, const char *path, const struct gj_registry *registry) {
    fprintf(args->out, "%s: serial %llu, %zu nodes, %zu regions\n", path,
            (unsigned long long)registry->directory.serial, registry->n_nodes, registry->directory.n_regions);
}

/* Signs, then reads the result as a node would: a registry that no node takes is not left signed. */
int gj_cmd_registry_sign(const struct gj_args *args) {
    const char *path = args->operands[0], *key_path = args->value[GJ_OPTION_KEY];
    struct gj_sign_key *key = NULL;
    struct gj_public_key public;
    struct gj_registry *registry = NULL;
    struct gj_conf_error error = {""};
    enum gj_err err = gj_sign_key_load(key_path, &key);
    if (err != GJ_OK) return fail_at(args, err, key_path);
    gj_sign_key_public(key, &public);
    err = sign_file(path, key, &error);
    gj_sign_key_free(&key);
    if (err != GJ_OK) return gj_cli_fail(args, err, error.text);
    err = gj_registry_load(path, &public, NULL, &registry, &error);
    if (err != GJ_OK) {
        char sig_path[GJ_PATH_TEXT_MAX + 8];
        (void)snprintf(sig_path, sizeof sig_path, "%s.sig", path);
        (void)unlink(sig_path);
        return gj_cli_fail(args, err, error.text);
    }
    say_registry(args, path, registry);
    gj_registry_free(&registry);
    return GJ_EXIT_OK;
}

int gj_cmd_registry_check(const struct gj_args *args) {
    struct gj_public_key authority;
    struct gj_registry *registry = NULL;
    struct gj_conf_error error = {""};
    enum gj_err err = gj_authority_load(args->value[GJ_OPTION_KEY], &authority, &error);
    if (err == GJ_OK) err = gj_registry_load(args->operands[0], &authority, NULL, &registry, &error);
    if (err != GJ_OK) return gj_cli_fail(args, err, error.text);
    say_registry(args, args->operands[0], registry);
    gj_registry_free(&registry);
    return GJ_EXIT_OK;
}
