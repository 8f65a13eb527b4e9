/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels as bytes: what was written is read, nothing else is; a changed parcel never verifies; one message
 * extracted is evidence on its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"

#define BATCH_MAX   64u
#define MESSAGE_CAP 40u
#define NOW         1795000000000

static struct gj_hasher hasher;
static struct gj_keyring *ring;
static struct gj_sign_key *keys[2]; /* SM2, Ed25519 */
static uint8_t *big;                /* GJ_PARCEL_MAX and some more */
static uint8_t arena_memory[64 * 1024];

/* A batch of generated messages under one of the keys. */
struct batch {
    struct gj_batch_head head;
    struct gj_leaf leaves[BATCH_MAX];
    uint8_t messages[BATCH_MAX][MESSAGE_CAP];
    uint8_t signature[GJ_SIGNATURE_MAX];
    uint32_t n;
};

/* A small generator with a fixed seed, so that a failure comes again. */
static uint64_t chance = 20261121;
static uint32_t draw(uint32_t below) {
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33) % below;
}

static int setup(void **state) {
    (void)state;
    static const enum gj_sign_alg algs[] = {GJ_SIGN_SM2, GJ_SIGN_ED25519};
    hasher = gj_crypto_hasher(NULL);
    big = malloc(GJ_PARCEL_MAX + 2 * GJ_MESSAGE_MAX);
    if (big == NULL || gj_keyring_new(&ring) != GJ_OK) return -1;
    for (size_t i = 0; i < 2; i++) {
        struct gj_public_key key;
        if (gj_sign_key_generate(algs[i], &keys[i]) != GJ_OK) return -1;
        gj_sign_key_public(keys[i], &key);
        const struct gj_wall always = {0};
        if (gj_keyring_add(ring, i == 0 ? "330000" : "zj-2", &key, always, always, always) != GJ_OK)
            return -1;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gj_sign_key_free(&keys[0]);
    gj_sign_key_free(&keys[1]);
    gj_keyring_free(&ring);
    free(big);
    return 0;
}

static void sign_batch(struct batch *batch) {
    uint8_t memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf bytes;
    size_t len = 0;
    gj_buf_init(&bytes, memory, sizeof memory);
    gj_batch_signed_bytes(&batch->head, &bytes);
    assert_int_equal(gj_buf_check(&bytes), GJ_OK);
    assert_int_equal(
        gj_sign(keys[batch->head.alg == GJ_SIGN_SM2 ? 0 : 1], gj_buf_slice(&bytes), batch->signature, &len),
        GJ_OK);
}

static void make_batch(struct batch *ret, enum gj_sign_alg alg, uint32_t n) {
    memset(ret, 0, sizeof *ret);
    struct gj_public_key key;
    gj_sign_key_public(keys[alg == GJ_SIGN_SM2 ? 0 : 1], &key);
    gj_public_key_id(&key, ret->head.key_id);
    ret->n = n;
    ret->head.alg = alg;
    ret->head.epoch = 1795000000u + draw(1000);
    ret->head.flush = draw(100000);
    ret->head.created_ms = NOW + draw(100000);
    gj_text_set(ret->head.sender, sizeof ret->head.sender, alg == GJ_SIGN_SM2 ? "330000" : "zj-2");
    gj_random_bytes(ret->head.network_id, sizeof ret->head.network_id);
    gj_random_bytes(ret->head.batch_id, sizeof ret->head.batch_id);
    for (uint32_t i = 0; i < n; i++) {
        gj_random_bytes(ret->leaves[i].salt, GJ_SALT_BYTES);
        gj_random_bytes(ret->messages[i], MESSAGE_CAP);
        ret->leaves[i].message = gj_slice_of(ret->messages[i], draw(MESSAGE_CAP + 1));
    }
    assert_int_equal(gj_batch_root(&hasher, &ret->head, ret->leaves, n), GJ_OK);
    sign_batch(ret);
}

static struct gj_slice write_parcel(const struct batch *batch, const uint32_t *indexes, uint32_t n,
                                    uint8_t *memory, size_t cap) {
    struct gj_buf out;
    gj_buf_init(&out, memory, cap);
    assert_int_equal(gj_parcel_write(&hasher, &batch->head, gj_slice_of(batch->signature, GJ_SIGNATURE_MAX),
                                     batch->leaves, batch->n, indexes, n, &out),
                     GJ_OK);
    return gj_buf_slice(&out);
}

static enum gj_err read_parcel(struct gj_slice in, struct gj_parcel *ret) {
    struct gj_arena arena;
    gj_arena_init(&arena, arena_memory, sizeof arena_memory);
    return gj_parcel_read(in, &arena, ret);
}

/* All that a receiver checks: parse, signature, every item. */
static enum gj_err admit(struct gj_slice in) {
    struct gj_parcel parcel;
    GJ_TRY(read_parcel(in, &parcel));
    for (uint32_t i = 0; i < parcel.n_items; i++)
        GJ_TRY(gj_parcel_check_item(&hasher, &parcel.head, &parcel.items[i]));
    return gj_keyring_verify(ring, &parcel.head, parcel.signed_bytes, parcel.signature);
}

static void assert_same_head(const struct gj_batch_head *a, const struct gj_batch_head *b) {
    assert_memory_equal(a->network_id, b->network_id, sizeof a->network_id);
    assert_int_equal(a->alg, b->alg);
    assert_memory_equal(a->key_id, b->key_id, sizeof a->key_id);
    assert_string_equal(a->sender, b->sender);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->flush, b->flush);
    assert_memory_equal(a->batch_id, b->batch_id, sizeof a->batch_id);
    assert_int_equal(a->n_leaves, b->n_leaves);
    assert_memory_equal(a->root, b->root, sizeof a->root);
    assert_int_equal(a->created_ms, b->created_ms);
}

