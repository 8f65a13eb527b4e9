/* SPDX-License-Identifier: Apache-2.0
 *
 * The only way in for what peers say: one row for each way a parcel is refused, injected into a real engine and
 * made with the real signer. Each refusal has its code, nothing is remembered of what was not signed, and an
 * error is never about an error. Then the replay window, one row for each of its edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/state.h"
#include "support/cluster.h"
#include "support/forge.h"

static const struct gj_cluster_node three[] = {
    {"330000", "330100", NULL}, {"360000", "360100", NULL}, {"130000", "130100", NULL}};
static const struct gj_packs no_packs;
#define SELF       "330000" /* node 0, which is asked */
#define PEER       "360000" /* node 1, in whose name is spoken */
#define OTHER      "130000"
#define EVENTS_MAX 64

struct rig {
    struct gj_cluster *cluster;
    struct gj_forge forge; /* speaks for node 1 */
    struct gj_event events[EVENTS_MAX];
    unsigned n_events;
    /* What node 0 sent to node 1 since the last injection. */
    unsigned errors, hellos_back, verified, welcomes, others;
    char error_code[GJ_CODE_MAX + 1];
    _Alignas(max_align_t) uint8_t memory[1 << 18];
    bool is_watching;
};

static void on_event(void *ctx, size_t node, const struct gj_event *event) {
    struct rig *r = ctx;
    if (node != 0 || !r->is_watching) return;
    assert_true(r->n_events < EVENTS_MAX);
    r->events[r->n_events++] = *event;
}

static void on_network(void *ctx, const struct gj_cluster_flight *flight, struct gj_cluster_fate *fate) {
    struct rig *r = ctx;
    struct gj_arena arena;
    struct gj_parcel parcel;
    (void)fate;
    if (!r->is_watching) return;
    gj_arena_init(&arena, r->memory, sizeof r->memory);
    assert_int_equal(gj_parcel_read(flight->parcel, &arena, &parcel), GJ_OK);
    for (uint32_t i = 0; i < parcel.n_items; i++) {
        struct gj_message message;
        struct gj_fault fault;
        assert_int_equal(gj_message_decode(parcel.items[i].message, &arena, &message, &fault), GJ_OK);
        if (flight->from == 1 && flight->to == 0 && message.kind == GJ_KIND_HELLO) r->hellos_back++;
        if (flight->from != 0 || flight->to != 1) continue;
        if (message.kind == GJ_KIND_ERROR) {
            r->errors++;
            gj_text_set(r->error_code, sizeof r->error_code, ((const struct gj_error *)message.body)->code);
        } else if (message.kind == GJ_KIND_VERIFIED) {
            r->verified++;
        } else if (message.kind == GJ_KIND_WELCOME) {
            r->welcomes++;
        } else {
            r->others++;
        }
    }
}

static uint32_t epoch_of(struct rig *r, size_t node) {
    uint8_t store_id[16];
    uint32_t epoch;
    uint64_t flush;
    gj_engine_flush_mark(gj_cluster_engine(r->cluster, node), store_id, &epoch, &flush);
    return epoch;
}

static struct rig *rig_open(void) {
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    const struct gj_cluster_config config = {.nodes = three,
                                             .n_nodes = 3,
                                             .packs = &no_packs,
                                             .alg = GJ_SIGN_ED25519,
                                             .seed = 11,
                                             .ctx = r,
                                             .network = on_network,
                                             .event = on_event};
    r->cluster = gj_cluster_new(&config);
    gj_cluster_start(r->cluster);
    gj_forge_init(&r->forge, gj_cluster_hasher(r->cluster, 1), gj_cluster_sign_key(r->cluster, 1),
                  gj_cluster_directory(r->cluster, 1), PEER);
    r->forge.epoch = epoch_of(r, 1);
    r->forge.counter = 4000; /* beyond what the real node 1 has used, within the window */
    r->forge.wall = gj_cluster_now(r->cluster, 0).wall;
    r->is_watching = true;
    return r;
}

static void rig_close(struct rig **r_p) {
    gj_forge_done(&(*r_p)->forge);
    gj_cluster_free(&(*r_p)->cluster);
    free(*r_p);
    *r_p = NULL;
}

static void inject(struct rig *r, const char *line, struct gj_slice frame) {
    r->n_events = 0;
    r->errors = r->hellos_back = r->verified = r->welcomes = r->others = 0;
    r->error_code[0] = '\0';
    gj_cluster_inject(r->cluster, 0, line, frame);
    while (gj_cluster_step(r->cluster)) {
    }
}

/* --- bodies -------------------------------------------------------------------------------------------------- */

/* New work whose answer is seen at once: nobody of that number is insured here. */
static const struct gj_verify verify = {.purpose = "check",
                                        .consent_ref = "c",
                                        .insuplc_admdvs = "330100",
                                        .person = {"99", "X1", "Nobody"},
                                        .business_date = 20261118};

static const struct gj_digest digest = {{GJ_HASH_SM3, 1, 2, 3}};
static const struct gj_txid tx = {.coordinator = PEER, .epoch = 9, .seq = 1, .attempt = 1};

