/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions by hand, and the cases that people settle. A decision goes through the running node, under the token of
 * the person who makes it; the list of cases is read beside it. It must never write into a store.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "cli/api.h"
#include "cli/offline.h"
#include "protocol/tables.h"

/* --- propose, confirm --------------------------------------------------------------------------------------- */

#define PATH_CAP (3 * GJ_TXID_TEXT_CAP + 40)

/* "/v1/transactions/130000%2F1%2F2%2F1:propose"; false if it is no transaction's id. */
static bool make_path(const char *text, const char *verb, char ret[PATH_CAP]) {
    struct gj_txid txid;
    size_t at = (size_t)snprintf(ret, PATH_CAP, "/v1/transactions/");
    if (gj_txid_parse(text, strlen(text), &txid) != GJ_OK) return false;
    for (const char *c = text; *c != '\0'; c++) {
        at += (size_t)snprintf(ret + at, PATH_CAP - at, *c == '/' ? "%%2F" : "%c", *c);
    }
    (void)snprintf(ret + at, PATH_CAP - at, ":%s", verb);
    return true;
}

static const char *text_of(const json_t *body, const char *name) {
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

static int say_answer(const struct gj_args *args, const struct gj_api_answer *answer) {
    if (answer->status != 200) {
        enum gj_err err = gj_err_from_name(text_of(answer->body, "code"));
        const char *title = text_of(answer->body, "title");
        return gj_cli_fail(args, err, title[0] != '\0' ? title : gj_err_text_en(err));
    }
    if (args->given[GJ_OPTION_JSON]) {
        bool good = json_dumpf(answer->body, args->out, JSON_COMPACT) == 0 && fputc('\n', args->out) != EOF;
        return good ? GJ_EXIT_OK : gj_cli_fail(args, GJ_ERR_IO, "standard output cannot be written");
    }
    bool is_confirmed = strcmp(text_of(answer->body, "state"), "confirmed") == 0;
    fprintf(args->out, "%s: %s %s by %s%s%s\n", text_of(answer->body, "txid"),
            text_of(answer->body, "outcome"), text_of(answer->body, "state"),
            text_of(answer->body, "proposed_by"), is_confirmed ? ", " : "",
            text_of(answer->body, "confirmed_by"));
    fputs(is_confirmed ? "the money here has moved; the doubt goes on until a proof comes\n"
                         "本节点资金已处理；在取得证明之前该交易仍为待决\n"
                       : "nothing has moved; another operator must confirm it\n"
                         "尚未生效，须由另一操作员复核确认\n",
          args->out);
    return GJ_EXIT_OK;
}

static int decide(const struct gj_args *args, const char *verb, bool with_reason) {
    char path[PATH_CAP];
    struct gj_api_answer answer;
    const char *outcome = args->operands[1];
    bool is_outcome = strcmp(outcome, "commit") == 0 || strcmp(outcome, "abort") == 0;
    if (!make_path(args->operands[0], verb, path)) return gj_cli_usage(args, "that is no transaction's id");
    if (!is_outcome) return gj_cli_usage(args, "say commit or abort");
    json_t *body = with_reason
                       ? json_pack("{s:s, s:s, s:s}", "outcome", outcome, "reason",
                                   args->value[GJ_OPTION_REASON], "evidence", args->value[GJ_OPTION_EVIDENCE])
                       : json_pack("{s:s}", "outcome", outcome);
    if (body == NULL) return gj_cli_usage(args, "--reason and --evidence must be UTF-8");
    int code = gj_api_post(args, path, body, &answer);
    json_decref(body);
    if (code == GJ_EXIT_OK) code = say_answer(args, &answer);
    json_decref(answer.body);
    return code;
}

int gj_cmd_tx_propose(const struct gj_args *args) {
    return decide(args, "propose", true);
}

int gj_cmd_tx_confirm(const struct gj_args *args) {
    return decide(args, "confirm", false);
}

/* --- cases -------------------------------------------------------------------------------------------------- */

/* Signed messages as they came, for whoever checks them. */
static json_t *hex_of(struct gj_slice bytes) {
    size_t cap = 2 * bytes.len + 1;
    char *text = malloc(cap);
    if (text == NULL) return NULL;
    gj_hex_encode(text, bytes.ptr, bytes.len);
    text[cap - 1] = '\0';
    json_t *ret = json_string(text);
    free(text);
    return ret;
}

static bool print_case(const struct gj_case_row *row, bool json, FILE *out) {
    char txid[GJ_TXID_TEXT_CAP], yuan[GJ_YUAN_TEXT_CAP];
    gj_txid_format(txid, &row->txid);
    gj_yuan_format(yuan, row->difference_fen);
    if (!json)
        return fprintf(out, "%s %s %s %s %s\n", row->case_id, row->what, txid,
                       row->node[0] != '\0' ? row->node : "-", yuan) > 0;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o}", "case_id", row->case_id, "what", row->what,
                  "txid", txid, "node", row->node, "opened_ms", (json_int_t)row->opened_ms, "difference",
                  yuan, "first", hex_of(row->first), "second", hex_of(row->second));
    bool good = object != NULL && json_dumpf(object, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
    json_decref(object);
    return good;
}

/* The oldest first, one at a time: their evidence is large. */
static int print_cases(struct gj_offline *offline) {
    const struct gj_args *args = offline->args;
    struct gj_case_row last, key = {.opened_ms = 0};
    const void *after = NULL;
    for (;;) { /* ends with the table */
        struct gj_rows rows;
        gj_arena_reset(&offline->scratch);
        gj_store_find(offline->store, &gj_table_case, "case_file_by_time", &key, 0, after, 1,
                      &offline->scratch, &rows);
        enum gj_err err = gj_store_err(offline->store);
        if (err != GJ_OK) return gj_cli_fail(args, err, offline->store->detail);
        if (rows.n == 0) return GJ_EXIT_OK;
        last = *(const struct gj_case_row *)rows.items;
        if (!print_case(&last, args->given[GJ_OPTION_JSON], args->out))
            return gj_cli_fail(args, GJ_ERR_IO, "standard output cannot be written");
        last.first = GJ_SLICE_NONE;
        last.second = GJ_SLICE_NONE;
        after = &last;
    }
}

int gj_cmd_cases(const struct gj_args *args) {
    struct gj_offline offline;
    int code = gj_offline_open_store(args, GJ_STORE_READ, &offline);
    if (code != GJ_EXIT_OK) return code;
    offline.store->ops->begin(offline.store);
    code = print_cases(&offline);
    offline.store->ops->rollback(offline.store);
    gj_offline_close(&offline);
    return code;
}
