/* SPDX-License-Identifier: Apache-2.0
 *
 * The only way in for what peers say: one row for each way a parcel is refused, injected into a real engine and
 * made with the real signer. Each refusal has its code, nothing is remembered of what was not signed, and an
 * error is never about an error.
 */
#include "admission_rig.h"

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

static struct gj_slice bad_signature(struct rig *r, struct gj_header *header) {
    struct gj_slice good = verify_with(&r->forge, header);
    return gj_forge_flip(&r->forge, good, signature_at(good));
}

/* Who could say it without a signature could ring our alarm with another's name. */
static struct gj_slice too_early_unsigned(struct rig *r, struct gj_header *header) {
    struct gj_slice good = too_early(r, header);
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
    {"from the future, not signed", too_early_unsigned, PEER, GJ_ERR_BAD_SIGNATURE, "", FORGOTTEN},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(no_hello_leads_to_a_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
