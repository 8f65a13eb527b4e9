/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files: there and back, modes, what is already there, and what is no key of ours.
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
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "crypto/crypto.h"

static char folder[64];
static char path[128];

static int setup(void **state) {
    (void)state;
    strcpy(folder, "/tmp/gongji-keys-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/node.pem", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* fails if a temporary file was left behind */
}

static void put_file(const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* --- signing keys ------------------------------------------------------------------------------------ */
static void a_signing_key_comes_back(void **state) {
    (void)state;
    static const enum gj_sign_alg algs[] = {GJ_SIGN_SM2, GJ_SIGN_ED25519};
    for (size_t a = 0; a < 2; a++) {
        struct gj_sign_key *key = NULL, *loaded = NULL;
        struct gj_public_key before, after;
        struct stat st;
        assert_int_equal(gj_sign_key_generate(algs[a], &key), GJ_OK);
        assert_int_equal(gj_sign_key_save(key, path), GJ_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(gj_sign_key_load(path, &loaded), GJ_OK);
        gj_sign_key_public(key, &before);
        gj_sign_key_public(loaded, &after);
        assert_int_equal(after.alg, algs[a]);
        assert_int_equal(after.len, before.len);
        assert_memory_equal(after.bytes, before.bytes, before.len);

        uint8_t signature[GJ_SIGNATURE_MAX];
        size_t len = 0;
        assert_int_equal(gj_sign(loaded, GJ_SLICE_LIT("x"), signature, &len), GJ_OK);
        assert_int_equal(gj_verify_signature(&before, GJ_SLICE_LIT("x"), gj_slice_of(signature, len)), GJ_OK);
        gj_sign_key_free(&key);
        gj_sign_key_free(&loaded);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_key_is_never_overwritten(void **state) {
    (void)state;
    struct gj_sign_key *key = NULL;
    struct gj_data_key data;
    char back[8] = "";
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_SM2, &key), GJ_OK);
    assert_int_equal(gj_data_key_generate(&data), GJ_OK);
    put_file("mine", 0600);
    errno = 0;
    assert_int_equal(gj_sign_key_save(key, path), GJ_ERR_IO);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(gj_data_key_save(&data, path), GJ_ERR_IO);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, back, sizeof back - 1), 4);
    assert_int_equal(close(fd), 0);
    assert_string_equal(back, "mine");
    gj_sign_key_free(&key);
}

static void loose_modes_are_refused(void **state) {
    (void)state;
    static const mode_t loose[] = {0640, 0604, 0601, 0610, 0660, 0644, 0620, 0602};
    struct gj_sign_key *key = NULL, *loaded = NULL;
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_ED25519, &key), GJ_OK);
    assert_int_equal(gj_sign_key_save(key, path), GJ_OK);
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
        assert_int_equal(chmod(path, loose[i]), 0);
        assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
        assert_null(loaded);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_OK);
    gj_sign_key_free(&loaded);
    gj_sign_key_free(&key);
}

static void what_is_no_file(void **state) {
    (void)state;
    struct gj_sign_key *loaded = NULL;
    char deep[200];
    errno = 0;
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(gj_sign_key_load(folder, &loaded), GJ_ERR_BAD_CONFIG);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG); /* and does not wait for a writer */
    assert_int_equal(gj_sign_key_generate(GJ_SIGN_ED25519, &loaded), GJ_OK);
    snprintf(deep, sizeof deep, "%s/nowhere/node.pem", folder);
    assert_int_equal(gj_sign_key_save(loaded, deep), GJ_ERR_IO);
    gj_sign_key_free(&loaded);
}

/* Writes what OpenSSL makes of |pkey| and frees it. */
static void put_pem(EVP_PKEY *pkey, const EVP_CIPHER *cipher, bool public_only) {
    assert_non_null(pkey);
    put_file("", 0600);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    char phrase[] = "secret";
    if (public_only)
        assert_int_equal(PEM_write_PUBKEY(file, pkey), 1);
    else
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, pkey, cipher, cipher == NULL ? NULL : phrase,
                                                   cipher == NULL ? 0 : 6, NULL, NULL),
                         1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(pkey);
}

