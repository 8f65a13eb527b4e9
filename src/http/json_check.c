/* SPDX-License-Identifier: Apache-2.0
 *
 * What a field's name means beyond its type: regions, senders, yuan texts, identity numbers. One table by
 * name, so that a new request gets the checks without asking. Asks no registry and no rule.
 */
#include "http/json_edge.h"

#include <stdio.h>
#include <string.h>

#include "base/ids.h"
#include "base/money.h"
#include "wire/certno.h"

static bool is_sender(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text <= 0x20 || *text >= 0x7f) return false;
    }
    return true;
}

static bool is_yuan(const char *text) {
    int64_t fen;
    return gj_yuan_parse(text, strlen(text), &fen) == GJ_OK && fen >= 0;
}

static bool is_cert_type(const char *text) {
    return strspn(text, "0123456789") == 2 && text[2] == '\0';
}

struct meaning {
    const char *field;
    bool (*holds)(const char *text);
    enum gj_err err;
    const char *detail;
};

static const struct meaning meanings[] = {
    {"sender", is_sender, GJ_ERR_BAD_FIELD, "must be printable ASCII without spaces"},
    {"insuplc_admdvs", gj_region_is_valid, GJ_ERR_BAD_FIELD, "must be the six digits of a region"},
    {"mdtrtarea_admvs", gj_region_is_valid, GJ_ERR_BAD_FIELD, "must be the six digits of a region"},
    {"psn_cert_type", is_cert_type, GJ_ERR_BAD_FIELD, "must be two digits"},
    {"expected_psn_cash_pay", is_yuan, GJ_ERR_BAD_AMOUNT,
     "must be a text of yuan with exactly two places, such as \"12.50\", not negative"},
};

static const struct meaning *meaning_of(const char *field) {
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strcmp(meanings[i].field, field) == 0) return &meanings[i];
    }
    return NULL;
}

static char *text_field(const struct gj_shape *shape, void *value, const char *name) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        if (field->type != GJ_FIELD_TEXT || strcmp(field->name, name) != 0) continue;
        return (char *)value + field->offset;
    }
    return NULL;
}

/* A small x is what many keyboards give; the record has a capital one. */
static enum gj_err check_person(const struct gj_shape *shape, void *value, const char *path,
                                struct gj_http_fault *fault) {
    char *cert_type = text_field(shape, value, "psn_cert_type");
    char *certno = text_field(shape, value, "certno");
    if (cert_type == NULL || certno == NULL) return GJ_OK;
    if (!gj_certno_is_valid(cert_type, certno)) {
        char field[GJ_FAULT_FIELD_CAP];
        gj_fault_clean(field, path, "certno");
        return gj_fault_set(fault, GJ_ERR_BAD_CERTNO, field,
                            "not a well-formed identity number of this type; check for a typing error");
    }
    size_t len = strlen(certno);
    if (strcmp(cert_type, "01") == 0 && certno[len - 1] == 'x') certno[len - 1] = 'X';
    return GJ_OK;
}

enum gj_err gj_json_check(const struct gj_shape *shape, void *value, const char *path,
                          struct gj_http_fault *fault) {
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const struct gj_field *field = &shape->fields[i];
        const struct meaning *meaning = meaning_of(field->name);
        if (meaning == NULL || field->type != GJ_FIELD_TEXT) continue;
        const char *text = (const char *)value + field->offset;
        if (text[0] == '\0' || meaning->holds(text)) continue;
        char name[GJ_FAULT_FIELD_CAP];
        gj_fault_clean(name, path, field->name);
        return gj_fault_set(fault, meaning->err, name, meaning->detail);
    }
    return check_person(shape, value, path, fault);
}
