/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes back the macros of base/shape_struct.h or base/shape_desc.h after a list was included.
 */
#undef GJ_SHAPE
#undef GJ_SHAPE_END
#undef GJ_U64
#undef GJ_I64
#undef GJ_FEN
#undef GJ_FEN_SIGNED
#undef GJ_DATE
#undef GJ_BOOL
#undef GJ_TEXT
#undef GJ_SECRET
#undef GJ_BIN
#undef GJ_FIX
#undef GJ_TX
#undef GJ_DIG
#undef GJ_MAP
#undef GJ_LIST
#undef GJ_ROW_
#undef GJ_NEED_REQ
#undef GJ_NEED_OPT
