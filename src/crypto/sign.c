/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing and verifying with SM2 (SM3, user id of 16 bytes) and Ed25519; OpenSSL's DER to and from the raw
 * r | s of the national interface. It must never sign or verify SM2 without the user id: OpenSSL would use
 * an empty one, agree with itself, and fail against everybody else.
 */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "base/check.h"
#include "crypto/internal.h"

/* GB/T 32918: 16 bytes. sizeof of the literal would count its NUL and sign under a user id of 17. */
#define SM2_USER_ID     "1234567812345678"
#define SM2_USER_ID_LEN 16
_Static_assert(sizeof SM2_USER_ID == SM2_USER_ID_LEN + 1, "the default user id has 16 bytes");

#define COORDINATE 32
#define DER_MAX    80 /* two integers of 33 bytes and three heads make 72 */

/* One signing or verifying under way. */
struct op {
    EVP_MD_CTX *md;
    EVP_PKEY_CTX *key;
};

static void op_done(struct op *op) {
    EVP_MD_CTX_free(op->md);
    EVP_PKEY_CTX_free(op->key); /* a context that was set into the other is not freed by it */
    ERR_clear_error();
}

/* The user id must be there before DigestSignInit or DigestVerifyInit: SM2 hashes it first. */
static bool op_init(struct op *op, EVP_PKEY *pkey, enum gj_sign_alg alg, bool signing) {
    op->md = EVP_MD_CTX_new();
    op->key = EVP_PKEY_CTX_new(pkey, NULL);
    if (op->md == NULL || op->key == NULL) return false;
    const EVP_MD *md = NULL; /* Ed25519 hashes by itself */
    if (alg == GJ_SIGN_SM2) {
        md = gj_crypto_algorithms_get()->sm3;
        if (EVP_PKEY_CTX_set1_id(op->key, SM2_USER_ID, SM2_USER_ID_LEN) != 1) return false;
    }
    EVP_MD_CTX_set_pkey_ctx(op->md, op->key);
    if (signing) return EVP_DigestSignInit(op->md, NULL, md, NULL, pkey) == 1;
    return EVP_DigestVerifyInit(op->md, NULL, md, NULL, pkey) == 1;
}

/* --- r | s ------------------------------------------------------------------------------------------- */
static bool raw_of_der(const uint8_t *der, size_t len, uint8_t ret[GJ_SIGNATURE_MAX]) {
    const uint8_t *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    if (sig == NULL) return false;
    /* Padded on the left: one signature in 128 has a coordinate with a leading zero byte. */
    bool ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, COORDINATE) == COORDINATE &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + COORDINATE, COORDINATE) == COORDINATE;
    ECDSA_SIG_free(sig);
    return ok;
}

/* Gives the length, 0 on failure. */
static size_t der_of_raw(const uint8_t raw[GJ_SIGNATURE_MAX], uint8_t ret[DER_MAX]) {
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
    int len = 0;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* now the signature's */
        uint8_t *at = ret;
        len = i2d_ECDSA_SIG(sig, NULL) <= DER_MAX ? i2d_ECDSA_SIG(sig, &at) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

/* --- sign -------------------------------------------------------------------------------------------- */
enum gj_err gj_sign(const struct gj_sign_key *key, struct gj_slice bytes, uint8_t ret[GJ_SIGNATURE_MAX],
                    size_t *ret_len) {
    struct gj_public_key public_key;
    gj_sign_key_public(key, &public_key);
    struct op op = {NULL, NULL};
    uint8_t out[DER_MAX];
    size_t len = sizeof out;
    bool ok = op_init(&op, gj_crypto_private_of(key), public_key.alg, true) &&
              EVP_DigestSign(op.md, out, &len, bytes.ptr, bytes.len) == 1;
    op_done(&op);
    if (!ok) return GJ_ERR_CRYPTO;
    if (public_key.alg == GJ_SIGN_SM2) {
        if (!raw_of_der(out, len, ret)) return GJ_ERR_CRYPTO;
    } else {
        if (len != GJ_SIGNATURE_MAX) return GJ_ERR_CRYPTO;
        memcpy(ret, out, len);
    }
    *ret_len = GJ_SIGNATURE_MAX;
    return GJ_OK;
}

/* --- verify ------------------------------------------------------------------------------------------ */
enum gj_err gj_crypto_verify_with(EVP_PKEY *pkey, enum gj_sign_alg alg, struct gj_slice bytes,
                                  struct gj_slice signature) {
    if (signature.len != GJ_SIGNATURE_MAX) return GJ_ERR_BAD_SIGNATURE;
    uint8_t der[DER_MAX];
    struct gj_slice form = signature;
    if (alg == GJ_SIGN_SM2) form = gj_slice_of(der, der_of_raw(signature.ptr, der));
    if (form.len == 0) return GJ_ERR_CRYPTO;

    struct op op = {NULL, NULL};
    bool ready = op_init(&op, pkey, alg, false);
    bool good = ready && EVP_DigestVerify(op.md, form.ptr, form.len, bytes.ptr, bytes.len) == 1;
    op_done(&op);
    if (!ready) return GJ_ERR_CRYPTO;
    return good ? GJ_OK : GJ_ERR_BAD_SIGNATURE;
}

enum gj_err gj_verify_signature(const struct gj_public_key *key, struct gj_slice bytes,
                                struct gj_slice signature) {
    EVP_PKEY *pkey = NULL;
    GJ_TRY(gj_crypto_import_public(key, &pkey));
    enum gj_err err = gj_crypto_verify_with(pkey, key->alg, bytes, signature);
    EVP_PKEY_free(pkey);
    return err;
}
