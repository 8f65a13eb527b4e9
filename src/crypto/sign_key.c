/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys: made, read from PEM, kept as PEM. It must never prompt for a pass phrase, leave a private
 * key in freed memory, or hand out a key whose public part is not its own.
 */
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/internal.h"

struct gj_sign_key {
    EVP_PKEY *pkey;
    struct gj_public_key public_key;
};

EVP_PKEY *gj_crypto_private_of(const struct gj_sign_key *key) {
    return key->pkey;
}

void gj_sign_key_public(const struct gj_sign_key *key, struct gj_public_key *ret) {
    *ret = key->public_key;
}

void gj_sign_key_free(struct gj_sign_key **key_p) {
    if (*key_p == NULL) return;
    EVP_PKEY_free((*key_p)->pkey); /* wipes the private part */
    free(*key_p);
    *key_p = NULL;
}

/* --- the public part --------------------------------------------------------------------------------- */
static bool put_coordinate(EVP_PKEY *pkey, const char *name, uint8_t *ret) {
    BIGNUM *value = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &value) == 1 && BN_bn2binpad(value, ret, 32) == 32;
    BN_free(value);
    return ok;
}

/* By coordinates: the octets would come compressed if the file's point was. */
static bool public_of(EVP_PKEY *pkey, struct gj_public_key *ret) {
    *ret = (struct gj_public_key){.len = 0};
    if (EVP_PKEY_is_a(pkey, "SM2")) {
        ret->alg = GJ_SIGN_SM2;
        ret->len = 65;
        ret->bytes[0] = 0x04;
        return put_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, ret->bytes + 1) &&
               put_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, ret->bytes + 33);
    }
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        ret->alg = GJ_SIGN_ED25519;
        ret->len = 32;
        size_t len = 32;
        return EVP_PKEY_get_raw_public_key(pkey, ret->bytes, &len) == 1 && len == 32;
    }
    return false;
}

enum gj_err gj_crypto_adopt_private(EVP_PKEY **pkey_p, struct gj_sign_key **ret) {
    struct gj_sign_key *key = calloc(1, sizeof *key);
    if (key == NULL) return GJ_ERR_NO_MEMORY;
    key->pkey = *pkey_p;
    /* SM2 hashes the public part into each signature: a file with another's would sign what nobody can
     * verify. So one probe goes there and back. */
    const struct gj_slice probe = GJ_SLICE_LIT("gongji-key-probe/1");
    uint8_t signature[GJ_SIGNATURE_MAX];
    size_t len = 0;
    enum gj_err err = public_of(*pkey_p, &key->public_key) ? GJ_OK : GJ_ERR_CRYPTO;
    if (err == GJ_OK) err = gj_sign(key, probe, signature, &len);
    if (err == GJ_OK) err = gj_verify_signature(&key->public_key, probe, gj_slice_of(signature, len));
    ERR_clear_error();
    if (err != GJ_OK) {
        free(key);
        return GJ_ERR_CRYPTO;
    }
    *pkey_p = NULL;
    *ret = key;
    return GJ_OK;
}

enum gj_err gj_sign_key_generate(enum gj_sign_alg alg, struct gj_sign_key **ret) {
    const char *name = alg == GJ_SIGN_ED25519 ? "ED25519" : "SM2";
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, name);
    if (pkey == NULL) return GJ_ERR_CRYPTO;
    enum gj_err err = gj_crypto_adopt_private(&pkey, ret);
    EVP_PKEY_free(pkey);
    return err;
}

/* --- files ------------------------------------------------------------------------------------------- */
/* OpenSSL's default would ask at the terminal. */
static int no_pass_phrase(char *buf, int size, int rwflag, void *u) {
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)u;
    return -1;
}

enum gj_err gj_sign_key_load(const char *path, struct gj_sign_key **ret) {
    uint8_t memory[GJ_SECRET_FILE_MAX];
    struct gj_buf pem;
    gj_buf_init(&pem, memory, sizeof memory);
    GJ_TRY(gj_crypto_secret_read(path, &pem));
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    gj_wipe(memory, sizeof memory);
    ERR_clear_error();
    if (pkey == NULL) return GJ_ERR_BAD_CONFIG;
    enum gj_err err = gj_crypto_adopt_private(&pkey, ret);
    EVP_PKEY_free(pkey);
    return err == GJ_ERR_CRYPTO ? GJ_ERR_BAD_CONFIG : err;
}

enum gj_err gj_sign_key_save(const struct gj_sign_key *key, const char *path) {
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it grows and when it is freed */
    char *pem = NULL;
    enum gj_err err = GJ_ERR_CRYPTO;
    if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        long len = BIO_get_mem_data(bio, &pem);
        if (len > 0) err = gj_crypto_secret_write(path, gj_slice_of(pem, (size_t)len));
    }
    BIO_free(bio);
    return err;
}