/* A well-formed body of each kind; what it would do does not matter here. */
static const void *body_of(struct rig *r, enum gj_kind kind) {
    static struct gj_hello hello;
    static struct gj_welcome welcome = {.version = 1, .registry_serial = 1};
    static struct gj_verified verified;
    static struct gj_plan_ask plan = {.sender = "360000/x",
                                      .insuplc_admdvs = "330100",
                                      .mdtrtarea_admvs = "360100",
                                      .fixmedins_code = "H36010000001",
                                      .person = {"99", "X1", "Nobody"},
                                      .mdtrt_cert_type = "02",
                                      .mdtrt_cert_no = "X1",
                                      .use = "outpatient",
                                      .med_type = "11",
                                      .business_date = 20261118};
    static struct gj_plan_answer plan_answer;
    static struct gj_cover_ask cover = {.binding_ref = "b",
                                        .recipient_region = "330100",
                                        .mdtrtarea_admvs = "360100",
                                        .use = "outpatient",
                                        .business_date = 20261118};
    static struct gj_cover_answer cover_answer = {.binding_ref = "b"};
    static struct gj_prepare_core core = {.core = {(const uint8_t *)"x", 1}};
    static struct gj_prepare_legs legs;
    static struct gj_vote vote;
    static struct gj_leg_fact fact = {.account = "a"};
    static struct gj_vote_facts facts = {.facts = &fact, .n_facts = 1};
    static struct gj_commit commit = {.core = {(const uint8_t *)"x", 1}};
    static struct gj_abort abort = {.reason = "ABORTED"};
    static struct gj_tx_ref ref;
    static struct gj_ack ack = {.txids = &ref, .n_txids = 1};
    static struct gj_inquiry inquiry;
    static struct gj_inquire inquire = {.items = &inquiry, .n_items = 1};
    static struct gj_tx_status item = {.state = "PENDING"};
    static struct gj_status status = {.items = &item, .n_items = 1};
    static struct gj_revoke revoke = {
        .binding_ref = "b", .by = "payer", .reason = "unbind", .business_date = 20261118};
    static struct gj_revoked revoked = {.binding_ref = "b"};
    static struct gj_error error = {.code = "BUSY"};
    hello = (struct gj_hello){
        .version_min = 1, .version_max = 1, .registry_serial = 1, .boot_epoch = r->forge.epoch};
    memcpy(hello.network_id, r->forge.network_id, sizeof hello.network_id);
    legs.digest = vote.digest = facts.digest = commit.digest = abort.digest = digest;
    ref.txid = inquiry.txid = item.txid = tx;
    inquiry.digest = item.digest = digest;
    static const void *const bodies[GJ_KIND_COUNT] = {
        [GJ_KIND_HELLO] = &hello,     [GJ_KIND_WELCOME] = &welcome,
        [GJ_KIND_VERIFY] = &verify,   [GJ_KIND_VERIFIED] = &verified,
        [GJ_KIND_PLAN] = &plan,       [GJ_KIND_PLAN_ANSWER] = &plan_answer,
        [GJ_KIND_COVER] = &cover,     [GJ_KIND_COVER_ANSWER] = &cover_answer,
        [GJ_KIND_CORE] = &core,       [GJ_KIND_LEGS] = &legs,
        [GJ_KIND_VOTE] = &vote,       [GJ_KIND_VOTE_FACTS] = &facts,
        [GJ_KIND_COMMIT] = &commit,   [GJ_KIND_ABORT] = &abort,
        [GJ_KIND_ACK] = &ack,         [GJ_KIND_INQUIRE] = &inquire,
        [GJ_KIND_STATUS] = &status,   [GJ_KIND_REVOKE] = &revoke,
        [GJ_KIND_REVOKED] = &revoked, [GJ_KIND_ERROR] = &error};
    assert_non_null(bodies[kind]);
    return bodies[kind];
}

static struct gj_slice sign_one(struct gj_forge *forge, struct gj_slice message) {
    return gj_forge_parcel(forge, &message, 1, NULL, 0);
}

static void verify_header(struct rig *r, struct gj_header *ret) {
    gj_forge_header(&r->forge, GJ_KIND_VERIFY, SELF, NULL, ret);
}

static struct gj_slice verify_with(struct gj_forge *forge, const struct gj_header *header) {
    return sign_one(forge, gj_forge_message(forge, header, gj_kind_shape(GJ_KIND_VERIFY), &verify));
}

/* --- one way to be refused each ------------------------------------------------------------------------------- */

/* Builds the frame; |header| is that of a good question, which is asked again afterwards. */
typedef struct gj_slice build_fn(struct rig *r, struct gj_header *header);

static struct gj_slice oversized(struct rig *r, struct gj_header *header) {
    uint8_t *big = gj_arena_alloc(&r->forge.arena, GJ_PARCEL_MAX + 1);
    struct gj_slice good = verify_with(&r->forge, header);
    assert_non_null(big);
    memcpy(big, good.ptr, good.len);
    return gj_slice_of(big, GJ_PARCEL_MAX + 1);
}

static struct gj_slice rubbish(struct rig *r, struct gj_header *header) {
    (void)r;
    (void)header;
    return GJ_SLICE_LIT("rubbish");
}

static struct gj_slice nothing(struct rig *r, struct gj_header *header) {
    (void)r;
    (void)header;
    return gj_slice_of("", 0);
}

