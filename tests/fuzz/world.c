/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's making, and what its clients ask. All people are made up.
 */
#include "fuzz/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/money.h"
#include "domain/books.h"

#define HOSPITAL    "H45010000001"
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

static const struct gj_cluster_node nodes[WORLD_NODES] = {
    [WORLD_CARE] = {.name = "450000", .regions = "450100"},
    [WORLD_HOME] = {.name = "360000", .regions = "360100 360800"},
    [WORLD_EAST] = {.name = "330000", .regions = "330200"},
};

/* TEST KEYS: Ed25519, published here, so that a story is the same on every machine. Never in a registry. */
static const char *const pems[WORLD_NODES] = {
    [WORLD_CARE] = "MC4CAQAwBQYDK2VwBCIEIKAzolmZ4OpXoCuxPv62wTYzECtuwG2RhKsj/DsSLDmk",
    [WORLD_HOME] = "MC4CAQAwBQYDK2VwBCIEILuZf9L1iPTScW1TUjkX+o4lizUoT73/RA/bheDO6aRB",
    [WORLD_EAST] = "MC4CAQAwBQYDK2VwBCIEIOq3kA4Do6s+Oyu+uAsuv5+Sxk8Ycz/Shymq3PbPMKk6",
};

struct keys {
    struct gj_sign_key *sign[WORLD_NODES];
    struct gj_data_key data[WORLD_NODES];
};

static struct gj_sign_key *read_key(const char *base64) {
    char path[] = "/tmp/gongji-fuzz-key-XXXXXX";
    struct gj_sign_key *key = NULL;
    int fd = mkstemp(path);
    GJ_ASSERT(fd >= 0);
    FILE *file = fdopen(fd, "w");
    GJ_ASSERT(file != NULL);
    (void)fprintf(file, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n", base64);
    GJ_ASSERT(fclose(file) == 0);
    enum gj_err err = gj_sign_key_load(path, &key);
    (void)unlink(path);
    GJ_ASSERT(err == GJ_OK);
    return key;
}

static struct keys *all_keys(void) {
    static struct keys keys;
    for (size_t i = 0; i < WORLD_NODES && keys.sign[i] == NULL; i++) {
        keys.sign[i] = read_key(pems[i]);
        memset(&keys.data[i], (int)i + 1, sizeof keys.data[i]);
    }
    return &keys;
}

/* --- people ---------------------------------------------------------------------------------------------------- */
static const struct {
    const char *region;
    int64_t prior_fen;
} people[] = {{"360800", 3000}, {"360100", 10000}, {"330200", 50000}, {"330200", 700}};
#define N_PEOPLE (sizeof people / sizeof people[0])

/* A made-up number with a right check character (GB 11643). */
static void certno_of(size_t person, char ret[GJ_CERTNO_MAX + 1]) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    (void)snprintf(ret, GJ_CERTNO_MAX + 1, "11010119900101%03u", (unsigned)person + 10);
    for (int i = 0; i < 17; i++)
        sum += (ret[i] - '0') * weights[i];
    ret[17] = "10X98765432"[sum % 11];
    ret[18] = '\0';
}

struct loading {
    const char *node;
};

static void load(void *ctx, struct gj_turn *turn) {
    const struct loading *loading = ctx;
    for (size_t i = 0; i < N_PEOPLE; i++) {
        struct gj_person_in in = {.insutype = "310",
                                  .psn_type = "1101",
                                  .psn_insu_stas = "1",
                                  .account_status = "normal",
                                  .has_account = true,
                                  .sealed = GJ_SLICE_LIT("sealed"),
                                  .prior_fen = people[i].prior_fen};
        char certno[GJ_CERTNO_MAX + 1], name[16];
        if (memcmp(people[i].region, loading->node, 2) != 0) continue;
        certno_of(i, certno);
        (void)snprintf(name, sizeof name, "Person%u", (unsigned)i);
        (void)snprintf(in.person_ref, sizeof in.person_ref, "p%u", (unsigned)i);
        gj_person_token(turn->hasher, "01", certno, in.token);
        gj_name_token(turn->hasher, name, in.name_token);
        gj_certno_mask(certno, in.masked);
        gj_name_mask(name, in.name_masked);
        gj_text_set(in.card_no, sizeof in.card_no, certno);
        gj_text_set(in.region, sizeof in.region, people[i].region);
        enum gj_err err = gj_books_add_person(turn, &in);
        GJ_ASSERT(err == GJ_OK);
    }
    if (!gj_text_equal(loading->node, nodes[WORLD_CARE].name)) return;
    enum gj_err err = gj_books_add_institution(turn, HOSPITAL, "First Hospital", 20200101, 0);
    GJ_ASSERT(err == GJ_OK);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */
static uint8_t byte(struct world *world) {
    return gj_read_u8(&world->reader);
}

static void name_of(size_t person, struct gj_req_person *ret) {
    *ret = (struct gj_req_person){.psn_cert_type = "01"};
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, people[person].region);
    certno_of(person, ret->certno);
    (void)snprintf(ret->psn_name, sizeof ret->psn_name, "Person%u", (unsigned)person);
}

