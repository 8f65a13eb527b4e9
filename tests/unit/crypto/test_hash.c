/* SPDX-License-Identifier: Apache-2.0
 *
 * The hasher against published values and against OpenSSL's own one-shot calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/crypto.h"

static void assert_hash(enum gj_hash_alg alg, const struct gj_slice *parts, size_t n, const char *hex) {
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    uint8_t hash[GJ_HASH_BYTES];
    char text[2 * GJ_HASH_BYTES + 1];
    hasher.hash(hasher.ctx, alg, parts, n, hash);
    gj_hex_encode(text, hash, sizeof hash);
    assert_string_equal(text, hex);
}

static void published_hashes(void **state) {
    (void)state;
    const struct gj_slice abc = GJ_SLICE_LIT("abc");
    assert_hash(GJ_HASH_SM3, &abc, 1, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_hash(GJ_HASH_SHA256, &abc, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash(GJ_HASH_SHA256, NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void parts_are_one_text(void **state) {
    (void)state;
    const struct gj_slice parts[] = {GJ_SLICE_LIT("a"), GJ_SLICE_NONE, GJ_SLICE_LIT("bc")};
    assert_hash(GJ_HASH_SM3, parts, 3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

static void digest_names_its_algorithm(void **state) {
    (void)state;
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    const struct gj_slice abc = GJ_SLICE_LIT("abc");
    struct gj_digest sm3, sha256;
    gj_digest_of(&hasher, GJ_HASH_SM3, &abc, 1, &sm3);
    gj_digest_of(&hasher, GJ_HASH_SHA256, &abc, 1, &sha256);
    assert_int_equal(sm3.bytes[0], GJ_HASH_SM3);
    assert_int_equal(sha256.bytes[0], GJ_HASH_SHA256);
    assert_int_equal(sm3.bytes[1], 0x66);
    assert_false(gj_digest_equal(&sm3, &sha256));
}

/* OpenSSL's HMAC with everything looked up anew, as the yardstick of our copied context. */
static void yardstick(const uint8_t *key, size_t key_len, const uint8_t *text, size_t len, uint8_t ret[32]) {
    char digest[] = "SM3";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t done = 0;
    assert_int_equal(EVP_MAC_init(ctx, key, key_len, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, text, len), 1);
    assert_int_equal(EVP_MAC_final(ctx, ret, &done, 32), 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

static void mac_is_hmac_sm3_under_the_mac_key(void **state) {
    (void)state;
    struct gj_data_key key;
    uint8_t text[200], want[32], got[32];
    for (int round = 0; round < 20; round++) {
        assert_int_equal(gj_data_key_generate(&key), GJ_OK);
        gj_random_bytes(text, sizeof text);
        const struct gj_hasher hasher = gj_crypto_hasher(&key);
        const struct gj_slice parts[] = {gj_slice_of(text, 77), gj_slice_of(text + 77, sizeof text - 77)};
        hasher.mac(hasher.ctx, parts, 2, got);
        yardstick(key.mac, sizeof key.mac, text, sizeof text, want);
        assert_memory_equal(got, want, 32);
        yardstick(key.tag, sizeof key.tag, text, sizeof text, want);
        assert_memory_not_equal(got, want, 32);
    }
}

static void random_bytes_differ(void **state) {
    (void)state;
    uint8_t a[32], b[32];
    gj_random_bytes(a, sizeof a);
    gj_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    gj_random_bytes(a, 0);
}

static void wipe_zeroes(void **state) {
    (void)state;
    uint8_t secret[32], zero[32] = {0};
    memset(secret, 7, sizeof secret);
    gj_wipe(secret, sizeof secret);
    assert_memory_equal(secret, zero, sizeof zero);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_hashes),           cmocka_unit_test(parts_are_one_text),
        cmocka_unit_test(digest_names_its_algorithm), cmocka_unit_test(mac_is_hmac_sm3_under_the_mac_key),
        cmocka_unit_test(random_bytes_differ),        cmocka_unit_test(wipe_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