/* --- there and back ---------------------------------------------------------------------------------- */
/* Each item of a parcel, taken out, is a parcel of its own under the very same signed bytes. */
static void assert_extracts(const struct gj_parcel *parcel, const struct batch *batch) {
    uint8_t memory[1024];
    for (uint32_t i = 0; i < parcel->n_items; i++) {
        struct gj_buf out;
        struct gj_parcel one;
        gj_buf_init(&out, memory, sizeof memory);
        assert_int_equal(gj_parcel_extract(parcel, &parcel->items[i], &out), GJ_OK);
        struct gj_arena arena;
        uint8_t small[256];
        gj_arena_init(&arena, small, sizeof small);
        assert_int_equal(gj_parcel_read(gj_buf_slice(&out), &arena, &one), GJ_OK);
        assert_int_equal(one.n_items, 1);
        assert_true(gj_slice_equal(one.signed_bytes, parcel->signed_bytes));
        assert_true(gj_slice_equal(one.signature, parcel->signature));
        assert_true(gj_slice_equal(one.items[0].message, batch->leaves[parcel->items[i].index].message));
        assert_int_equal(gj_parcel_check_item(&hasher, &one.head, &one.items[0]), GJ_OK);
    }
}

static void random_parcels_come_back(void **state) {
    (void)state;
    struct batch batch;
    for (int round = 0; round < 60; round++) {
        make_batch(&batch, round % 2 == 0 ? GJ_SIGN_SM2 : GJ_SIGN_ED25519, 1 + draw(BATCH_MAX));
        uint32_t indexes[BATCH_MAX], n = 0;
        for (uint32_t i = 0; i < batch.n; i++)
            if (draw(3) == 0) indexes[n++] = i;
        if (n == 0) indexes[n++] = draw(batch.n);
        struct gj_slice bytes = write_parcel(&batch, indexes, n, big, GJ_PARCEL_MAX);
        assert_int_equal(admit(bytes), GJ_OK);
        struct gj_parcel parcel;
        assert_int_equal(read_parcel(bytes, &parcel), GJ_OK);
        assert_same_head(&parcel.head, &batch.head);
        assert_int_equal(parcel.n_items, n);
        for (uint32_t k = 0; k < n; k++) {
            assert_int_equal(parcel.items[k].index, indexes[k]);
            assert_true(gj_slice_equal(parcel.items[k].message, batch.leaves[indexes[k]].message));
        }
        assert_extracts(&parcel, &batch);
    }
}

