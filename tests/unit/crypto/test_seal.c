/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing: the published SM4 value, there and back, and every way of tampering.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#define PLAIN_MAX 300

static struct gj_data_key key;

static int make_key(void **state) {
    (void)state;
    return gj_data_key_generate(&key) == GJ_OK ? 0 : -1;
}

/* GB/T 32907: SM4 of 0123456789abcdeffedcba9876543210 under the same key. In counter mode the first block is
 * the nonce's encryption, so a seal of this nonce and that ciphertext opens to sixteen zero bytes. */
static void published_sm4(void **state) {
    (void)state;
    struct gj_data_key published = key;
    const struct gj_data_key as_mac = {.mac = {0}};
    struct gj_data_key tagger = as_mac;
    uint8_t sealed[16 + 16 + 32], plain[16], zero[16] = {0};
    assert_int_equal(gj_hex_decode(published.seal, 16, "0123456789abcdeffedcba9876543210"), GJ_OK);
    assert_int_equal(gj_hex_decode(sealed, 16, "0123456789abcdeffedcba9876543210"), GJ_OK);
    assert_int_equal(gj_hex_decode(sealed + 16, 16, "681edf34d206965e86b3e94f536e4246"), GJ_OK);
    memcpy(tagger.mac, published.tag, sizeof tagger.mac);
    const struct gj_hasher hasher = gj_crypto_hasher(&tagger);
    const struct gj_slice covered = gj_slice_of(sealed, 32);
    hasher.mac(hasher.ctx, &covered, 1, sealed + 32);

    struct gj_buf out;
    gj_buf_init(&out, plain, sizeof plain);
    assert_int_equal(gj_unseal(&published, gj_slice_of(sealed, sizeof sealed), &out), GJ_OK);
    assert_int_equal(out.len, 16);
    assert_memory_equal(plain, zero, 16);
}

static void there_and_back(void **state) {
    (void)state;
    uint8_t plain[PLAIN_MAX], sealed[PLAIN_MAX + GJ_SEAL_OVERHEAD + 3], opened[PLAIN_MAX];
    gj_random_bytes(plain, sizeof plain);
    for (size_t len = 0; len <= PLAIN_MAX; len++) {
        struct gj_buf out, back;
        gj_buf_init(&out, sealed, sizeof sealed);
        gj_buf_put(&out, "abc", 3); /* appends */
        assert_int_equal(gj_seal(&key, gj_slice_of(plain, len), &out), GJ_OK);
        assert_int_equal(out.len, 3 + len + GJ_SEAL_OVERHEAD);
        gj_buf_init(&back, opened, sizeof opened);
        assert_int_equal(gj_unseal(&key, gj_slice_of(sealed + 3, out.len - 3), &back), GJ_OK);
        assert_true(gj_slice_equal(gj_buf_slice(&back), gj_slice_of(plain, len)));
    }
}

static void the_same_text_seals_differently(void **state) {
    (void)state;
    uint8_t sealed[64 + GJ_SEAL_OVERHEAD] = {0}, first[sizeof sealed], plain[64] = {0};
    struct gj_buf out;
    gj_buf_init(&out, sealed, sizeof sealed);
    assert_int_equal(gj_seal(&key, gj_slice_of(plain, sizeof plain), &out), GJ_OK);
    memcpy(first, sealed, sizeof sealed);
    memset(sealed, 0, sizeof sealed);
    gj_buf_init(&out, sealed, sizeof sealed);
    assert_int_equal(gj_seal(&key, gj_slice_of(plain, sizeof plain), &out), GJ_OK);
    assert_memory_not_equal(first, sealed, 16);           /* nonces */
    assert_memory_not_equal(first + 16, sealed + 16, 64); /* and so the key streams */
    assert_memory_not_equal(first + 16, plain, sizeof plain);
}

static void tampering_is_noticed(void **state) {
    (void)state;
    uint8_t sealed[40 + GJ_SEAL_OVERHEAD], opened[64], plain[40] = {1, 2, 3};
    struct gj_buf out, back;
    gj_buf_init(&out, sealed, sizeof sealed);
    assert_int_equal(gj_seal(&key, gj_slice_of(plain, sizeof plain), &out), GJ_OK);
    for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gj_buf_init(&back, opened, sizeof opened);
        assert_int_equal(gj_unseal(&key, gj_slice_of(sealed, sizeof sealed), &back), GJ_ERR_CRYPTO);
        assert_int_equal(back.len, 0);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof sealed; len++) {
        gj_buf_init(&back, opened, sizeof opened);
        assert_int_equal(gj_unseal(&key, gj_slice_of(sealed, len), &back), GJ_ERR_CRYPTO);
    }
    struct gj_data_key other = key;
    other.tag[0] ^= 1;
    gj_buf_init(&back, opened, sizeof opened);
    assert_int_equal(gj_unseal(&other, gj_slice_of(sealed, sizeof sealed), &back), GJ_ERR_CRYPTO);
    assert_int_equal(gj_unseal(&key, gj_slice_of(sealed, sizeof sealed), &back), GJ_OK);
}

static void small_buffers_latch(void **state) {
    (void)state;
    uint8_t sealed[8 + GJ_SEAL_OVERHEAD], opened[8], plain[8] = {0};
    struct gj_buf out;
    gj_buf_init(&out, sealed, sizeof sealed - 1);
    assert_int_equal(gj_seal(&key, gj_slice_of(plain, sizeof plain), &out), GJ_ERR_NO_SPACE);
    assert_int_equal(gj_buf_check(&out), GJ_ERR_NO_SPACE);
    assert_int_equal(out.len, 0);
    gj_buf_init(&out, sealed, sizeof sealed);
    assert_int_equal(gj_seal(&key, gj_slice_of(plain, sizeof plain), &out), GJ_OK);
    gj_buf_init(&out, opened, sizeof opened - 1);
    assert_int_equal(gj_unseal(&key, gj_slice_of(sealed, sizeof sealed), &out), GJ_ERR_NO_SPACE);
    assert_int_equal(out.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_sm4),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_same_text_seals_differently),
        cmocka_unit_test(tampering_is_noticed),
        cmocka_unit_test(small_buffers_latch),
    };
    return cmocka_run_group_tests(tests, make_key, NULL);
}