static struct gj_slice cut_short(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    return gj_slice_of(good.ptr, good.len - 1);
}

static struct gj_slice a_byte_too_long(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    uint8_t *longer = gj_arena_alloc(&r->forge.arena, good.len + 1);
    memcpy(longer, good.ptr, good.len);
    return gj_slice_of(longer, good.len + 1);
}

static struct gj_slice good_question(struct rig *r, struct gj_header *header) {
    return verify_with(&r->forge, header);
}

static struct gj_slice of_nobody(struct rig *r, struct gj_header *header) {
    struct gj_forge nobody = r->forge;
    gj_text_set(nobody.sender, sizeof nobody.sender, "999999");
    gj_text_set(header->from, sizeof header->from, "999999");
    struct gj_slice frame = verify_with(&nobody, header);
    gj_text_set(header->from, sizeof header->from, PEER);
    return frame;
}

static struct gj_slice in_our_own_name(struct rig *r, struct gj_header *header) {
    struct gj_forge self = r->forge;
    self.key = gj_cluster_sign_key(r->cluster, 0);
    gj_text_set(self.sender, sizeof self.sender, SELF);
    gj_text_set(header->from, sizeof header->from, SELF);
    struct gj_slice frame = verify_with(&self, header);
    gj_text_set(header->from, sizeof header->from, PEER);
    return frame;
}

static struct gj_slice another_from(struct rig *r, struct gj_header *header) {
    gj_text_set(header->from, sizeof header->from, OTHER);
    struct gj_slice frame = verify_with(&r->forge, header);
    gj_text_set(header->from, sizeof header->from, PEER);
    return frame;
}

static struct gj_slice another_network(struct rig *r, struct gj_header *header) {
    struct gj_forge abroad = r->forge;
    abroad.network_id[15] ^= 1;
    return verify_with(&abroad, header);
}

static struct gj_slice an_old_epoch(struct rig *r, struct gj_header *header) {
    struct gj_forge past = r->forge;
    struct gj_header old = *header;
    const struct gj_msgid id = {--past.epoch, 4000};
    gj_msgid_write(old.id, &id);
    return verify_with(&past, &old);
}

static struct gj_slice an_epoch_without_hello(struct rig *r, struct gj_header *header) {
    struct gj_forge next = r->forge;
    struct gj_header new = *header;
    const struct gj_msgid id = {++next.epoch, 1};
    gj_msgid_write(new.id, &id);
    return verify_with(&next, &new);
}

static struct gj_slice an_error_without_hello(struct rig *r, struct gj_header *header) {
    struct gj_forge next = r->forge;
    (void)header;
    next.epoch++;
    return gj_forge_one(&next, GJ_KIND_ERROR, SELF, NULL, body_of(r, GJ_KIND_ERROR));
}

static struct gj_slice an_id_of_another_epoch(struct rig *r, struct gj_header *header) {
    struct gj_header odd = *header;
    const struct gj_msgid id = {r->forge.epoch + 1, 4000};
    gj_msgid_write(odd.id, &id);
    return verify_with(&r->forge, &odd);
}

static struct gj_slice another_version(struct rig *r, struct gj_header *header) {
    header->v = GJ_PROTOCOL_VERSION + 1;
    struct gj_slice frame = verify_with(&r->forge, header);
    header->v = GJ_PROTOCOL_VERSION;
    return frame;
}

static struct gj_slice to(struct rig *r, struct gj_header *header, const char *whom) {
    gj_text_set(header->to, sizeof header->to, whom);
    struct gj_slice frame = verify_with(&r->forge, header);
    gj_text_set(header->to, sizeof header->to, SELF);
    return frame;
}

static struct gj_slice to_another(struct rig *r, struct gj_header *header) {
    return to(r, header, OTHER);
}

static struct gj_slice to_all(struct rig *r, struct gj_header *header) {
    return to(r, header, GJ_ALL_NODES);
}

static struct gj_slice at(struct rig *r, struct gj_header *header, int64_t sent_ms, int64_t expires_ms) {
    struct gj_header odd = *header;
    odd.sent_at += sent_ms;
    odd.expires_at = r->forge.wall.ms + expires_ms;
    return verify_with(&r->forge, &odd);
}

static struct gj_slice too_early(struct rig *r, struct gj_header *header) {
    return at(r, header, GJ_CLOCK_WINDOW_MS + 1, GJ_CLOCK_WINDOW_MS);
}

static struct gj_slice too_late(struct rig *r, struct gj_header *header) {
    return at(r, header, -GJ_CLOCK_WINDOW_MS - 1, GJ_CLOCK_WINDOW_MS);
}

static struct gj_slice expired(struct rig *r, struct gj_header *header) {
    return at(r, header, 0, -GJ_CLOCK_WINDOW_MS - 1);
}

/* Magic, length and signed bytes stand before the signature. */
static size_t signature_at(struct gj_slice frame) {
    return 4 + 4 + (size_t)(frame.ptr[6] << 8 | frame.ptr[7]) + 2;
}

static struct gj_slice bad_signature(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    return gj_forge_flip(&r->forge, good, signature_at(good));
}

static struct gj_slice bad_root(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    return gj_forge_flip(&r->forge, good, signature_at(good) - 2 - 9); /* the root's last byte */
}