static void a_batch_of_one_has_an_empty_path(void **state) {
    (void)state;
    struct batch batch;
    struct gj_parcel parcel;
    const uint32_t first = 0;
    make_batch(&batch, GJ_SIGN_SM2, 1);
    assert_int_equal(read_parcel(write_parcel(&batch, &first, 1, big, GJ_PARCEL_MAX), &parcel), GJ_OK);
    assert_int_equal(parcel.items[0].path.len, 0);
    assert_int_equal(gj_parcel_check_item(&hasher, &parcel.head, &parcel.items[0]), GJ_OK);
}

/* --- changed parcels --------------------------------------------------------------------------------- */
static void no_flipped_bit_verifies(void **state) {
    (void)state;
    static const enum gj_sign_alg algs[] = {GJ_SIGN_SM2, GJ_SIGN_ED25519};
    for (size_t a = 0; a < 2; a++) {
        struct batch batch;
        const uint32_t indexes[] = {1, 4};
        uint8_t memory[1024];
        make_batch(&batch, algs[a], 5);
        batch.leaves[1].message.len = 3;
        assert_int_equal(gj_batch_root(&hasher, &batch.head, batch.leaves, 5), GJ_OK);
        sign_batch(&batch);
        struct gj_slice bytes = write_parcel(&batch, indexes, 2, memory, sizeof memory);
        assert_int_equal(admit(bytes), GJ_OK);
        for (size_t bit = 0; bit < bytes.len * 8; bit++) {
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(admit(bytes), GJ_OK);
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(admit(bytes), GJ_OK);
    }
}

static void no_other_length_is_read(void **state) {
    (void)state;
    struct batch batch;
    struct gj_parcel parcel;
    const uint32_t indexes[] = {0, 2};
    uint8_t memory[1024] = {0};
    make_batch(&batch, GJ_SIGN_ED25519, 3);
    struct gj_slice bytes = write_parcel(&batch, indexes, 2, memory, sizeof memory);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(read_parcel(gj_slice_of(memory, len), &parcel), GJ_ERR_BAD_PARCEL);
    assert_int_equal(read_parcel(gj_slice_of(memory, bytes.len + 1), &parcel), GJ_ERR_BAD_PARCEL);
    assert_int_equal(read_parcel(gj_slice_of(big, GJ_PARCEL_MAX + 1), &parcel), GJ_ERR_TOO_LARGE);
}

/* --- one bad field, one code ------------------------------------------------------------------------- */
/* Offsets inside a parcel of one item, for the six-letter sender "330000". */
enum {
    AT_SIGNED_LEN = 4,
    AT_TAG = 8,
    AT_ALG = AT_TAG + 20 + 16,
    AT_SENDER_LEN = AT_ALG + 1 + 8,
    AT_SENDER = AT_SENDER_LEN + 1,
    AT_LEAVES = AT_SENDER + 6 + 4 + 8 + 16,
    AT_CREATED = AT_LEAVES + 4 + 32,
    AT_SIGNATURE_LEN = AT_CREATED + 8,
    AT_COUNT = AT_SIGNATURE_LEN + 2 + 64,
    AT_INDEX = AT_COUNT + 4,
    AT_HASHES = AT_INDEX + 4 + 16,
    AT_MESSAGE_LEN_OF_ONE = AT_HASHES + 1, /* N = 1: no hashes */
};

struct patch_row {
    const char *what;
    size_t at, len;
    uint8_t bytes[4];
    enum gj_err err;
};

static const struct patch_row patch_rows[] = {
    {"magic", 3, 1, {'2'}, GJ_ERR_BAD_PARCEL},
    {"signed length", AT_SIGNED_LEN, 4, {0xff, 0xff, 0xff, 0xff}, GJ_ERR_BAD_PARCEL},
    {"tag", AT_TAG, 1, {'G'}, GJ_ERR_BAD_PARCEL},
    {"NUL of the tag", AT_TAG + 19, 1, {' '}, GJ_ERR_BAD_PARCEL},
    {"algorithm 0", AT_ALG, 1, {0}, GJ_ERR_BAD_PARCEL},
    {"algorithm 3", AT_ALG, 1, {3}, GJ_ERR_BAD_PARCEL},
    {"sender too short", AT_SENDER_LEN, 1, {5}, GJ_ERR_BAD_PARCEL},
    {"sender empty", AT_SENDER_LEN, 1, {0}, GJ_ERR_BAD_PARCEL},
    {"sender upper case", AT_SENDER, 1, {'Z'}, GJ_ERR_BAD_PARCEL},
    {"sender with NUL", AT_SENDER + 3, 1, {0}, GJ_ERR_BAD_PARCEL},
    {"no leaves", AT_LEAVES, 4, {0, 0, 0, 0}, GJ_ERR_BAD_PARCEL},
    {"4097 leaves", AT_LEAVES, 4, {0, 0, 0x10, 1}, GJ_ERR_TOO_MANY},
    {"created before 1970", AT_CREATED, 1, {0x80}, GJ_ERR_BAD_PARCEL},
    {"signature of 63", AT_SIGNATURE_LEN, 2, {0, 63}, GJ_ERR_BAD_PARCEL},
    {"signature of 0", AT_SIGNATURE_LEN, 2, {0, 0}, GJ_ERR_BAD_PARCEL},
    {"no items", AT_COUNT, 4, {0, 0, 0, 0}, GJ_ERR_BAD_PARCEL},
    {"two items said, one there", AT_COUNT, 4, {0, 0, 0, 2}, GJ_ERR_BAD_PARCEL},
    {"1024 items said, one there", AT_COUNT, 4, {0, 0, 4, 0}, GJ_ERR_BAD_PARCEL},
    {"1025 items", AT_COUNT, 4, {0, 0, 4, 1}, GJ_ERR_TOO_MANY},
    {"index is N", AT_INDEX, 4, {0, 0, 0, 1}, GJ_ERR_BAD_INDEX},
    {"index far outside", AT_INDEX, 4, {0xff, 0xff, 0xff, 0xff}, GJ_ERR_BAD_INDEX},
    {"message of 64 KiB and one", AT_MESSAGE_LEN_OF_ONE, 4, {0, 1, 0, 1}, GJ_ERR_TOO_LARGE},
};

static void each_bad_field_has_its_code(void **state) {
    (void)state;
    struct batch batch;
    struct gj_parcel parcel;
    uint8_t memory[512], patched[512];
    const uint32_t first = 0;
    make_batch(&batch, GJ_SIGN_SM2, 1);
    struct gj_slice bytes = write_parcel(&batch, &first, 1, memory, sizeof memory);
    assert_int_equal(memory[AT_ALG], GJ_SIGN_SM2);
    assert_memory_equal(memory + AT_SENDER, "330000", 6);
    assert_int_equal(memory[AT_MESSAGE_LEN_OF_ONE + 3], batch.leaves[0].message.len);
    for (size_t i = 0; i < sizeof patch_rows / sizeof patch_rows[0]; i++) {
        const struct patch_row *row = &patch_rows[i];
        memcpy(patched, memory, bytes.len);
        memcpy(patched + row->at, row->bytes, row->len);
        enum gj_err err = read_parcel(gj_slice_of(patched, bytes.len), &parcel);
        if (err != row->err) fail_msg("%s: %s", row->what, gj_err_name(err));
    }
}

/* Puts one item by hand, with as many hashes as wanted. */
static void put_item(struct gj_buf *out, uint32_t index, uint8_t hashes) {
    static const uint8_t zero[GJ_PATH_MAX * 2 * GJ_HASH_BYTES];
    gj_buf_put_u32(out, index);
    gj_buf_put(out, zero, GJ_SALT_BYTES);
    gj_buf_put_u8(out, hashes);
    gj_buf_put(out, zero, (size_t)hashes * GJ_HASH_BYTES);
    gj_buf_put_u32(out, 0);
}

static enum gj_err read_by_hand(const struct batch *batch, const uint32_t *indexes, const uint8_t *hashes,
                                uint32_t n) {
    uint8_t memory[2048], signed_memory[GJ_SIGNED_BYTES_MAX];
    struct gj_buf out, signed_bytes;
    struct gj_parcel parcel;
    gj_buf_init(&out, memory, sizeof memory);
    gj_buf_init(&signed_bytes, signed_memory, sizeof signed_memory);
    gj_batch_signed_bytes(&batch->head, &signed_bytes);
    gj_buf_put(&out, "GJP1", 4);
    gj_buf_put_u32(&out, (uint32_t)signed_bytes.len);
    gj_buf_put_slice(&out, gj_buf_slice(&signed_bytes));
    gj_buf_put_u16(&out, GJ_SIGNATURE_MAX);
    gj_buf_put(&out, batch->signature, GJ_SIGNATURE_MAX);
    gj_buf_put_u32(&out, n);
    for (uint32_t i = 0; i < n; i++)
        put_item(&out, indexes[i], hashes[i]);
    assert_int_equal(gj_buf_check(&out), GJ_OK);
    return read_parcel(gj_buf_slice(&out), &parcel);
}

static void paths_and_order(void **state) {
    (void)state;
    struct batch batch;
    make_batch(&batch, GJ_SIGN_ED25519, 6); /* depths 3 3 3 3 2 2 */
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){0, 5}, (uint8_t[]){3, 2}, 2), GJ_OK);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){0}, (uint8_t[]){2}, 1), GJ_ERR_BAD_PATH);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){0}, (uint8_t[]){4}, 1), GJ_ERR_BAD_PATH);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){0}, (uint8_t[]){0}, 1), GJ_ERR_BAD_PATH);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){5}, (uint8_t[]){3}, 1), GJ_ERR_BAD_PATH);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){0, 6}, (uint8_t[]){3, 2}, 2), GJ_ERR_BAD_INDEX);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){5, 0}, (uint8_t[]){2, 3}, 2), GJ_ERR_BAD_PARCEL);
    assert_int_equal(read_by_hand(&batch, (uint32_t[]){5, 5}, (uint8_t[]){2, 2}, 2), GJ_ERR_BAD_PARCEL);
}

