/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity numbers: what passes GB 11643 and every way in which one does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wire/certno.h"

/* The two worked numbers of the standard. */
#define GOOD_X "11010519491231002X"
#define GOOD_4 "440524188001010014"

static void accepts_good_numbers(void **state) {
    (void)state;
    assert_true(gj_certno_is_valid("01", GOOD_X));
    assert_true(gj_certno_is_valid("01", "11010519491231002x"));
    assert_true(gj_certno_is_valid("01", "330102199001010012"));
    assert_true(gj_certno_is_valid("01", GOOD_4));
}

/* Every other last character must fail: the check is worth nothing if it accepts more than one. */
static void exactly_one_check_character_fits(void **state) {
    (void)state;
    const char *heads[] = {"11010519491231002", "33010219900101001", "36080220000229001"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        int fit = 0;
        for (const char *last = "0123456789X"; *last != '\0'; last++) {
            char number[19];
            memcpy(number, heads[i], 17);
            number[17] = *last;
            number[18] = '\0';
            if (gj_certno_is_valid("01", number)) fit++;
        }
        assert_int_equal(fit, 1);
    }
}

/* MOD 11-2 finds every single wrong digit and every swap of two neighbours. */
static void finds_typing_errors(void **state) {
    (void)state;
    for (int i = 0; i < 17; i++) {
        char number[19] = GOOD_X;
        number[i] = number[i] == '9' ? '0' : (char)(number[i] + 1);
        assert_false(gj_certno_is_valid("01", number));
    }
    for (int i = 0; i < 16; i++) {
        char number[19] = GOOD_X;
        if (number[i] == number[i + 1]) continue;
        char kept = number[i];
        number[i] = number[i + 1];
        number[i + 1] = kept;
        assert_false(gj_certno_is_valid("01", number));
    }
}

/* A number with the right check character for its digits, whatever they are. */
static const char *with_check(char number[19]) {
    for (const char *last = "0123456789X"; *last != '\0'; last++) {
        static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
        int sum = 0;
        for (int i = 0; i < 17; i++) {
            sum += weights[i] * (number[i] - '0');
        }
        int value = *last == 'X' ? 10 : *last - '0';
        if ((sum + value) % 11 != 1) continue;
        number[17] = *last;
        number[18] = '\0';
        return number;
    }
    return NULL;
}

static void the_date_must_be_real(void **state) {
    (void)state;
    const struct {
        const char *head;
        int good;
    } rows[] = {
        {"33010220000229001", 1}, {"33010219000228001", 1}, {"33010219000229001", 0},
        {"33010219990229001", 0}, {"33010219991301001", 0}, {"33010219990001001", 0},
        {"33010219990431001", 0}, {"33010218991231001", 1}, {"33010217991231001", 0},
        {"33010218000229001", 0}, {"33010218960229001", 1}, {"33010219000230001", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char number[19] = "";
        memcpy(number, rows[i].head, 17);
        assert_non_null(with_check(number));
        assert_int_equal(gj_certno_is_valid("01", number), rows[i].good);
    }
}

static void refuses_other_forms(void **state) {
    (void)state;
    const char *bad[] = {"",
                         "11010519491231002",
                         "11010519491231002XX",
                         "1101051949123100 2X",
                         "A1010519491231002X",
                         "11010519491231X02X",
                         " 11010519491231002X",
                         "11010519491231002\xef\xbc\xb8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(gj_certno_is_valid("01", bad[i]));
    }
    char zero[19] = "01010519491231002";
    assert_false(gj_certno_is_valid("01", with_check(zero)));
}

static void other_types_have_no_check_digit(void **state) {
    (void)state;
    char fifty[51], fifty_one[52];
    memset(fifty, 'A', 50);
    fifty[50] = '\0';
    memset(fifty_one, 'A', 51);
    fifty_one[51] = '\0';
    assert_true(gj_certno_is_valid("08", "E12345678"));
    assert_true(gj_certno_is_valid("99", fifty));
    assert_false(gj_certno_is_valid("99", fifty_one));
    assert_false(gj_certno_is_valid("08", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_good_numbers), cmocka_unit_test(exactly_one_check_character_fits),
        cmocka_unit_test(finds_typing_errors),  cmocka_unit_test(the_date_must_be_real),
        cmocka_unit_test(refuses_other_forms),  cmocka_unit_test(other_types_have_no_check_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
