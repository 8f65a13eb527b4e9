/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures: the published values of GB/T 32918.5 and RFC 8032, the ways in which an SM2 signature can be
 * wrong and look right, and keys that must not be taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/crypto.h"

/* GB/T 32918.5: the recommended curve, user id 1234567812345678, message "message digest". */
#define GB_D  "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
#define GB_PX "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
#define GB_PY "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
#define GB_R  "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
#define GB_S  "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"

/* RFC 8032, 7.1, test 2: the message is one byte, 0x72. */
#define RFC_PUBLIC "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define RFC_R      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
#define RFC_S      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

#define GB_MESSAGE GJ_SLICE_LIT("message digest")

static void parse(struct gj_public_key *ret, const char *text) {
    assert_int_equal(gj_public_key_parse(text, ret), GJ_OK);
}

static struct gj_slice unhex(uint8_t *dst, const char *hex) {
    size_t len = strlen(hex) / 2;
    assert_int_equal(gj_hex_decode(dst, len, hex), GJ_OK);
    return gj_slice_of(dst, len);
}

static void published_sm2(void **state) {
    (void)state;
    struct gj_public_key key;
    uint8_t raw[64];
    parse(&key, "sm2:04" GB_PX GB_PY);
    struct gj_slice signature = unhex(raw, GB_R GB_S);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, signature), GJ_OK);
    assert_int_equal(gj_verify_signature(&key, GJ_SLICE_LIT("message digesT"), signature),
                     GJ_ERR_BAD_SIGNATURE);
}

static void published_ed25519(void **state) {
    (void)state;
    struct gj_public_key key;
    uint8_t raw[64];
    parse(&key, "ed25519:" RFC_PUBLIC);
    struct gj_slice signature = unhex(raw, RFC_R RFC_S);
    assert_int_equal(gj_verify_signature(&key, GJ_SLICE_LIT("\x72"), signature), GJ_OK);
    assert_int_equal(gj_verify_signature(&key, GJ_SLICE_LIT("\x73"), signature), GJ_ERR_BAD_SIGNATURE);
}

/* --- user ids ---------------------------------------------------------------------------------------- */
static EVP_PKEY *gb_private(void) {
    uint8_t d_bytes[32], point[65];
    unhex(d_bytes, GB_D);
    unhex(point, "04" GB_PX GB_PY);
    BIGNUM *d = BN_bin2bn(d_bytes, sizeof d_bytes, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
                     1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    EVP_PKEY *pkey = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(d);
    return pkey;
}

/* What a careless implementation does: signs under |id| of |id_len| bytes (0: none set), raw r | s. */
static void sign_under(const char *id, size_t id_len, uint8_t ret[64]) {
    EVP_PKEY *pkey = gb_private();
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    uint8_t der[80];
    size_t len = sizeof der;
    if (id_len > 0) assert_int_equal(EVP_PKEY_CTX_set1_id(ctx, id, (int)id_len), 1);
    EVP_MD_CTX_set_pkey_ctx(md, ctx);
    assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sm3(), NULL, pkey), 1);
    assert_int_equal(EVP_DigestSign(md, der, &len, GB_MESSAGE.ptr, GB_MESSAGE.len), 1);
    const uint8_t *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32), 32);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
}

static void only_the_16_byte_user_id_verifies(void **state) {
    (void)state;
    static const char id[] = "1234567812345678";
    struct gj_public_key key;
    uint8_t raw[64];
    parse(&key, "sm2:04" GB_PX GB_PY);
    const struct gj_slice signature = gj_slice_of(raw, sizeof raw);
    sign_under(id, 16, raw);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, signature), GJ_OK);
    sign_under(id, sizeof id, raw); /* 17: with the NUL */
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, signature), GJ_ERR_BAD_SIGNATURE);
    sign_under(id, 15, raw);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, signature), GJ_ERR_BAD_SIGNATURE);
    sign_under(id, 0, raw);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, signature), GJ_ERR_BAD_SIGNATURE);
}

/* --- there and back ---------------------------------------------------------------------------------- */
static const enum gj_sign_alg algs[] = {GJ_SIGN_SM2, GJ_SIGN_ED25519};

static void there_and_back(void **state) {
    (void)state;
    for (size_t a = 0; a < 2; a++) {
        struct gj_sign_key *key = NULL, *other = NULL;
        struct gj_public_key public_key, other_public;
        uint8_t raw[GJ_SIGNATURE_MAX];
        size_t len = 0;
        assert_int_equal(gj_sign_key_generate(algs[a], &key), GJ_OK);
        assert_int_equal(gj_sign_key_generate(algs[a], &other), GJ_OK);
        gj_sign_key_public(key, &public_key);
        gj_sign_key_public(other, &other_public);
        assert_int_equal(public_key.alg, algs[a]);
        assert_int_equal(gj_sign(key, GB_MESSAGE, raw, &len), GJ_OK);
        assert_int_equal(len, GJ_SIGNATURE_MAX);
        struct gj_slice signature = gj_slice_of(raw, len);
        assert_int_equal(gj_verify_signature(&public_key, GB_MESSAGE, signature), GJ_OK);
        assert_int_equal(gj_verify_signature(&other_public, GB_MESSAGE, signature), GJ_ERR_BAD_SIGNATURE);
        gj_sign_key_free(&key);
        assert_null(key);
        gj_sign_key_free(&other);
    }
}