static void put_msgid(struct world *world, char ret[GJ_MSGID_MAX + 1], uint8_t how) {
    uint32_t number = how % 8 == 7 && world->n_messages > 0 ? world->n_messages : ++world->n_messages;
    (void)snprintf(ret, GJ_MSGID_MAX + 1, "m-%u", number); /* sometimes one that was used before */
}

static void make_bind(struct world *world, struct gj_req_bind *ret, uint8_t how) {
    *ret = (struct gj_req_bind){.sender = HOSPITAL, .consent_ref = "consent-1", .relation = "child"};
    put_msgid(world, ret->msgid, how);
    name_of(how / 8 % N_PEOPLE, &ret->payer);
    name_of(how / 32 % N_PEOPLE, &ret->recipient);
}

static void make_bill(struct world *world, struct gj_req_bill *ret, uint8_t how) {
    static const int64_t amounts[] = {1, 3000, 5000, 100000};
    struct gj_req_person who;
    int64_t payable = amounts[how / 8 % 4];
    char cash[GJ_YUAN_TEXT_CAP];
    name_of(how >= 192 ? 1 : 0, &who);
    *ret = (struct gj_req_bill){.sender = HOSPITAL,
                                .fixmedins_code = HOSPITAL,
                                .mdtrtarea_admvs = "450100",
                                .psn_cert_type = "01",
                                .mdtrt_cert_type = "02",
                                .med_type = "11",
                                .medfee_sumamt = payable + 100,
                                .fund_pay_sumamt = 100,
                                .psn_part_amt = payable,
                                .acct_payable_amt = payable,
                                .accept_changed = true};
    put_msgid(world, ret->msgid, how);
    gj_text_set(ret->insuplc_admdvs, sizeof ret->insuplc_admdvs, who.insuplc_admdvs);
    gj_text_set(ret->certno, sizeof ret->certno, who.certno);
    gj_text_set(ret->psn_name, sizeof ret->psn_name, who.psn_name);
    gj_text_set(ret->mdtrt_cert_no, sizeof ret->mdtrt_cert_no, who.certno);
    gj_text_set(ret->expected_psn_cash_pay, sizeof ret->expected_psn_cash_pay, gj_yuan_format(cash, 0));
    if (how / 32 % 2 == 0 || world->n_plans == 0) return;
    ret->expected_psn_cash_pay[0] = '\0';
    gj_text_set(ret->plan_id, sizeof ret->plan_id, world->plans[(world->n_plans - 1) % WORLD_KNOWN]);
}

static void note_ticket(struct world *world, uint64_t ticket, enum gj_request_kind kind, const char *msgid) {
    struct world_ticket *note = &world->tickets[world->n_tickets++ % WORLD_TICKETS];
    *note = (struct world_ticket){.ticket = ticket, .kind = kind};
    gj_text_set(note->msgid, sizeof note->msgid, msgid);
}

static void ask(struct world *world, size_t node, enum gj_request_kind kind, const void *body,
                const char *msgid) {
    note_ticket(world, gj_cluster_submit(world->cluster, node, kind, body), kind, msgid);
}

static const char *known(const char list[WORLD_KNOWN][GJ_REF_MAX + 1], uint32_t n, uint8_t which) {
    return n == 0 ? "none" : list[which % (n < WORLD_KNOWN ? n : WORLD_KNOWN)];
}

