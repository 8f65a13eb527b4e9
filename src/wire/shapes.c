/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptions gj_shape_<name> of every shape in messages.def and api.def. Data only: a field is added
 * in the lists, never here.
 */
#include "base/money.h"
#include "wire/messages.h"

#include "base/shape_desc.h"
#include "wire/messages.def"
#include "wire/api.def"
#include "base/shape_undef.h"
