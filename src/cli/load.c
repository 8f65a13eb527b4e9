/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading people and institutions into a node's store. Two passes over the same file: the first finds every
 * bad
 * line (and everybody whom the store already has) and writes nothing; the second writes. It must never load a
 * part of a bad file unless told to, nor print an identity number.
 */
#include <string.h>

#include "cli/offline.h"

#define LINES_PER_TRANSACTION 10000u
#define SEALED_TEXT_MAX       (GJ_CERTNO_MAX + GJ_NAME_MAX + 8)

struct loader {
    struct gj_offline *offline;
    bool rehearsal; /* the first pass: every transaction is rolled back */
    uint64_t in_transaction;
    uint64_t good, bad;
    enum gj_err store_err; /* set when the store failed: then nothing more is tried */
};

static void report(const struct loader *loader, unsigned number, const char *reason) {
    const struct gj_args *args = loader->offline->args;
    fprintf(args->err, "%s:%u: %s\n", args->operands[0], number, reason);
}

/* The reader found a bad line. Counted and shown in the first pass only. */
static void bad_line(void *ctx, unsigned number, const char *reason) {
    struct loader *loader = ctx;
    if (!loader->rehearsal) return;
    loader->bad++;
    report(loader, number, reason);
}

static enum gj_err end_transaction(struct loader *loader) {
    struct gj_store *store = loader->offline->store;
    if (!store->in_transaction) return GJ_OK;
    loader->in_transaction = 0;
    enum gj_err err = gj_store_err(store);
    if (loader->rehearsal || err != GJ_OK) {
        store->ops->rollback(store);
        return err;
    }
    return store->ops->commit(store);
}

static enum gj_err begin_line(struct loader *loader) {
    struct gj_store *store = loader->offline->store;
    gj_arena_reset(&loader->offline->scratch);
    if (loader->in_transaction == LINES_PER_TRANSACTION) GJ_TRY(end_transaction(loader));
    if (!store->in_transaction) store->ops->begin(store);
    loader->in_transaction++;
    return gj_store_err(store);
}

/* What became of one line that the reader took. CONFLICT: the store has it already, a bad line like others.
 * */
static enum gj_err end_line(struct loader *loader, unsigned number, enum gj_err err) {
    enum gj_err store_err = gj_store_err(loader->offline->store);
    if (store_err != GJ_OK) return loader->store_err = store_err;
    if (err == GJ_OK) {
        loader->good++;
    } else if (loader->rehearsal) {
        loader->bad++;
        report(loader, number, err == GJ_ERR_CONFLICT ? "is already in the store" : gj_err_text_en(err));
    }
    return GJ_OK;
}

/* --- people --------------------------------- */

static enum gj_err seal_identity(struct loader *loader, const struct gj_people_line *line, uint8_t *memory,
                                 size_t cap, struct gj_slice *ret) {
    char text[SEALED_TEXT_MAX];
    struct gj_buf out;
    /* What the token was made of; no column can hold a line end. */
    (void)snprintf(text, sizeof text, "%s\n%s\n%s", line->psn_cert_type, line->certno, line->psn_name);
    gj_buf_init(&out, memory, cap);
    enum gj_err err = gj_seal(&loader->offline->data_key, gj_slice_str(text), &out);
    gj_wipe(text, sizeof text);
    *ret = gj_buf_slice(&out);
    return err;
}