/* What leads back: refund, reversal, unbinding. */
static void submit_undo(struct world *world, size_t node, enum gj_request_kind kind, uint8_t how) {
    static const int64_t amounts[] = {1, 1000, 3000, 100000};
    struct gj_req_refund refund = {.sender = HOSPITAL, .amount = amounts[how / 8 % 4]};
    struct gj_req_reverse reverse = {.sender = HOSPITAL};
    struct gj_req_unbind unbind = {.sender = HOSPITAL, .by = "payer"};
    if (kind == GJ_REQUEST_REFUND) {
        put_msgid(world, refund.msgid, how);
        gj_text_set(
            refund.setl_id, sizeof refund.setl_id,
            known((const char(*)[GJ_REF_MAX + 1]) world->settlements, world->n_settlements, how / 32));
        ask(world, node, kind, &refund, refund.msgid);
    } else if (kind == GJ_REQUEST_REVERSE) {
        (void)snprintf(reverse.omsgid, sizeof reverse.omsgid, "m-%u", how % (world->n_messages + 2));
        ask(world, node, kind, &reverse, reverse.omsgid);
    } else {
        put_msgid(world, unbind.msgid, how);
        if (how >= 128) gj_text_set(unbind.by, sizeof unbind.by, "recipient");
        gj_text_set(unbind.binding_id, sizeof unbind.binding_id,
                    known((const char(*)[GJ_REF_MAX + 1]) world->bindings, world->n_bindings, how / 8 % 16));
        ask(world, node, kind, &unbind, unbind.msgid);
    }
}

/* Any request that the edge could let through. */
static void submit_filled(struct world *world, size_t node) {
    enum gj_request_kind kind = (enum gj_request_kind)(1 + byte(world) % (GJ_REQUEST_COUNT - 1));
    const struct gj_shape *shape = gj_request_shape(kind);
    void *body = gj_arena_alloc(&world->arena, shape->size);
    GJ_ASSERT(body != NULL);
    gj_fuzz_fill(shape, body, &world->reader, &world->pool, &world->arena);
    ask(world, node, kind, body, "");
}

void world_submit(struct world *world) {
    uint8_t kind = byte(world), how = byte(world);
    size_t node = kind >= 240 ? kind % WORLD_NODES : WORLD_CARE;
    struct gj_req_bind bind;
    struct gj_req_bill bill;
    if (!gj_cluster_is_up(world->cluster, node)) return;
    switch (kind % 8) {
    case 0:
        make_bind(world, &bind, how);
        ask(world, node, GJ_REQUEST_BIND, &bind, bind.msgid);
        return;
    case 1:
        make_bill(world, &bill, how);
        ask(world, node, GJ_REQUEST_PLAN, &bill, bill.msgid);
        return;
    case 2:
    case 3:
        make_bill(world, &bill, how);
        ask(world, node, GJ_REQUEST_SETTLE, &bill, bill.msgid);
        return;
    case 4:
        submit_undo(world, node, GJ_REQUEST_REFUND, how);
        return;
    case 5:
        submit_undo(world, node, GJ_REQUEST_REVERSE, how);
        return;
    case 6:
        submit_undo(world, node, GJ_REQUEST_UNBIND, how);
        return;
    default:
        submit_filled(world, node);
        return;
    }
}

static void remember(char list[WORLD_KNOWN][GJ_REF_MAX + 1], uint32_t *n, const char *text) {
    gj_text_set(list[(*n)++ % WORLD_KNOWN], GJ_REF_MAX + 1, text);
}

void world_hear(struct world *world) {
    uint32_t n = world->n_tickets < WORLD_TICKETS ? world->n_tickets : WORLD_TICKETS;
    for (uint32_t i = 0; i < n; i++) {
        struct world_ticket *note = &world->tickets[i];
        const void *body = NULL;
        if (note->was_read || !gj_cluster_is_answered(world->cluster, note->ticket)) continue;
        GJ_ASSERT(gj_cluster_answers(world->cluster, note->ticket) == 1);
        note->was_read = true;
        enum gj_answer_kind kind = gj_cluster_answer(world->cluster, note->ticket, &body);
        gj_fuzz_pool_learn(&world->pool, gj_answer_shape(kind), body);
        if (kind == GJ_ANSWER_SETTLEMENT)
            remember(world->settlements, &world->n_settlements,
                     ((const struct gj_ans_settlement *)body)->setl_id);
        if (kind == GJ_ANSWER_BINDING)
            remember(world->bindings, &world->n_bindings, ((const struct gj_ans_binding *)body)->binding_id);
        if (kind == GJ_ANSWER_PLAN)
            remember(world->plans, &world->n_plans, ((const struct gj_ans_plan *)body)->plan_id);
    }
}

