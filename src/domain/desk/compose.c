/* SPDX-License-Identifier: Apache-2.0
 *
 * The waterfall: which source pays how much of a bill, and why. Pure arithmetic over the home's answer and
 * what the payers' nodes said; it asks nobody, stores nothing, and gives the same legs for the same input,
 * so that a plan need not be kept: it is composed again when it is settled or read.
 */
#include <string.h>

#include "base/money.h"
#include "domain/desk/desk.h"

const char *gj_account_sub(const char *account) {
    const char *slash = strrchr(account, '/');
    if (slash == NULL || gj_sub_of(slash + 1) == GJ_SUB_COUNT) return NULL;
    return slash + 1;
}

static bool usable(const char *account, int64_t cover_fen) {
    return cover_fen > 0 && gj_account_sub(account) != NULL;
}

int64_t gj_compose_own(int64_t payable_fen, const struct gj_plan_answer *home) {
    int64_t left = payable_fen;
    for (uint32_t i = 0; i < home->n_own; i++) {
        if (usable(home->own[i].account, home->own[i].cover)) left -= gj_fen_min(home->own[i].cover, left);
    }
    return payable_fen - left;
}

/* Appends a line of explanation; the cap holds by count: 4 own accounts, one remark, 16 sources. */
static struct gj_explain_line *explain(struct gj_composed *ret, const char *source, const char *region,
                                       const char *result, const char *rule, int64_t amount_fen) {
    struct gj_explain_line *line = &ret->explain[ret->n_explain++];
    *line = (struct gj_explain_line){.amount = amount_fen};
    gj_text_set(line->source, sizeof(line->source), source);
    gj_text_set(line->region, sizeof(line->region), region);
    gj_text_set(line->result, sizeof(line->result), result);
    gj_text_set(line->rule, sizeof(line->rule), rule);
    return line;
}

static void name_pack(struct gj_explain_line *line, const struct gj_pack_ref *pack) {
    gj_text_set(line->pack, sizeof(line->pack), pack->pack);
    line->pack_version = pack->version;
}

static void pick(struct gj_composed *ret, bool relative, uint32_t index, int64_t amount_fen,
                 const char *account) {
    ret->picks[ret->n_picks++] =
        (struct gj_pick){.relative = relative, .index = index, .amount_fen = amount_fen, .account = account};
}

/* Own accounts first, whatever the order says (R43). Returns what is left to pay. */
static int64_t draw_own(int64_t payable_fen, const char *region, const struct gj_plan_answer *home,
                        struct gj_composed *ret) {
    int64_t left = payable_fen;
    if (home->n_own == 0) name_pack(explain(ret, "self", region, "skipped", "R5", 0), &home->pack);
    for (uint32_t i = 0; i < home->n_own; i++) {
        const struct gj_own_cover *own = &home->own[i];
        int64_t take = usable(own->account, own->cover) ? gj_fen_min(own->cover, left) : 0;
        if (take > 0) pick(ret, false, i, take, own->account);
        const char *result = take > 0 ? "taken" : "skipped";
        const char *rule = take > 0 || left == 0 ? "R43" : "R50";
        name_pack(explain(ret, "self", region, result, rule, take), &home->pack);
        left -= take;
    }
    ret->own_fen = payable_fen - left;
    return left;
}

/* What one relative's source gives of |left_fen|, with its line. */
static int64_t draw_source(int64_t left_fen, bool one, bool one_used, const struct gj_source *source,
                           const struct gj_plan_cover *cover, struct gj_composed *ret) {
    const char *mode_rule = one ? "R46" : "R47";
    const char *result = "taken";
    const char *rule = mode_rule;
    int64_t take = 0;
    if (cover->state == GJ_COVER_UNREACHABLE) {
        result = "unreachable";
        rule = "";
    } else if (left_fen == 0 || one_used) {
        result = "skipped";
        rule = one_used ? "R46" : "R43";
        if (!usable(cover->account, cover->cover) && cover->rule[0] != '\0') rule = cover->rule;
    } else if (!usable(cover->account, cover->cover)) {
        result = "skipped";
        rule = cover->rule[0] != '\0' ? cover->rule : "R50";
    } else {
        take = gj_fen_min(cover->cover, left_fen);
        if (take < left_fen && cover->rule[0] != '\0') {
            result = "shortened";
            rule = cover->rule;
        }
    }
    struct gj_explain_line *line = explain(ret, "relative", source->region, result, rule, take);
    gj_text_set(line->binding_id, sizeof(line->binding_id), source->binding_ref);
    name_pack(line, &cover->pack);
    return take;
}

void gj_compose(int64_t payable_fen, const char *home_region, const struct gj_plan_answer *home,
                const struct gj_plan_cover *covers, struct gj_composed *ret) {
    memset(ret, 0, sizeof(*ret));
    const bool one = gj_text_equal(home->draw, "ONE");
    const bool refuse = gj_text_equal(home->on_unreachable, "REFUSE");
    int64_t left = draw_own(payable_fen, home_region, home, ret);
    bool one_used = false;
    for (uint32_t i = 0; i < home->n_sources; i++) {
        if (covers[i].state == GJ_COVER_UNASKED) continue; /* nobody looked at it */
        bool needed = left > 0 && !one_used;
        if (needed && covers[i].state == GJ_COVER_UNREACHABLE) {
            ret->degraded = true;
            if (refuse) ret->err = GJ_ERR_PAYER_UNREACHABLE;
        }
        int64_t take = draw_source(left, one, one_used, &home->sources[i], &covers[i], ret);
        if (take == 0) continue;
        pick(ret, true, i, take, covers[i].account);
        left -= take;
        ret->mulaid_fen += take;
        one_used = one;
    }
}

uint32_t gj_compose_payers(const struct gj_composed *composed, const char *home_region,
                           const struct gj_plan_answer *home, struct gj_pay_line ret[GJ_LEGS_MAX]) {
    for (uint32_t i = 0; i < composed->n_picks; i++) {
        const struct gj_pick *from = &composed->picks[i];
        struct gj_pay_line *line = &ret[i];
        *line = (struct gj_pay_line){.amount = from->amount_fen};
        gj_text_set(line->payer, sizeof(line->payer), from->relative ? "relative" : "self");
        gj_text_set(line->acct_type, sizeof(line->acct_type), gj_account_sub(from->account));
        gj_text_set(line->region, sizeof(line->region), home_region);
        if (!from->relative) continue;
        const struct gj_source *source = &home->sources[from->index];
        gj_text_set(line->region, sizeof(line->region), source->region);
        gj_text_set(line->binding_id, sizeof(line->binding_id), source->binding_ref);
        gj_text_set(line->relation, sizeof(line->relation), source->relation);
        gj_text_set(line->payer_masked, sizeof(line->payer_masked), source->payer_masked);
    }
    return composed->n_picks;
}
