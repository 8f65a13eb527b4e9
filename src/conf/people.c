/* SPDX-License-Identifier: Apache-2.0
 *
 * People and institutions out of CSV files. Each bad line gets a reason; a reason names the column, never the
 * value, so that no identity number reaches a log. It must never let a line through that its column rules
 * refuse.
 */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <uthash.h>
#pragma GCC diagnostic pop

#include "base/check.h"
#include "base/money.h"
#include "conf/csv.h"
#include "conf/file.h"
#include "domain/books.h"

#define COLUMNS_MAX 16

/* A key seen in this file and the line that had it: "n:<psn_no>", "c:<type>:<certno>:<region>", "i:<code>".
 * */
struct seen {
    UT_hash_handle hh;
    unsigned number;
    char key[];
};

struct column {
    const char *name;
    size_t max; /* bytes */
};

struct table {
    struct gj_csv csv;
    const char *path;
    const struct column *columns;
    size_t n_columns;
    size_t at[COLUMNS_MAX]; /* the field of each column */
    struct seen *seen;
    const struct gj_directory *directory;
    char reason[160];
    bool no_memory;
};

static bool refuse(struct table *table, const char *column, const char *what) {
    (void)snprintf(table->reason, sizeof table->reason, "%s: %s", column, what);
    return false;
}

/* --- header and fields --------------------------------- */

static enum gj_err refuse_header(const struct table *table, struct gj_conf_error *error, const char *column,
                                 const char *what) {
    return gj_conf_fail(error, GJ_ERR_BAD_INPUT, table->path, table->csv.number, column, "%s", what);
}

static enum gj_err read_header(struct table *table, struct gj_conf_error *error) {
    struct gj_csv *csv = &table->csv;
    if (!gj_csv_next(csv)) {
        return gj_conf_fail(error, ferror(csv->file) ? GJ_ERR_IO : GJ_ERR_BAD_INPUT, table->path, 1, NULL,
                            "has no header line");
    }
    if (csv->reason != NULL) return refuse_header(table, error, "header", csv->reason);
    for (size_t i = 0; i < table->n_columns; i++) {
        size_t found = csv->n;
        for (size_t field = 0; field < csv->n; field++) {
            if (strcmp(csv->fields[field], table->columns[i].name) != 0) continue;
            if (found < csv->n)
                return refuse_header(table, error, table->columns[i].name, "is a column twice");
            found = field;
        }
        if (found == csv->n)
            return refuse_header(table, error, table->columns[i].name, "is missing in the header");
        table->at[i] = found;
    }
    if (csv->n == table->n_columns) return GJ_OK;
    return refuse_header(table, error, "header", "has columns that are not known here");
}

static const char *field(const struct table *table, size_t column) {
    return table->csv.fields[table->at[column]];
}

static bool check_fields(struct table *table) {
    if (table->csv.n != table->n_columns)
        return refuse(table, "line", "has another number of fields than the header");
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strlen(field(table, i)) > table->columns[i].max)
            return refuse(table, table->columns[i].name, "is too long");
    }
    return true;
}

/* False if an earlier line of this file had |key|. */
static bool remember(struct table *table, const char *column, const char *key) {
    size_t len = strlen(key);
    struct seen *found = NULL;
    HASH_FIND(hh, table->seen, key, (unsigned)len, found);
    if (found != NULL) {
        char what[64];
        (void)snprintf(what, sizeof what, "is already in line %u", found->number);
        return refuse(table, column, what);
    }
    struct seen *entry = malloc(sizeof *entry + len + 1);
    if (entry == NULL) {
        table->no_memory = true;
        return refuse(table, column, "out of memory");
    }
    entry->number = table->csv.number;
    memcpy(entry->key, key, len + 1);
    HASH_ADD_KEYPTR(hh, table->seen, entry->key, (unsigned)len, entry);
    return true;
}

static void forget_all(struct table *table) {
    struct seen *entry = table->seen;
    HASH_CLEAR(hh, table->seen); /* the entries stay, linked in the order of their lines */
    while (entry != NULL) {
        struct seen *next = entry->hh.next;
        free(entry);
        entry = next;
    }
}

