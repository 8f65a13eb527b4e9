/* SPDX-License-Identifier: Apache-2.0
 *
 * Every file of schemas/vectors/ through this implementation. A file that is not replayed here, a list in a
 * file that nobody reads, a kind of message without a vector: each is a failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include "base/check.h"
#include "crypto/crypto.h"
#include "protocol/state.h"
#include "support/shape_json.h"
#include "wire/merkle.h"
#include "wire/message.h"

#define FOLDER GJ_SOURCE_DIR "/schemas/vectors/"

static struct gj_hasher hasher;
static json_t *keys_file;
static struct gj_keyring *ring;
static uint8_t scratch[4u * 1024u * 1024u]; /* of the case at hand */
static struct gj_arena arena;

/* --- JSON -------------------------------------------------------------------------------------------- */
static json_t *load(const char *name) {
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, FOLDER "%s", name);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) fail_msg("%s:%d: %s", name, error.line, error.text);
    return json;
}

static json_t *list(const json_t *json, const char *name) {
    json_t *found = json_object_get(json, name);
    if (!json_is_array(found) || json_array_size(found) == 0) fail_msg("%s: not a list of something", name);
    return found;
}

static const char *text(const json_t *json, const char *name) {
    const char *found = json_string_value(json_object_get(json, name));
    if (found == NULL) fail_msg("%s: not a text", name);
    return found;
}

static int64_t number(const json_t *json, const char *name) {
    if (!json_is_integer(json_object_get(json, name))) fail_msg("%s: not a number", name);
    return json_integer_value(json_object_get(json, name));
}

/* In the arena. */
static struct gj_slice bytes(const json_t *json, const char *name) {
    const char *hex = text(json, name);
    size_t len = strlen(hex) / 2;
    uint8_t *ret = gj_arena_alloc(&arena, len);
    assert_non_null(ret);
    if (gj_hex_decode(ret, len, hex) != GJ_OK || strlen(hex) % 2 != 0) fail_msg("%s: not hex", name);
    return gj_slice_of(ret, len);
}

static void put_fixed(const json_t *json, const char *name, void *ret, size_t len) {
    struct gj_slice slice = bytes(json, name);
    assert_int_equal(slice.len, len);
    memcpy(ret, slice.ptr, len);
}

static void assert_bytes(const json_t *json, const char *name, const void *got, size_t len) {
    struct gj_slice want = bytes(json, name);
    if (!gj_slice_equal(want, gj_slice_of(got, len))) fail_msg("%s differs: %s", name, text(json, name));
}

static enum gj_err expected(const json_t *json) {
    const char *name = text(json, "expect");
    enum gj_err err = strcmp(name, "OK") == 0 ? GJ_OK : gj_err_from_name(name);
    if (strcmp(gj_err_name(err), name) != 0) fail_msg("%s: no such code", name);
    return err;
}

static void assert_expected(const json_t *json, enum gj_err err) {
    if (err != expected(json))
        fail_msg("%s: %s instead of %s", text(json, "name"), gj_err_name(err), text(json, "expect"));
}

/* All that the file holds is named in |names|: nothing is there that nobody replays. */
static void assert_only(json_t *json, const char *const *names) {
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value) {
        bool known = strcmp(key, "about") == 0 || strcmp(key, "warning") == 0;
        for (size_t i = 0; names[i] != NULL && !known; i++)
            known = strcmp(key, names[i]) == 0;
        if (!known) fail_msg("%s: nobody replays this", key);
    }
}

#define ONLY(json, ...) assert_only(json, (const char *const[]){__VA_ARGS__, NULL})

/* Calls |check| for each entry, with an empty arena. */
static void each(const json_t *json, const char *name, void (*check)(const json_t *entry)) {
    size_t i;
    json_t *entry;
    json_array_foreach(list(json, name), i, entry) {
        gj_arena_init(&arena, scratch, sizeof scratch);
        check(entry);
    }
}

