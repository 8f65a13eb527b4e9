/* SPDX-License-Identifier: Apache-2.0
 *
 * Two clocks that cannot be mixed up, and business dates. Nothing here reads a clock: the loop
 * does, once per event, and passes `gj_now` down. Business time is UTC+08:00 whatever TZ says.
 */
#ifndef GJ_BASE_CLOCK_H
#define GJ_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct gj_mono {
    int64_t ms;
}; /* since an unknown start; for timers only */
struct gj_wall {
    int64_t ms;
}; /* Unix time; for what is written down and sent */

struct gj_now {
    struct gj_mono mono;
    struct gj_wall wall;
};

/* A date as yyyymmdd, for example 20261121. 0 is "none". */
typedef int32_t gj_date;

gj_date gj_date_of(struct gj_wall wall);
bool gj_date_is_valid(gj_date date);
/* Days from |a| to |b|, negative if b is earlier. Both must be valid. */
int32_t gj_date_days_between(gj_date a, gj_date b);
gj_date gj_date_add_days(gj_date date, int32_t days);
/* "yyyy-MM-dd" both ways. */
GJ_MUST_USE enum gj_err gj_date_parse(const char *text, gj_date *ret);
char *gj_date_format(char dst[11], gj_date date);
/* "yyyy-MM-dd HH:mm:ss" in business time, the national interface's form. */
char *gj_wall_format(char dst[20], struct gj_wall wall);

#endif
