/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked sums of fen, and yuan texts with exactly two places.
 */
#include "base/money.h"

#include <string.h>

enum gj_err gj_fen_add(int64_t a, int64_t b, int64_t *ret) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return GJ_ERR_OVERFLOW;
    *ret = sum;
    return GJ_OK;
}

enum gj_err gj_fen_sub(int64_t a, int64_t b, int64_t *ret) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) return GJ_ERR_OVERFLOW;
    *ret = difference;
    return GJ_OK;
}

int64_t gj_fen_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t gj_fen_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

enum gj_err gj_yuan_parse(const char *text, size_t len, int64_t *ret_fen) {
    bool negative = len > 0 && text[0] == '-';
    size_t first = negative ? 1 : 0;
    size_t digits = 0;
    int64_t fen = 0;

    if (len < first + 4 || text[len - 3] != '.') return GJ_ERR_BAD_AMOUNT;
    for (size_t i = first; i < len; i++) {
        if (i == len - 3) continue;
        if (text[i] < '0' || text[i] > '9') return GJ_ERR_BAD_AMOUNT;
        if (++digits > 16) return GJ_ERR_BAD_AMOUNT;
        fen = fen * 10 + (text[i] - '0');
    }
    if (text[first] == '0' && len - first > 4) return GJ_ERR_BAD_AMOUNT;
    if (negative && fen == 0) return GJ_ERR_BAD_AMOUNT;
    if (fen > GJ_FEN_INPUT_MAX) return GJ_ERR_BAD_AMOUNT;
    *ret_fen = negative ? -fen : fen;
    return GJ_OK;
}

char *gj_yuan_format(char dst[GJ_YUAN_TEXT_CAP], int64_t fen) {
    char reversed[GJ_YUAN_TEXT_CAP];
    /* Unsigned, so that INT64_MIN has a size too. */
    uint64_t left = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
    size_t n = 0, out = 0;

    for (unsigned place = 0; place < 3 || left > 0; place++) {
        if (place == 2) reversed[n++] = '.';
        reversed[n++] = (char)('0' + left % 10);
        left /= 10;
    }
    if (fen < 0) dst[out++] = '-';
    while (n > 0) {
        dst[out++] = reversed[--n];
    }
    dst[out] = '\0';
    return dst;
}
