/* SPDX-License-Identifier: Apache-2.0
 *
 * The liar's world: making it, taking a node over, saying, hearing, looking. Transactions are in liar_tx.c.
 */
#include "support/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define CAUGHT_BYTES ((size_t)96 * 1024 * 1024)
#define LOOK_BYTES   ((size_t)16 * 1024 * 1024)
#define MOMENT_MS    20

static const struct gj_cluster_node nodes[GJ_LIAR_NODES] = {
    [GJ_LIAR_CARE] = {.name = "450000", .regions = "450100 450200"},
    [GJ_LIAR_HOME] = {.name = "360000", .regions = "360100 360800"},
    [GJ_LIAR_EAST] = {.name = "330000", .regions = "330100 330200"},
    [GJ_LIAR_NORTH] = {.name = "130000", .regions = "130100 130200"},
};

const char *gj_liar_name(size_t node) {
    GJ_ASSERT(node < GJ_LIAR_NODES);
    return nodes[node].name;
}

/* --- hearing ------------------------------------------------------------------------------------------------ */
static void keep(struct gj_liar *liar, size_t from, const struct gj_parcel *parcel,
                 const struct gj_parcel_item *item) {
    struct gj_message message;
    struct gj_fault fault;
    struct gj_buf buf;
    if (liar->n_caught == GJ_LIAR_CAUGHT_MAX || liar->arena.cap - liar->arena.used < 2 * GJ_MESSAGE_MAX) {
        liar->lost++;
        return;
    }
    gj_arena_reset(&liar->look);
    if (gj_message_decode(item->message, &liar->look, &message, &fault) != GJ_OK) return;
    size_t cap = item->message.len + item->path.len + 512;
    gj_buf_init(&buf, gj_arena_alloc(&liar->arena, cap), cap);
    GJ_ASSERT(gj_parcel_extract(parcel, item, &buf) == GJ_OK);
    liar->caught[liar->n_caught++] =
        (struct gj_liar_caught){.kind = message.kind,
                                .from = from,
                                .message = gj_arena_copy(&liar->arena, item->message),
                                .evidence = gj_buf_slice(&buf)};
}

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct gj_liar *liar = ctx;
    struct gj_parcel parcel;
    (void)fate;
    if (flight->to != liar->self || liar->deaf) return;
    gj_arena_reset(&liar->look);
    struct gj_arena *look = &liar->look;
    GJ_ASSERT(gj_parcel_read(flight->parcel, look, &parcel) == GJ_OK);
    /* The items must outlive the decoding of each. */
    struct gj_parcel_item *items = malloc(parcel.n_items * sizeof *items);
    GJ_ASSERT(items != NULL);
    memcpy(items, parcel.items, parcel.n_items * sizeof *items);
    for (uint32_t i = 0; i < parcel.n_items; i++)
        keep(liar, flight->from, &parcel, &items[i]);
    free(items);
}

const struct gj_liar_caught *gj_liar_latest_caught(const struct gj_liar *liar, size_t from,
                                                   enum gj_kind kind) {
    for (uint32_t i = liar->n_caught; i > 0; i--)
        if (liar->caught[i - 1].from == from && liar->caught[i - 1].kind == kind) return &liar->caught[i - 1];
    return NULL;
}

const void *gj_liar_latest(struct gj_liar *liar, size_t from, enum gj_kind kind, struct gj_message *ret) {
    const struct gj_liar_caught *caught = gj_liar_latest_caught(liar, from, kind);
    struct gj_message message;
    struct gj_fault fault;
    if (caught == NULL) return NULL;
    gj_arena_reset(&liar->look);
    GJ_ASSERT(gj_message_decode(caught->message, &liar->look, &message, &fault) == GJ_OK);
    if (ret != NULL) *ret = message;
    return message.body;
}

uint32_t gj_liar_count(const struct gj_liar *liar, size_t from, enum gj_kind kind) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < liar->n_caught; i++)
        if (liar->caught[i].from == from && liar->caught[i].kind == kind) n++;
    return n;
}

void gj_liar_forget(struct gj_liar *liar) {
    liar->n_caught = liar->lost = 0;
    gj_arena_reset(&liar->arena);
}

/* --- people ------------------------------------------------------------------------------------------------------ */
struct person {
    unsigned number;
    size_t node;
    const char *region;
    int64_t prior_fen;
};