static enum gj_sign_alg alg_of(const json_t *json) {
    const char *name = text(json, "alg");
    bool known = strcmp(name, "SM2") == 0 || strcmp(name, "ED25519") == 0;
    if (!known) fail_msg("%s: no such algorithm", name);
    return strcmp(name, "SM2") == 0 ? GJ_SIGN_SM2 : GJ_SIGN_ED25519;
}

static enum gj_hash_alg hash_alg_of(const json_t *json) {
    const char *name = text(json, "alg");
    bool known = strcmp(name, "SM3") == 0 || strcmp(name, "SHA-256") == 0;
    if (!known) fail_msg("%s: no such algorithm", name);
    return strcmp(name, "SM3") == 0 ? GJ_HASH_SM3 : GJ_HASH_SHA256;
}

/* --- keys.json --------------------------------------------------------------------------------------- */
/* The public part made from the private one. */
static void public_of_private(enum gj_sign_alg alg, struct gj_slice private_key, struct gj_public_key *ret) {
    *ret = (struct gj_public_key){.alg = alg};
    if (alg == GJ_SIGN_ED25519) {
        EVP_PKEY *pkey =
            EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key.ptr, private_key.len);
        ret->len = sizeof ret->bytes;
        assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, ret->bytes, &ret->len), 1);
        EVP_PKEY_free(pkey);
        return;
    }
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_sm2);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *d = BN_bin2bn(private_key.ptr, (int)private_key.len, NULL);
    assert_int_equal(EC_POINT_mul(group, point, d, NULL, NULL, NULL), 1);
    ret->len =
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret->bytes, sizeof ret->bytes, NULL);
    BN_free(d);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

static void check_key(const json_t *entry) {
    struct gj_public_key key, made;
    uint8_t id[GJ_KEY_ID_BYTES], hash[GJ_HASH_BYTES];
    assert_int_equal(gj_public_key_parse(text(entry, "public"), &key), GJ_OK);
    assert_int_equal(key.alg, alg_of(entry));
    gj_public_key_id(&key, id);
    assert_bytes(entry, "key_id", id, sizeof id);
    public_of_private(key.alg, bytes(entry, "private"), &made);
    assert_int_equal(made.len, key.len);
    assert_memory_equal(made.bytes, key.bytes, key.len);
    /* A test key is recognised by its origin: H(derived_from) is the private part. */
    const struct gj_slice origin = gj_slice_str(text(entry, "derived_from"));
    assert_int_equal(strncmp(text(entry, "derived_from"), "gongji test key: ", 17), 0);
    hasher.hash(hasher.ctx, gj_hash_alg_of(key.alg), &origin, 1, hash);
    assert_bytes(entry, "private", hash, sizeof hash);
}

static void add_key(const json_t *entry) {
    struct gj_public_key key;
    assert_int_equal(gj_public_key_parse(text(entry, "public"), &key), GJ_OK);
    assert_int_equal(gj_keyring_add(ring, text(entry, "node"), &key,
                                    (struct gj_wall){number(entry, "valid_from")},
                                    (struct gj_wall){number(entry, "valid_to")},
                                    (struct gj_wall){number(entry, "revoked_at")}),
                     GJ_OK);
}

static void replay_keys(json_t *file) {
    ONLY(file, "network_id", "keys");
    assert_non_null(strstr(text(file, "warning"), "TEST KEYS"));
    each(file, "keys", check_key);
}

static bool is_known_node(const char *node) {
    size_t i;
    json_t *entry;
    json_array_foreach(list(keys_file, "keys"), i, entry) {
        if (strcmp(text(entry, "node"), node) == 0) return true;
    }
    return false;
}

/* --- hashes.json ------------------------------------------------------------------------------------- */
static void check_hash(const json_t *entry) {
    uint8_t hash[GJ_HASH_BYTES];
    const struct gj_slice message = bytes(entry, "message");
    hasher.hash(hasher.ctx, hash_alg_of(entry), &message, 1, hash);
    assert_bytes(entry, "hash", hash, sizeof hash);
}

