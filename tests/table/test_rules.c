/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per rule and boundary. Each row changes one thing against a case in which nothing refuses, and
 * says which rule must be named, or what the source must give. A row that changes nothing comes first.
 */
#include "unit/domain/books_world.h"

#define BIT(name) (1u << name)
#define BASE      (BIT(GJ_RELATION_SPOUSE) | BIT(GJ_RELATION_PARENT) | BIT(GJ_RELATION_CHILD))
#define NEAR      (BASE | BIT(GJ_RELATION_SIBLING) | BIT(GJ_RELATION_GRANDPARENT) | BIT(GJ_RELATION_GRANDCHILD))

/* --- sources: P1 of Ji'an has 1000 yuan, 100 are asked for --------------------------------------------- */
struct source_row {
    const char *name;
    /* the pack: 0 leaves what the default says */
    int64_t retention, cap, annual;
    enum gj_reach reach;
    bool premium_inside, uses_inside, lapsed_may_pay;
    /* the payer and the question; NULL or 0: 1, normal, 310, 1000 yuan, the case's regions, outpatient, 100 */
    const char *stas, *status, *insutype;
    int64_t balance, used, asked;
    const char *recipient_region, *care, *use;
    /* what must come out */
    int64_t cover;
    const char *code, *rule;
};