static void a_small_arena_is_told(void **state) {
    (void)state;
    struct batch batch;
    struct gj_arena arena;
    struct gj_parcel parcel;
    uint8_t memory[512], small[16];
    const uint32_t first = 0;
    make_batch(&batch, GJ_SIGN_SM2, 1);
    struct gj_slice bytes = write_parcel(&batch, &first, 1, memory, sizeof memory);
    gj_arena_init(&arena, small, sizeof small);
    assert_int_equal(gj_parcel_read(bytes, &arena, &parcel), GJ_ERR_NO_SPACE);

    memory[AT_COUNT + 2] = 4; /* 1024: a count that no bytes stand behind takes no memory */
    memory[AT_COUNT + 3] = 0;
    gj_arena_init(&arena, small, sizeof small);
    assert_int_equal(gj_parcel_read(bytes, &arena, &parcel), GJ_ERR_BAD_PARCEL);
    assert_false(arena.overflow);
}

/* --- limits of writing ------------------------------------------------------------------------------- */
static enum gj_err write_result(const struct batch *batch, const uint32_t *indexes, uint32_t n, size_t cap) {
    struct gj_buf out;
    gj_buf_init(&out, big, cap);
    return gj_parcel_write(&hasher, &batch->head, gj_slice_of(batch->signature, GJ_SIGNATURE_MAX),
                           batch->leaves, batch->n, indexes, n, &out);
}