static void check_hmac(const json_t *entry) {
    struct gj_data_key key = {.mac = {0}};
    uint8_t mac[GJ_HASH_BYTES];
    const struct gj_slice message = bytes(entry, "message");
    put_fixed(entry, "key", key.mac, sizeof key.mac);
    const struct gj_hasher keyed = gj_crypto_hasher(&key);
    keyed.mac(keyed.ctx, &message, 1, mac);
    assert_bytes(entry, "mac", mac, sizeof mac);
}

static void check_seal(const json_t *entry) {
    struct gj_data_key key = {.mac = {0}};
    uint8_t plain[256];
    struct gj_buf out;
    put_fixed(entry, "seal_key", key.seal, sizeof key.seal);
    put_fixed(entry, "tag_key", key.tag, sizeof key.tag);
    gj_buf_init(&out, plain, sizeof plain);
    assert_expected(entry, gj_unseal(&key, bytes(entry, "sealed"), &out));
    if (expected(entry) == GJ_OK) assert_bytes(entry, "plain", plain, out.len);
}

static void replay_hashes(json_t *file) {
    ONLY(file, "hashes", "hmacs", "seals");
    each(file, "hashes", check_hash);
    each(file, "hmacs", check_hmac);
    each(file, "seals", check_seal);
}

/* --- signatures.json --------------------------------------------------------------------------------- */
static void check_signature(const json_t *entry) {
    struct gj_public_key key;
    assert_int_equal(gj_public_key_parse(text(entry, "public"), &key), GJ_OK);
    assert_expected(entry, gj_verify_signature(&key, bytes(entry, "message"), bytes(entry, "signature")));
}

static void replay_signatures(json_t *file) {
    ONLY(file, "cases");
    each(file, "cases", check_signature);
}

/* --- trees.json -------------------------------------------------------------------------------------- */
/* A head whose signature algorithm has the hash that the entry names. */
static void start_batch(const json_t *entry, struct gj_batch_head *ret) {
    *ret = (struct gj_batch_head){.alg = hash_alg_of(entry) == GJ_HASH_SM3 ? GJ_SIGN_SM2 : GJ_SIGN_ED25519};
    put_fixed(entry, "batch_id", ret->batch_id, sizeof ret->batch_id);
}

static void check_path(const struct gj_batch_head *head, const struct gj_leaf *leaves, uint32_t index,
                       json_t *path) {
    uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES], hash[GJ_HASH_BYTES];
    struct gj_buf buf;
    size_t i;
    json_t *entry;
    gj_buf_init(&buf, memory, sizeof memory);
    gj_merkle_put_path(leaves, head->n_leaves, index, &buf);
    assert_int_equal(buf.len, json_array_size(path) * GJ_HASH_BYTES);
    json_array_foreach(path, i, entry) {
        assert_int_equal(gj_hex_decode(hash, sizeof hash, json_string_value(entry)), GJ_OK);
        assert_memory_equal(memory + i * GJ_HASH_BYTES, hash, sizeof hash);
    }
    const struct gj_parcel_item item = {.index = index,
                                        .salt = gj_slice_of(leaves[index].salt, GJ_SALT_BYTES),
                                        .path = gj_buf_slice(&buf),
                                        .message = leaves[index].message};
    assert_int_equal(gj_parcel_check_item(&hasher, head, &item), GJ_OK);
}

/* An inner node is kept at the leaf before which it splits. */
static void check_node(const json_t *entry, const struct gj_leaf *leaves) {
    uint32_t half = 1;
    while (half * 2 < number(entry, "leaf_count"))
        half *= 2;
    assert_bytes(entry, "hash", leaves[number(entry, "first_leaf") + half].node, GJ_HASH_BYTES);
}