static void every_flipped_bit_is_noticed(void **state) {
    (void)state;
    struct gj_public_key keys[2];
    uint8_t raw[2][64];
    const struct gj_slice texts[2] = {GB_MESSAGE, GJ_SLICE_LIT("\x72")};
    parse(&keys[0], "sm2:04" GB_PX GB_PY);
    parse(&keys[1], "ed25519:" RFC_PUBLIC);
    unhex(raw[0], GB_R GB_S);
    unhex(raw[1], RFC_R RFC_S);
    for (size_t a = 0; a < 2; a++)
        for (size_t bit = 0; bit < 64 * 8; bit += 3) { /* coprime to 8: every byte, every place */
            raw[a][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(gj_verify_signature(&keys[a], texts[a], gj_slice_of(raw[a], 64)),
                             GJ_ERR_BAD_SIGNATURE);
            raw[a][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
}

static void other_lengths_and_zeroes_are_no_signatures(void **state) {
    (void)state;
    struct gj_public_key key;
    uint8_t raw[65] = {0};
    parse(&key, "sm2:04" GB_PX GB_PY);
    unhex(raw, GB_R GB_S);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, gj_slice_of(raw, 63)), GJ_ERR_BAD_SIGNATURE);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, gj_slice_of(raw, 65)), GJ_ERR_BAD_SIGNATURE);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, GJ_SLICE_NONE), GJ_ERR_BAD_SIGNATURE);
    memset(raw, 0, sizeof raw);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, gj_slice_of(raw, 64)), GJ_ERR_BAD_SIGNATURE);
    memset(raw, 0xff, sizeof raw);
    assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, gj_slice_of(raw, 64)), GJ_ERR_BAD_SIGNATURE);
}

/* One in 256 has an r below 2^248, one an s: without padding on the left it would come out a byte short. */
static void short_coordinates_are_padded(void **state) {
    (void)state;
    struct gj_sign_key *key = NULL;
    struct gj_public_key public_key;
    uint8_t raw[GJ_SIGNATURE_MAX];
    size_t len = 0;
    bool short_r = false, short_s = false;
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_SM2, &key), GJ_OK);
    gj_sign_key_public(key, &public_key);
    for (int i = 0; i < 8000 && !(short_r && short_s); i++) {
        assert_int_equal(gj_sign(key, GB_MESSAGE, raw, &len), GJ_OK);
        assert_int_equal(gj_verify_signature(&public_key, GB_MESSAGE, gj_slice_of(raw, len)), GJ_OK);
        short_r = short_r || raw[0] == 0;
        short_s = short_s || raw[32] == 0;
    }
    assert_true(short_r && short_s);
    gj_sign_key_free(&key);
}

/* --- keys -------------------------------------------------------------------------------------------- */
static void points_off_the_curve_are_no_keys(void **state) {
    (void)state;
    static const char *const bad[] = {
        "sm2:04" GB_PX "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD14",
        "sm2:040000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000",
        "sm2:04ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        /* y = 2 has no x; y = p + 3 is not canonical; y = 1, 0, p - 1 and two more are of small order */
        "ed25519:0200000000000000000000000000000000000000000000000000000000000000",
        "ed25519:f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed25519:0100000000000000000000000000000000000000000000000000000000000000",
        "ed25519:0000000000000000000000000000000000000000000000000000000000000000",
        "ed25519:0000000000000000000000000000000000000000000000000000000000000080",
        "ed25519:ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed25519:26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "ed25519:c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ed25519:c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    };
    uint8_t raw[64];
    unhex(raw, GB_R GB_S);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gj_public_key key;
        parse(&key, bad[i]);
        assert_int_equal(gj_verify_signature(&key, GB_MESSAGE, gj_slice_of(raw, 64)), GJ_ERR_CRYPTO);
    }
}

static void texts_of_keys(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "sm2:",
        "SM2:04" GB_PX GB_PY,
        "sm2:03" GB_PX GB_PY,
        "sm2:04" GB_PX GB_PY "00",
        "sm2:04" GB_PX,
        "sm2:04" GB_PX "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD1g",
        "ed25519:" RFC_PUBLIC "00",
        "ed25519:04" GB_PX GB_PY,
        "rsa:" RFC_PUBLIC,
    };
    struct gj_public_key key;
    char text[160];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(gj_public_key_parse(bad[i], &key), GJ_ERR_BAD_FIELD);
    for (size_t a = 0; a < 2; a++) {
        struct gj_sign_key *made = NULL;
        struct gj_public_key public_key;
        assert_int_equal(gj_sign_key_generate(algs[a], &made), GJ_OK);
        gj_sign_key_public(made, &public_key);
        gj_public_key_format(&public_key, text);
        parse(&key, text);
        assert_int_equal(key.alg, public_key.alg);
        assert_int_equal(key.len, public_key.len);
        assert_memory_equal(key.bytes, public_key.bytes, key.len);
        gj_sign_key_free(&made);
    }
}

/* H(alg | key), by hand. */
static void ids_of_keys(void **state) {
    (void)state;
    static const char *const texts[] = {"sm2:04" GB_PX GB_PY, "ed25519:" RFC_PUBLIC};
    for (size_t a = 0; a < 2; a++) {
        struct gj_public_key key;
        uint8_t id[GJ_KEY_ID_BYTES], bytes[1 + GJ_PUBLIC_KEY_MAX], hash[EVP_MAX_MD_SIZE];
        parse(&key, texts[a]);
        bytes[0] = (uint8_t)(a + 1);
        memcpy(bytes + 1, key.bytes, key.len);
        assert_int_equal(EVP_Digest(bytes, 1 + key.len, hash, NULL, a == 0 ? EVP_sm3() : EVP_sha256(), NULL),
                         1);
        gj_public_key_id(&key, id);
        assert_memory_equal(id, hash, sizeof id);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_sm2),
        cmocka_unit_test(published_ed25519),
        cmocka_unit_test(only_the_16_byte_user_id_verifies),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(other_lengths_and_zeroes_are_no_signatures),
        cmocka_unit_test(short_coordinates_are_padded),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(texts_of_keys),
        cmocka_unit_test(ids_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
