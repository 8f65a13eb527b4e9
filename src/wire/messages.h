/* SPDX-License-Identifier: Apache-2.0
 *
 * The structs of messages.def and api.def, and their descriptions (gj_shape_<name>).
 */
#ifndef GJ_WIRE_MESSAGES_H
#define GJ_WIRE_MESSAGES_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/shape.h"

#include "base/shape_struct.h"
#include "wire/messages.def"
#include "wire/api.def"
#include "base/shape_undef.h"

#define GJ_SHAPE(shape) extern const struct gj_shape gj_shape_##shape;
#define GJ_SHAPE_END(shape)
#define GJ_U64(...)
#define GJ_I64(...)
#define GJ_FEN(...)
#define GJ_FEN_SIGNED(...)
#define GJ_DATE(...)
#define GJ_BOOL(...)
#define GJ_TEXT(...)
#define GJ_SECRET(...)
#define GJ_BIN(...)
#define GJ_FIX(...)
#define GJ_TX(...)
#define GJ_DIG(...)
#define GJ_MAP(...)
#define GJ_LIST(...)
#include "wire/messages.def"
#include "wire/api.def"
#include "base/shape_undef.h"

#endif