/* --- making ------------------------------------------------------------------------------------------------------------ */
static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct world *world = ctx;
    if (world->lie > 0) {
        world->lie--;
        if (world_lie(world, flight)) fate->copies = 0;
    } else if (world->drop > 0) {
        world->drop--;
        fate->copies = 0;
    } else if (world->copy > 0) {
        world->copy--;
        fate->copies = 2;
    }
    if (world->delay > 0) {
        world->delay--;
        fate->delay_ms = world->delay_ms;
    }
}

static bool on_answer(void *ctx, size_t node, uint64_t ticket, struct gj_slice answer) {
    struct world *world = ctx;
    (void)node;
    (void)ticket;
    (void)answer;
    if (world->lose_replies == 0) return true;
    world->lose_replies--;
    return false;
}

static void make_pack(struct world *world) {
    world->pack = (struct gj_pack){.id = "default",
                                   .region = "000000",
                                   .version = 1,
                                   .valid_from = 20200101,
                                   .relations = 1u << GJ_RELATION_SPOUSE | 1u << GJ_RELATION_CHILD,
                                   .own_order = {GJ_SUB_PRIOR},
                                   .n_own_order = 1,
                                   .reach = GJ_REACH_NATIONAL,
                                   .uses = 1u << GJ_USE_OUTPATIENT | 1u << GJ_USE_PHARMACY,
                                   .digest = {{GJ_HASH_SM3, 1}}};
    world->packs = (struct gj_packs){&world->pack, 1};
}

void world_open(struct world *world, struct gj_slice story, bool has_liars) {
    static uint8_t *memory;
    struct keys *keys = all_keys();
    memset(world, 0, sizeof *world);
    if (memory == NULL) memory = malloc(ARENA_BYTES);
    GJ_ASSERT(memory != NULL);
    gj_arena_init(&world->arena, memory, ARENA_BYTES);
    gj_reader_init(&world->reader, story);
    make_pack(world);
    const struct gj_cluster_config config = {.nodes = nodes,
                                             .n_nodes = WORLD_NODES,
                                             .packs = &world->packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 7,
                                             .sign_keys = keys->sign,
                                             .data_keys = keys->data,
                                             .ctx = world,
                                             .network = on_network,
                                             .reply = on_answer};
    world->cluster = gj_cluster_new(&config);
    world->has_liars = has_liars;
    for (size_t i = 0; i < WORLD_NODES; i++) {
        struct loading loading = {nodes[i].name};
        gj_cluster_edit(world->cluster, i, load, &loading);
        gj_fuzz_pool_text(&world->pool, nodes[i].name);
        if (has_liars)
            gj_forge_init(&world->forges[i], gj_cluster_hasher(world->cluster, i), keys->sign[i],
                          gj_cluster_directory(world->cluster, i), nodes[i].name);
    }
    gj_cluster_start(world->cluster);
    struct gj_req_bind bind;
    const void *answer = NULL;
    make_bind(world, &bind, 0);
    name_of(2, &bind.payer);
    name_of(0, &bind.recipient);
    enum gj_answer_kind kind =
        gj_cluster_request(world->cluster, WORLD_CARE, GJ_REQUEST_BIND, &bind, &answer);
    GJ_ASSERT(kind == GJ_ANSWER_BINDING);
    remember(world->bindings, &world->n_bindings, ((const struct gj_ans_binding *)answer)->binding_id);
}

void world_close(struct world *world) {
    if (world->has_liars)
        for (size_t i = 0; i < WORLD_NODES; i++)
            gj_forge_done(&world->forges[i]);
    gj_cluster_free(&world->cluster);
}
