/* SPDX-License-Identifier: Apache-2.0
 *
 * The node's data key: 80 random bytes, kept as hex in one file. It must never leave the node nor a log.
 */
#include <string.h>

#include "crypto/internal.h"

#define DATA_KEY_BYTES sizeof(struct gj_data_key)
#define DATA_KEY_HEX   (2 * DATA_KEY_BYTES)

_Static_assert(DATA_KEY_BYTES == 80, "seal, tag and mac, without padding");

enum gj_err gj_data_key_generate(struct gj_data_key *ret) {
    gj_random_bytes(ret, sizeof *ret);
    return GJ_OK;
}

/* 160 digits, and at most one newline after them. */
enum gj_err gj_data_key_load(const char *path, struct gj_data_key *ret) {
    uint8_t memory[GJ_SECRET_FILE_MAX];
    char text[DATA_KEY_HEX + 1];
    struct gj_buf file;
    gj_buf_init(&file, memory, sizeof memory);
    enum gj_err err = gj_crypto_secret_read(path, &file);
    if (err == GJ_OK) {
        struct gj_slice digits = gj_buf_slice(&file);
        if (digits.len > 0 && digits.ptr[digits.len - 1] == '\n') digits.len--;
        if (gj_text_from_slice(text, sizeof text, digits) != GJ_OK || strlen(text) != DATA_KEY_HEX ||
            gj_hex_decode(ret, sizeof *ret, text) != GJ_OK)
            err = GJ_ERR_BAD_CONFIG;
    }
    gj_wipe(memory, sizeof memory);
    gj_wipe(text, sizeof text);
    return err;
}

enum gj_err gj_data_key_save(const struct gj_data_key *key, const char *path) {
    char text[DATA_KEY_HEX + 2];
    gj_hex_encode(text, key, sizeof *key);
    text[DATA_KEY_HEX] = '\n';
    enum gj_err err = gj_crypto_secret_write(path, gj_slice_of(text, DATA_KEY_HEX + 1));
    gj_wipe(text, sizeof text);
    return err;
}
