/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of GB 11643 identity numbers. Pure; never keeps or prints a number.
 */
#include "wire/certno.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

#define GB11643_LEN    18
#define GB11643_DIGITS 17

static int check_character(const char *certno) {
    static const int weights[GB11643_DIGITS] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < GB11643_DIGITS; i++) {
        sum += weights[i] * (certno[i] - '0');
    }
    return "10X98765432"[sum % 11];
}

/* The standard's own example was born in 1880, before our dates begin; the calendar repeats after 400 years. */
static bool is_birth_date(const char *digits) {
    gj_date date = 0;
    for (int i = 0; i < 8; i++) {
        date = date * 10 + (digits[i] - '0');
    }
    if (date >= 18000101 && date <= 18991231) date += 4000000;
    return gj_date_is_valid(date);
}

static bool gb11643_is_valid(const char *certno) {
    if (strlen(certno) != GB11643_LEN) return false;
    if (strspn(certno, "0123456789") < GB11643_DIGITS) return false;
    if (certno[0] == '0') return false;
    if (!is_birth_date(certno + 6)) return false;
    int last = certno[GB11643_LEN - 1] == 'x' ? 'X' : certno[GB11643_LEN - 1];
    return last == check_character(certno);
}

bool gj_certno_is_valid(const char *psn_cert_type, const char *certno) {
    if (strcmp(psn_cert_type, "01") == 0) return gb11643_is_valid(certno);
    size_t len = strlen(certno);
    return len >= 1 && len <= GJ_CERTNO_MAX;
}
