/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers as texts and back.
 */
#include "base/ids.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hasher.h"

bool gj_txid_equal(const struct gj_txid *a, const struct gj_txid *b) {
    return a->epoch == b->epoch && a->seq == b->seq && a->attempt == b->attempt &&
           strcmp(a->coordinator, b->coordinator) == 0;
}

bool gj_txid_is_none(const struct gj_txid *txid) {
    return txid->coordinator[0] == '\0';
}

static size_t put_number(char *dst, uint64_t value) {
    char reversed[20];
    size_t n = 0, out = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0) {
        dst[out++] = reversed[--n];
    }
    return out;
}

char *gj_txid_format(char dst[GJ_TXID_TEXT_CAP], const struct gj_txid *txid) {
    const uint64_t numbers[3] = {txid->epoch, txid->seq, txid->attempt};
    size_t at = strlen(txid->coordinator);
    memcpy(dst, txid->coordinator, at);
    for (size_t i = 0; i < 3; i++) {
        dst[at++] = '/';
        at += put_number(dst + at, numbers[i]);
    }
    dst[at] = '\0';
    return dst;
}

/* Reads "/<decimal without leading zeros>" at |*at|. */
static bool take_number(struct gj_slice text, size_t *at, uint64_t max, uint64_t *ret) {
    size_t first = *at + 1;
    uint64_t value = 0;
    if (*at >= text.len || text.ptr[*at] != '/') return false;
    size_t i = first;
    for (; i < text.len && text.ptr[i] != '/'; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9 || value > (max - digit) / 10) return false;
        value = value * 10 + digit;
    }
    if (i == first || (text.ptr[first] == '0' && i > first + 1)) return false;
    *at = i;
    *ret = value;
    return true;
}

enum gj_err gj_txid_parse(const char *text, size_t len, struct gj_txid *ret) {
    struct gj_txid txid = {0};
    struct gj_slice slice = gj_slice_of(text, len);
    uint64_t epoch = 0, seq = 0, attempt = 0;
    size_t at = 0;

    while (at < len && text[at] != '/') {
        at++;
    }
    if (gj_text_from_slice(txid.coordinator, sizeof txid.coordinator, gj_slice_of(text, at)) != GJ_OK)
        return GJ_ERR_BAD_FIELD;
    if (!gj_node_is_valid(txid.coordinator)) return GJ_ERR_BAD_FIELD;
    if (!take_number(slice, &at, UINT32_MAX, &epoch) || !take_number(slice, &at, INT64_MAX, &seq) ||
        !take_number(slice, &at, UINT16_MAX, &attempt) || at != len)
        return GJ_ERR_BAD_FIELD;
    txid.epoch = (uint32_t)epoch;
    txid.seq = seq;
    txid.attempt = (uint16_t)attempt;
    *ret = txid;
    return GJ_OK;
}

bool gj_node_is_valid(const char *node) {
    size_t len = strlen(node);
    if (len == 0 || len > GJ_NODE_MAX) return false;
    for (size_t i = 0; i < len; i++) {
        char c = node[i];
        bool known = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
        if (!known) return false;
    }
    return true;
}

bool gj_region_is_valid(const char *region) {
    for (size_t i = 0; i < GJ_REGION_MAX; i++) {
        if (region[i] < '0' || region[i] > '9') return false;
    }
    return region[GJ_REGION_MAX] == '\0';
}

bool gj_digest_equal(const struct gj_digest *a, const struct gj_digest *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void gj_digest_of(const struct gj_hasher *hasher, enum gj_hash_alg alg, const struct gj_slice *parts,
                  size_t n, struct gj_digest *ret) {
    ret->bytes[0] = (uint8_t)alg;
    hasher->hash(hasher->ctx, alg, parts, n, ret->bytes + 1);
}