static void check_tree(const json_t *entry) {
    struct gj_batch_head head;
    struct gj_leaf leaves[16] = {0};
    size_t n = json_array_size(list(entry, "leaves")), i;
    json_t *part;
    assert_in_range(n, 1, 16);
    start_batch(entry, &head);
    json_array_foreach(list(entry, "leaves"), i, part) {
        put_fixed(part, "salt", leaves[i].salt, GJ_SALT_BYTES);
        leaves[i].message = bytes(part, "message");
    }
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, (uint32_t)n), GJ_OK);
    assert_bytes(entry, "root", head.root, sizeof head.root);
    json_array_foreach(list(entry, "leaves"), i, part) {
        assert_bytes(part, "leaf", leaves[i].hash, GJ_HASH_BYTES);
    }
    assert_int_equal(json_array_size(json_object_get(entry, "nodes")), n - 1);
    json_array_foreach(json_object_get(entry, "nodes"), i, part) {
        check_node(part, leaves);
    }
    assert_int_equal(json_array_size(list(entry, "paths")), n);
    json_array_foreach(list(entry, "paths"), i, part) {
        check_path(&head, leaves, (uint32_t)i, part);
    }
}

static void check_tree_by_rule(const json_t *entry) {
    struct gj_batch_head head;
    uint32_t n = (uint32_t)number(entry, "n");
    struct gj_leaf *leaves = gj_arena_array(&arena, n, sizeof *leaves);
    uint8_t(*messages)[11] = gj_arena_array(&arena, n, sizeof *messages);
    assert_true(leaves != NULL && messages != NULL);
    start_batch(entry, &head);
    for (uint32_t i = 0; i < n; i++) {
        struct gj_buf buf;
        uint8_t hash[GJ_HASH_BYTES];
        gj_buf_init(&buf, messages[i], sizeof messages[i]);
        gj_buf_put(&buf, "message", 7);
        gj_buf_put_u32(&buf, i);
        leaves[i].message = gj_buf_slice(&buf);
        const struct gj_slice parts[] = {GJ_SLICE_LIT("salt"), gj_slice_of(messages[i] + 7, 4)};
        hasher.hash(hasher.ctx, hash_alg_of(entry), parts, 2, hash);
        memcpy(leaves[i].salt, hash, GJ_SALT_BYTES);
    }
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, n), GJ_OK);
    assert_bytes(entry, "root", head.root, sizeof head.root);
}

static void replay_trees(json_t *file) {
    ONLY(file, "trees", "by_rule");
    each(file, "trees", check_tree);
    each(file, "by_rule", check_tree_by_rule);
}

/* --- messages.json ----------------------------------------------------------------------------------- */
static bool seen_kinds[GJ_KIND_COUNT];

static void assert_json(const json_t *entry, const char *name, const struct gj_shape *shape,
                        const void *value) {
    json_t *got = gj_test_shape_json(shape, value);
    if (!json_equal(got, json_object_get(entry, name))) {
        char *shown = json_dumps(got, JSON_INDENT(1));
        fail_msg("%s: %s is %s", text(entry, "name"), name, shown);
    }
    json_decref(got);
}

static void check_good_message(const json_t *entry) {
    struct gj_message message;
    struct gj_fault fault;
    struct gj_slice in = bytes(entry, "bytes");
    enum gj_err err = gj_message_decode(in, &arena, &message, &fault);
    if (err != GJ_OK) fail_msg("%s: %s at %s", text(entry, "name"), gj_err_name(err), fault.field);
    seen_kinds[message.kind] = true;
    const struct gj_shape *shape = gj_kind_shape(message.kind);
    assert_json(entry, "header", &gj_shape_header, &message.header);
    assert_json(entry, "body", shape, message.body);

    uint8_t *memory = gj_arena_alloc(&arena, GJ_MESSAGE_MAX);
    struct gj_buf out;
    assert_non_null(memory);
    gj_buf_init(&out, memory, GJ_MESSAGE_MAX);
    assert_int_equal(gj_message_encode(&message.header, shape, message.body, &out), GJ_OK);
    bool same = gj_slice_equal(gj_buf_slice(&out), in);
    if (same == json_is_false(json_object_get(entry, "canonical")))
        fail_msg("%s: encodes %s", text(entry, "name"), same ? "alike" : "differently");
}