static struct gj_slice bad_salt(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    return gj_forge_flip(&r->forge, good, signature_at(good) + GJ_SIGNATURE_MAX + 4 + 4);
}

/* Another word of the same length in a message that was signed. */
static struct gj_slice bad_message(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    for (size_t i = 0; i + 6 < good.len; i++)
        if (memcmp(good.ptr + i, "Nobody", 6) == 0) return gj_forge_flip(&r->forge, good, i + 5);
    fail();
    return good;
}

static struct gj_slice key_of_nobody(struct rig *r, struct gj_header *header) {
    static struct gj_sign_key *key;
    struct gj_forge forge = r->forge;
    if (key == NULL) assert_int_equal(gj_sign_key_generate(GJ_SIGN_ED25519, &key), GJ_OK);
    forge.key = key;
    return verify_with(&forge, header);
}

static struct gj_slice key_of_another(struct rig *r, struct gj_header *header) {
    struct gj_forge forge = r->forge;
    forge.key = gj_cluster_sign_key(r->cluster, 2);
    return verify_with(&forge, header);
}

/* A second key of the peer, registered with these times; signed |ago_ms| before now. */
static struct gj_slice key_with(struct rig *r, struct gj_header *header, int64_t from_ms, int64_t to_ms,
                                int64_t revoked_ms, int64_t ago_ms) {
    static struct gj_sign_key *old_keys[8];
    static unsigned n;
    struct gj_public_key public_key;
    struct gj_forge forge = r->forge;
    struct gj_sign_key **key = &old_keys[n++ % 8];
    gj_sign_key_free(key);
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_ED25519, key), GJ_OK);
    gj_sign_key_public(*key, &public_key);
    assert_int_equal(gj_keyring_add(gj_cluster_keyring(r->cluster, 0), PEER, &public_key,
                                    (struct gj_wall){from_ms}, (struct gj_wall){to_ms},
                                    (struct gj_wall){revoked_ms}),
                     GJ_OK);
    forge.key = *key;
    forge.wall.ms -= ago_ms;
    return verify_with(&forge, header);
}

static struct gj_slice expired_key(struct rig *r, struct gj_header *header) {
    return key_with(r, header, 0, r->forge.wall.ms, 0, 0);
}

static struct gj_slice revoked_key(struct rig *r, struct gj_header *header) {
    return key_with(r, header, 0, 0, r->forge.wall.ms, 0);
}

static struct gj_slice key_not_yet_valid(struct rig *r, struct gj_header *header) {
    return key_with(r, header, r->forge.wall.ms + 1, 0, 0, 0);
}

/* Who holds an old key can write any date: what speaks now must stand under a key that is valid now. */
static struct gj_slice expired_key_backdated(struct rig *r, struct gj_header *header) {
    return key_with(r, header, 0, r->forge.wall.ms, 0, 3600000);
}

static struct gj_slice revoked_key_backdated(struct rig *r, struct gj_header *header) {
    return key_with(r, header, 0, 0, r->forge.wall.ms, 3600000);
}

/* A batch of three, of which the second travels: its path has two hashes. */
static struct gj_slice middle_of_three(struct rig *r, const struct gj_header *header) {
    struct gj_slice message = gj_forge_message(&r->forge, header, gj_kind_shape(GJ_KIND_VERIFY), &verify);
    const struct gj_slice messages[] = {GJ_SLICE_LIT("one"), message, GJ_SLICE_LIT("three")};
    static const uint32_t second = 1;
    return gj_forge_parcel(&r->forge, messages, 3, &second, 1);
}

static size_t item_at(struct gj_slice frame) {
    return signature_at(frame) + GJ_SIGNATURE_MAX + 4;
}

/* |hashes| instead of two in the path. */
static struct gj_slice path_of(struct rig *r, const struct gj_header *header, size_t hashes) {
    struct gj_slice good = middle_of_three(r, header);
    size_t count_at = item_at(good) + 4 + GJ_SALT_BYTES, path_at = count_at + 1;
    uint8_t *odd = gj_arena_alloc(&r->forge.arena, good.len + 2 * GJ_HASH_BYTES);
    size_t keep = hashes * GJ_HASH_BYTES;
    assert_int_equal(good.ptr[count_at], 2);
    memcpy(odd, good.ptr, good.len);
    odd[count_at] = (uint8_t)hashes;
    size_t rest_at = path_at + 2 * (size_t)GJ_HASH_BYTES;
    memcpy(odd + path_at + keep, good.ptr + rest_at, good.len - rest_at);
    return gj_slice_of(odd, path_at + keep + good.len - rest_at);
}

static struct gj_slice path_too_short(struct rig *r, struct gj_header *header) {
    return path_of(r, header, 1);
}

static struct gj_slice path_too_long(struct rig *r, struct gj_header *header) {
    return path_of(r, header, 3);
}

static struct gj_slice path_elsewhere(struct rig *r, struct gj_header *header) {
    struct gj_slice good = middle_of_three(r, header);
    return gj_forge_flip(&r->forge, good, item_at(good) + 4 + GJ_SALT_BYTES + 1);
}

