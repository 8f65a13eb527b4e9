/* SPDX-License-Identifier: Apache-2.0
 *
 * Defines the macros of a .def list of shapes so that including it makes the structs.
 * Include this, then the list, then base/shape_undef.h. No include guard on purpose.
 *
 * A list reads, first argument always the shape that the field belongs to:
 *     GJ_SHAPE(welcome)                               struct gj_welcome {
 *     GJ_TEXT(welcome, REQ, state, GJ_WORD_MAX)           char state[GJ_WORD_MAX + 1];
 *     GJ_LIST(welcome, OPT, seen, epoch_flush, 256)       struct gj_epoch_flush *seen; uint32_t n_seen;
 *     GJ_SHAPE_END(welcome)                           };
 * REQ: absent is an error, and a text, bin or date must not be empty. OPT: absent leaves zero.
 */
#define GJ_SHAPE(shape) struct gj_##shape {
#define GJ_SHAPE_END(shape) };
#define GJ_U64(shape, need, name, lo, hi) uint64_t name;
#define GJ_I64(shape, need, name, lo, hi) int64_t name;
#define GJ_FEN(shape, need, name) int64_t name;        /* 0..GJ_FEN_INPUT_MAX */
#define GJ_FEN_SIGNED(shape, need, name) int64_t name; /* either sign */
#define GJ_DATE(shape, need, name) gj_date name;
#define GJ_BOOL(shape, need, name) bool name;
#define GJ_TEXT(shape, need, name, cap) char name[(cap) + 1];
#define GJ_SECRET(shape, need, name, cap) char name[(cap) + 1]; /* a text of personal data */
#define GJ_BIN(shape, need, name, cap) struct gj_slice name;
#define GJ_FIX(shape, need, name, size) uint8_t name[size];
#define GJ_TX(shape, need, name) struct gj_txid name;
#define GJ_DIG(shape, need, name) struct gj_digest name;
#define GJ_MAP(shape, need, name, inner) struct gj_##inner name;
#define GJ_LIST(shape, need, name, inner, cap)                                                     \
    struct gj_##inner *name;                                                                       \
    uint32_t n_##name;
