/* SPDX-License-Identifier: Apache-2.0
 *
 * Is an identity number well formed? Asked at the HTTP edge and when a people file is loaded, so that a
 * typing error never becomes a stranger's record. Says nothing about whether the person exists.
 */
#ifndef GJ_WIRE_CERTNO_H
#define GJ_WIRE_CERTNO_H

#include <stdbool.h>

/* Type 01 (GB 11643): six digits of a division, a real date of birth, three digits, and the check
 * character of ISO 7064 MOD 11-2; a small x counts as X. Any other type: 1 to GJ_CERTNO_MAX bytes.
 * Neither argument may be NULL. */
bool gj_certno_is_valid(const char *psn_cert_type, const char *certno);

#endif