#define Y YUAN
static const struct source_row source_rows[] = {
    {.name = "nothing refuses", .cover = 100 * Y},
    /* R1 */
    {.name = "R1 a resident pays", .insutype = "390", .code = "RULE", .rule = "R1"},
    /* R3, R83 */
    {.name = "R3 lapsed", .stas = "2", .code = "RULE", .rule = "R3"},
    {.name = "R83 lapsed but the pack lets him", .stas = "2", .lapsed_may_pay = true, .cover = 100 * Y},
    {.name = "R3 ended", .stas = "4", .lapsed_may_pay = true, .code = "RULE", .rule = "R3"},
    {.name = "R3 not insured", .stas = "0", .lapsed_may_pay = true, .code = "RULE", .rule = "R3"},
    /* R9 */
    {.name = "R9 frozen", .status = "frozen", .code = "RULE", .rule = "R9"},
    {.name = "R9 pending liquidation", .status = "pending_liquidation", .code = "RULE", .rule = "R9"},
    {.name = "R9 liquidated", .status = "liquidated", .code = "RULE", .rule = "R9"},
    /* which is named */
    {.name = "R1 before R3 before R9",
     .insutype = "390",
     .stas = "2",
     .status = "frozen",
     .code = "RULE",
     .rule = "R1"},
    {.name = "R3 before R9", .stas = "2", .status = "frozen", .code = "RULE", .rule = "R3"},
    /* R20, R21 at pay time */
    {.name = "R20 other region",
     .reach = GJ_REACH_REGION,
     .recipient_region = "360100",
     .code = "RULE",
     .rule = "R20"},
    {.name = "R20 same region", .reach = GJ_REACH_REGION, .recipient_region = "360800", .cover = 100 * Y},
    {.name = "R21 other province", .reach = GJ_REACH_PROVINCE, .code = "RULE", .rule = "R21"},
    {.name = "R21 same province", .reach = GJ_REACH_PROVINCE, .recipient_region = "360100", .cover = 100 * Y},
    {.name = "R22 national reach", .reach = GJ_REACH_NATIONAL, .cover = 100 * Y},
    /* R70-R74 of the payer's pack */
    {.name = "R74 fitness", .use = "fitness", .code = "RULE", .rule = "R74"},
    {.name = "R74 public health", .use = "public_health", .code = "RULE", .rule = "R74"},
    {.name = "R74 wellness", .use = "wellness", .code = "RULE", .rule = "R74"},
    {.name = "R73 check-up not in the pack", .use = "checkup", .code = "RULE", .rule = "R73"},
    {.name = "R73 vaccine not in the pack", .use = "vaccine", .code = "RULE", .rule = "R73"},
    {.name = "R72 resident premium", .use = "resident_premium", .cover = 100 * Y},
    {.name = "R71 pharmacy", .use = "pharmacy", .cover = 100 * Y},
    {.name = "R70 inpatient", .use = "inpatient", .cover = 100 * Y},
    {.name = "an unknown use", .use = "dinner", .code = "BAD_FIELD", .rule = ""},
    /* R23, R24 */
    {.name = "R23 premium of a relative outside",
     .premium_inside = true,
     .use = "resident_premium",
     .code = "RULE",
     .rule = "R23"},
    {.name = "R23 premium of a relative inside",
     .premium_inside = true,
     .use = "resident_premium",
     .recipient_region = "360100",
     .cover = 100 * Y},
    {.name = "R23 is about premiums only", .premium_inside = true, .use = "outpatient", .cover = 100 * Y},
    {.name = "R24 care outside", .uses_inside = true, .code = "RULE", .rule = "R24"},
    {.name = "R24 care inside", .uses_inside = true, .care = "360100", .cover = 100 * Y},
    /* R49: only what is above the floor */
    {.name = "R49 exactly the floor", .retention = 1000 * Y, .code = "RULE", .rule = "R49"},
    {.name = "R49 a fen above the floor", .retention = 1000 * Y - 1, .cover = 1, .rule = "R49"},
    {.name = "R49 below the floor", .retention = 2000 * Y, .code = "RULE", .rule = "R49"},
    {.name = "R49 leaves a fen too little", .retention = 900 * Y + 1, .cover = 100 * Y - 1, .rule = "R49"},
    {.name = "R49 leaves just enough", .retention = 900 * Y, .cover = 100 * Y},
    /* R50 */
    {.name = "R50 nothing there", .balance = -1, .code = "RULE", .rule = "R50"},
    {.name = "R50 a fen too little", .balance = 100 * Y - 1, .cover = 100 * Y - 1, .rule = "R50"},
    {.name = "R50 just enough", .balance = 100 * Y, .cover = 100 * Y},
    /* R51: per settlement */
    {.name = "R51 cap minus one", .cap = 100 * Y - 1, .cover = 100 * Y - 1, .rule = "R51"},
    {.name = "R51 cap exactly", .cap = 100 * Y, .cover = 100 * Y},
    {.name = "R51 cap of a fen", .cap = 1, .cover = 1, .rule = "R51"},
    /* R51: per year */
    {.name = "R51 year used up", .annual = 200 * Y, .used = 200 * Y, .code = "RULE", .rule = "R51"},
    {.name = "R51 year overdrawn by a new pack",
     .annual = 200 * Y,
     .used = 300 * Y,
     .code = "RULE",
     .rule = "R51"},
    {.name = "R51 a fen of the year left", .annual = 200 * Y, .used = 200 * Y - 1, .cover = 1, .rule = "R51"},
    {.name = "R51 just enough of the year left", .annual = 200 * Y, .used = 100 * Y, .cover = 100 * Y},
    /* the smallest is named; of equal ones R49, R51, R50 */
    {.name = "R51 below R49", .retention = 950 * Y, .cap = 40 * Y, .cover = 40 * Y, .rule = "R51"},
    {.name = "R49 below R51", .retention = 970 * Y, .cap = 40 * Y, .cover = 30 * Y, .rule = "R49"},
    {.name = "R49 equal to R51", .retention = 960 * Y, .cap = 40 * Y, .cover = 40 * Y, .rule = "R49"},
    {.name = "R51 equal to R50", .balance = 40 * Y, .cap = 40 * Y, .cover = 40 * Y, .rule = "R51"},
    {.name = "R50 below R51", .balance = 39 * Y, .cap = 40 * Y, .cover = 39 * Y, .rule = "R50"},
    {.name = "annual below per settlement", .cap = 50 * Y, .annual = 30 * Y, .cover = 30 * Y, .rule = "R51"},
    /* nothing asked, nothing given, nothing to explain */
    {.name = "nothing is asked", .asked = -1, .cover = 0},
};

static const char *or_else(const char *value, const char *otherwise) {
    return value != NULL ? value : otherwise;
}

static int64_t or_else_fen(int64_t value, int64_t otherwise) {
    if (value < 0) return 0;
    return value != 0 ? value : otherwise;
}

static void set_pack(struct gj_pack *pack, const struct source_row *row) {
    pack->min_retention_fen = row->retention;
    pack->per_settlement_cap_fen = row->cap;
    pack->annual_cap_fen = row->annual;
    pack->reach = row->reach;
    pack->premium_only_inside_province = row->premium_inside;
    pack->uses_only_inside_province = row->uses_inside;
    pack->lapsed_payer_may_pay = row->lapsed_may_pay;
}