static void check_bad_message(const json_t *entry) {
    struct gj_message message;
    struct gj_fault fault;
    assert_expected(entry, gj_message_decode(bytes(entry, "bytes"), &arena, &message, &fault));
    if (json_object_get(entry, "field") == NULL) return;
    if (strcmp(fault.field, text(entry, "field")) != 0)
        fail_msg("%s: fails at %s", text(entry, "name"), fault.field);
}

static void replay_messages(json_t *file) {
    ONLY(file, "good", "bad");
    each(file, "good", check_good_message);
    each(file, "bad", check_bad_message);
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++)
        if (!seen_kinds[kind]) fail_msg("%s: no vector of this kind", gj_kind_word(kind));
}

/* --- parcels.json ------------------------------------------------------------------------------------ */
static void check_head(const json_t *entry) {
    struct gj_batch_head head = {.alg = alg_of(entry)};
    uint8_t memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf buf;
    put_fixed(entry, "network_id", head.network_id, sizeof head.network_id);
    put_fixed(entry, "key_id", head.key_id, sizeof head.key_id);
    put_fixed(entry, "batch_id", head.batch_id, sizeof head.batch_id);
    put_fixed(entry, "root", head.root, sizeof head.root);
    gj_text_set(head.sender, sizeof head.sender, text(entry, "sender"));
    head.epoch = (uint32_t)number(entry, "epoch");
    head.flush = (uint64_t)number(entry, "flush");
    head.n_leaves = (uint32_t)number(entry, "n_leaves");
    head.created_ms = number(entry, "created_ms");
    gj_buf_init(&buf, memory, sizeof memory);
    gj_batch_signed_bytes(&head, &buf);
    assert_int_equal(gj_buf_check(&buf), GJ_OK);
    assert_bytes(entry, "signed_bytes", memory, buf.len);
}

static enum gj_err admit_item(const json_t *entry, const struct gj_parcel *parcel,
                              const struct gj_parcel_item *item) {
    const json_t *receiver = json_object_get(entry, "receiver");
    struct gj_message message;
    struct gj_fault fault;
    GJ_TRY(gj_parcel_check_item(&hasher, &parcel->head, item));
    GJ_TRY(gj_message_decode(item->message, &arena, &message, &fault));
    if (!gj_text_equal(message.header.from, parcel->head.sender)) return GJ_ERR_WRONG_SENDER;
    bool is_to_me =
        gj_text_equal(message.header.to, receiver == NULL ? "360000" : json_string_value(receiver));
    return is_to_me ? GJ_OK : GJ_ERR_WRONG_RECIPIENT;
}

/* The stages of the README, in its order. */
static enum gj_err admit(const json_t *entry, struct gj_parcel *ret) {
    uint8_t network_id[16];
    put_fixed(keys_file, "network_id", network_id, sizeof network_id);
    GJ_TRY(gj_parcel_read(bytes(entry, "parcel"), &arena, ret));
    if (!is_known_node(ret->head.sender)) return GJ_ERR_UNKNOWN_SENDER;
    if (!gj_text_equal(ret->head.sender, text(entry, "line"))) return GJ_ERR_WRONG_SENDER;
    if (memcmp(ret->head.network_id, network_id, sizeof network_id) != 0) return GJ_ERR_WRONG_NETWORK;
    GJ_TRY(gj_keyring_verify(ring, &ret->head, ret->signed_bytes, ret->signature));
    for (uint32_t i = 0; i < ret->n_items; i++)
        GJ_TRY(admit_item(entry, ret, &ret->items[i]));
    return GJ_OK;
}