static void what_is_no_key_of_ours(void **state) {
    (void)state;
    struct gj_sign_key *loaded = NULL;
    put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), NULL, false);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL, false);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), EVP_aes_128_cbc(), false); /* and does not ask a person */
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), NULL, true);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_file("", 0600);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_file("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), NULL, false);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_OK); /* the same way of writing, a good key */
    gj_sign_key_free(&loaded);
}

/* Offsets in the PKCS 8 of an SM2 key as OpenSSL writes it: 32 bytes of private key after "02 01 01 04 20",
 * 64 of public key after "03 42 00 04". */
static uint8_t *after(uint8_t *der, size_t len, const char *mark, size_t mark_len) {
    for (size_t i = 0; i + mark_len < len; i++)
        if (memcmp(der + i, mark, mark_len) == 0) return der + i + mark_len;
    fail_msg("no such mark");
    return NULL;
}

static void put_der(const uint8_t *der, size_t len) {
    put_file("", 0600);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(PEM_write(file, "PRIVATE KEY", "", der, (long)len) > 0);
    assert_int_equal(fclose(file), 0);
}

/* A file whose public part is another key's would sign what nobody can verify. */
static void the_public_part_must_belong_to_the_private(void **state) {
    (void)state;
    uint8_t *der[2] = {NULL, NULL}, *public_part[2];
    int len[2];
    struct gj_sign_key *loaded = NULL;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
        len[i] = i2d_PKCS8_PRIV_KEY_INFO(info, &der[i]);
        assert_true(len[i] > 100);
        public_part[i] = after(der[i], (size_t)len[i], "\x03\x42\x00\x04", 4);
        PKCS8_PRIV_KEY_INFO_free(info);
        EVP_PKEY_free(pkey);
    }
    put_der(der[0], (size_t)len[0]);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_OK);
    gj_sign_key_free(&loaded);
    memcpy(public_part[0], public_part[1], 64);
    put_der(der[0], (size_t)len[0]);
    assert_int_equal(gj_sign_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
    OPENSSL_free(der[0]);
    OPENSSL_free(der[1]);
}

/* --- the data key ------------------------------------------------------------------------------------ */
static void a_data_key_comes_back(void **state) {
    (void)state;
    struct gj_data_key key, loaded;
    struct stat st;
    assert_int_equal(gj_data_key_generate(&key), GJ_OK);
    assert_int_equal(gj_data_key_save(&key, path), GJ_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 161);
    assert_int_equal(gj_data_key_load(path, &loaded), GJ_OK);
    assert_memory_equal(&loaded, &key, sizeof key);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(gj_data_key_load(path, &loaded), GJ_ERR_BAD_CONFIG);
}

static void bad_data_keys(void **state) {
    (void)state;
    char text[5000];
    struct gj_data_key key;
    memset(text, 'a', sizeof text);
    static const struct {
        size_t len;
        const char *tail;
        enum gj_err err;
    } rows[] = {
        {160, "", GJ_OK},
        {160, "\n", GJ_OK},
        {160, "\n\n", GJ_ERR_BAD_CONFIG},
        {160, " ", GJ_ERR_BAD_CONFIG},
        {159, "", GJ_ERR_BAD_CONFIG},
        {159, "g", GJ_ERR_BAD_CONFIG},
        {161, "", GJ_ERR_BAD_CONFIG},
        {0, "", GJ_ERR_BAD_CONFIG},
        {0, "\n", GJ_ERR_BAD_CONFIG},
        {4500, "", GJ_ERR_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(text, 'a', sizeof text);
        strcpy(text + rows[i].len, rows[i].tail);
        put_file(text, 0600);
        assert_int_equal(gj_data_key_load(path, &key), rows[i].err);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_signing_key_comes_back), T(a_key_is_never_overwritten),
        T(loose_modes_are_refused),  T(what_is_no_file),
        T(what_is_no_key_of_ours),   T(the_public_part_must_belong_to_the_private),
        T(a_data_key_comes_back),    T(bad_data_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