static struct gj_slice index_of(struct rig *r, const struct gj_header *header, uint8_t index) {
    struct gj_slice good = middle_of_three(r, header);
    struct gj_slice copy = gj_forge_flip(&r->forge, good, 0);
    ((uint8_t *)(uintptr_t)copy.ptr)[0] ^= 1;
    ((uint8_t *)(uintptr_t)copy.ptr)[item_at(good) + 3] = index;
    return copy;
}

static struct gj_slice index_out_of_range(struct rig *r, struct gj_header *header) {
    return index_of(r, header, 3);
}

static struct gj_slice index_of_another(struct rig *r, struct gj_header *header) {
    return index_of(r, header, 0); /* same length of path, another leaf */
}

static struct gj_slice no_msgpack(struct rig *r, struct gj_header *header) {
    (void)header;
    return sign_one(&r->forge, GJ_SLICE_LIT("\xc1\xc1"));
}

static struct gj_slice replayed(struct rig *r, struct gj_header *header) {
    struct gj_slice frame = verify_with(&r->forge, header);
    inject(r, PEER, frame);
    assert_int_equal(r->verified, 1);
    return frame;
}

static struct gj_slice replayed_in_another_parcel(struct rig *r, struct gj_header *header) {
    inject(r, PEER, verify_with(&r->forge, header));
    assert_int_equal(r->verified, 1);
    return verify_with(&r->forge, header); /* signed again: the id is the same */
}

static struct gj_slice older_than_the_window(struct rig *r, struct gj_header *header) {
    struct gj_header far = *header;
    struct gj_msgid id;
    gj_msgid_read(header->id, &id);
    id.counter += GJ_REPLAY_WINDOW;
    gj_msgid_write(far.id, &id);
    inject(r, PEER, verify_with(&r->forge, &far));
    assert_int_equal(r->verified, 1);
    return verify_with(&r->forge, header);
}

static struct gj_slice unknown_kind(struct rig *r, struct gj_header *header) {
    struct gj_header odd = *header;
    gj_text_set(odd.kind, sizeof odd.kind, "telepathy");
    return sign_one(&r->forge, gj_forge_message(&r->forge, &odd, &gj_shape_error, body_of(r, GJ_KIND_ERROR)));
}

static struct gj_slice of_shape(struct rig *r, const struct gj_header *header, const struct gj_shape *shape,
                                const void *body) {
    return sign_one(&r->forge, gj_forge_message(&r->forge, header, shape, body));
}

/* A message of |kind| with the body of another shape: written under a word that nobody knows, then renamed. */
static struct gj_slice misshapen(struct rig *r, const struct gj_header *header, enum gj_kind kind,
                                 const struct gj_shape *shape, const void *body) {
    struct gj_header odd = *header;
    const char *word = gj_kind_word(kind);
    size_t len = strlen(word);
    gj_text_set(odd.kind, sizeof odd.kind, word);
    odd.kind[len - 1] = '#';
    struct gj_slice message = gj_forge_message(&r->forge, &odd, shape, body);
    for (size_t i = 0; i + len <= message.len; i++)
        if (memcmp(message.ptr + i, odd.kind, len) == 0)
            memcpy((uint8_t *)(uintptr_t)message.ptr + i, word, len);
    return sign_one(&r->forge, message);
}

static struct gj_slice field_missing(struct rig *r, struct gj_header *header) {
    return misshapen(r, header, GJ_KIND_VERIFY, &gj_shape_error, body_of(r, GJ_KIND_ERROR));
}

/* A truth value where an amount belongs. */
static struct gj_slice field_of_another_type(struct rig *r, struct gj_header *header) {
    struct gj_header odd = *header;
    static const struct gj_cover_ask cover = {.binding_ref = "b",
                                              .recipient_region = "330100",
                                              .mdtrtarea_admvs = "360100",
                                              .use = "outpatient",
                                              .business_date = 20261118,
                                              .amount = 1};
    gj_text_set(odd.kind, sizeof odd.kind, gj_kind_word(GJ_KIND_COVER));
    struct gj_slice message = gj_forge_message(&r->forge, &odd, gj_kind_shape(GJ_KIND_COVER), &cover);
    for (size_t i = 0; i + 7 < message.len; i++)
        if (memcmp(message.ptr + i, "amount", 6) == 0)
            ((uint8_t *)(uintptr_t)message.ptr)[i + 6] = 0xc3; /* true */
    return sign_one(&r->forge, message);
}

static struct gj_slice an_error_with_a_field_missing(struct rig *r, struct gj_header *header) {
    return misshapen(r, header, GJ_KIND_ERROR, &gj_shape_verify, &verify);
}

enum memory { FORGOTTEN, REMEMBERED, IS_REPLAY };

struct row {
    const char *name;
    build_fn *build;
    const char *line;
    enum gj_err err;
    const char *answer; /* the code of the ERROR that the sender gets; "": none */
    enum memory memory; /* of the message id */
};

