/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored plans: written when a client was shown one, read when he settles it or asks again, removed after
 * their life. A row keeps what was answered, not the legs: those are composed again. It never keeps the
 * bill, which names a person; only its keyed digest.
 */
#include <string.h>

#include "base/check.h"
#include "base/money.h"
#include "domain/desk/desk.h"

int64_t gj_bill_cash(const struct gj_req_bill *req, const struct gj_composed *composed) {
    return req->psn_part_amt - composed->own_fen - composed->mulaid_fen;
}

/* Equal for two requests exactly if they are the same bill: everything but msgid and the agreement. */
static void bill_mac(const struct gj_turn *turn, const struct gj_session_bill *bill,
                     uint8_t ret[GJ_HASH_BYTES]) {
    const struct gj_req_bill *req = &bill->req;
    char fee[GJ_YUAN_TEXT_CAP], fund[GJ_YUAN_TEXT_CAP], part[GJ_YUAN_TEXT_CAP], payable[GJ_YUAN_TEXT_CAP];
    const char *texts[] = {"bill",
                           req->sender,
                           req->fixmedins_code,
                           req->mdtrtarea_admvs,
                           req->insuplc_admdvs,
                           req->psn_cert_type,
                           req->certno,
                           req->psn_name,
                           req->mdtrt_cert_type,
                           req->mdtrt_cert_no,
                           req->med_type,
                           bill->use,
                           gj_yuan_format(fee, req->medfee_sumamt),
                           gj_yuan_format(fund, req->fund_pay_sumamt),
                           gj_yuan_format(part, req->psn_part_amt),
                           gj_yuan_format(payable, req->acct_payable_amt)};
    struct gj_slice parts[sizeof(texts) / sizeof(texts[0])];
    const size_t n = sizeof(texts) / sizeof(texts[0]);
    for (size_t i = 0; i < n; i++)
        parts[i] = gj_slice_of(texts[i], strlen(texts[i]) + 1);
    turn->hasher->mac(turn->hasher->ctx, parts, n, ret);
}

static void fill_answer(const struct gj_plan_row *row, const struct gj_plan_answer *home,
                        struct gj_composed *composed, struct gj_pay_line lines[GJ_LEGS_MAX],
                        struct gj_ans_plan *ret) {
    memset(ret, 0, sizeof(*ret));
    gj_text_set(ret->plan_id, sizeof(ret->plan_id), row->plan_id);
    ret->medfee_sumamt = row->medfee_sumamt;
    ret->fund_pay_sumamt = row->fund_pay_sumamt;
    ret->psn_part_amt = row->psn_part_amt;
    ret->acct_pay = composed->own_fen + composed->mulaid_fen;
    ret->acct_mulaid_pay = composed->mulaid_fen;
    ret->psn_cash_pay = row->psn_part_amt - ret->acct_pay;
    ret->degraded = composed->degraded;
    ret->valid_until = row->expires_ms;
    ret->payers = lines;
    ret->n_payers = gj_compose_payers(composed, row->insuplc_admdvs, home, lines);
    ret->explain = composed->explain;
    ret->n_explain = composed->n_explain;
}

void gj_plan_store(struct gj_turn *turn, struct gj_session *session, const struct gj_plan_answer *home,
                   struct gj_composed *composed, struct gj_ans_plan *ret,
                   struct gj_pay_line lines[GJ_LEGS_MAX]) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_plan_row row;
    uint8_t memory[8192];
    struct gj_buf covers;
    struct gj_fault fault;
    memset(&row, 0, sizeof(row));
    gj_buf_init(&covers, memory, sizeof(memory));
    const struct gj_plan_covers list = {.covers = bill->covers, .n_covers = bill->n_covers};
    enum gj_err err = gj_shape_encode(&gj_shape_plan_covers, &list, &covers, &fault);
    GJ_ASSERT(err == GJ_OK); /* each entry came through a codec with the same limits */
    gj_desk_new_id(turn, "P", row.plan_id);
    gj_text_set(row.sender, sizeof(row.sender), session->sender);
    gj_text_set(row.fixmedins_code, sizeof(row.fixmedins_code), bill->req.fixmedins_code);
    gj_text_set(row.mdtrtarea_admvs, sizeof(row.mdtrtarea_admvs), bill->req.mdtrtarea_admvs);
    gj_text_set(row.insuplc_admdvs, sizeof(row.insuplc_admdvs), bill->req.insuplc_admdvs);
    gj_text_set(row.use, sizeof(row.use), bill->use);
    row.expires_ms = turn->now.wall.ms + GJ_PLAN_LIFE_MS;
    if (home->valid_until > 0) row.expires_ms = gj_fen_min(row.expires_ms, home->valid_until);
    bill_mac(turn, bill, row.bill_mac);
    row.business_date = bill->date;
    row.medfee_sumamt = bill->req.medfee_sumamt;
    row.fund_pay_sumamt = bill->req.fund_pay_sumamt;
    row.psn_part_amt = bill->req.psn_part_amt;
    row.acct_payable_amt = bill->req.acct_payable_amt;
    row.home_local = bill->home_local;
    row.home = gj_slice_of(bill->answer, bill->answer_len);
    row.covers = gj_buf_slice(&covers);
    gj_store_put(turn->store, &gj_table_plan, &row);
    fill_answer(&row, home, composed, lines, ret);
}

