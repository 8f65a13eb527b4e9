/* SPDX-License-Identifier: Apache-2.0
 *
 * Invents insured people and institutions for trials and tests, spread as a bureau's export is. Nobody in
 * it can
 * be real: an identity number's first six digits are a whole city's code, which is given to no person, and
 * every
 * name begins with 测试 (test). The same seed gives the same bytes on every machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"
#include "cli/cli.h"

#define REGIONS_MAX     64
#define PEOPLE_MAX      5000000
#define FIRST_BIRTH     INT32_C(19360101)
#define REFERENCE_DATE  INT32_C(20260101) /* ages are of this day, not today: the bytes must not change */
#define BIRTH_DAYS      32873             /* from FIRST_BIRTH to the day before REFERENCE_DATE */
#define NUMBERS_PER_DAY 999

struct generator {
    uint64_t state;
    FILE *out;
    uint8_t *taken; /* a bit per birth day and number, of the present region */
    uint64_t serial;
};

/* splitmix64: small, well known, the same everywhere. */
static uint64_t draw(struct generator *g) {
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1. The bias of a remainder is of no account for test data. */
static uint32_t below(struct generator *g, uint32_t n) {
    return (uint32_t)(draw(g) % n);
}

static bool per_mille(struct generator *g, uint32_t n) {
    return below(g, 1000) < n;
}

struct person {
    char certno[19], psn_no[31], card_no[31], name[64];
    const char *region, *cert_type, *insutype, *psn_type, *stas, *account_status;
    int64_t prior_fen, current_fen;
};

/* --- identity --------------------------------- */

static void set_check_character(char certno[19]) {
    static const unsigned weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    unsigned sum = 0;
    for (size_t i = 0; i < 17; i++)
        sum += (unsigned)(certno[i] - '0') * weights[i];
    certno[17] = "10X98765432"[sum % 11];
    certno[18] = '\0';
}

/* A birth date and a number of that day which nobody else of the region has. */
static void make_identity(struct generator *g, const char *region, uint32_t day, struct person *ret) {
    uint32_t number = below(g, NUMBERS_PER_DAY);
    for (uint32_t tries = 0; tries < BIRTH_DAYS * NUMBERS_PER_DAY; tries++) {
        uint32_t bit = day * NUMBERS_PER_DAY + number;
        if ((g->taken[bit / 8] >> (bit % 8) & 1) == 0) {
            g->taken[bit / 8] |= (uint8_t)(1u << (bit % 8));
            break;
        }
        if (++number == NUMBERS_PER_DAY) {
            number = 0;
            day = (day + 1) % BIRTH_DAYS;
        }
    }
    gj_date birth = gj_date_add_days(FIRST_BIRTH, (int32_t)day);
    char text[40];
    (void)snprintf(text, sizeof text, "%.4s00%08" PRId32 "%03" PRIu32, region, birth, number + 1);
    memcpy(ret->certno, text, 17);
    set_check_character(ret->certno);
}

static void make_name(struct generator *g, struct person *ret) {
    static const char *const surnames[] = {"王", "李", "张", "刘", "陈",   "杨",  "赵", "黄",
                                           "周", "吴", "徐", "孙", "胡",   "朱",  "高", "林",
                                           "何", "郭", "马", "罗", "欧阳", "司马"};
    static const char *const given[] = {"一", "文", "华", "建国", "秀英", "子涵", "伟",   "芳",
                                        "娜", "敏", "静", "强",   "磊",   "洋",   "艳",   "勇",
                                        "军", "杰", "娟", "涛",   "明",   "超",   "雨桐", "思远"};
    const char *surname = surnames[below(g, (uint32_t)(sizeof surnames / sizeof surnames[0]))];
    const char *name = given[below(g, (uint32_t)(sizeof given / sizeof given[0]))];
    (void)snprintf(ret->name, sizeof ret->name, "测试%s%s", surname, name);
}

/* --- insurance --------------------------------- */

static const char *resident_type(uint32_t age, bool student) {
    if (age < 1) return "1401";
    if (age < 6) return "1402";
    if (age < 18) return "1403";
    return student && age < 24 ? "1404" : "1501";
}

static const char *employee_type(struct generator *g, uint32_t age) {
    if (age >= 60) return "1201";
    return per_mille(g, 180) ? "1103" : "1101";
}

/* Bands of balances in yuan: most accounts hold some hundreds to some thousands, a few very much. */
static int64_t make_prior(struct generator *g) {
    static const struct {
        uint32_t up_to_per_mille, from, span;
    } bands[] = {{90, 0, 1},        {240, 1, 99},        {540, 100, 1900},
                 {840, 2000, 8000}, {985, 10000, 40000}, {1000, 50000, 150000}};
    uint32_t at = below(g, 1000);
    size_t i = 0;
    while (at >= bands[i].up_to_per_mille)
        i++;
    int64_t yuan = bands[i].from + below(g, bands[i].span);
    return yuan == 0 ? 0 : yuan * 100 + below(g, 100);
}

static void make_account(struct generator *g, uint32_t age, struct person *ret) {
    ret->account_status = "normal";
    ret->prior_fen = make_prior(g);
    ret->current_fen = (int64_t)below(g, age >= 60 ? 160000 : 300000);
    uint32_t at = below(g, 1000);
    if (strcmp(ret->stas, "4") == 0) {
        ret->account_status = at < 600 ? "pending_liquidation" : "liquidated";
    } else if (at < 8) {
        ret->account_status = "frozen";
    }
    if (strcmp(ret->account_status, "liquidated") == 0) ret->prior_fen = ret->current_fen = 0;
}

static void make_insurance(struct generator *g, uint32_t age, struct person *ret) {
    bool employee = age >= 20 && per_mille(g, age >= 60 ? 420 : 520);
    uint32_t at = below(g, 1000);
    ret->insutype = employee ? "310" : "390";
    ret->psn_type = employee ? employee_type(g, age) : resident_type(age, per_mille(g, 500));
    ret->stas = at < 955 ? "1" : at < 980 ? "2" : at < 995 ? "4" : "0";
    ret->account_status = "";
    ret->prior_fen = ret->current_fen = 0;
    if (employee) make_account(g, age, ret);
}

static void make_person(struct generator *g, const char *region, struct person *ret) {
    uint32_t day = below(g, BIRTH_DAYS);
    *ret = (struct person){.region = region, .cert_type = "01"};
    make_identity(g, region, day, ret);
    make_name(g, ret);
    uint32_t age = (BIRTH_DAYS - day) * 100 / 36525;
    make_insurance(g, age, ret);
    g->serial++;
    (void)snprintf(ret->psn_no, sizeof ret->psn_no, "%s%020" PRIu64, region, g->serial);
    (void)snprintf(ret->card_no, sizeof ret->card_no, "T%.2s%09" PRIu64, region, g->serial);
}

static void print_person(FILE *out, const struct person *person) {
    char prior[GJ_YUAN_TEXT_CAP], current[GJ_YUAN_TEXT_CAP];
    fprintf(out, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", person->psn_no, person->cert_type, person->certno,
            person->name, person->region, person->insutype, person->psn_type, person->stas,
            person->account_status, person->card_no, gj_yuan_format(prior, person->prior_fen),
            gj_yuan_format(current, person->current_fen));
}

/* --- files --------------------------------- */

struct plan {
    char regions[REGIONS_MAX][GJ_REGION_MAX + 1];
    size_t n_regions;
    unsigned long long count, seed;
};

/* Each region has a stream of its own: another region beside it does not change its people. */
static bool print_people(FILE *out, const struct plan *plan) {
    struct generator g = {.out = out};
    const size_t bytes = (size_t)BIRTH_DAYS * NUMBERS_PER_DAY / 8 + 1;
    if ((g.taken = malloc(bytes)) == NULL) return false;
    fputs(
        "psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,account_status,"
        "card_no,prior,current\n",
        out);
    for (size_t i = 0; i < plan->n_regions; i++) {
        memset(g.taken, 0, bytes);
        g.serial = 0;
        g.state = plan->seed * UINT64_C(1000003) + strtoull(plan->regions[i], NULL, 10);
        unsigned long long share =
            plan->count / plan->n_regions + (i < plan->count % plan->n_regions ? 1 : 0);
        for (unsigned long long k = 0; k < share; k++) {
            struct person person;
            make_person(&g, plan->regions[i], &person);
            print_person(out, &person);
        }
    }
    free(g.taken);
    return true;
}

static bool print_institutions(FILE *out, const struct plan *plan) {
    static const struct {
        const char *kind, *name, *from, *to;
        unsigned number;
    } rows[] = {
        {"H", "测试第一人民医院", "2020-01-01", "", 1},
        {"H", "测试中医院", "2020-01-01", "", 2},
        {"H", "测试社区卫生服务中心", "2022-07-01", "", 3},
        {"H", "测试已停业医院", "2018-01-01", "2024-12-31", 9},
        {"P", "测试大药房", "2020-01-01", "", 1},
        {"P", "测试便民药店", "2023-03-01", "", 2},
    };
    fputs("fixmedins_code,fixmedins_name,open_from,open_to\n", out);
    for (size_t i = 0; i < plan->n_regions; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            fprintf(out, "%s%s%05u,%s(%s),%s,%s\n", rows[k].kind, plan->regions[i], rows[k].number,
                    rows[k].name, plan->regions[i], rows[k].from, rows[k].to);
        }
    }
    return true;
}

