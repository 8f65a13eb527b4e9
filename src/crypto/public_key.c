/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys: their text, their id, and their way into OpenSSL. It must never let a key through that is no
 * point on its curve, or one under which a signature proves nothing.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/check.h"
#include "crypto/internal.h"

#define SM2_POINT     65
#define ED25519_POINT 32

struct form {
    enum gj_sign_alg alg;
    const char *prefix;
    size_t len;
};

static const struct form forms[] = {
    {GJ_SIGN_SM2, "sm2:", SM2_POINT},
    {GJ_SIGN_ED25519, "ed25519:", ED25519_POINT},
};

static const struct form *form_of(enum gj_sign_alg alg) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].alg == alg) return &forms[i];
    return NULL;
}

/* --- into OpenSSL ------------------------------------------------------------------------------------ */
static EVP_PKEY *import_sm2(const struct gj_public_key *key) {
    char group[] = "SM2";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)key->bytes, key->len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    bool ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (ok) return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

/* On the curve, in range, not the point at infinity. */
static bool is_good_point(EVP_PKEY *pkey) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* The y of the points whose order divides 8, little-endian, canonical: 1, p - 1, 0 and the two of order 8.
 * Under such a key one signature fits many messages, so it would prove nothing to a third party. */
static const char *const small_order[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
};

/* x^2 = (y^2 - 1) / (d y^2 + 1) has a root if the product of the two is no non-residue (RFC 8032, 5.1.3). */
static bool has_x(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BN_CTX *ctx) {
    BIGNUM *u = BN_new(), *v = BN_new();
    bool ok = u != NULL && v != NULL && BN_mod_sqr(u, y, p, ctx) == 1 && BN_mod_mul(v, u, d, p, ctx) == 1 &&
              BN_sub_word(u, 1) == 1 && BN_add_word(v, 1) == 1 && BN_mod_mul(u, u, v, p, ctx) == 1 &&
              BN_kronecker(u, p, ctx) == 1;
    BN_free(u);
    BN_free(v);
    return ok;
}

/* OpenSSL takes any 32 bytes for an Ed25519 key and only notices when it verifies. */
static bool is_good_ed25519(const struct gj_public_key *key) {
    uint8_t y_bytes[ED25519_POINT], bad[ED25519_POINT];
    memcpy(y_bytes, key->bytes, sizeof y_bytes);
    y_bytes[ED25519_POINT - 1] &= 0x7f; /* the top bit is the sign of x */
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
        if (gj_hex_decode(bad, sizeof bad, small_order[i]) != GJ_OK) return false;
        if (memcmp(bad, y_bytes, sizeof bad) == 0) return false;
    }
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *y = BN_lebin2bn(y_bytes, sizeof y_bytes, NULL), *p = NULL, *d = NULL;
    bool ok = ctx != NULL && y != NULL &&
              BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed") > 0 &&
              BN_hex2bn(&d, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3") > 0 &&
              BN_cmp(y, p) < 0 && has_x(y, p, d, ctx);
    BN_free(y);
    BN_free(p);
    BN_free(d);
    BN_CTX_free(ctx);
    return ok;
}

enum gj_err gj_crypto_import_public(const struct gj_public_key *key, EVP_PKEY **ret) {
    const struct form *form = form_of(key->alg);
    if (form == NULL || key->len != form->len) return GJ_ERR_CRYPTO;
    EVP_PKEY *pkey = NULL;
    if (key->alg == GJ_SIGN_SM2) {
        pkey = key->bytes[0] == 0x04 ? import_sm2(key) : NULL;
        if (pkey != NULL && !is_good_point(pkey)) {
            EVP_PKEY_free(pkey);
            pkey = NULL;
        }
    } else if (is_good_ed25519(key)) {
        pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key->bytes, key->len);
    }
    ERR_clear_error();
    if (pkey == NULL) return GJ_ERR_CRYPTO;
    *ret = pkey;
    return GJ_OK;
}

/* --- text and id ------------------------------------------------------------------------------------- */
void gj_public_key_id(const struct gj_public_key *key, uint8_t ret[GJ_KEY_ID_BYTES]) {
    const struct gj_hasher hasher = gj_crypto_hasher(NULL);
    const uint8_t alg = (uint8_t)key->alg;
    const struct gj_slice parts[] = {gj_slice_of(&alg, 1), gj_slice_of(key->bytes, key->len)};
    uint8_t hash[GJ_HASH_BYTES];
    hasher.hash(hasher.ctx, gj_hash_alg_of(key->alg), parts, 2, hash);
    memcpy(ret, hash, GJ_KEY_ID_BYTES);
}

void gj_public_key_format(const struct gj_public_key *key, char dst[160]) {
    const struct form *form = form_of(key->alg);
    GJ_ASSERT(form != NULL && key->len == form->len);
    size_t prefix = strlen(form->prefix);
    memcpy(dst, form->prefix, prefix);
    gj_hex_encode(dst + prefix, key->bytes, key->len);
}

enum gj_err gj_public_key_parse(const char *text, struct gj_public_key *ret) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t prefix = strlen(forms[i].prefix);
        if (strncmp(text, forms[i].prefix, prefix) != 0) continue;
        struct gj_public_key key = {.alg = forms[i].alg, .len = forms[i].len};
        GJ_TRY(gj_hex_decode(key.bytes, key.len, text + prefix));
        if (key.alg == GJ_SIGN_SM2 && key.bytes[0] != 0x04) return GJ_ERR_BAD_FIELD;
        *ret = key;
        return GJ_OK;
    }
    return GJ_ERR_BAD_FIELD;
}