static const struct person people[] = {
    {1, GJ_LIAR_EAST, "330100", 100000}, {2, GJ_LIAR_HOME, "360100", 5000},
    {3, GJ_LIAR_CARE, "450100", 10000},  {4, GJ_LIAR_EAST, "330100", 10000},
    {5, GJ_LIAR_CARE, "450100", 10000},  {6, GJ_LIAR_HOME, "360100", 10000},
    {7, GJ_LIAR_EAST, "330200", 10000},  {8, GJ_LIAR_NORTH, "130100", 10000},
    {9, GJ_LIAR_HOME, "360800", 10000},
};

void gj_liar_person(unsigned number, const char *region, struct gj_req_person *ret) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    memset(ret, 0, sizeof *ret);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, region);
    gj_text_set(ret->psn_cert_type, sizeof ret->psn_cert_type, "01");
    (void)snprintf(ret->certno, sizeof ret->certno, "11010119900101%03u", number % 1000);
    for (int i = 0; i < 17; i++)
        sum += (ret->certno[i] - '0') * weights[i];
    ret->certno[17] = "10X98765432"[sum % 11];
    ret->certno[18] = '\0';
    (void)snprintf(ret->psn_name, sizeof ret->psn_name, "Person%u", number);
}

static void load(void *ctx, struct gj_turn *turn) {
    const size_t node = *(const size_t *)ctx;
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct gj_person_in in = {.sealed = GJ_SLICE_LIT("sealed"), .has_account = true};
        struct gj_req_person who;
        if (people[i].node != node) continue;
        gj_liar_person(people[i].number, people[i].region, &who);
        (void)snprintf(in.person_ref, sizeof in.person_ref, "p%u", people[i].number);
        gj_person_token(turn->hasher, who.psn_cert_type, who.certno, in.token);
        gj_name_token(turn->hasher, who.psn_name, in.name_token);
        gj_certno_mask(who.certno, in.masked);
        gj_name_mask(who.psn_name, in.name_masked);
        gj_text_set(in.card_no, sizeof in.card_no, who.certno);
        gj_text_set(in.region, sizeof in.region, people[i].region);
        gj_text_set(in.insutype, sizeof in.insutype, "310");
        gj_text_set(in.psn_type, sizeof in.psn_type, "1101");
        gj_text_set(in.psn_insu_stas, sizeof in.psn_insu_stas, "1");
        gj_text_set(in.account_status, sizeof in.account_status, "normal");
        in.prior_fen = people[i].prior_fen;
        GJ_ASSERT(gj_books_add_person(turn, &in) == GJ_OK);
    }
    if (node != GJ_LIAR_CARE) return;
    GJ_ASSERT(gj_books_add_institution(turn, GJ_LIAR_HOSPITAL, "First Hospital", 20200101, 0) == GJ_OK);
}

/* --- life ---------------------------------------------------------------------------------------------------------- */
static void make_pack(struct gj_liar *liar) {
    liar->pack = (struct gj_pack){.version = 1,
                                  .valid_from = 20200101,
                                  .relations = 1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_PARENT |
                                               1u << GJ_RELATION_CHILD,
                                  .own_order = {GJ_SUB_PRIOR},
                                  .n_own_order = 1,
                                  .reach = GJ_REACH_NATIONAL,
                                  .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_PHARMACY};
    gj_text_set(liar->pack.id, sizeof liar->pack.id, "default");
    gj_text_set(liar->pack.region, sizeof liar->pack.region, "000000");
    liar->pack.digest.bytes[0] = GJ_HASH_SM3;
    liar->pack.digest.bytes[1] = 1;
    liar->packs = (struct gj_packs){&liar->pack, 1};
}

struct gj_liar *gj_liar_new(void) {
    struct gj_liar *liar = calloc(1, sizeof *liar);
    GJ_ASSERT(liar != NULL);
    liar->self = GJ_LIAR_NODES;
    liar->memory = malloc(CAUGHT_BYTES);
    liar->look_memory = malloc(LOOK_BYTES);
    GJ_ASSERT(liar->memory != NULL && liar->look_memory != NULL);
    gj_arena_init(&liar->arena, liar->memory, CAUGHT_BYTES);
    gj_arena_init(&liar->look, liar->look_memory, LOOK_BYTES);
    memcpy(liar->folder, "/tmp/gongji-liar-XXXXXX", sizeof "/tmp/gongji-liar-XXXXXX");
    GJ_ASSERT(mkdtemp(liar->folder) != NULL);
    make_pack(liar);
    const struct gj_cluster_config config = {.nodes = nodes,
                                             .n_nodes = GJ_LIAR_NODES,
                                             .packs = &liar->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .folder = liar->folder,
                                             .seed = 7,
                                             .ctx = liar,
                                             .network = on_network};
    liar->cluster = gj_cluster_new(&config);
    for (size_t i = 0; i < GJ_LIAR_NODES; i++)
        gj_cluster_edit(liar->cluster, i, load, &i);
    gj_cluster_start(liar->cluster);
    gj_liar_bind(liar, 1, "330100", 2, "360100", liar->binding);
    return liar;
}