static enum gj_err add_person(struct loader *loader, const struct gj_people_line *line) {
    uint8_t sealed[SEALED_TEXT_MAX + GJ_SEAL_OVERHEAD];
    const struct gj_hasher *hasher = &loader->offline->hasher;
    struct gj_person_in in = {
        .has_account = line->has_account, .prior_fen = line->prior_fen, .current_fen = line->current_fen};
    GJ_TRY(seal_identity(loader, line, sealed, sizeof sealed, &in.sealed));
    gj_person_token(hasher, line->psn_cert_type, line->certno, in.token);
    gj_name_token(hasher, line->psn_name, in.name_token);
    gj_certno_mask(line->certno, in.masked);
    gj_name_mask(line->psn_name, in.name_masked);
    gj_text_set(in.person_ref, sizeof in.person_ref, line->psn_no);
    gj_text_set(in.card_no, sizeof in.card_no, line->card_no);
    gj_text_set(in.region, sizeof in.region, line->insuplc_admdvs);
    gj_text_set(in.insutype, sizeof in.insutype, line->insutype);
    gj_text_set(in.psn_type, sizeof in.psn_type, line->psn_type);
    gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, line->psn_insu_stas);
    gj_text_set(in.account_status, sizeof in.account_status, line->account_status);
    return gj_books_add_person(&loader->offline->turn, &in);
}

static enum gj_err good_person(void *ctx, const struct gj_people_line *line) {
    struct loader *loader = ctx;
    GJ_TRY(begin_line(loader));
    return end_line(loader, line->number, add_person(loader, line));
}

static enum gj_err read_people(struct loader *loader, struct gj_conf_error *error) {
    struct gj_people_result result;
    return gj_people_read(loader->offline->args->operands[0], &loader->offline->registry->directory, &result,
                          good_person, bad_line, loader, error);
}

/* --- institutions --------------------------------- */

static enum gj_err good_institution(void *ctx, const struct gj_institution_line *line) {
    struct loader *loader = ctx;
    GJ_TRY(begin_line(loader));
    return end_line(loader, line->number,
                    gj_books_add_institution(&loader->offline->turn, line->fixmedins_code,
                                             line->fixmedins_name, line->open_from, line->open_to));
}

static enum gj_err read_institutions(struct loader *loader, struct gj_conf_error *error) {
    struct gj_people_result result;
    return gj_institutions_read(loader->offline->args->operands[0], &loader->offline->registry->directory,
                                &result, good_institution, bad_line, loader, error);
}

/* --- both --------------------------------- */

typedef enum gj_err (*read_file_fn)(struct loader *loader, struct gj_conf_error *error);

static int pass(struct loader *loader, read_file_fn read_file) {
    struct gj_conf_error error = {""};
    enum gj_err err = read_file(loader, &error);
    enum gj_err end = end_transaction(loader);
    if (err == GJ_OK) err = end;
    if (err == GJ_OK) return GJ_EXIT_OK;
    bool is_store = loader->store_err != GJ_OK || end != GJ_OK || error.text[0] == '\0';
    return gj_cli_fail(loader->offline->args, err, is_store ? gj_err_text_en(err) : error.text);
}

static int load(struct gj_offline *offline, read_file_fn read_file, const char *what) {
    const struct gj_args *args = offline->args;
    struct loader first = {.offline = offline, .rehearsal = true}, second = {.offline = offline};
    int code = pass(&first, read_file);
    if (code != GJ_EXIT_OK) return code;
    if (first.bad > 0 && !args->given[GJ_OPTION_SKIP_BAD]) {
        fprintf(args->out, "%s: %llu bad lines, nothing loaded (--skip-bad loads the other %llu)\n",
                args->operands[0], (unsigned long long)first.bad, (unsigned long long)first.good);
        return GJ_EXIT_FOUND;
    }
    code = pass(&second, read_file);
    if (code != GJ_EXIT_OK) return code;
    fprintf(args->out, "%s: %llu %s loaded, %llu bad lines\n", args->operands[0],
            (unsigned long long)second.good, what, (unsigned long long)first.bad);
    return GJ_EXIT_OK;
}

static int load_with_store(const struct gj_args *args, read_file_fn read_file, const char *what) {
    struct gj_offline offline;
    int code = gj_offline_open_store(args, GJ_STORE_WRITE, &offline);
    if (code != GJ_EXIT_OK) return code;
    code = load(&offline, read_file, what);
    gj_offline_close(&offline);
    return code;
}

int gj_cmd_load(const struct gj_args *args) {
    return load_with_store(args, read_people, "people");
}

int gj_cmd_load_institutions(const struct gj_args *args) {
    return load_with_store(args, read_institutions, "institutions");
}