static bool read_regions(const char *text, struct plan *plan) {
    while (plan->n_regions < REGIONS_MAX) {
        char *region = plan->regions[plan->n_regions];
        size_t len = strcspn(text, ",");
        if (len != GJ_REGION_MAX) return false;
        memcpy(region, text, len);
        if (!gj_region_is_valid(region)) return false;
        for (size_t i = 0; i < plan->n_regions; i++) {
            /* Two regions of one city would share identity numbers. */
            if (strncmp(plan->regions[i], region, 4) == 0) return false;
        }
        plan->n_regions++;
        if (text[len] == '\0') return true;
        text += len + 1;
    }
    return false;
}

static int print_file(const struct gj_args *args, const char *path,
                      bool (*print)(FILE *, const struct plan *), const struct plan *plan) {
    FILE *out = path == NULL ? args->out : fopen(path, "we");
    bool good = out != NULL && print(out, plan);
    if (out != NULL) good = fflush(out) == 0 && ferror(out) == 0 && good;
    if (out != NULL && path != NULL) good = fclose(out) == 0 && good;
    if (good) return GJ_EXIT_OK;
    char text[300];
    (void)snprintf(text, sizeof text, "%.200s: cannot be written", path == NULL ? "standard output" : path);
    return gj_cli_fail(args, GJ_ERR_IO, text);
}

int gj_cmd_people_generate(const struct gj_args *args) {
    struct plan plan = {.n_regions = 0};
    if (!read_regions(args->value[GJ_OPTION_REGIONS], &plan)) {
        return gj_cli_usage(args, "people generate: --regions must be six digits each, of different cities");
    }
    if (!gj_cli_number(args->value[GJ_OPTION_COUNT_OF], 1, PEOPLE_MAX, &plan.count)) {
        return gj_cli_usage(args, "people generate: --count must be 1 to 5000000");
    }
    if (!gj_cli_number(args->value[GJ_OPTION_SEED], 0, UINT32_MAX, &plan.seed)) {
        return gj_cli_usage(args, "people generate: --seed must be 0 to 4294967295");
    }
    int code = print_file(args, args->value[GJ_OPTION_PEOPLE], print_people, &plan);
    if (code != GJ_EXIT_OK || !args->given[GJ_OPTION_INSTITUTIONS]) return code;
    return print_file(args, args->value[GJ_OPTION_INSTITUTIONS], print_institutions, &plan);
}