void gj_liar_bind(struct gj_liar *liar, unsigned payer, const char *payer_region, unsigned recipient,
                  const char *recipient_region, char ret_id[GJ_REF_MAX + 1]) {
    struct gj_req_bind body = {.sender = GJ_LIAR_HOSPITAL, .consent_ref = "consent", .relation = "child"};
    const void *answer = NULL;
    (void)snprintf(body.msgid, sizeof body.msgid, "bind-%u", ++liar->msgids);
    gj_liar_person(payer, payer_region, &body.payer);
    gj_liar_person(recipient, recipient_region, &body.recipient);
    GJ_ASSERT(gj_cluster_request(liar->cluster, GJ_LIAR_CARE, GJ_REQUEST_BIND, &body, &answer) ==
              GJ_ANSWER_BINDING);
    gj_text_set(ret_id, GJ_REF_MAX + 1, ((const struct gj_ans_binding *)answer)->binding_id);
    gj_liar_run(liar, 100); /* the acknowledgements */
}

static void report(void *ctx, const char *account, const char *what) {
    (void)ctx;
    (void)fprintf(stderr, "difference: %s %s\n", account, what);
}

static void check_books(void *ctx, struct gj_turn *turn) {
    struct gj_books_totals totals;
    *(uint64_t *)ctx += gj_books_check(turn, &totals, report, NULL);
}

static void remove_files(const struct gj_liar *liar) {
    static const char *const ends[] = {".db", ".db-wal", ".db-shm", ".db.lock"};
    char path[160];
    for (size_t i = 0; i < GJ_LIAR_NODES; i++) {
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            (void)snprintf(path, sizeof path, "%s/%s%s", liar->folder, nodes[i].name, ends[k]);
            (void)unlink(path);
        }
    }
    (void)rmdir(liar->folder);
}

void gj_liar_free(struct gj_liar **liar_p) {
    struct gj_liar *liar = *liar_p;
    *liar_p = NULL;
    for (size_t i = 0; i < GJ_LIAR_NODES; i++) {
        uint64_t differences = 0;
        if (i == liar->self) continue;
        if (!gj_cluster_is_up(liar->cluster, i))
            (void)fprintf(stderr, "%s gave up: %s\n", nodes[i].name,
                          gj_err_name(gj_cluster_failure(liar->cluster, i)));
        GJ_ASSERT(gj_cluster_is_up(liar->cluster, i));
        gj_cluster_edit(liar->cluster, i, check_books, &differences);
        GJ_ASSERT(differences == 0);
    }
    gj_cluster_free(&liar->cluster);
    if (liar->self < GJ_LIAR_NODES) gj_forge_done(&liar->forge);
    remove_files(liar);
    free(liar->memory);
    free(liar->look_memory);
    free(liar);
}

void gj_liar_hello(struct gj_liar *liar, uint32_t epoch) {
    struct gj_hello hello = {.version_min = GJ_PROTOCOL_VERSION,
                             .version_max = GJ_PROTOCOL_VERSION,
                             .registry_serial = 1,
                             .boot_epoch = epoch};
    memcpy(hello.network_id, liar->forge.network_id, sizeof hello.network_id);
    memset(hello.nonce, (int)(epoch % 200) + 1, sizeof hello.nonce);
    liar->forge.epoch = epoch;
    liar->forge.counter = 1;
    for (size_t i = 0; i < GJ_LIAR_NODES; i++)
        if (i != liar->self) gj_liar_say(liar, i, GJ_KIND_HELLO, NULL, &hello);
}

void gj_liar_take_over(struct gj_liar *liar, size_t node) {
    gj_liar_run(liar, 2000); /* nothing is under way any more */
    gj_cluster_crash(liar->cluster, node);
    liar->self = node;
    gj_forge_init(&liar->forge, gj_cluster_hasher(liar->cluster, node),
                  gj_cluster_sign_key(liar->cluster, node), gj_cluster_directory(liar->cluster, node),
                  nodes[node].name);
    liar->forge.flush = 1;
    gj_liar_hello(liar, (uint32_t)(gj_cluster_now(liar->cluster, node).wall.ms / 1000) + 1);
    gj_liar_forget(liar);
}