/* The binding is made while nothing refuses it; then the row's facts and pack come into force. */
static void set_up_source(struct world *w, const struct source_row *row, struct gj_cover_ask *ret) {
    const char *recipient_region = or_else(row->recipient_region, "330100");
    world_person(w, "P1", "360800", "310", 0);
    if (world_is_ours(w, recipient_region)) world_person(w, "Q", recipient_region, "390", 0);
    world_bind(w, "B1", "P1", "360800", "Q", recipient_region, "child");
    struct gj_entry entry = {.id = "salary", .kind = "opening", .from = "X/opening", .to = "P/P1/prior"};
    entry.amount_fen = or_else_fen(row->balance, 1000 * Y);
    gj_ledger_post(&w->turn, &entry);
    if (row->used > 0) gj_usage_add(&w->turn, "P1", 2026, row->used);
    gj_usage_add(&w->turn, "P1", 2025, 5000 * Y); /* another year's use is nobody's business */
    world_set_status(w, "P1", or_else(row->stas, "1"), or_else(row->status, "normal"));
    struct gj_person_row person;
    assert_true(gj_person_get(&w->turn, "P1", &person));
    gj_text_set(person.insutype, sizeof(person.insutype), or_else(row->insutype, "310"));
    gj_store_put(w->store, &gj_table_person, &person);
    set_pack(&w->pack[0], row);
    *ret = (struct gj_cover_ask){
        .binding_ref = "B1", .business_date = TODAY, .amount = or_else_fen(row->asked, 100 * Y)};
    gj_text_set(ret->recipient_region, sizeof(ret->recipient_region), recipient_region);
    gj_text_set(ret->mdtrtarea_admvs, sizeof(ret->mdtrtarea_admvs), or_else(row->care, "450100"));
    gj_text_set(ret->use, sizeof(ret->use), or_else(row->use, "outpatient"));
}

static void check_source(const struct source_row *row, const struct gj_cover_answer *answer) {
    bool same = answer->cover == row->cover && strcmp(answer->code, or_else(row->code, "")) == 0 &&
                strcmp(answer->rule, or_else(row->rule, "")) == 0;
    if (!same) {
        fail_msg("%s: cover %lld code '%s' rule '%s'", row->name, (long long)answer->cover, answer->code,
                 answer->rule);
    }
    assert_string_equal(answer->account, row->cover > 0 ? "P/P1/prior" : "");
}

static void each_rule_of_a_source(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(source_rows) / sizeof(source_rows[0]); i++) {
        struct world *w = world_new();
        struct gj_cover_ask ask;
        struct gj_cover_answer answer;
        set_up_source(w, &source_rows[i], &ask);
        uint64_t writes = w->store->writes;
        gj_books_cover(&w->books, &w->turn, &ask, &answer);
        check_source(&source_rows[i], &answer);
        assert_int_equal(w->store->writes, writes);
        world_free(w);
    }
}

/* Across provinces each row must come out the same when only the pack of that scope, or only the local one,
 * says so: the local pack narrows, and so does the other. */
static void each_rule_of_a_source_in_either_pack(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(source_rows) / sizeof(source_rows[0]); i++) {
        const struct source_row *row = &source_rows[i];
        bool is_within = row->recipient_region != NULL && strncmp(row->recipient_region, "36", 2) == 0;
        if (row->lapsed_may_pay || is_within) continue; /* needs both packs; not across provinces */
        for (int strict = 0; strict < 2; strict++) {
            struct world *w = world_new();
            struct gj_cover_ask ask;
            struct gj_cover_answer answer;
            world_default_pack(&w->pack[1]);
            gj_text_set(w->pack[1].id, sizeof(w->pack[1].id), "across");
            w->pack[1].cross_province = true;
            w->packs.n = 2;
            set_up_source(w, row, &ask);
            world_default_pack(&w->pack[0]);
            set_pack(&w->pack[strict], row);
            gj_books_cover(&w->books, &w->turn, &ask, &answer);
            check_source(row, &answer);
            world_free(w);
        }
    }
}