static void limits_of_writing(void **state) {
    (void)state;
    struct batch batch;
    uint32_t indexes[GJ_PARCEL_MESSAGES_MAX + 1] = {0};
    uint8_t *large = calloc(1, GJ_MESSAGE_MAX + 1);
    assert_non_null(large);
    make_batch(&batch, GJ_SIGN_ED25519, 17);
    assert_int_equal(write_result(&batch, indexes, GJ_PARCEL_MESSAGES_MAX + 1, GJ_PARCEL_MAX),
                     GJ_ERR_TOO_MANY);
    assert_int_equal(write_result(&batch, indexes, 1, 100), GJ_ERR_NO_SPACE);

    batch.leaves[0].message = gj_slice_of(large, GJ_MESSAGE_MAX + 1);
    assert_int_equal(gj_batch_root(&hasher, &batch.head, batch.leaves, batch.n), GJ_OK);
    assert_int_equal(write_result(&batch, indexes, 1, GJ_PARCEL_MAX), GJ_ERR_TOO_LARGE);

    for (uint32_t i = 0; i < batch.n; i++) {
        indexes[i] = i;
        batch.leaves[i].message = gj_slice_of(large, GJ_MESSAGE_MAX);
    }
    assert_int_equal(gj_batch_root(&hasher, &batch.head, batch.leaves, batch.n), GJ_OK);
    assert_int_equal(write_result(&batch, indexes, 15, GJ_PARCEL_MAX + GJ_MESSAGE_MAX), GJ_OK);
    assert_int_equal(write_result(&batch, indexes, 16, GJ_PARCEL_MAX + GJ_MESSAGE_MAX), GJ_ERR_TOO_LARGE);
    free(large);
}