static bool check_region(struct table *table, const char *column, const char *region) {
    if (!gj_region_is_valid(region)) return refuse(table, column, "must be six digits");
    if (table->directory == NULL) return true;
    const char *node = gj_directory_node_of_region(table->directory, region);
    if (node == NULL) return refuse(table, column, "is not in the registry");
    if (!gj_directory_is_self(table->directory, node))
        return refuse(table, column, "belongs to another node");
    return true;
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(*words, text) == 0) return true;
    }
    return false;
}

/* --- people --------------------------------- */

enum {
    PSN_NO,
    CERT_TYPE,
    CERTNO,
    PSN_NAME,
    REGION,
    INSUTYPE,
    PSN_TYPE,
    STAS,
    ACCOUNT_STATUS,
    CARD_NO,
    PRIOR,
    CURRENT
};

static const struct column people_columns[] = {
    [PSN_NO] = {"psn_no", GJ_PSN_NO_MAX},
    [CERT_TYPE] = {"psn_cert_type", 2},
    [CERTNO] = {"certno", GJ_CERTNO_MAX},
    [PSN_NAME] = {"psn_name", GJ_NAME_MAX},
    [REGION] = {"insuplc_admdvs", GJ_REGION_MAX},
    [INSUTYPE] = {"insutype", 3},
    [PSN_TYPE] = {"psn_type", 4},
    [STAS] = {"psn_insu_stas", 1},
    [ACCOUNT_STATUS] = {"account_status", GJ_WORD_MAX},
    [CARD_NO] = {"card_no", GJ_CERTNO_MAX},
    [PRIOR] = {"prior", GJ_YUAN_TEXT_CAP},
    [CURRENT] = {"current", GJ_YUAN_TEXT_CAP},
};

static const char *const cert_types[] = {"01", "02", "03", "04", "05", "06", "07", "08", "90", "99", NULL};
/* Enrolments in basic insurance; supplements (320, 330, 370, 392, 510) are no enrolment of their own. */
static const char *const insutypes[] = {"310", "340", "350", "360", "390", "391", NULL};
static const char *const statuses[] = {"0", "1", "2", "4", NULL};
static const char *const account_statuses[] = {"normal", "frozen", "pending_liquidation", "liquidated", NULL};

