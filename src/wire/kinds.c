/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of kinds: word, shape, whether it is new work. All of it comes from kinds.def and
 * requests.def; a kind is added there, never here.
 */
#include "wire/message.h"

struct kind_row {
    const char *word;
    const struct gj_shape *shape;
    bool is_new_work;
};

static const struct kind_row kinds[GJ_KIND_COUNT] = {
    [GJ_KIND_NONE] = {"", NULL, false},
#define X(kind, word, shape, new_work) [GJ_KIND_##kind] = {word, &gj_shape_##shape, new_work},
#include "wire/kinds.def"
#undef X
};

static const struct kind_row requests[GJ_REQUEST_COUNT] = {
    [GJ_REQUEST_NONE] = {"", NULL, false},
#define GJ_REQUEST_KINDS
#define X(kind, word, shape) [GJ_REQUEST_##kind] = {word, &gj_shape_##shape, false},
#include "wire/requests.def"
#undef X
#undef GJ_REQUEST_KINDS
};

static const struct kind_row answers[GJ_ANSWER_COUNT] = {
    [GJ_ANSWER_NONE] = {"", NULL, false},
#define GJ_ANSWER_KINDS
#define X(kind, word, shape) [GJ_ANSWER_##kind] = {word, &gj_shape_##shape, false},
#include "wire/requests.def"
#undef X
#undef GJ_ANSWER_KINDS
};

/* A number that is no kind reads as NONE, so that a byte from outside can be looked up. */
static const struct kind_row *row_of(const struct kind_row *rows, size_t n_rows, size_t kind) {
    return &rows[kind < n_rows ? kind : 0];
}

const char *gj_kind_word(enum gj_kind kind) {
    return row_of(kinds, GJ_KIND_COUNT, kind)->word;
}

enum gj_kind gj_kind_of(const char *word) {
    for (enum gj_kind kind = GJ_KIND_NONE + 1; kind < GJ_KIND_COUNT; kind++) {
        if (gj_text_equal(kinds[kind].word, word)) return kind;
    }
    return GJ_KIND_NONE;
}

const struct gj_shape *gj_kind_shape(enum gj_kind kind) {
    return row_of(kinds, GJ_KIND_COUNT, kind)->shape;
}

bool gj_kind_is_new_work(enum gj_kind kind) {
    return row_of(kinds, GJ_KIND_COUNT, kind)->is_new_work;
}

const char *gj_request_word(enum gj_request_kind kind) {
    return row_of(requests, GJ_REQUEST_COUNT, kind)->word;
}

const struct gj_shape *gj_request_shape(enum gj_request_kind kind) {
    return row_of(requests, GJ_REQUEST_COUNT, kind)->shape;
}

const char *gj_answer_word(enum gj_answer_kind kind) {
    return row_of(answers, GJ_ANSWER_COUNT, kind)->word;
}

const struct gj_shape *gj_answer_shape(enum gj_answer_kind kind) {
    return row_of(answers, GJ_ANSWER_COUNT, kind)->shape;
}
