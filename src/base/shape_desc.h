/* SPDX-License-Identifier: Apache-2.0
 *
 * Defines the macros of a .def list of shapes so that including it makes the descriptions
 * `const struct gj_shape gj_shape_<name>`. No include guard on purpose; see base/shape_struct.h.
 */
#define GJ_NEED_REQ GJ_FIELD_REQUIRED
#define GJ_NEED_OPT 0
#define GJ_SHAPE(shape) static const struct gj_field gj_fields_##shape[] = {
#define GJ_SHAPE_END(shape)                                                                        \
    };                                                                                             \
    const struct gj_shape gj_shape_##shape = {                                                     \
        #shape, sizeof(struct gj_##shape), gj_fields_##shape,                                      \
        sizeof(gj_fields_##shape) / sizeof(gj_fields_##shape[0])};
#define GJ_ROW_(shape, need, name, type, flags, lo, hi, count, inner)                              \
    {#name, type, GJ_NEED_##need | (flags), offsetof(struct gj_##shape, name), count, lo, hi, inner},
#define GJ_U64(shape, need, name, lo, hi) GJ_ROW_(shape, need, name, GJ_FIELD_U64, 0, lo, hi, 0, NULL)
#define GJ_I64(shape, need, name, lo, hi) GJ_ROW_(shape, need, name, GJ_FIELD_I64, 0, lo, hi, 0, NULL)
#define GJ_FEN(shape, need, name)                                                                  \
    GJ_ROW_(shape, need, name, GJ_FIELD_FEN, 0, 0, GJ_FEN_INPUT_MAX, 0, NULL)
#define GJ_FEN_SIGNED(shape, need, name)                                                           \
    GJ_ROW_(shape, need, name, GJ_FIELD_FEN, 0, -GJ_FEN_INPUT_MAX, GJ_FEN_INPUT_MAX, 0, NULL)
#define GJ_DATE(shape, need, name)                                                                 \
    GJ_ROW_(shape, need, name, GJ_FIELD_DATE, 0, 19000101, 29991231, 0, NULL)
#define GJ_BOOL(shape, need, name) GJ_ROW_(shape, need, name, GJ_FIELD_BOOL, 0, 0, 1, 0, NULL)
#define GJ_TEXT(shape, need, name, cap) GJ_ROW_(shape, need, name, GJ_FIELD_TEXT, 0, 0, cap, 0, NULL)
#define GJ_SECRET(shape, need, name, cap)                                                          \
    GJ_ROW_(shape, need, name, GJ_FIELD_TEXT, GJ_FIELD_MASKED, 0, cap, 0, NULL)
#define GJ_BIN(shape, need, name, cap) GJ_ROW_(shape, need, name, GJ_FIELD_BIN, 0, 0, cap, 0, NULL)
#define GJ_FIX(shape, need, name, size)                                                            \
    GJ_ROW_(shape, need, name, GJ_FIELD_FIX, 0, size, size, 0, NULL)
#define GJ_TX(shape, need, name)                                                                   \
    GJ_ROW_(shape, need, name, GJ_FIELD_TXID, 0, 0, GJ_TXID_TEXT_CAP - 1, 0, NULL)
#define GJ_DIG(shape, need, name)                                                                  \
    GJ_ROW_(shape, need, name, GJ_FIELD_DIGEST, 0, 0, 1 + GJ_HASH_BYTES, 0, NULL)
#define GJ_MAP(shape, need, name, inner)                                                           \
    GJ_ROW_(shape, need, name, GJ_FIELD_MAP, 0, 0, 0, 0, &gj_shape_##inner)
#define GJ_LIST(shape, need, name, inner, cap)                                                     \
    GJ_ROW_(shape, need, name, GJ_FIELD_LIST, 0, 0, cap, offsetof(struct gj_##shape, n_##name),    \
            &gj_shape_##inner)