static const struct row rows[] = {
    {"too large", oversized, PEER, GJ_ERR_TOO_LARGE, "", FORGOTTEN},
    {"rubbish", rubbish, PEER, GJ_ERR_BAD_PARCEL, "", FORGOTTEN},
    {"nothing", nothing, PEER, GJ_ERR_BAD_PARCEL, "", FORGOTTEN},
    {"cut short", cut_short, PEER, GJ_ERR_BAD_PARCEL, "", FORGOTTEN},
    {"a byte too long", a_byte_too_long, PEER, GJ_ERR_BAD_PARCEL, "", FORGOTTEN},
    {"of nobody", of_nobody, "999999", GJ_ERR_UNKNOWN_SENDER, "", FORGOTTEN},
    {"in our own name", in_our_own_name, SELF, GJ_ERR_UNKNOWN_SENDER, "", FORGOTTEN},
    {"on another line", good_question, OTHER, GJ_ERR_WRONG_SENDER, "", FORGOTTEN},
    {"message of another", another_from, PEER, GJ_ERR_WRONG_SENDER, "", FORGOTTEN},
    {"another network", another_network, PEER, GJ_ERR_WRONG_NETWORK, "", FORGOTTEN},
    {"an old epoch", an_old_epoch, PEER, GJ_ERR_OLD_EPOCH, "", FORGOTTEN},
    {"no HELLO yet", an_epoch_without_hello, PEER, GJ_ERR_NO_HELLO, "NO_HELLO", FORGOTTEN},
    {"an error, no HELLO yet", an_error_without_hello, PEER, GJ_ERR_NO_HELLO, "", FORGOTTEN},
    {"id of another epoch", an_id_of_another_epoch, PEER, GJ_ERR_BAD_FIELD, "", FORGOTTEN},
    {"another version", another_version, PEER, GJ_ERR_BAD_VERSION, "", FORGOTTEN},
    {"to another", to_another, PEER, GJ_ERR_WRONG_RECIPIENT, "", FORGOTTEN},
    {"to all", to_all, PEER, GJ_ERR_WRONG_RECIPIENT, "", FORGOTTEN},
    {"from the future", too_early, PEER, GJ_ERR_CLOCK_SKEW, "CLOCK_SKEW", FORGOTTEN},
    {"from the past", too_late, PEER, GJ_ERR_CLOCK_SKEW, "CLOCK_SKEW", FORGOTTEN},
    {"expired", expired, PEER, GJ_ERR_CLOCK_SKEW, "CLOCK_SKEW", FORGOTTEN},
    {"bad signature", bad_signature, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"bad root", bad_root, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"bad salt", bad_salt, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"bad message", bad_message, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"unknown key", key_of_nobody, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"another node's key", key_of_another, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"expired key", expired_key, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"revoked key", revoked_key, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"key not yet valid", key_not_yet_valid, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"expired key, backdated", expired_key_backdated, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"revoked key, backdated", revoked_key_backdated, PEER, GJ_ERR_UNKNOWN_KEY, "", FORGOTTEN},
    {"path too short", path_too_short, PEER, GJ_ERR_BAD_PATH, "", FORGOTTEN},
    {"path too long", path_too_long, PEER, GJ_ERR_BAD_PATH, "", FORGOTTEN},
    {"path elsewhere", path_elsewhere, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"index out of range", index_out_of_range, PEER, GJ_ERR_BAD_INDEX, "", FORGOTTEN},
    {"index of another", index_of_another, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
    {"no msgpack", no_msgpack, PEER, GJ_ERR_BAD_MSGPACK, "", FORGOTTEN},
    {"replayed", replayed, PEER, GJ_ERR_REPLAY, "", IS_REPLAY},
    {"replayed, signed again", replayed_in_another_parcel, PEER, GJ_ERR_REPLAY, "", IS_REPLAY},
    {"older than the window", older_than_the_window, PEER, GJ_ERR_OLD_ID, "", IS_REPLAY},
    {"unknown kind", unknown_kind, PEER, GJ_ERR_UNKNOWN_KIND, "UNKNOWN_KIND", REMEMBERED},
    {"field missing", field_missing, PEER, GJ_ERR_MISSING_FIELD, "MISSING_FIELD", REMEMBERED},
    {"field of another type", field_of_another_type, PEER, GJ_ERR_BAD_SCHEMA, "BAD_SCHEMA", REMEMBERED},
    {"an error, field missing", an_error_with_a_field_missing, PEER, GJ_ERR_MISSING_FIELD, "", REMEMBERED},
};

static void one_row(const struct row *row) {
    struct rig *r = rig_open();
    struct gj_header header;
    print_message("%s\n", row->name);
    verify_header(r, &header);
    struct gj_slice frame = row->build(r, &header);
    inject(r, row->line, frame);
    /* One event, one code, and nobody was asked anything. */
    assert_int_equal(r->n_events >= 1, true);
    assert_int_equal(r->events[0].code,
                     row->err == GJ_ERR_CLOCK_SKEW ? GJ_EVENT_CLOCK_SKEW : GJ_EVENT_PARCEL_REFUSED);
    assert_int_equal(r->events[0].err, row->err);
    if (row->err != GJ_ERR_NO_HELLO) assert_int_equal(r->n_events, 1);
    assert_int_equal(r->verified, 0);
    assert_int_equal(r->errors, row->answer[0] != '\0');
    assert_string_equal(r->error_code, row->answer);

    /* The same id in a good parcel: taken, unless it was heard under a good signature. */
    inject(r, PEER, verify_with(&r->forge, &header));
    assert_int_equal(r->verified, row->memory == FORGOTTEN);
    if (row->memory == REMEMBERED) assert_int_equal(r->events[0].err, GJ_ERR_REPLAY);
    rig_close(&r);
}

static void each_refusal_has_its_code(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        one_row(&rows[i]);
}

/* Who speaks without HELLO is told, and says it: then he is heard. */
static void no_hello_leads_to_a_hello(void **state) {
    (void)state;
    struct rig *r = rig_open();
    struct gj_header header;
    verify_header(r, &header);
    inject(r, PEER, an_epoch_without_hello(r, &header));
    assert_int_equal(r->errors, 1);
    assert_true(r->hellos_back >= 1); /* the real node 1 heard the error */
    assert_true(r->welcomes >= 1);
    rig_close(&r);
}

/* --- the clock window -------------------------------------------------------------------------------------------- */

/* New work lives inside the window; votes, decisions and questions about them are taken at any time. */
static void the_window_is_for_new_work_only(void **state) {
    (void)state;
    static const bool is_new[GJ_KIND_COUNT] = {
        [GJ_KIND_HELLO] = true, [GJ_KIND_VERIFY] = true, [GJ_KIND_PLAN] = true,
        [GJ_KIND_COVER] = true, [GJ_KIND_CORE] = true,   [GJ_KIND_LEGS] = true};
    static const int64_t edges[] = {
        -INT64_C(86400000) * 400, -GJ_CLOCK_WINDOW_MS - 1, -GJ_CLOCK_WINDOW_MS,    0,
        GJ_CLOCK_WINDOW_MS,       GJ_CLOCK_WINDOW_MS + 1,  INT64_C(86400000) * 400};
    for (int kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        struct rig *r = rig_open();
        for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
            struct gj_header header;
            bool inside = edges[i] >= -GJ_CLOCK_WINDOW_MS && edges[i] <= GJ_CLOCK_WINDOW_MS;
            gj_forge_header(&r->forge, (enum gj_kind)kind, SELF, &tx, &header);
            header.sent_at += edges[i];
            header.expires_at = header.sent_at + GJ_CLOCK_WINDOW_MS;
            inject(r, PEER,
                   of_shape(r, &header, gj_kind_shape((enum gj_kind)kind), body_of(r, (enum gj_kind)kind)));
            unsigned skews = 0;
            for (unsigned k = 0; k < r->n_events; k++) {
                if (r->events[k].code == GJ_EVENT_CLOCK_SKEW) skews++;
                if (r->events[k].code != GJ_EVENT_CLOCK_SKEW) continue;
                assert_int_equal(r->events[k].value, edges[i]); /* and by how much is said */
                assert_string_equal(r->events[k].node, PEER);
            }
            if (skews != (is_new[kind] && !inside)) print_message("%s\n", gj_kind_word((enum gj_kind)kind));
            assert_int_equal(skews, is_new[kind] && !inside);
            assert_int_equal(gj_kind_is_new_work((enum gj_kind)kind), is_new[kind]);
        }
        rig_close(&r);
    }
}

