/* SPDX-License-Identifier: Apache-2.0
 *
 * Money is a whole number of fen in an int64_t. Every sum is checked; nothing here rounds.
 * The largest amount that any input may state is GJ_FEN_INPUT_MAX, so that sums of a few
 * thousand inputs cannot overflow.
 */
#ifndef GJ_BASE_MONEY_H
#define GJ_BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GJ_FEN_INPUT_MAX INT64_C(99999999999999) /* the national interface's numeric(16,2) */
#define GJ_YUAN_TEXT_CAP 24

/* *ret = a + b; GJ_ERR_OVERFLOW, *ret untouched, if it does not fit. */
GJ_MUST_USE enum gj_err gj_fen_add(int64_t a, int64_t b, int64_t *ret);
GJ_MUST_USE enum gj_err gj_fen_sub(int64_t a, int64_t b, int64_t *ret);
int64_t gj_fen_min(int64_t a, int64_t b);
int64_t gj_fen_max(int64_t a, int64_t b);

/* "1234.50", also "-0.05": at most one sign, digits, a point and exactly two places; no more than
 * GJ_FEN_INPUT_MAX in size. GJ_ERR_BAD_AMOUNT otherwise. |len| bytes, no NUL needed. */
GJ_MUST_USE enum gj_err gj_yuan_parse(const char *text, size_t len, int64_t *ret_fen);
/* Writes the text into |dst| of GJ_YUAN_TEXT_CAP bytes and returns dst. */
char *gj_yuan_format(char dst[GJ_YUAN_TEXT_CAP], int64_t fen);

#endif