/* |sender| "": whoever asks was found to have the right to see all. */
static bool read_alive(struct gj_turn *turn, const char *plan_id, const char *sender, struct gj_plan_row *row,
                       struct gj_plan_covers *covers) {
    struct gj_fault fault;
    memset(row, 0, sizeof(*row));
    if (gj_text_copy(row->plan_id, sizeof(row->plan_id), plan_id) != GJ_OK) return false;
    if (!gj_store_get(turn->store, &gj_table_plan, row, turn->scratch)) return false;
    if (row->expires_ms <= turn->now.wall.ms) return false;
    if (sender[0] != '\0' && !gj_desk_speaks_for(sender, row->sender)) return false;
    return gj_shape_decode(&gj_shape_plan_covers, row->covers, turn->scratch, covers, &fault) == GJ_OK;
}

bool gj_plan_load(struct gj_turn *turn, struct gj_session *session, const char *plan_id) {
    struct gj_session_bill *bill = &session->u.bill;
    struct gj_plan_row row;
    struct gj_plan_covers covers;
    uint8_t mac[GJ_HASH_BYTES];
    if (!read_alive(turn, plan_id, session->sender, &row, &covers)) return false;
    bill_mac(turn, bill, mac);
    if (memcmp(mac, row.bill_mac, sizeof(mac)) != 0) return false;
    if (row.home.len > sizeof(bill->answer) || covers.n_covers > GJ_SOURCES_MAX) return false;
    bill->date = row.business_date;
    bill->home_local = row.home_local;
    bill->answer_len = (uint32_t)row.home.len;
    memcpy(bill->answer, row.home.ptr, row.home.len);
    bill->n_covers = covers.n_covers;
    if (covers.n_covers > 0) memcpy(bill->covers, covers.covers, covers.n_covers * sizeof(covers.covers[0]));
    gj_text_set(bill->plan_id, sizeof(bill->plan_id), row.plan_id);
    return true;
}

bool gj_plan_read(struct gj_turn *turn, const char *plan_id, const char *sender, uint64_t waiter) {
    struct gj_plan_row row;
    struct gj_plan_covers covers;
    struct gj_composed composed;
    struct gj_pay_line lines[GJ_LEGS_MAX];
    struct gj_ans_plan answer;
    if (!read_alive(turn, plan_id, sender, &row, &covers)) return false;
    const struct gj_plan_answer *home = gj_plan_home(turn, row.home_local, row.home);
    if (home == NULL || home->n_sources != covers.n_covers) return false;
    gj_compose(row.acct_payable_amt, row.insuplc_admdvs, home, covers.covers, &composed);
    fill_answer(&row, home, &composed, lines, &answer);
    gj_turn_reply(turn, waiter, GJ_ANSWER_PLAN, &answer);
    return true;
}

void gj_plan_drop(struct gj_turn *turn, const char *plan_id) {
    struct gj_plan_row row;
    memset(&row, 0, sizeof(row));
    gj_text_set(row.plan_id, sizeof(row.plan_id), plan_id);
    (void)gj_store_del(turn->store, &gj_table_plan, &row);
}

void gj_plan_purge(struct gj_domain *domain, struct gj_turn *turn) {
    struct gj_plan_row from;
    struct gj_rows rows;
    memset(&from, 0, sizeof(from));
    gj_store_find(turn->store, &gj_table_plan, "plan_by_expiry", &from, 0, NULL, GJ_DESK_PER_TICK,
                  turn->scratch, &rows);
    struct gj_plan_row *items = rows.items;
    size_t dead = 0;
    while (dead < rows.n && items[dead].expires_ms <= turn->now.wall.ms) {
        (void)gj_store_del(turn->store, &gj_table_plan, &items[dead]);
        dead++;
    }
    if (dead == GJ_DESK_PER_TICK) domain->purge_due = turn->now.mono; /* there may be more */
}