/* --- to all ---------------------------------------------------------------------------------------------------------- */

static void only_some_kinds_may_be_for_all(void **state) {
    (void)state;
    static const bool may[GJ_KIND_COUNT] = {
        [GJ_KIND_CORE] = true, [GJ_KIND_COMMIT] = true, [GJ_KIND_ABORT] = true};
    struct rig *r = rig_open();
    for (int kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        inject(
            r, PEER,
            gj_forge_one(&r->forge, (enum gj_kind)kind, GJ_ALL_NODES, &tx, body_of(r, (enum gj_kind)kind)));
        unsigned refused = 0;
        for (unsigned k = 0; k < r->n_events; k++)
            if (r->events[k].err == GJ_ERR_WRONG_RECIPIENT) refused++;
        assert_int_equal(refused, !may[kind]);
    }
    rig_close(&r);
}

/* --- what is not refused ---------------------------------------------------------------------------------------------- */

/* In a parcel of many each message stands for itself; the good ones are taken. */
static void a_bad_message_spoils_no_other(void **state) {
    (void)state;
    struct rig *r = rig_open();
    struct gj_header header[3];
    struct gj_slice messages[3];
    for (int i = 0; i < 3; i++) {
        verify_header(r, &header[i]);
        if (i == 1) gj_text_set(header[i].to, sizeof header[i].to, OTHER);
        messages[i] = gj_forge_message(&r->forge, &header[i], gj_kind_shape(GJ_KIND_VERIFY), &verify);
    }
    inject(r, PEER, gj_forge_parcel(&r->forge, messages, 3, NULL, 0));
    assert_int_equal(r->verified, 2);
    assert_int_equal(r->n_events, 1);
    assert_int_equal(r->events[0].err, GJ_ERR_WRONG_RECIPIENT);
    rig_close(&r);
}