static bool is_token(const char *text, const char *more) {
    for (; *text != '\0'; text++) {
        bool letter = (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z');
        if (!letter && (*text < '0' || *text > '9') && strchr(more, *text) == NULL) return false;
    }
    return true;
}

/* Four digits; the first two name the group: 11 employed, 12 retired, 13 veteran, 14 and 15 residents, 16
 * other. */
static bool is_psn_type(const char *text) {
    return strlen(text) == 4 && strspn(text, "0123456789") == 4 && text[0] == '1' && text[1] >= '1' &&
           text[1] <= '6';
}

static bool take_balance(struct table *table, size_t column, bool has_account, int64_t *ret_fen) {
    const char *text = field(table, column), *name = table->columns[column].name;
    if (gj_yuan_parse(text, strlen(text), ret_fen) != GJ_OK) {
        return refuse(table, name, "must be an amount in yuan with two places");
    }
    if (*ret_fen < 0) return refuse(table, name, "must not be negative");
    if (!has_account && *ret_fen != 0)
        return refuse(table, name, "must be 0.00: this insurance has no account (R5)");
    return true;
}

static bool take_account(struct table *table, struct gj_people_line *line) {
    const char *status = field(table, ACCOUNT_STATUS);
    line->has_account = strcmp(line->insutype, "310") == 0;
    if (!line->has_account && status[0] == '\0') status = "normal";
    if (!is_one_of(status, account_statuses)) {
        return refuse(table, "account_status", "must be normal, frozen, pending_liquidation or liquidated");
    }
    gj_text_set(line->account_status, sizeof line->account_status, status);
    if (!take_balance(table, PRIOR, line->has_account, &line->prior_fen)) return false;
    return take_balance(table, CURRENT, line->has_account, &line->current_fen);
}

static bool take_insurance(struct table *table, struct gj_people_line *line) {
    if (!check_region(table, "insuplc_admdvs", field(table, REGION))) return false;
    if (!is_one_of(field(table, INSUTYPE), insutypes)) {
        return refuse(table, "insutype", "must be 310, 340, 350, 360, 390 or 391");
    }
    if (!is_psn_type(field(table, PSN_TYPE)))
        return refuse(table, "psn_type", "must be four digits, 11xx to 16xx");
    if (!is_one_of(field(table, STAS), statuses))
        return refuse(table, "psn_insu_stas", "must be 0, 1, 2 or 4");
    gj_text_set(line->insuplc_admdvs, sizeof line->insuplc_admdvs, field(table, REGION));
    gj_text_set(line->insutype, sizeof line->insutype, field(table, INSUTYPE));
    gj_text_set(line->psn_type, sizeof line->psn_type, field(table, PSN_TYPE));
    gj_text_set(line->psn_insu_stas, sizeof line->psn_insu_stas, field(table, STAS));
    return take_account(table, line);
}

static bool take_identity(struct table *table, struct gj_people_line *line) {
    const char *psn_no = field(table, PSN_NO), *name = field(table, PSN_NAME);
    if (psn_no[0] == '\0' || !is_token(psn_no, ""))
        return refuse(table, "psn_no", "must be letters and digits");
    if (!is_one_of(field(table, CERT_TYPE), cert_types))
        return refuse(table, "psn_cert_type", "must be 01 to 08, 90 or 99");
    gj_text_set(line->certno, sizeof line->certno, field(table, CERTNO));
    for (char *c = line->certno; *c != '\0'; c++) {
        if (*c == 'x') *c = 'X';
    }
    if (!is_token(line->certno, "()-") || !gj_certno_is_valid(field(table, CERT_TYPE), line->certno)) {
        return refuse(table, "certno", "must have a real date and the right check character (GB 11643)");
    }
    if (name[0] == '\0' || name[0] == ' ') return refuse(table, "psn_name", "must not be empty");
    if (!is_token(field(table, CARD_NO), "")) return refuse(table, "card_no", "must be letters and digits");
    gj_text_set(line->psn_no, sizeof line->psn_no, psn_no);
    gj_text_set(line->psn_cert_type, sizeof line->psn_cert_type, field(table, CERT_TYPE));
    gj_text_set(line->psn_name, sizeof line->psn_name, name);
    gj_text_set(line->card_no, sizeof line->card_no, field(table, CARD_NO));
    return true;
}

static bool take_person(struct table *table, struct gj_people_line *line) {
    char key[GJ_CERTNO_MAX + GJ_REGION_MAX + 16];
    *line = (struct gj_people_line){.number = table->csv.number};
    if (table->csv.reason != NULL) return refuse(table, "line", table->csv.reason);
    if (!check_fields(table) || !take_identity(table, line) || !take_insurance(table, line)) return false;
    (void)snprintf(key, sizeof key, "c:%s:%s:%s", line->psn_cert_type, line->certno, line->insuplc_admdvs);
    if (!remember(table, "certno", key)) return false;
    (void)snprintf(key, sizeof key, "n:%s", line->psn_no);
    return remember(table, "psn_no", key);
}

/* --- institutions --------------------------------- */

enum { CODE, NAME, OPEN_FROM, OPEN_TO };

static const struct column institution_columns[] = {
    [CODE] = {"fixmedins_code", GJ_INSTITUTION_CODE_MAX},
    [NAME] = {"fixmedins_name", GJ_INSTITUTION_NAME_MAX},
    [OPEN_FROM] = {"open_from", 10},
    [OPEN_TO] = {"open_to", 10},
};

static bool take_code(struct table *table, struct gj_institution_line *line) {
    const char *code = field(table, CODE);
    char region[GJ_REGION_MAX + 1] = "";
    if (strlen(code) != 12 || (code[0] != 'H' && code[0] != 'P') || strspn(code + 1, "0123456789") != 11) {
        return refuse(table, "fixmedins_code", "must be H or P and eleven digits");
    }
    memcpy(region, code + 1, GJ_REGION_MAX);
    gj_text_set(line->fixmedins_code, sizeof line->fixmedins_code, code);
    return check_region(table, "fixmedins_code", region);
}

static bool take_institution(struct table *table, struct gj_institution_line *line) {
    char key[GJ_INSTITUTION_CODE_MAX + 4];
    *line = (struct gj_institution_line){.number = table->csv.number};
    if (table->csv.reason != NULL) return refuse(table, "line", table->csv.reason);
    if (!check_fields(table) || !take_code(table, line)) return false;
    if (field(table, NAME)[0] == '\0') return refuse(table, "fixmedins_name", "must not be empty");
    gj_text_set(line->fixmedins_name, sizeof line->fixmedins_name, field(table, NAME));
    if (gj_date_parse(field(table, OPEN_FROM), &line->open_from) != GJ_OK) {
        return refuse(table, "open_from", "must be a date, yyyy-MM-dd");
    }
    if (field(table, OPEN_TO)[0] != '\0' && gj_date_parse(field(table, OPEN_TO), &line->open_to) != GJ_OK) {
        return refuse(table, "open_to", "must be a date, yyyy-MM-dd, or empty");
    }
    if (line->open_to != 0 && line->open_to < line->open_from)
        return refuse(table, "open_to", "lies before open_from");
    (void)snprintf(key, sizeof key, "i:%s", line->fixmedins_code);
    return remember(table, "fixmedins_code", key);
}

/* --- both --------------------------------- */

static enum gj_err open_table(struct table *table, struct gj_conf_error *error) {
    table->csv.file = fopen(table->path, "re");
    if (table->csv.file == NULL) {
        return gj_conf_fail(error, errno == ENOENT ? GJ_ERR_NOT_FOUND : GJ_ERR_IO, table->path, 0, NULL,
                            "cannot be opened: %s", strerror(errno));
    }
    return read_header(table, error);
}

static enum gj_err close_table(struct table *table, enum gj_err err, struct gj_conf_error *error) {
    if (err == GJ_OK && table->csv.file != NULL && ferror(table->csv.file) != 0) {
        err = gj_conf_fail(error, GJ_ERR_IO, table->path, table->csv.number, NULL, "cannot be read");
    }
    if (err == GJ_OK && table->no_memory) {
        err = gj_conf_fail(error, GJ_ERR_NO_MEMORY, table->path, table->csv.number, NULL, "out of memory");
    }
    if (table->csv.file != NULL) (void)fclose(table->csv.file);
    forget_all(table);
    return err;
}

enum gj_err gj_people_read(const char *path, const struct gj_directory *directory,
                           struct gj_people_result *ret,
                           enum gj_err (*good)(void *ctx, const struct gj_people_line *line),
                           void (*bad)(void *ctx, unsigned number, const char *reason), void *ctx,
                           struct gj_conf_error *ret_error) {
    struct table table = {.path = path, .columns = people_columns, .directory = directory};
    table.n_columns = sizeof people_columns / sizeof people_columns[0];
    *ret = (struct gj_people_result){0};
    enum gj_err err = open_table(&table, ret_error);
    while (err == GJ_OK && !table.no_memory && gj_csv_next(&table.csv)) {
        struct gj_people_line line;
        if (take_person(&table, &line)) {
            ret->good++;
            err = good(ctx, &line);
        } else {
            ret->bad++;
            bad(ctx, table.csv.number, table.reason);
        }
    }
    return close_table(&table, err, ret_error);
}

enum gj_err gj_institutions_read(const char *path, const struct gj_directory *directory,
                                 struct gj_people_result *ret,
                                 enum gj_err (*good)(void *ctx, const struct gj_institution_line *line),
                                 void (*bad)(void *ctx, unsigned number, const char *reason), void *ctx,
                                 struct gj_conf_error *ret_error) {
    struct table table = {.path = path, .columns = institution_columns, .directory = directory};
    table.n_columns = sizeof institution_columns / sizeof institution_columns[0];
    *ret = (struct gj_people_result){0};
    enum gj_err err = open_table(&table, ret_error);
    while (err == GJ_OK && !table.no_memory && gj_csv_next(&table.csv)) {
        struct gj_institution_line line;
        if (take_institution(&table, &line)) {
            ret->good++;
            err = good(ctx, &line);
        } else {
            ret->bad++;
            bad(ctx, table.csv.number, table.reason);
        }
    }
    return close_table(&table, err, ret_error);
}
