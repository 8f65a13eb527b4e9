/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyring: whose key, of which algorithm, at which time; what the cache of roots may and may not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "crypto/crypto.h"

#define FROM 1000000
#define NOW  2000000
#define TO   3000000

static const struct gj_wall open_end = {0};

/* One node's key, and a head signed with it. */
struct signer {
    struct gj_sign_key *key;
    struct gj_public_key public_key;
    struct gj_batch_head head;
    uint8_t bytes[GJ_SIGNED_BYTES_MAX];
    size_t bytes_len;
    uint8_t signature[GJ_SIGNATURE_MAX];
};

static void sign_head(struct signer *signer) {
    struct gj_buf buf;
    size_t len = 0;
    gj_buf_init(&buf, signer->bytes, sizeof signer->bytes);
    gj_batch_signed_bytes(&signer->head, &buf);
    assert_int_equal(gj_buf_check(&buf), GJ_OK);
    signer->bytes_len = buf.len;
    assert_int_equal(gj_sign(signer->key, gj_buf_slice(&buf), signer->signature, &len), GJ_OK);
}

static void make_signer(struct signer *ret, enum gj_sign_alg alg, const char *node) {
    memset(ret, 0, sizeof *ret);
    assert_int_equal(gj_sign_key_generate(alg, &ret->key), GJ_OK);
    gj_sign_key_public(ret->key, &ret->public_key);
    ret->head.alg = alg;
    ret->head.n_leaves = 1;
    ret->head.epoch = 7;
    ret->head.created_ms = NOW;
    gj_public_key_id(&ret->public_key, ret->head.key_id);
    gj_text_set(ret->head.sender, sizeof ret->head.sender, node);
    sign_head(ret);
}

static enum gj_err verify(struct gj_keyring *ring, const struct signer *signer) {
    return gj_keyring_verify(ring, &signer->head, gj_slice_of(signer->bytes, signer->bytes_len),
                             gj_slice_of(signer->signature, GJ_SIGNATURE_MAX));
}

static void add(struct gj_keyring *ring, const struct signer *signer, int64_t from, int64_t to,
                int64_t revoked) {
    assert_int_equal(gj_keyring_add(ring, signer->head.sender, &signer->public_key, (struct gj_wall){from},
                                    (struct gj_wall){to}, (struct gj_wall){revoked}),
                     GJ_OK);
}

static void assert_counts(const struct gj_keyring *ring, uint64_t verified, uint64_t cached) {
    uint64_t got_verified = 0, got_cached = 0;
    gj_keyring_counts(ring, &got_verified, &got_cached);
    assert_int_equal(got_verified, verified);
    assert_int_equal(got_cached, cached);
}

static struct gj_keyring *ring;
static struct signer sm2, ed;

static int setup(void **state) {
    (void)state;
    make_signer(&sm2, GJ_SIGN_SM2, "330000");
    make_signer(&ed, GJ_SIGN_ED25519, "360000");
    return gj_keyring_new(&ring) == GJ_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    gj_sign_key_free(&sm2.key);
    gj_sign_key_free(&ed.key);
    gj_keyring_free(&ring);
    gj_keyring_free(&ring); /* nothing left: no harm */
    return 0;
}

