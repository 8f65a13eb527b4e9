/* SPDX-License-Identifier: Apache-2.0
 *
 * The batch's Merkle tree against a second, recursive reading of its definition, for every small size and
 * the largest; and that a path belongs to one leaf, one place, one batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"
#include "wire/merkle.h"

#define FEW 70u

static struct gj_hasher hasher;
static struct gj_leaf *leaves;
static uint8_t (*messages)[8];

static int setup(void **state) {
    (void)state;
    hasher = gj_crypto_hasher(NULL);
    leaves = calloc(GJ_BATCH_LEAVES_MAX + 1, sizeof *leaves);
    messages = calloc(GJ_BATCH_LEAVES_MAX + 1, sizeof *messages);
    if (leaves == NULL || messages == NULL) return -1;
    for (uint32_t i = 0; i <= GJ_BATCH_LEAVES_MAX; i++) {
        memcpy(messages[i], &i, sizeof i);
        memset(leaves[i].salt, (int)(i % 251), GJ_SALT_BYTES);
        leaves[i].message = gj_slice_of(messages[i], 1 + i % 8);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(leaves);
    free(messages);
    return 0;
}

static struct gj_batch_head head_of(enum gj_sign_alg alg) {
    struct gj_batch_head head = {.alg = alg, .sender = "330000", .epoch = 1};
    memset(head.batch_id, 0xb1, sizeof head.batch_id);
    return head;
}

/* The hashes from the leaf upwards, as a parcel carries them. */
static void put_item(uint32_t index, uint32_t n, uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES],
                     struct gj_parcel_item *ret) {
    struct gj_buf path;
    gj_buf_init(&path, memory, GJ_PATH_MAX * GJ_HASH_BYTES);
    gj_merkle_put_path(leaves, n, index, &path);
    assert_int_equal(gj_buf_check(&path), GJ_OK);
    *ret = (struct gj_parcel_item){.index = index,
                                   .salt = gj_slice_of(leaves[index].salt, GJ_SALT_BYTES),
                                   .path = gj_buf_slice(&path),
                                   .message = leaves[index].message};
}

/* --- a second reading of the definition -------------------------------------------------------------- */
static void put_u32(EVP_MD_CTX *md, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    assert_int_equal(EVP_DigestUpdate(md, bytes, 4), 1);
}

static void slow_tree(const EVP_MD *alg, const struct gj_batch_head *head, uint32_t n, uint32_t first,
                      uint32_t count, uint8_t ret[32]) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t left[32], right[32];
    if (count == 1) {
        assert_int_equal(
            EVP_Digest(leaves[first].message.ptr, leaves[first].message.len, left, NULL, alg, NULL), 1);
        EVP_DigestInit_ex(md, alg, NULL);
        EVP_DigestUpdate(md, "\0gongji-batch/1", 15);
        EVP_DigestUpdate(md, head->batch_id, 16);
        put_u32(md, first);
        put_u32(md, n);
        EVP_DigestUpdate(md, leaves[first].salt, 16);
        EVP_DigestUpdate(md, left, 32);
    } else {
        uint32_t k = 1u << 31;
        while (k >= count)
            k /= 2;
        slow_tree(alg, head, n, first, k, left);
        slow_tree(alg, head, n, first + k, count - k, right);
        EVP_DigestInit_ex(md, alg, NULL);
        EVP_DigestUpdate(md, "\1", 1);
        EVP_DigestUpdate(md, head->batch_id, 16);
        put_u32(md, first);
        put_u32(md, count);
        EVP_DigestUpdate(md, left, 32);
        EVP_DigestUpdate(md, right, 32);
    }
    EVP_DigestFinal_ex(md, ret, NULL);
    EVP_MD_CTX_free(md);
}

static void assert_whole_tree(enum gj_sign_alg alg, uint32_t n) {
    struct gj_batch_head head = head_of(alg);
    uint8_t root[32], memory[GJ_PATH_MAX * GJ_HASH_BYTES];
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, n), GJ_OK);
    assert_int_equal(head.n_leaves, n);
    slow_tree(alg == GJ_SIGN_SM2 ? EVP_sm3() : EVP_sha256(), &head, n, 0, n, root);
    assert_memory_equal(head.root, root, sizeof root);
    for (uint32_t i = 0; i < n; i++) {
        struct gj_parcel_item item;
        put_item(i, n, memory, &item);
        assert_int_equal(item.path.len, gj_merkle_depth(i, n) * GJ_HASH_BYTES);
        assert_int_equal(gj_parcel_check_item(&hasher, &head, &item), GJ_OK);
    }
}

static void every_leaf_of_1_to_70(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= FEW; n++) {
        assert_whole_tree(GJ_SIGN_SM2, n);
        assert_whole_tree(GJ_SIGN_ED25519, n);
    }
}

static void every_leaf_of_the_largest(void **state) {
    (void)state;
    assert_whole_tree(GJ_SIGN_SM2, GJ_BATCH_LEAVES_MAX);
    assert_whole_tree(GJ_SIGN_ED25519, GJ_BATCH_LEAVES_MAX - 1);
}

static void sizes_outside_are_refused(void **state) {
    (void)state;
    struct gj_batch_head head = head_of(GJ_SIGN_SM2);
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, 0), GJ_ERR_TOO_MANY);
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, GJ_BATCH_LEAVES_MAX + 1), GJ_ERR_TOO_MANY);
}