/* --- saying ------------------------------------------------------------------------------------------------------ */
void gj_liar_run(struct gj_liar *liar, int64_t ms) {
    (void)gj_cluster_run(liar->cluster, NULL, NULL, ms);
    if (liar->self < GJ_LIAR_NODES) liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
}

void gj_liar_frame(struct gj_liar *liar, size_t to, struct gj_slice frame) {
    gj_cluster_inject(liar->cluster, to, nodes[liar->self].name, frame);
    gj_liar_run(liar, MOMENT_MS);
}

void gj_liar_say(struct gj_liar *liar, size_t to, enum gj_kind kind, const struct gj_txid *tx,
                 const void *body) {
    liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
    gj_liar_frame(liar, to, gj_forge_one(&liar->forge, kind, nodes[to].name, tx, body));
}

void gj_liar_answer(struct gj_liar *liar, size_t to, enum gj_kind asked, enum gj_kind kind,
                    const void *body) {
    struct gj_message question;
    struct gj_header header;
    GJ_ASSERT(gj_liar_latest(liar, to, asked, &question) != NULL);
    liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
    gj_forge_header(&liar->forge, kind, nodes[to].name, NULL, &header);
    header.reply_to = gj_slice_of(question.header.id, sizeof question.header.id);
    struct gj_slice message = gj_forge_message(&liar->forge, &header, gj_kind_shape(kind), body);
    gj_liar_frame(liar, to, gj_liar_parcel(liar, &message, 1));
}

struct gj_slice gj_liar_parcel(struct gj_liar *liar, const struct gj_slice *messages, uint32_t n) {
    return gj_forge_parcel(&liar->forge, messages, n, NULL, 0);
}

struct gj_slice gj_liar_padded(struct gj_liar *liar, enum gj_kind kind, const char *to,
                               const struct gj_txid *tx, const void *body, size_t padding) {
    struct gj_header header;
    struct gj_buf head, map, out;
    struct gj_arena *arena = &liar->forge.arena;
    liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
    gj_forge_header(&liar->forge, kind, to, tx, &header);
    gj_buf_init(&head, gj_arena_alloc(arena, 1024), 1024);
    gj_buf_init(&map, gj_arena_alloc(arena, GJ_MESSAGE_MAX), GJ_MESSAGE_MAX);
    gj_buf_init(&out, gj_arena_alloc(arena, 2 * GJ_MESSAGE_MAX), 2 * GJ_MESSAGE_MAX);
    GJ_ASSERT(gj_shape_encode(&gj_shape_header, &header, &head, NULL) == GJ_OK);
    GJ_ASSERT(gj_shape_encode(gj_kind_shape(kind), body, &map, NULL) == GJ_OK);
    GJ_ASSERT(map.ptr[0] >= 0x80 && map.ptr[0] < 0x8f); /* a short map: one more entry fits */
    gj_buf_put_u8(&out, 0x92);
    gj_buf_put(&out, head.ptr, head.len);
    gj_buf_put_u8(&out, (uint8_t)(map.ptr[0] + 1));
    gj_buf_put(&out, map.ptr + 1, map.len - 1);
    gj_buf_put(&out, "\xa2zz\xc6", 4);
    gj_buf_put_u32(&out, (uint32_t)padding);
    uint8_t *zeroes = gj_arena_alloc(arena, padding);
    GJ_ASSERT(zeroes != NULL);
    gj_buf_put(&out, zeroes, padding);
    GJ_ASSERT(gj_buf_check(&out) == GJ_OK && out.len <= GJ_MESSAGE_MAX);
    return gj_buf_slice(&out);
}

struct awaiting {
    const struct gj_liar *liar;
    size_t from;
    enum gj_kind kind;
};

static bool was_caught(void *ctx) {
    const struct awaiting *awaiting = ctx;
    return gj_liar_latest_caught(awaiting->liar, awaiting->from, awaiting->kind) != NULL;
}

void gj_liar_await(struct gj_liar *liar, size_t from, enum gj_kind kind) {
    struct awaiting awaiting = {liar, from, kind};
    bool came = gj_cluster_run(liar->cluster, was_caught, &awaiting, 30000);
    GJ_ASSERT(came);
    liar->forge.wall = gj_cluster_now(liar->cluster, liar->self).wall;
}

/* --- looking -------------------------------------------------------------------------------------------------------- */
struct look {
    struct gj_txid txid;
    char account[GJ_REF_MAX + 1];
    const struct gj_table *table;
    char state[GJ_WORD_MAX + 1];
    int64_t balance_fen, held_fen;
    uint64_t rows;
};