/* --- between batches --------------------------------------------------------------------------------- */
/* A message of one batch with its path, under the signed root of another: what a forger would try. */
static void an_item_serves_under_its_own_root_only(void **state) {
    (void)state;
    struct batch one, two;
    struct gj_parcel first, second;
    uint8_t a[1024], b[1024], forged[1024], arena_b[1024];
    const uint32_t index = 2;
    make_batch(&one, GJ_SIGN_SM2, 4);
    make_batch(&two, GJ_SIGN_SM2, 4);
    assert_int_equal(read_parcel(write_parcel(&one, &index, 1, a, sizeof a), &first), GJ_OK);
    struct gj_arena arena;
    gj_arena_init(&arena, arena_b, sizeof arena_b);
    assert_int_equal(gj_parcel_read(write_parcel(&two, &index, 1, b, sizeof b), &arena, &second), GJ_OK);

    struct gj_buf out;
    gj_buf_init(&out, forged, sizeof forged);
    assert_int_equal(gj_parcel_extract(&second, &first.items[0], &out), GJ_OK);
    assert_int_equal(admit(gj_buf_slice(&out)), GJ_ERR_BAD_SIGNATURE);
    gj_buf_init(&out, forged, sizeof forged);
    assert_int_equal(gj_parcel_extract(&first, &first.items[0], &out), GJ_OK);
}

/* Leaves that do not lead to the root of the head are our own mistake: the process stops before it sends. */
static void leaves_of_another_batch_are_never_sent(void **state) {
    (void)state;
    struct batch one, two;
    const uint32_t index = 2;
    make_batch(&one, GJ_SIGN_ED25519, 4);
    make_batch(&two, GJ_SIGN_ED25519, 4);
    two.head = one.head;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL); /* not cmocka's handler */
        (void)write_result(&two, &index, 1, GJ_PARCEL_MAX);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_parcels_come_back),
        cmocka_unit_test(a_batch_of_one_has_an_empty_path),
        cmocka_unit_test(no_flipped_bit_verifies),
        cmocka_unit_test(no_other_length_is_read),
        cmocka_unit_test(each_bad_field_has_its_code),
        cmocka_unit_test(paths_and_order),
        cmocka_unit_test(a_small_arena_is_told),
        cmocka_unit_test(limits_of_writing),
        cmocka_unit_test(an_item_serves_under_its_own_root_only),
        cmocka_unit_test(leaves_of_another_batch_are_never_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