/* --- whose key --------------------------------------------------------------------------------------- */
static void both_algorithms_side_by_side(void **state) {
    (void)state;
    add(ring, &sm2, FROM, TO, 0);
    add(ring, &ed, FROM, TO, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    assert_int_equal(verify(ring, &ed), GJ_OK);
    assert_counts(ring, 2, 0);
}

static void one_node_may_have_keys_of_both(void **state) {
    (void)state;
    gj_text_set(ed.head.sender, sizeof ed.head.sender, "330000");
    sign_head(&ed);
    add(ring, &sm2, FROM, TO, 0);
    add(ring, &ed, FROM, TO, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    assert_int_equal(verify(ring, &ed), GJ_OK);
}

static void unknown_keys(void **state) {
    (void)state;
    assert_int_equal(verify(ring, &sm2), GJ_ERR_UNKNOWN_KEY);
    add(ring, &sm2, FROM, TO, 0);

    struct signer other = sm2;
    other.head.key_id[7] ^= 1; /* well signed, but another key id */
    sign_head(&other);
    assert_int_equal(verify(ring, &other), GJ_ERR_UNKNOWN_KEY);

    other = sm2;
    gj_text_set(other.head.sender, sizeof other.head.sender, "360000"); /* a known key, not this sender's */
    sign_head(&other);
    assert_int_equal(verify(ring, &other), GJ_ERR_UNKNOWN_KEY);

    other = sm2;
    other.head.alg = GJ_SIGN_ED25519; /* not this key's */
    sign_head(&other);
    assert_int_equal(verify(ring, &other), GJ_ERR_UNKNOWN_KEY);
    assert_counts(ring, 0, 0); /* none of them cost a verification */
}

static void bad_keys_are_not_taken(void **state) {
    (void)state;
    struct gj_public_key key = sm2.public_key;
    key.bytes[64] ^= 1;
    const struct gj_wall from = {FROM};
    assert_int_equal(gj_keyring_add(ring, "330000", &key, from, open_end, open_end), GJ_ERR_CRYPTO);
    key = sm2.public_key;
    key.len = 64;
    assert_int_equal(gj_keyring_add(ring, "330000", &key, from, open_end, open_end), GJ_ERR_CRYPTO);
    key = sm2.public_key;
    assert_int_equal(gj_keyring_add(ring, "Zhejiang", &key, from, open_end, open_end), GJ_ERR_BAD_FIELD);
    assert_int_equal(gj_keyring_add(ring, "330000", &key, from, open_end, open_end), GJ_OK);
    assert_int_equal(gj_keyring_add(ring, "330000", &key, from, open_end, open_end), GJ_ERR_BAD_CONFIG);
    assert_int_equal(gj_keyring_add(ring, "360000", &key, from, open_end, open_end), GJ_ERR_BAD_CONFIG);
}

/* Half of all random bytes are the y of a point. */
static void the_ring_is_bounded(void **state) {
    (void)state;
    struct gj_public_key key = {.alg = GJ_SIGN_ED25519, .len = 32};
    enum gj_err err = GJ_OK;
    size_t added = 0;
    while (err == GJ_OK || err == GJ_ERR_CRYPTO) {
        gj_random_bytes(key.bytes, key.len);
        err = gj_keyring_add(ring, "330000", &key, open_end, open_end, open_end);
        added += err == GJ_OK ? 1 : 0;
        assert_true(added <= GJ_KEYRING_KEYS_MAX);
    }
    assert_int_equal(err, GJ_ERR_TOO_MANY);
    assert_int_equal(added, GJ_KEYRING_KEYS_MAX);
}

/* --- when -------------------------------------------------------------------------------------------- */
struct time_row {
    int64_t from, to, revoked, created;
    bool valid;
};

static const struct time_row time_rows[] = {
    {FROM, TO, 0, FROM - 1, false}, {FROM, TO, 0, FROM, true},        {FROM, TO, 0, TO - 1, true},
    {FROM, TO, 0, TO, false},       {FROM, 0, 0, INT64_MAX, true},    {0, 0, 0, 0, true},
    {FROM, TO, NOW, NOW - 1, true}, {FROM, TO, NOW, NOW, false},      {FROM, 0, NOW, NOW + 1, false},
    {FROM, TO, TO + 9, TO, false},  {FROM, TO, FROM - 9, NOW, false},
};

static void times(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof time_rows / sizeof time_rows[0]; i++) {
        const struct time_row *row = &time_rows[i];
        struct gj_keyring *one = NULL;
        assert_int_equal(gj_keyring_new(&one), GJ_OK);
        add(one, &ed, row->from, row->to, row->revoked);
        ed.head.created_ms = row->created;
        sign_head(&ed);
        assert_int_equal(verify(one, &ed), row->valid ? GJ_OK : GJ_ERR_UNKNOWN_KEY);
        assert_int_equal(gj_keyring_key_valid(one, &ed.head, (struct gj_wall){row->created}), row->valid);
        gj_keyring_free(&one);
    }
}

/* A decision must stand under a key valid now, whenever it was made. */
static void validity_now_is_asked_apart(void **state) {
    (void)state;
    add(ring, &sm2, FROM, TO, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    assert_true(gj_keyring_key_valid(ring, &sm2.head, (struct gj_wall){NOW}));
    assert_false(gj_keyring_key_valid(ring, &sm2.head, (struct gj_wall){TO}));
    assert_false(gj_keyring_key_valid(ring, &ed.head, (struct gj_wall){NOW}));
}

/* --- the cache of roots ------------------------------------------------------------------------------ */
static void a_root_is_verified_once(void **state) {
    (void)state;
    add(ring, &sm2, FROM, TO, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(verify(ring, &sm2), GJ_OK);
    assert_counts(ring, 1, 4);
}

static void a_bad_signature_is_never_remembered(void **state) {
    (void)state;
    add(ring, &sm2, FROM, TO, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    for (size_t i = 0; i < GJ_SIGNATURE_MAX; i += 21) {
        sm2.signature[i] ^= 1;
        assert_int_equal(verify(ring, &sm2), GJ_ERR_BAD_SIGNATURE);
        assert_int_equal(verify(ring, &sm2), GJ_ERR_BAD_SIGNATURE);
        sm2.signature[i] ^= 1;
    }
    assert_counts(ring, 9, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    assert_counts(ring, 9, 1);
}

/* A remembered root under a head that says something else, such as an earlier time, must not pass. */
static void the_head_must_be_that_of_the_signed_bytes(void **state) {
    (void)state;
    add(ring, &sm2, FROM, TO, 0);
    assert_int_equal(verify(ring, &sm2), GJ_OK);
    struct signer other = sm2;
    other.head.created_ms--;
    assert_int_equal(verify(ring, &other), GJ_ERR_BAD_SIGNATURE);
    other = sm2;
    other.head.root[0] ^= 1;
    assert_int_equal(verify(ring, &other), GJ_ERR_BAD_SIGNATURE);
    other = sm2;
    other.bytes_len--;
    assert_int_equal(verify(ring, &other), GJ_ERR_BAD_SIGNATURE);
}

/* More roots than a set holds: the oldest gives way, and is verified again. Ed25519, as it is quicker. */
static void the_cache_is_bounded(void **state) {
    (void)state;
    enum { ROUNDS = 300 };
    add(ring, &ed, FROM, TO, 0);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        ed.head.flush = round;
        sign_head(&ed);
        assert_int_equal(verify(ring, &ed), GJ_OK);
        assert_int_equal(verify(ring, &ed), GJ_OK);
    }
    assert_counts(ring, ROUNDS, ROUNDS);
}

enum { THREADS = 4, CALLS = 25 };

static void *verify_many(void *bad) {
    size_t *failures = bad;
    for (int i = 0; i < CALLS; i++) {
        if (verify(ring, &sm2) != GJ_OK) ++*failures;
        if (verify(ring, &ed) != GJ_OK) ++*failures;
    }
    return NULL;
}

static void threads_share_a_ring(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    size_t failures[THREADS] = {0};
    uint64_t verified = 0, cached = 0;
    add(ring, &sm2, FROM, TO, 0);
    add(ring, &ed, FROM, TO, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &failures[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failures[i], 0);
    }
    gj_keyring_counts(ring, &verified, &cached);
    assert_int_equal(verified + cached, THREADS * CALLS * 2);
    assert_true(verified >= 2 && verified <= 2 * THREADS);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(both_algorithms_side_by_side),
        T(one_node_may_have_keys_of_both),
        T(unknown_keys),
        T(bad_keys_are_not_taken),
        T(the_ring_is_bounded),
        T(times),
        T(validity_now_is_asked_apart),
        T(a_root_is_verified_once),
        T(a_bad_signature_is_never_remembered),
        T(the_head_must_be_that_of_the_signed_bytes),
        T(the_cache_is_bounded),
        T(threads_share_a_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
