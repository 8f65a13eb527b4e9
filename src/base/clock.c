/* SPDX-License-Identifier: Apache-2.0
 *
 * Civil dates and business time (UTC+08:00, fixed). Never reads a clock and never looks at TZ.
 */
#include "base/clock.h"

#include <stddef.h>

#include "base/check.h"

#define MS_PER_DAY         INT64_C(86400000)
#define BUSINESS_OFFSET_MS INT64_C(28800000)

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Days since 1970-01-01 of a civil date; March is month 0 of the counting year, so that the leap day is last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static gj_date civil_from_days(int64_t days) {
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return (gj_date)(year * 10000 + month * 100 + day);
}

static int64_t days_of(gj_date date) {
    return days_from_civil(date / 10000, date / 100 % 100, date % 100);
}

gj_date gj_date_of(struct gj_wall wall) {
    return civil_from_days(floor_div(wall.ms + BUSINESS_OFFSET_MS, MS_PER_DAY));
}

bool gj_date_is_valid(gj_date date) {
    if (date < 19000101 || date > 29991231) return false;
    int month = date / 100 % 100, day = date % 100;
    if (month < 1 || month > 12 || day < 1 || day > 31) return false;
    return civil_from_days(days_of(date)) == date;
}

int32_t gj_date_days_between(gj_date a, gj_date b) {
    GJ_ASSERT(gj_date_is_valid(a) && gj_date_is_valid(b));
    return (int32_t)(days_of(b) - days_of(a));
}

gj_date gj_date_add_days(gj_date date, int32_t days) {
    GJ_ASSERT(gj_date_is_valid(date));
    return civil_from_days(days_of(date) + days);
}

static int two_digits(const char *text) {
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

enum gj_err gj_date_parse(const char *text, gj_date *ret) {
    for (size_t i = 0; i < 10; i++) {
        if (text[i] == '\0') return GJ_ERR_BAD_FIELD;
    }
    if (text[10] != '\0' || text[4] != '-' || text[7] != '-') return GJ_ERR_BAD_FIELD;
    int century = two_digits(text), year = two_digits(text + 2);
    int month = two_digits(text + 5), day = two_digits(text + 8);
    if (century < 0 || year < 0 || month < 0 || day < 0) return GJ_ERR_BAD_FIELD;
    gj_date date = (century * 100 + year) * 10000 + month * 100 + day;
    if (!gj_date_is_valid(date)) return GJ_ERR_BAD_FIELD;
    *ret = date;
    return GJ_OK;
}

static void put_digits(char *dst, int value, int places) {
    for (int i = places - 1; i >= 0; i--) {
        dst[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

char *gj_date_format(char dst[11], gj_date date) {
    put_digits(dst, date / 10000, 4);
    dst[4] = '-';
    put_digits(dst + 5, date / 100 % 100, 2);
    dst[7] = '-';
    put_digits(dst + 8, date % 100, 2);
    dst[10] = '\0';
    return dst;
}

char *gj_wall_format(char dst[20], struct gj_wall wall) {
    int64_t local = wall.ms + BUSINESS_OFFSET_MS;
    int64_t seconds = floor_div(local, 1000) - floor_div(local, MS_PER_DAY) * 86400;
    gj_date_format(dst, gj_date_of(wall));
    dst[10] = ' ';
    put_digits(dst + 11, (int)(seconds / 3600), 2);
    dst[13] = ':';
    put_digits(dst + 14, (int)(seconds / 60 % 60), 2);
    dst[16] = ':';
    put_digits(dst + 17, (int)(seconds % 60), 2);
    dst[19] = '\0';
    return dst;
}