/* A parcel that was refused leaves no trace of its flush: else a forger could send a peer into RESYNC. */
static void a_refused_parcel_saw_no_flush(void **state) {
    (void)state;
    struct rig *r = rig_open();
    struct gj_abort abort = {.digest = digest, .reason = "ABORTED"};
    struct gj_forge liar = r->forge;
    liar.flush = 1000000;
    struct gj_slice frame = gj_forge_one(&liar, GJ_KIND_ABORT, SELF, &tx, &abort);
    inject(r, PEER, gj_forge_flip(&liar, frame, signature_at(frame)));
    assert_int_equal(r->events[0].err, GJ_ERR_BAD_SIGNATURE);
    inject(r, PEER, gj_forge_one(&r->forge, GJ_KIND_ABORT, SELF, &tx, &abort)); /* a batch that writes */
    gj_cluster_advance(r->cluster, 2000);
    gj_cluster_crash(r->cluster, 1);
    gj_cluster_restart(r->cluster, 1, GJ_WITNESS_EQUAL_OR_BEHIND);
    (void)gj_cluster_run(r->cluster, NULL, NULL, 5000);
    assert_int_equal(gj_cluster_events(r->cluster, 1, GJ_EVENT_RESYNC_NEEDED), 0);
    rig_close(&r);
}

/* --- the replay window --------------------------------------------------------------------------------------------------- */

struct step {
    uint32_t epoch;
    uint64_t counter;
    enum gj_err err; /* what a check says; then it is remembered if it was taken */
};
struct window_row {
    const char *name;
    struct step steps[7]; /* up to a zero epoch */
};
#define W GJ_REPLAY_WINDOW

static const struct window_row window_rows[] = {
    {"the first", {{5, 1, GJ_OK}}},
    {"counter zero", {{5, 0, GJ_OK}, {5, 0, GJ_ERR_REPLAY}}},
    {"the same twice", {{5, 1, GJ_OK}, {5, 1, GJ_ERR_REPLAY}}},
    {"in order", {{5, 1, GJ_OK}, {5, 2, GJ_OK}, {5, 3, GJ_OK}, {5, 2, GJ_ERR_REPLAY}}},
    {"out of order",
     {{5, 9, GJ_OK}, {5, 3, GJ_OK}, {5, 3, GJ_ERR_REPLAY}, {5, 9, GJ_ERR_REPLAY}, {5, 4, GJ_OK}}},
    {"last inside", {{5, W, GJ_OK}, {5, 1, GJ_OK}, {5, 1, GJ_ERR_REPLAY}}},
    {"first outside", {{5, W + 1, GJ_OK}, {5, 1, GJ_ERR_OLD_ID}, {5, 2, GJ_OK}}},
    {"zero falls out", {{5, W, GJ_OK}, {5, 0, GJ_ERR_OLD_ID}}},
    {"moves on by one", {{5, W, GJ_OK}, {5, W + 1, GJ_OK}, {5, 1, GJ_ERR_OLD_ID}, {5, W, GJ_ERR_REPLAY}}},
    {"a bit is cleared as it moves", {{5, 1, GJ_OK}, {5, W + 1, GJ_OK}, {5, W + 2, GJ_OK}, {5, 3, GJ_OK}}},
    {"a place is used again",
     {{5, 7, GJ_OK}, {5, W + 6, GJ_OK}, {5, W + 7, GJ_OK}, {5, W + 7, GJ_ERR_REPLAY}}},
    {"all skipped are free", {{5, 1, GJ_OK}, {5, 2 * W, GJ_OK}, {5, W + 1, GJ_OK}, {5, W, GJ_ERR_OLD_ID}}},
    {"a leap of many windows",
     {{5, 3, GJ_OK}, {5, 100 * W + 3, GJ_OK}, {5, 99 * W + 4, GJ_OK}, {5, 3, GJ_ERR_OLD_ID}}},
    {"the largest number",
     {{5, UINT64_MAX, GJ_OK}, {5, UINT64_MAX, GJ_ERR_REPLAY}, {5, UINT64_MAX - 1, GJ_OK}}},
    {"a new epoch begins anew", {{5, 1, GJ_OK}, {6, 1, GJ_OK}, {6, 1, GJ_ERR_REPLAY}, {6, 2, GJ_OK}}},
    {"an old epoch is old", {{5, 1, GJ_OK}, {6, 1, GJ_OK}, {5, 2, GJ_ERR_OLD_ID}, {5, 900, GJ_ERR_OLD_ID}}},
    {"an epoch leaves no bits", {{5, 40, GJ_OK}, {5, 41, GJ_OK}, {6, 41, GJ_OK}, {6, 40, GJ_OK}}},
};

static void window_edges(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof window_rows / sizeof window_rows[0]; i++) {
        static struct gj_replay_window window;
        memset(&window, 0, sizeof window);
        for (const struct step *step = window_rows[i].steps; step->epoch != 0; step++) {
            const struct gj_msgid id = {step->epoch, step->counter};
            enum gj_err err = gj_replay_check(&window, &id);
            if (err != step->err)
                print_message("%s: %u/%llu\n", window_rows[i].name, (unsigned)id.epoch,
                              (unsigned long long)id.counter);
            assert_int_equal(err, step->err);
            if (err == GJ_OK) gj_replay_remember(&window, &id);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(no_hello_leads_to_a_hello),
        cmocka_unit_test(the_window_is_for_new_work_only),
        cmocka_unit_test(only_some_kinds_may_be_for_all),
        cmocka_unit_test(a_bad_message_spoils_no_other),
        cmocka_unit_test(a_refused_parcel_saw_no_flush),
        cmocka_unit_test(window_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