static void a_lapse_is_forgiven_only_by_both_packs(void **state) {
    (void)state;
    for (unsigned given = 0; given < 4; given++) {
        struct world *w = world_new();
        struct gj_cover_ask ask;
        struct gj_cover_answer answer;
        const struct source_row row = {.stas = "2"};
        world_default_pack(&w->pack[1]);
        w->pack[1].cross_province = true;
        w->packs.n = 2;
        set_up_source(w, &row, &ask);
        w->pack[0].lapsed_payer_may_pay = (given & 1u) != 0;
        w->pack[1].lapsed_payer_may_pay = (given & 2u) != 0;
        gj_books_cover(&w->books, &w->turn, &ask, &answer);
        assert_string_equal(answer.rule, given == 3 ? "" : "R3");
        world_free(w);
    }
}

/* What is no rule at all: no such binding, one that is over, another recipient's region, no pack. */
static void a_source_that_cannot_be_judged(void **state) {
    (void)state;
    static const struct source_row plain = {.name = "plain"};
    static const struct {
        const char *what, *code, *rule;
    } rows[] = {{"unknown", "NOT_FOUND", ""}, {"pending", "NOT_FOUND", ""},
                {"ended", "RULE", "R32"},     {"region", "BAD_FIELD", ""},
                {"no pack", "RULE", "R22"},   {"person gone", "PERSON_UNKNOWN", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = world_new();
        struct gj_cover_ask ask;
        struct gj_cover_answer answer;
        struct gj_binding_row binding;
        struct gj_person_row person;
        set_up_source(w, &plain, &ask);
        assert_true(gj_binding_get(&w->turn, "B1", "payer", &binding));
        assert_true(gj_person_get(&w->turn, "P1", &person));
        if (i == 0) memcpy(ask.binding_ref, "B2", 3);
        if (i == 1) gj_text_set(binding.state, sizeof(binding.state), "pending");
        gj_store_put(w->store, &gj_table_binding, &binding);
        if (i == 2) assert_true(gj_books_end_binding(&w->turn, "B1", "payer", TODAY));
        if (i == 3) memcpy(ask.recipient_region, "330200", 7);
        if (i == 4) w->packs.n = 0;
        if (i == 5) assert_true(gj_store_del(w->store, &gj_table_person, &person));
        gj_books_cover(&w->books, &w->turn, &ask, &answer);
        assert_string_equal(answer.code, rows[i].code);
        assert_string_equal(answer.rule, rows[i].rule);
        assert_int_equal(answer.cover, 0);
        world_free(w);
    }
}

/* --- bindings: A of Ji'an and somebody of Hangzhou, his child ------------------------------------------------ */
struct bind_row {
    const char *name;
    const char *side;         /* NULL: payer */
    const char *relation;     /* NULL: child */
    const char *other_region; /* NULL: 330100 */
    const char *insutype;     /* NULL: 310 */
    const char *stas, *status;
    bool no_account, twice;
    uint32_t relations; /* 0: the base set */
    enum gj_reach reach;
    const char *excluded;
    uint32_t members, networks, spouses, children;
    uint32_t existing; /* active bindings of this side with the same relation */
    const char *rule;  /* NULL: nothing refuses */
};

static const struct bind_row bind_rows[] = {
    {.name = "nothing refuses a payer"},
    {.name = "nothing refuses a recipient", .side = "recipient"},
    {.name = "nothing refuses a resident as a recipient", .side = "recipient", .insutype = "390"},
    {.name = "nothing refuses an old resident scheme", .side = "recipient", .insutype = "391"},
    /* R1, R5 */
    {.name = "R1 a resident pays", .insutype = "390", .rule = "R1"},
    {.name = "R1 no account", .no_account = true, .rule = "R1"},
    /* R7 */
    {.name = "R7 an excluded kind", .side = "recipient", .insutype = "340", .excluded = "340", .rule = "R7"},
    {.name = "R7 not this kind", .side = "recipient", .insutype = "390", .excluded = "340"},
    {.name = "R7 for the payer too", .excluded = "310", .rule = "R7"},
    /* R2 */
    {.name = "R2 not insured", .side = "recipient", .stas = "0", .rule = "R2"},
    {.name = "R2 ended", .side = "recipient", .stas = "4", .rule = "R2"},
    {.name = "R2 no basic insurance", .side = "recipient", .insutype = "340", .rule = "R2"},
    {.name = "R2 for the payer too", .stas = "0", .rule = "R2"},
    /* R4 */
    {.name = "R4 enrolled twice", .side = "recipient", .twice = true, .rule = "R4"},
    {.name = "R4 for the payer too", .twice = true, .rule = "R4"},
    /* R3 */
    {.name = "R3 lapsed recipient", .side = "recipient", .stas = "2", .rule = "R3"},
    {.name = "R3 lapsed payer", .stas = "2", .rule = "R3"},
    /* R8 */
    {.name = "R8 pending liquidation", .status = "pending_liquidation", .rule = "R8"},
    {.name = "R8 liquidated", .side = "recipient", .status = "liquidated", .rule = "R8"},
    {.name = "R8 frozen may bind", .status = "frozen"},
    /* R20, R21 */
    {.name = "R20", .reach = GJ_REACH_REGION, .other_region = "360100", .rule = "R20"},
    {.name = "R20 same region", .reach = GJ_REACH_REGION, .other_region = "360800"},
    {.name = "R20 on the recipient's side", .side = "recipient", .reach = GJ_REACH_REGION, .rule = "R20"},
    {.name = "R21", .reach = GJ_REACH_PROVINCE, .rule = "R21"},
    {.name = "R21 same province", .reach = GJ_REACH_PROVINCE, .other_region = "360100"},
    /* R12, R10, R11, R13 */
    {.name = "R10 spouse", .relation = "spouse"},
    {.name = "R10 parent", .relation = "parent"},
    {.name = "R10 sibling outside the base set", .relation = "sibling", .rule = "R10"},
    {.name = "R10 grandchild outside the base set", .relation = "grandchild", .rule = "R10"},
    {.name = "R10 self", .relation = "self", .relations = NEAR, .rule = "R10"},
    {.name = "R10 unknown word", .relation = "cousin", .relations = NEAR, .rule = "R10"},
    {.name = "R10 a smaller base set",
     .relation = "parent",
     .relations = BIT(GJ_RELATION_SPOUSE),
     .rule = "R10"},
    {.name = "R11 sibling inside", .relation = "sibling", .relations = NEAR},
    {.name = "R11 grandparent inside", .relation = "grandparent", .relations = NEAR},
    {.name = "R11 other outside", .relation = "other", .relations = NEAR, .rule = "R11"},
    {.name = "R12 spouse's parent", .relation = "spouse_parent", .rule = "R12"},
    {.name = "R12 spouse's parent of near relatives",
     .relation = "spouse_parent",
     .relations = NEAR,
     .rule = "R12"},
    {.name = "R13 spouse's parent inside",
     .relation = "spouse_parent",
     .relations = NEAR | BIT(GJ_RELATION_SPOUSE_PARENT)},
    {.name = "relation judged on the recipient's side too",
     .side = "recipient",
     .relation = "sibling",
     .rule = "R10"},
    /* R14 */
    {.name = "R14 the second spouse", .relation = "spouse", .spouses = 1, .existing = 1, .rule = "R14"},
    {.name = "R14 the second of two", .children = 2, .existing = 1},
    {.name = "R14 the third of two", .children = 2, .existing = 2, .rule = "R14"},
    {.name = "R14 no limit", .existing = 9},
    {.name = "R14 is counted from the payer", .side = "recipient", .children = 1, .existing = 1},
    /* R15: the payer is one of them */
    {.name = "R15 the seventh", .members = 7, .existing = 5},
    {.name = "R15 the eighth", .members = 7, .existing = 6, .rule = "R15"},
    {.name = "R15 alone", .members = 1, .rule = "R15"},
    /* R16 */
    {.name = "R16 the second network", .side = "recipient", .networks = 1, .existing = 1, .rule = "R16"},
    {.name = "R16 the second of two", .side = "recipient", .networks = 2, .existing = 1},
    {.name = "R16 is about recipients", .networks = 1, .existing = 1},
/* which is named: each row breaks its own rule and several that follow in the order */
#define FROM_R15 .members = 1
#define FROM_R14 .spouses = 0, .children = 1, .existing = 1, FROM_R15
#define FROM_R10 FROM_R14, .relations = BIT(GJ_RELATION_SPOUSE)
#define FROM_R20 FROM_R10, .reach = GJ_REACH_REGION
#define FROM_R8  FROM_R20, .status = "liquidated"
#define FROM_R4  FROM_R8, .twice = true
    {.name = "R14 before R15", FROM_R14, .rule = "R14"},
    {.name = "R10 before R14", FROM_R10, .rule = "R10"},
    {.name = "R12 before R14", FROM_R10, .relation = "spouse_parent", .rule = "R12"},
    {.name = "R20 before R10", FROM_R20, .rule = "R20"},
    {.name = "R8 before R20", FROM_R8, .rule = "R8"},
    {.name = "R3 before R8", FROM_R8, .stas = "2", .rule = "R3"},
    {.name = "R4 before R8", FROM_R4, .rule = "R4"},
    {.name = "R2 before R4", FROM_R4, .stas = "0", .rule = "R2"},
    {.name = "R7 before R2", FROM_R4, .stas = "0", .excluded = "310", .rule = "R7"},
    {.name = "R1 before R7", FROM_R4, .stas = "0", .excluded = "310", .no_account = true, .rule = "R1"},
};

static void add_existing(struct world *w, const struct bind_row *row) {
    bool is_payer = row->side == NULL;
    const char *relation = strcmp(or_else(row->relation, "child"), "spouse") == 0 ? "spouse" : "child";
    for (uint32_t i = 0; i < row->existing; i++) {
        char id[] = "Ba", other[] = "Xa";
        id[1] = other[1] = (char)('a' + i);
        if (is_payer) world_bind(w, id, "A", "360800", other, "330100", relation);
        if (!is_payer) world_bind(w, id, other, "330100", "A", "360800", relation);
    }
}

static void set_up_bind(struct world *w, const struct bind_row *row) {
    world_person(w, "A", "360800", "310", 10);
    add_existing(w, row);
    world_set_status(w, "A", or_else(row->stas, "1"), or_else(row->status, "normal"));
    struct gj_person_row person;
    assert_true(gj_person_get(&w->turn, "A", &person));
    gj_text_set(person.insutype, sizeof(person.insutype), or_else(row->insutype, "310"));
    if (row->no_account) person.has_account = false;
    gj_store_put(w->store, &gj_table_person, &person);
    if (row->twice) assert_int_equal(world_add(w, "A2", "A", "360100", "390", 0), GJ_OK);
    struct gj_pack *pack = &w->pack[0];
    if (row->relations != 0) pack->relations = row->relations;
    pack->reach = row->reach;
    pack->max_members = row->members;
    pack->max_networks = row->networks;
    pack->relation_limits[GJ_RELATION_SPOUSE] = row->spouses;
    pack->relation_limits[GJ_RELATION_CHILD] = row->children;
    if (row->excluded != NULL) {
        gj_text_set(pack->excluded_insutypes[0], sizeof(pack->excluded_insutypes[0]), row->excluded);
        pack->n_excluded_insutypes = 1;
    }
}

static void each_rule_of_a_binding(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bind_rows) / sizeof(bind_rows[0]); i++) {
        const struct bind_row *row = &bind_rows[i];
        struct world *w = world_new();
        set_up_bind(w, row);
        struct gj_verify ask = {.purpose = "binding", .insuplc_admdvs = "360800", .business_date = TODAY};
        struct gj_verified answer;
        world_wire_person("A", &ask.person);
        gj_text_set(ask.role, sizeof(ask.role), or_else(row->side, "payer"));
        gj_text_set(ask.relation, sizeof(ask.relation), or_else(row->relation, "child"));
        gj_text_set(ask.other_region, sizeof(ask.other_region), or_else(row->other_region, "330100"));
        gj_books_verify(&w->books, &w->turn, &ask, &answer);
        bool same = strcmp(answer.rule, or_else(row->rule, "")) == 0 &&
                    strcmp(answer.code, row->rule != NULL ? "RULE" : "") == 0;
        if (!same) fail_msg("%s: code '%s' rule '%s'", row->name, answer.code, answer.rule);
        assert_string_equal(answer.person_ref, row->rule != NULL ? "" : "A");
        world_free(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_of_a_source),
        cmocka_unit_test(each_rule_of_a_source_in_either_pack),
        cmocka_unit_test(a_lapse_is_forgiven_only_by_both_packs),
        cmocka_unit_test(a_source_that_cannot_be_judged),
        cmocka_unit_test(each_rule_of_a_binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
