/* SPDX-License-Identifier: Apache-2.0
 *
 * Short texts: the first byte says which reader, the rest is the text. What was read is written and read again.
 */
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "conf/file.h"
#include "crypto/crypto.h"
#include "domain/books.h"
#include "fuzz/fuzz.h"
#include "http/edge.h"
#include "wire/codec.h"

#define TEXT_CAP 512

static void yuan(const char *text, size_t len) {
    char again[GJ_YUAN_TEXT_CAP];
    int64_t fen = 0, same = 1;
    if (gj_yuan_parse(text, len, &fen) != GJ_OK) return;
    GJ_ASSERT(fen >= -GJ_FEN_INPUT_MAX && fen <= GJ_FEN_INPUT_MAX);
    gj_yuan_format(again, fen);
    enum gj_err err = gj_yuan_parse(again, strlen(again), &same);
    GJ_ASSERT(err == GJ_OK && same == fen && strlen(again) <= len);
}

static void date(const char *text, size_t len) {
    char again[11];
    gj_date read = 0;
    (void)len;
    if (gj_date_parse(text, &read) != GJ_OK) return;
    GJ_ASSERT(gj_date_is_valid(read) && strcmp(gj_date_format(again, read), text) == 0);
    if (read < 19000101 || read > 29991230) return;
    gj_date next = gj_date_add_days(read, 1);
    GJ_ASSERT(gj_date_is_valid(next) && gj_date_days_between(read, next) == 1);
    GJ_ASSERT(gj_date_add_days(next, -1) == read);
}

static void txid(const char *text, size_t len) {
    char again[GJ_TXID_TEXT_CAP];
    struct gj_txid read;
    if (gj_txid_parse(text, len, &read) != GJ_OK) return;
    GJ_ASSERT(strlen(gj_txid_format(again, &read)) == len && memcmp(again, text, len) == 0);
}

static void hex(const char *text, size_t len) {
    uint8_t bytes[TEXT_CAP / 2];
    char again[TEXT_CAP + 1];
    if (gj_hex_decode(bytes, len / 2, text) != GJ_OK) return;
    GJ_ASSERT(len % 2 == 0);
    gj_hex_encode(again, bytes, len / 2);
    for (size_t i = 0; i < len; i++)
        GJ_ASSERT(again[i] == text[i] ||
                  (text[i] >= 'A' && text[i] <= 'F' && again[i] == text[i] - 'A' + 'a'));
}

static void public_key(const char *text, size_t len) {
    char again[160];
    uint8_t id[GJ_KEY_ID_BYTES], id_again[GJ_KEY_ID_BYTES];
    struct gj_public_key read, same;
    (void)len;
    if (gj_public_key_parse(text, &read) != GJ_OK) return;
    gj_public_key_format(&read, again);
    enum gj_err err = gj_public_key_parse(again, &same);
    GJ_ASSERT(err == GJ_OK && same.alg == read.alg && same.len == read.len);
    GJ_ASSERT(memcmp(same.bytes, read.bytes, read.len) == 0);
    gj_public_key_id(&read, id);
    gj_public_key_id(&same, id_again);
    GJ_ASSERT(memcmp(id, id_again, sizeof id) == 0);
}

static void certno(const char *text, size_t len) {
    char masked[GJ_CERTNO_MAX + 1];
    if (len == 0 || len > GJ_CERTNO_MAX) {
        GJ_ASSERT(!gj_certno_is_valid("01", text) && !gj_certno_is_valid("02", text));
        return;
    }
    GJ_ASSERT(gj_certno_is_valid("02", text));
    if (gj_certno_is_valid("01", text)) GJ_ASSERT(len == 18);
    gj_certno_mask(text, masked);
    GJ_ASSERT(strlen(masked) <= GJ_CERTNO_MAX);
}

static void name(const char *text, size_t len) {
    char masked[GJ_NAME_MAX + 1];
    if (len > GJ_NAME_MAX || !gj_wire_text_is_valid(text, len)) return;
    gj_name_mask(text, masked);
    GJ_ASSERT(gj_wire_text_is_valid(masked, strlen(masked)));
}

static void place(const char *text, size_t len) {
    static const struct gj_directory_node node = {"330000", "http://330000.example"};
    static const struct gj_directory_region region = {"330100", "330000"};
    const struct gj_directory directory = {
        .self = "330000", .nodes = &node, .n_nodes = 1, .regions = &region, .n_regions = 1};
    if (gj_node_is_valid(text)) GJ_ASSERT(len >= 1 && len <= GJ_NODE_MAX);
    if (gj_region_is_valid(text)) GJ_ASSERT(len == GJ_REGION_MAX);
    const char *owner = gj_directory_node_of_sender(&directory, text);
    GJ_ASSERT(owner == NULL || strcmp(owner, "330000") == 0);
    if (gj_directory_node_of_region(&directory, text) != NULL) GJ_ASSERT(strcmp(text, "330100") == 0);
}

static void words(const char *text, size_t len) {
    static const struct gj_http_client client = {
        .name = "c", .token = "0123456789abcdef", .senders = "330000/*"};
    enum gj_err err = gj_err_from_name(text);
    GJ_ASSERT(err == GJ_ERR_INTERNAL || strcmp(gj_err_name(err), text) == 0);
    const struct gj_http_client *found = gj_http_client_of(&client, 1, text);
    if (found != NULL) GJ_ASSERT(len >= 7 + 16 && strcmp(text + len - 16, client.token) == 0);
    if (gj_http_client_may(&client, text)) GJ_ASSERT(memcmp(text, "330000/", 7) == 0);
    if (gj_http_is_json(text)) GJ_ASSERT(len >= 16);
    if (gj_text_is_endpoint(text)) GJ_ASSERT(len >= 9);
    GJ_ASSERT(gj_kind_of(text) == GJ_KIND_NONE || strcmp(gj_kind_word(gj_kind_of(text)), text) == 0);
    GJ_ASSERT(gj_use_of(text) == GJ_USE_COUNT || strcmp(gj_use_word(gj_use_of(text)), text) == 0);
    GJ_ASSERT(gj_relation_of(text) == GJ_RELATION_COUNT ||
              strcmp(gj_relation_word(gj_relation_of(text)), text) == 0);
}

static void msgid(const char *text, size_t len) {
    uint8_t again[GJ_MSGID_BYTES];
    struct gj_msgid id;
    if (len < sizeof again) return;
    gj_msgid_read((const uint8_t *)text, &id);
    gj_msgid_write(again, &id);
    GJ_ASSERT(memcmp(again, text, sizeof again) == 0);
}

void gj_fuzz_texts(struct gj_slice in) {
    static void (*const readers[])(const char *text, size_t len) = {yuan,   date, txid,  hex,   public_key,
                                                                    certno, name, place, words, msgid};
    char text[TEXT_CAP + 1];
    if (in.len < 1 || in.len - 1 > TEXT_CAP) return;
    memcpy(text, in.ptr + 1, in.len - 1);
    text[in.len - 1] = '\0';
    size_t which = in.ptr[0] % (sizeof readers / sizeof readers[0]);
    readers[which](text, which == 0 || which == 2 ? in.len - 1 : strlen(text)); /* these take a length */
}