static void look_part(void *ctx, struct gj_turn *turn) {
    struct look *look = ctx;
    struct gj_part_row row = {.txid = look->txid};
    if (gj_store_get(turn->store, &gj_table_part, &row, turn->scratch))
        gj_text_set(look->state, sizeof look->state, row.state);
}

static void look_account(void *ctx, struct gj_turn *turn) {
    struct look *look = ctx;
    struct gj_account_row row = {.held_fen = 0};
    gj_text_set(row.account, sizeof row.account, look->account);
    if (!gj_store_get(turn->store, &gj_table_account, &row, turn->scratch)) return;
    look->balance_fen = row.balance_fen;
    look->held_fen = row.held_fen;
}

static void look_rows(void *ctx, struct gj_turn *turn) {
    struct look *look = ctx;
    struct gj_rows rows;
    uint8_t *key = gj_arena_alloc(turn->scratch, look->table->shape->size);
    const void *after = NULL;
    size_t mark = turn->scratch->used;
    uint8_t *last = malloc(look->table->shape->size);
    GJ_ASSERT(key != NULL && last != NULL);
    do {
        gj_store_find(turn->store, look->table, NULL, key, 0, after, 64, turn->scratch, &rows);
        look->rows += rows.n;
        if (rows.n == 0) break;
        memcpy(last, (const uint8_t *)rows.items + (rows.n - 1) * look->table->shape->size,
               look->table->shape->size);
        after = last;
        gj_arena_rewind(turn->scratch, mark);
    } while (rows.more);
    free(last);
}

const char *gj_liar_part_state(struct gj_liar *liar, size_t node, const struct gj_txid *txid) {
    static char state[GJ_WORD_MAX + 1];
    struct look look = {.txid = *txid};
    gj_cluster_edit(liar->cluster, node, look_part, &look);
    gj_text_set(state, sizeof state, look.state);
    return state;
}

static struct look account_of(struct gj_liar *liar, size_t node, const char *account) {
    struct look look = {.rows = 0};
    gj_text_set(look.account, sizeof look.account, account);
    gj_cluster_edit(liar->cluster, node, look_account, &look);
    return look;
}

int64_t gj_liar_balance(struct gj_liar *liar, size_t node, const char *account) {
    return account_of(liar, node, account).balance_fen;
}

int64_t gj_liar_held(struct gj_liar *liar, size_t node, const char *account) {
    return account_of(liar, node, account).held_fen;
}

uint64_t gj_liar_rows(struct gj_liar *liar, size_t node, const struct gj_table *table) {
    struct look look = {.table = table};
    gj_cluster_edit(liar->cluster, node, look_rows, &look);
    return look.rows;
}

uint64_t gj_liar_events(const struct gj_liar *liar, size_t node, enum gj_event_code code) {
    return gj_cluster_events(liar->cluster, node, code);
}

const char *gj_liar_state(struct gj_liar *liar, size_t node) {
    static char state[GJ_WORD_MAX + 1];
    struct gj_req_get get = {.what = "node"};
    const void *answer = NULL;
    GJ_ASSERT(gj_cluster_request(liar->cluster, node, GJ_REQUEST_GET, &get, &answer) == GJ_ANSWER_NODE);
    gj_text_set(state, sizeof state, ((const struct gj_ans_node *)answer)->state);
    return state;
}

void gj_liar_bill(struct gj_liar *liar, struct gj_req_bill *ret, int64_t payable_fen) {
    struct gj_req_person who;
    gj_liar_person(2, "360100", &who);
    *ret = (struct gj_req_bill){.sender = GJ_LIAR_HOSPITAL,
                                .fixmedins_code = GJ_LIAR_HOSPITAL,
                                .mdtrtarea_admvs = "450100",
                                .insuplc_admdvs = "360100",
                                .psn_cert_type = "01",
                                .mdtrt_cert_type = "02",
                                .med_type = "11",
                                .medfee_sumamt = payable_fen,
                                .psn_part_amt = payable_fen,
                                .acct_payable_amt = payable_fen,
                                .expected_psn_cash_pay = "0.00"};
    (void)snprintf(ret->msgid, sizeof ret->msgid, "bill-%u", ++liar->msgids);
    gj_text_set(ret->certno, sizeof ret->certno, who.certno);
    gj_text_set(ret->psn_name, sizeof ret->psn_name, who.psn_name);
    gj_text_set(ret->mdtrt_cert_no, sizeof ret->mdtrt_cert_no, who.certno);
}