/* A message taken out keeps the signed bytes and the signature, and leads to the root on its own. */
static void check_evidence(const struct gj_parcel *parcel, const struct gj_parcel_item *item) {
    uint8_t *memory = gj_arena_alloc(&arena, GJ_EVIDENCE_MAX);
    struct gj_buf out;
    struct gj_parcel one;
    assert_non_null(memory);
    gj_buf_init(&out, memory, GJ_EVIDENCE_MAX);
    assert_int_equal(gj_parcel_extract(parcel, item, &out), GJ_OK);
    assert_int_equal(gj_parcel_read(gj_buf_slice(&out), &arena, &one), GJ_OK);
    assert_int_equal(gj_keyring_verify(ring, &one.head, one.signed_bytes, one.signature), GJ_OK);
    assert_int_equal(gj_parcel_check_item(&hasher, &one.head, &one.items[0]), GJ_OK);
}

static void check_parcel(const json_t *entry) {
    struct gj_parcel parcel;
    size_t i;
    json_t *message;
    assert_expected(entry, admit(entry, &parcel));
    if (expected(entry) != GJ_OK) return;
    assert_int_equal(parcel.n_items, json_array_size(list(entry, "messages")));
    json_array_foreach(list(entry, "messages"), i, message) {
        assert_int_equal(parcel.items[i].index, number(message, "index"));
        assert_bytes(message, "message", parcel.items[i].message.ptr, parcel.items[i].message.len);
        check_evidence(&parcel, &parcel.items[i]);
    }
}

static void replay_parcels(json_t *file) {
    ONLY(file, "heads", "cases");
    each(file, "heads", check_head);
    each(file, "cases", check_parcel);
}

/* --- replay.json ------------------------------------------------------------------------------------- */
static struct gj_replay_window window;

static void check_step(const json_t *entry) {
    const struct gj_msgid id = {.epoch = (uint32_t)number(entry, "epoch"),
                                .counter = (uint64_t)number(entry, "counter")};
    enum gj_err err = gj_replay_check(&window, &id);
    if (err != expected(entry))
        fail_msg("id %u/%llu: %s instead of %s", (unsigned)id.epoch, (unsigned long long)id.counter,
                 gj_err_name(err), text(entry, "expect"));
    if (err == GJ_OK) gj_replay_remember(&window, &id);
}

static void replay_ids(json_t *file) {
    ONLY(file, "window", "steps");
    assert_int_equal(number(file, "window"), GJ_REPLAY_WINDOW);
    memset(&window, 0, sizeof window);
    each(file, "steps", check_step);
}

/* --- all files --------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    void (*replay)(json_t *file);
} files[] = {
    {"hashes.json", replay_hashes},   {"keys.json", replay_keys},  {"messages.json", replay_messages},
    {"parcels.json", replay_parcels}, {"replay.json", replay_ids}, {"signatures.json", replay_signatures},
    {"trees.json", replay_trees},
};
#define N_FILES (sizeof files / sizeof files[0])

static void every_file_of_the_folder_is_replayed(void **state) {
    (void)state;
    size_t found = 0;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0) continue;
        bool known = false;
        for (size_t i = 0; i < N_FILES && !known; i++)
            known = strcmp(files[i].name, entry->d_name) == 0;
        if (!known) fail_msg("%s: nobody replays this", entry->d_name);
        found++;
    }
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(found, N_FILES);
}

static void replay_one(void **state) {
    const size_t *at = *state;
    json_t *file = load(files[*at].name);
    gj_arena_init(&arena, scratch, sizeof scratch);
    files[*at].replay(file);
    json_decref(file);
}

static int setup(void **state) {
    (void)state;
    hasher = gj_crypto_hasher(NULL);
    keys_file = load("keys.json");
    if (gj_keyring_new(&ring) != GJ_OK) return -1;
    each(keys_file, "keys", add_key);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    json_decref(keys_file);
    gj_keyring_free(&ring);
    return 0;
}

int main(void) {
    size_t numbers[N_FILES];
    struct CMUnitTest tests[N_FILES + 1] = {cmocka_unit_test(every_file_of_the_folder_is_replayed)};
    for (size_t i = 0; i < N_FILES; i++) {
        numbers[i] = i;
        tests[i + 1] =
            (struct CMUnitTest){.name = files[i].name, .test_func = replay_one, .initial_state = &numbers[i]};
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