static void depths(void **state) {
    (void)state;
    assert_int_equal(gj_merkle_depth(0, 1), 0);
    assert_int_equal(gj_merkle_depth(0, 2), 1);
    assert_int_equal(gj_merkle_depth(1, 3), 2);
    assert_int_equal(gj_merkle_depth(2, 3), 1); /* no duplicated odd leaf */
    assert_int_equal(gj_merkle_depth(4, 5), 1);
    assert_int_equal(gj_merkle_depth(6, 7), 2);
    assert_int_equal(gj_merkle_depth(4095, 4096), GJ_PATH_MAX);
    assert_int_equal(gj_merkle_depth(2048, 2049), 1);
}

/* --- what does not lead to the root ------------------------------------------------------------------ */
/* A path under any other index or any other N of the same tree, or for another message, never verifies. */
static void a_path_fits_one_place_only(void **state) {
    (void)state;
    enum { N = 13 };
    uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES];
    struct gj_batch_head head = head_of(GJ_SIGN_SM2);
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, N), GJ_OK);
    for (uint32_t i = 0; i < N; i++) {
        struct gj_parcel_item item;
        put_item(i, N, memory, &item);
        for (uint32_t at = 0; at < N + 3; at++) {
            struct gj_parcel_item moved = item;
            moved.index = at;
            enum gj_err err = gj_parcel_check_item(&hasher, &head, &moved);
            if (at == i)
                assert_int_equal(err, GJ_OK);
            else if (at >= N)
                assert_int_equal(err, GJ_ERR_BAD_INDEX);
            else
                assert_true(err == GJ_ERR_BAD_SIGNATURE || err == GJ_ERR_BAD_PATH);
        }
        for (uint32_t n = 0; n <= 2 * N; n++) {
            struct gj_batch_head other = head;
            other.n_leaves = n;
            assert_int_equal(gj_parcel_check_item(&hasher, &other, &item) == GJ_OK, n == N);
        }
        struct gj_parcel_item other = item;
        other.message = leaves[(i + 1) % N].message;
        assert_int_equal(gj_parcel_check_item(&hasher, &head, &other), GJ_ERR_BAD_SIGNATURE);
        other = item;
        other.salt = gj_slice_of(leaves[(i + 1) % N].salt, GJ_SALT_BYTES);
        assert_int_equal(gj_parcel_check_item(&hasher, &head, &other), GJ_ERR_BAD_SIGNATURE);
    }
}

static void paths_of_another_length(void **state) {
    (void)state;
    enum { N = 9 };
    uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES] = {0};
    struct gj_batch_head head = head_of(GJ_SIGN_ED25519);
    assert_int_equal(gj_batch_root(&hasher, &head, leaves, N), GJ_OK);
    for (uint32_t i = 0; i < N; i++) {
        struct gj_parcel_item item;
        put_item(i, N, memory, &item);
        size_t right = item.path.len;
        for (size_t len = 0; len <= sizeof memory; len++) {
            item.path.len = len;
            assert_int_equal(gj_parcel_check_item(&hasher, &head, &item),
                             len == right ? GJ_OK : GJ_ERR_BAD_PATH);
        }
        item.path.len = right;
        item.salt.len--;
        assert_int_equal(gj_parcel_check_item(&hasher, &head, &item), GJ_ERR_BAD_PARCEL);
    }
    head.n_leaves = GJ_BATCH_LEAVES_MAX + 1;
    struct gj_parcel_item item = {.index = 0};
    assert_int_equal(gj_parcel_check_item(&hasher, &head, &item), GJ_ERR_TOO_MANY);
}

/* Two batches with the same messages and salts at the same places: nothing of one serves in the other. */
static void a_path_serves_no_other_batch(void **state) {
    (void)state;
    enum { N = 6 };
    uint8_t memory[GJ_PATH_MAX * GJ_HASH_BYTES];
    struct gj_batch_head one = head_of(GJ_SIGN_SM2), two = one, third = one;
    two.batch_id[15] ^= 1;
    assert_int_equal(gj_batch_root(&hasher, &two, leaves, N), GJ_OK);
    assert_int_equal(gj_batch_root(&hasher, &one, leaves, N), GJ_OK);
    assert_memory_not_equal(one.root, two.root, sizeof one.root);
    for (uint32_t i = 0; i < N; i++) {
        struct gj_parcel_item item;
        put_item(i, N, memory, &item);
        assert_int_equal(gj_parcel_check_item(&hasher, &one, &item), GJ_OK);
        assert_int_equal(gj_parcel_check_item(&hasher, &two, &item), GJ_ERR_BAD_SIGNATURE);
        third = two;
        memcpy(third.root, one.root, sizeof third.root);
        assert_int_equal(gj_parcel_check_item(&hasher, &third, &item), GJ_ERR_BAD_SIGNATURE);
        third = one;
        third.alg = GJ_SIGN_ED25519; /* another hash */
        assert_int_equal(gj_parcel_check_item(&hasher, &third, &item), GJ_ERR_BAD_SIGNATURE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_1_to_70),        cmocka_unit_test(every_leaf_of_the_largest),
        cmocka_unit_test(sizes_outside_are_refused),    cmocka_unit_test(depths),
        cmocka_unit_test(a_path_fits_one_place_only),   cmocka_unit_test(paths_of_another_length),
        cmocka_unit_test(a_path_serves_no_other_batch),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
