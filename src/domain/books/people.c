/* SPDX-License-Identifier: Apache-2.0
 *
 * People and institutions of this node's regions: keyed tokens, masks, look-up, loading. A number or a name
 * is never stored or compared in the clear, nor is the card number that presence is proved with (R41).
 */
#include "domain/books/judge.h"

#include "base/money.h"

#include <string.h>

#define STAS_NORMAL "1"
#define STAS_LAPSED "2"

/* --- tokens and masks ------------------------------------------------------------------------------------ */
static struct gj_slice trim(const char *text) {
    size_t begin = 0, end = strlen(text);
    while (begin < end && (text[begin] == ' ' || text[begin] == '\t'))
        begin++;
    while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    return gj_slice_of(text + begin, end - begin);
}

void gj_certno_normal(const char *certno, char dst[GJ_CERTNO_MAX + 1]) {
    struct gj_slice trimmed = trim(certno);
    size_t len = trimmed.len < GJ_CERTNO_MAX ? trimmed.len : GJ_CERTNO_MAX;
    for (size_t i = 0; i < len; i++) {
        char c = (char)trimmed.ptr[i];
        dst[i] = (char)(c == 'x' ? 'X' : c);
    }
    dst[len] = '\0';
}

void gj_person_token(const struct gj_hasher *hasher, const char *psn_cert_type, const char *certno,
                     uint8_t ret[GJ_HASH_BYTES]) {
    char normal[GJ_CERTNO_MAX + 1];
    gj_certno_normal(certno, normal);
    const struct gj_slice parts[] = {GJ_SLICE_LIT("gongji-person/1"), gj_slice_of("", 1),
                                     gj_slice_str(psn_cert_type), gj_slice_of("", 1), gj_slice_str(normal)};
    hasher->mac(hasher->ctx, parts, sizeof(parts) / sizeof(parts[0]), ret);
}

void gj_name_token(const struct gj_hasher *hasher, const char *psn_name, uint8_t ret[GJ_HASH_BYTES]) {
    const struct gj_slice parts[] = {GJ_SLICE_LIT("gongji-name/1"), gj_slice_of("", 1), trim(psn_name)};
    hasher->mac(hasher->ctx, parts, sizeof(parts) / sizeof(parts[0]), ret);
}

void gj_card_token(const struct gj_hasher *hasher, const char *card_no, char ret[GJ_CARD_TOKEN_MAX + 1]) {
    char normal[GJ_CERTNO_MAX + 1];
    uint8_t token[GJ_HASH_BYTES];
    gj_certno_normal(card_no, normal);
    ret[0] = '\0';
    if (normal[0] == '\0') return;
    const struct gj_slice parts[] = {GJ_SLICE_LIT("gongji-card/1"), gj_slice_of("", 1), gj_slice_str(normal)};
    hasher->mac(hasher->ctx, parts, sizeof(parts) / sizeof(parts[0]), token);
    gj_hex_encode(ret, token, GJ_CARD_TOKEN_MAX / 2);
}

void gj_certno_mask(const char *certno, char dst[GJ_CERTNO_MAX + 1]) {
    gj_certno_normal(certno, dst);
    size_t len = strlen(dst);
    /* A short number would be shown nearly whole by first 3 and last 4. */
    bool is_short = len <= 10;
    size_t first = is_short ? 0 : 3, last = is_short ? 0 : 4;
    for (size_t i = first; i + last < len; i++) {
        dst[i] = '*';
    }
}

void gj_name_mask(const char *psn_name, char dst[GJ_NAME_MAX + 1]) {
    struct gj_slice name = trim(psn_name);
    size_t len = 0;
    /* One UTF-8 character: its first byte and the continuation bytes after it. */
    while (len < name.len && len < 4 && (len == 0 || (name.ptr[len] & 0xC0) == 0x80)) {
        dst[len] = (char)name.ptr[len];
        len++;
    }
    memcpy(dst + len, "**", 3);
}

/* --- look-up ------------------------------------------------------------------------------------------------ */
bool gj_region_is_ours(const struct gj_books *books, const char *region) {
    const char *node = gj_directory_node_of_region(books->directory, region);
    return node != NULL && gj_directory_is_self(books->directory, node);
}

bool gj_person_get(struct gj_turn *turn, const char *person_ref, struct gj_person_row *ret) {
    *ret = (struct gj_person_row){.has_account = false};
    if (gj_text_copy(ret->person_ref, sizeof(ret->person_ref), person_ref) != GJ_OK) return false;
    return gj_store_get(turn->store, &gj_table_person, ret, turn->scratch);
}

bool gj_person_find(struct gj_turn *turn, const struct gj_person *who, const char *region,
                    struct gj_person_row *ret) {
    struct gj_person_row key = {.has_account = false};
    gj_person_token(turn->hasher, who->psn_cert_type, who->certno, key.token);
    gj_text_set(key.region, sizeof(key.region), region);
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_person, "person_by_token", &key, 2, NULL, 1, turn->scratch, &rows);
    if (rows.n == 0) return false;
    *ret = *(const struct gj_person_row *)rows.items;
    uint8_t name[GJ_HASH_BYTES];
    gj_name_token(turn->hasher, who->psn_name, name);
    return memcmp(name, ret->name_token, sizeof(name)) == 0;
}

bool gj_person_is_normal(const struct gj_person_row *person) {
    return gj_text_equal(person->psn_insu_stas, STAS_NORMAL);
}

bool gj_person_is_enrolled(const struct gj_person_row *person) {
    static const char *const basic[] = {"310", "390", "391"};
    if (!gj_person_is_normal(person) && !gj_text_equal(person->psn_insu_stas, STAS_LAPSED)) return false;
    for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++) {
        if (gj_text_equal(person->insutype, basic[i])) return true;
    }
    return false;
}

