/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that people write or that a disk gives back, read from a folder of our own. What a reader accepts obeys
 * the limits of its struct, and what can be written again reads as the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/money.h"
#include "conf/file.h"
#include "conf/packs.h"
#include "conf/witness.h"
#include "domain/books.h"
#include "fuzz/fuzz.h"
#include "net/net.h"

#define PATH_CAP 256

/* --- a folder that is gone when the process ends ---------------------------------------------------------------- */
static char folder[PATH_CAP];

static void remove_folder(void) {
    static const char *const names[] = {"in", "in.sig", "out", "again"};
    char path[PATH_CAP + 16];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void path_of(const char *name, char ret[PATH_CAP + 16]) {
    if (folder[0] == '\0') {
        const char *where = getenv("TMPDIR");
        (void)snprintf(folder, sizeof folder, "%.200s/gongji-fuzz-XXXXXX", where != NULL ? where : "/tmp");
        GJ_ASSERT(mkdtemp(folder) != NULL);
        (void)atexit(remove_folder);
    }
    (void)snprintf(ret, PATH_CAP + 16, "%s/%s", folder, name);
}

static void put_file(const char *path, struct gj_slice bytes) {
    FILE *file = fopen(path, "wb");
    GJ_ASSERT(file != NULL);
    if (bytes.len > 0) GJ_ASSERT(fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len);
    GJ_ASSERT(fclose(file) == 0);
    (void)chmod(path, 0600);
}

static const struct gj_directory *some_directory(void) {
    static const struct gj_directory_node nodes[] = {{"330000", "http://330000.example"},
                                                     {"360000", "http://360000.example"}};
    static const struct gj_directory_region regions[] = {
        {"330100", "330000"}, {"330200", "330000"}, {"360100", "360000"}};
    static const struct gj_directory directory = {
        .self = "330000", .serial = 1, .nodes = nodes, .n_nodes = 2, .regions = regions, .n_regions = 3};
    return &directory;
}

static void is_text(const struct gj_conf_error *error) {
    GJ_ASSERT(memchr(error->text, 0, sizeof error->text) != NULL && error->text[0] != '\0');
}

/* --- configuration ------------------------------------------------------------------------------------------------ */
static void dump(const struct gj_conf *conf, const char *path) {
    FILE *file = fopen(path, "wb");
    GJ_ASSERT(file != NULL);
    gj_conf_dump(conf, file);
    GJ_ASSERT(fclose(file) == 0);
}

static bool is_same_file(const char *a, const char *b) {
    char *text_a = NULL, *text_b = NULL;
    size_t len_a = 0, len_b = 0;
    enum gj_err err = gj_file_read(a, 1u << 20, &text_a, &len_a, NULL);
    if (err == GJ_OK) err = gj_file_read(b, 1u << 20, &text_b, &len_b, NULL);
    GJ_ASSERT(err == GJ_OK);
    bool same = gj_slice_equal(gj_slice_of(text_a, len_a), gj_slice_of(text_b, len_b));
    free(text_a);
    free(text_b);
    return same;
}

void gj_fuzz_node_config(struct gj_slice in) {
    char path[PATH_CAP + 16], out[PATH_CAP + 16], again[PATH_CAP + 16];
    struct gj_conf_error error = {{0}};
    struct gj_conf *conf = NULL, *same = NULL;
    path_of("in", path);
    path_of("out", out);
    path_of("again", again);
    put_file(path, in);
    enum gj_err err = gj_conf_load(path, &conf, &error);
    if (err != GJ_OK) {
        is_text(&error);
        return;
    }
    GJ_ASSERT(gj_node_is_valid(conf->node) && conf->n_clients <= GJ_CONF_CLIENTS_MAX);
    dump(conf, out);
    err = gj_conf_load(out, &same, &error);
    if (err != GJ_OK) (void)fprintf(stderr, "%s\n", error.text);
    GJ_ASSERT(err == GJ_OK);
    dump(same, again);
    GJ_ASSERT(is_same_file(out, again));
    gj_conf_free(&conf);
    gj_conf_free(&same);
}

/* --- registry ------------------------------------------------------------------------------------------------------ */
static void sign_file(const char *path, struct gj_slice bytes, struct gj_public_key *ret_authority) {
    static struct gj_sign_key *key;
    char beside[PATH_CAP + 24], text[2 * GJ_SIGNATURE_MAX + 1];
    uint8_t signature[GJ_SIGNATURE_MAX];
    size_t len = 0;
    if (key == NULL) {
        enum gj_err made = gj_sign_key_generate(GJ_SIGN_ED25519, &key);
        GJ_ASSERT(made == GJ_OK);
    }
    gj_sign_key_public(key, ret_authority);
    enum gj_err err = gj_sign(key, bytes, signature, &len);
    GJ_ASSERT(err == GJ_OK);
    gj_hex_encode(text, signature, len);
    (void)snprintf(beside, sizeof beside, "%s.sig", path);
    put_file(beside, gj_slice_str(text));
}

void gj_fuzz_registry(struct gj_slice in) {
    char path[PATH_CAP + 16];
    struct gj_public_key authority;
    struct gj_conf_error error = {{0}};
    struct gj_registry *registry = NULL;
    path_of("in", path);
    put_file(path, in);
    sign_file(path, in, &authority);
    enum gj_err err = gj_registry_load(path, &authority, NULL, &registry, &error);
    if (err != GJ_OK) {
        is_text(&error);
        GJ_ASSERT(err != GJ_ERR_BAD_SIGNATURE);
        return;
    }
    const struct gj_directory *directory = &registry->directory;
    GJ_ASSERT(directory->n_nodes >= 1 && directory->n_nodes <= GJ_NODES_MAX);
    GJ_ASSERT(directory->n_regions <= GJ_REGIONS_MAX && registry->n_nodes == directory->n_nodes);
    for (size_t i = 0; i < directory->n_regions; i++)
        GJ_ASSERT(gj_directory_node(directory, directory->regions[i].node) != NULL);
    for (size_t i = 0; i < directory->n_nodes; i++)
        GJ_ASSERT(gj_directory_index(directory, directory->nodes[i].node) == i);
    gj_registry_free(&registry);
}

/* --- packs ----------------------------------------------------------------------------------------------------------- */
void gj_fuzz_pack(struct gj_slice in) {
    char path[PATH_CAP + 16];
    struct gj_conf_error error = {{0}};
    struct gj_pack pack;
    path_of("in", path);
    put_file(path, in);
    enum gj_err err = gj_pack_load(path, &pack, &error);
    if (err != GJ_OK) {
        is_text(&error);
        return;
    }
    const struct gj_packs packs = {&pack, 1};
    GJ_ASSERT(gj_region_is_valid(pack.region) && gj_date_is_valid(pack.valid_from));
    GJ_ASSERT(pack.valid_to == 0 || pack.valid_to >= pack.valid_from);
    GJ_ASSERT(pack.min_retention_fen >= 0 && pack.per_settlement_cap_fen >= 0 && pack.annual_cap_fen >= 0);
    GJ_ASSERT(pack.relations < 1u << GJ_RELATION_COUNT && pack.uses < 1u << GJ_USE_COUNT);
    GJ_ASSERT(pack.n_own_order <= 2 && pack.n_excluded_insutypes <= GJ_PACK_EXCLUDED_MAX);
    GJ_ASSERT(gj_pack_find(&packs, pack.region, pack.cross_province, pack.valid_from) == &pack);
}

/* --- lines ------------------------------------------------------------------------------------------------------------ */
static void check_reason(void *ctx, unsigned number, const char *reason) {
    unsigned *last = ctx;
    GJ_ASSERT(number > *last && reason[0] != '\0');
    *last = number;
}

static enum gj_err check_person(void *ctx, const struct gj_people_line *line) {
    unsigned *last = ctx;
    char masked[GJ_CERTNO_MAX + 1], name[GJ_NAME_MAX + 1];
    GJ_ASSERT(line->number > *last && line->psn_no[0] != '\0');
    *last = line->number;
    GJ_ASSERT(gj_certno_is_valid(line->psn_cert_type, line->certno));
    GJ_ASSERT(gj_region_is_valid(line->insuplc_admdvs));
    GJ_ASSERT(line->prior_fen >= 0 && line->prior_fen <= GJ_FEN_INPUT_MAX);
    GJ_ASSERT(line->current_fen >= 0 && line->current_fen <= GJ_FEN_INPUT_MAX);
    GJ_ASSERT(line->has_account || (line->prior_fen == 0 && line->current_fen == 0));
    gj_certno_mask(line->certno, masked);
    gj_name_mask(line->psn_name, name);
    return GJ_OK;
}

void gj_fuzz_people(struct gj_slice in) {
    char path[PATH_CAP + 16];
    struct gj_conf_error error = {{0}};
    struct gj_people_result all = {0}, ours = {0};
    unsigned last = 0;
    path_of("in", path);
    put_file(path, in);
    enum gj_err err = gj_people_read(path, NULL, &all, check_person, check_reason, &last, &error);
    last = 0;
    enum gj_err err_ours =
        gj_people_read(path, some_directory(), &ours, check_person, check_reason, &last, &error);
    GJ_ASSERT(err == err_ours);
    if (err != GJ_OK)
        is_text(&error);
    else
        GJ_ASSERT(ours.good <= all.good && ours.good + ours.bad == all.good + all.bad);
}

static enum gj_err check_institution(void *ctx, const struct gj_institution_line *line) {
    unsigned *last = ctx;
    GJ_ASSERT(line->number > *last && strlen(line->fixmedins_code) == GJ_INSTITUTION_CODE_MAX);
    *last = line->number;
    GJ_ASSERT(gj_date_is_valid(line->open_from));
    GJ_ASSERT(line->open_to == 0 || line->open_to >= line->open_from);
    return GJ_OK;
}

void gj_fuzz_institutions(struct gj_slice in) {
    char path[PATH_CAP + 16];
    struct gj_conf_error error = {{0}};
    struct gj_people_result all = {0}, ours = {0};
    unsigned last = 0;
    path_of("in", path);
    put_file(path, in);
    enum gj_err err = gj_institutions_read(path, NULL, &all, check_institution, check_reason, &last, &error);
    last = 0;
    enum gj_err err_ours =
        gj_institutions_read(path, some_directory(), &ours, check_institution, check_reason, &last, &error);
    GJ_ASSERT(err == err_ours);
    if (err != GJ_OK)
        is_text(&error);
    else
        GJ_ASSERT(ours.good <= all.good && ours.good + ours.bad == all.good + all.bad);
}

/* --- small files ------------------------------------------------------------------------------------------------------- */
static void read_witness(const char *path, const char *out) {
    struct gj_conf_error error = {{0}};
    struct gj_witness_mark mark, again;
    if (gj_witness_read(path, &mark, &error) != GJ_OK) {
        is_text(&error);
        return;
    }
    enum gj_err err = gj_witness_write(out, &mark, &error);
    if (err == GJ_OK) err = gj_witness_read(out, &again, &error);
    GJ_ASSERT(err == GJ_OK && mark.epoch == again.epoch && mark.flush == again.flush);
    GJ_ASSERT(memcmp(mark.store_id, again.store_id, sizeof mark.store_id) == 0);
    GJ_ASSERT(strcmp(mark.machine, again.machine) == 0);
    GJ_ASSERT(gj_witness_compare(&mark, &again) == GJ_WITNESS_EQUAL_OR_BEHIND);
}

static void read_sign_key(const char *path, const char *out) {
    struct gj_sign_key *key = NULL, *again = NULL;
    struct gj_public_key a, b;
    if (gj_sign_key_load(path, &key) != GJ_OK) return;
    enum gj_err err = gj_sign_key_save(key, out);
    if (err == GJ_OK) err = gj_sign_key_load(out, &again);
    GJ_ASSERT(err == GJ_OK);
    gj_sign_key_public(key, &a);
    gj_sign_key_public(again, &b);
    GJ_ASSERT(a.alg == b.alg && a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0);
    gj_sign_key_free(&key);
    gj_sign_key_free(&again);
}

static void read_data_key(const char *path, const char *out) {
    struct gj_data_key key, again;
    if (gj_data_key_load(path, &key) != GJ_OK) return;
    enum gj_err err = gj_data_key_save(&key, out);
    if (err == GJ_OK) err = gj_data_key_load(out, &again);
    GJ_ASSERT(err == GJ_OK && memcmp(key.seal, again.seal, sizeof key.seal) == 0);
    GJ_ASSERT(memcmp(key.tag, again.tag, sizeof key.tag) == 0);
    GJ_ASSERT(memcmp(key.mac, again.mac, sizeof key.mac) == 0);
}

static void read_others(const char *path) {
    char public_text[GJ_CURVE_TEXT + 1], secret_text[GJ_CURVE_TEXT + 1];
    struct gj_conf_error error = {{0}};
    struct gj_public_key key;
    if (gj_curve_load(path, public_text, secret_text) == GJ_OK)
        GJ_ASSERT(strlen(public_text) == GJ_CURVE_TEXT && strlen(secret_text) == GJ_CURVE_TEXT);
    if (gj_authority_load(path, &key, &error) != GJ_OK) is_text(&error);
}

void gj_fuzz_secrets(struct gj_slice in) {
    char path[PATH_CAP + 16], out[PATH_CAP + 16];
    path_of("in", path);
    path_of("out", out);
    put_file(path, in);
    (void)unlink(out);
    read_witness(path, out);
    (void)unlink(out);
    read_sign_key(path, out);
    (void)unlink(out);
    read_data_key(path, out);
    (void)unlink(out);
    read_others(path);
}