bool gj_person_may_contribute(const struct gj_person_row *person) {
    return gj_text_equal(person->insutype, "310") && person->has_account;
}

bool gj_person_is_twice_enrolled(struct gj_turn *turn, const struct gj_person_row *person) {
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_person, "person_by_token", person, 1, NULL, GJ_REGIONS_MAX,
                  turn->scratch, &rows);
    unsigned normal = 0;
    for (size_t i = 0; i < rows.n; i++) {
        if (gj_person_is_normal(&((const struct gj_person_row *)rows.items)[i])) normal++;
    }
    return normal > 1;
}

/* --- loading --------------------------------------------------------------------------------------------------- */
static enum gj_err check_person(struct gj_turn *turn, const struct gj_person_in *in) {
    if (in->person_ref[0] == '\0') return GJ_ERR_MISSING_FIELD;
    if (strlen(in->person_ref) > GJ_PERSON_REF_MAX) return GJ_ERR_TOO_LARGE;
    if (strchr(in->person_ref, '/') != NULL) return GJ_ERR_BAD_FIELD;
    if (!gj_region_is_valid(in->region)) return GJ_ERR_BAD_FIELD;
    bool has_money = in->prior_fen != 0 || in->current_fen != 0;
    if (in->prior_fen < 0 || in->current_fen < 0 || (has_money && !in->has_account)) return GJ_ERR_BAD_AMOUNT;
    if (in->prior_fen > GJ_FEN_INPUT_MAX || in->current_fen > GJ_FEN_INPUT_MAX) return GJ_ERR_BAD_AMOUNT;
    struct gj_person_row row;
    if (gj_person_get(turn, in->person_ref, &row)) return GJ_ERR_CONFLICT;
    memcpy(row.token, in->token, sizeof(row.token));
    gj_text_set(row.region, sizeof(row.region), in->region);
    struct gj_rows rows;
    gj_store_find(turn->store, &gj_table_person, "person_by_token", &row, 2, NULL, 1, turn->scratch, &rows);
    return rows.n == 0 ? GJ_OK : GJ_ERR_CONFLICT;
}

static void open_account(struct gj_turn *turn, const char *person_ref, enum gj_sub sub, int64_t amount_fen) {
    if (amount_fen == 0) return;
    char account[GJ_ACCOUNT_MAX + 1];
    gj_account_of_person(account, person_ref, sub);
    struct gj_entry entry = {.kind = "opening", .from = "X/opening", .to = account, .amount_fen = amount_fen};
    memcpy(entry.id, "open/", 5);
    gj_text_set(entry.id + 5, sizeof(entry.id) - 5, account);
    gj_ledger_post(turn, &entry);
}

static void put_person(struct gj_turn *turn, const struct gj_person_in *in) {
    struct gj_person_row row = {.has_account = in->has_account, .sealed = in->sealed};
    gj_text_set(row.person_ref, sizeof(row.person_ref), in->person_ref);
    memcpy(row.token, in->token, sizeof(row.token));
    memcpy(row.name_token, in->name_token, sizeof(row.name_token));
    gj_text_set(row.region, sizeof(row.region), in->region);
    gj_text_set(row.insutype, sizeof(row.insutype), in->insutype);
    gj_text_set(row.psn_type, sizeof(row.psn_type), in->psn_type);
    gj_text_set(row.psn_insu_stas, sizeof(row.psn_insu_stas), in->psn_insu_stas);
    gj_text_set(row.account_status, sizeof(row.account_status), in->account_status);
    gj_text_set(row.masked, sizeof(row.masked), in->masked);
    gj_text_set(row.name_masked, sizeof(row.name_masked), in->name_masked);
    gj_card_token(turn->hasher, in->card_no, row.card_token);
    gj_store_put(turn->store, &gj_table_person, &row);
}

enum gj_err gj_books_add_person(struct gj_turn *turn, const struct gj_person_in *in) {
    size_t mark = turn->scratch->used; /* a people file is one long turn */
    enum gj_err err = check_person(turn, in);
    if (err == GJ_OK) {
        put_person(turn, in);
        open_account(turn, in->person_ref, GJ_SUB_PRIOR, in->prior_fen);
        open_account(turn, in->person_ref, GJ_SUB_CURRENT, in->current_fen);
    }
    turn->scratch->used = mark;
    return err == GJ_OK ? gj_store_err(turn->store) : err;
}

enum gj_err gj_books_add_institution(struct gj_turn *turn, const char *code, const char *name,
                                     gj_date open_from, gj_date open_to) {
    struct gj_institution_row row = {.open_from = open_from, .open_to = open_to};
    GJ_TRY(gj_text_copy(row.code, sizeof(row.code), code));
    if (gj_store_get(turn->store, &gj_table_institution, &row, turn->scratch)) return GJ_ERR_CONFLICT;
    row.open_from = open_from;
    row.open_to = open_to;
    GJ_TRY(gj_text_copy(row.name, sizeof(row.name), name));
    gj_store_put(turn->store, &gj_table_institution, &row);
    return gj_store_err(turn->store);
}

enum gj_err gj_books_check_institution(struct gj_turn *turn, const char *code, gj_date date) {
    struct gj_institution_row row = {.open_from = 0};
    if (gj_text_copy(row.code, sizeof(row.code), code) != GJ_OK) return GJ_ERR_INSTITUTION;
    if (!gj_store_get(turn->store, &gj_table_institution, &row, turn->scratch)) return GJ_ERR_INSTITUTION;
    bool is_open = row.open_from <= date && (row.open_to == 0 || date <= row.open_to);
    return is_open ? GJ_OK : GJ_ERR_INSTITUTION;
}
