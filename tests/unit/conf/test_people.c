/* SPDX-License-Identifier: Apache-2.0
 *
 * People and institutions files: what a good line becomes, the reason for each bad one with its number, the
 * quoting of RFC 4180, and that no broken file gets through.
 */
#include "conf/conf.h"

#include "scratch.h"

#define HEADER                                                                                               \
    "psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,account_status,"    \
    "card_no,prior,current\n"
#define GOOD "P1,01,330100197308023967,测试一,330100,310,1101,1,normal,T1,100.05,2.00\n"

static const struct gj_directory_node nodes[] = {{"330000", "http://a"}, {"360000", "http://b"}};
static const struct gj_directory_region regions[] = {
    {"330100", "330000"}, {"330200", "330000"}, {"360800", "360000"}};
static const struct gj_directory directory = {
    .self = "330000", .serial = 1, .nodes = nodes, .n_nodes = 2, .regions = regions, .n_regions = 3};

struct heard {
    struct gj_people_line people[8];
    struct gj_institution_line institutions[8];
    size_t n;
    char bad[4096]; /* "<number>: <reason>\n" each */
    enum gj_err answer;
};

static enum gj_err take_person(void *ctx, const struct gj_people_line *line) {
    struct heard *heard = ctx;
    if (heard->n < 8) heard->people[heard->n] = *line;
    heard->n++;
    return heard->answer;
}

static enum gj_err take_institution(void *ctx, const struct gj_institution_line *line) {
    struct heard *heard = ctx;
    if (heard->n < 8) heard->institutions[heard->n] = *line;
    heard->n++;
    return heard->answer;
}

static void take_bad(void *ctx, unsigned number, const char *reason) {
    struct heard *heard = ctx;
    size_t len = strlen(heard->bad);
    (void)snprintf(heard->bad + len, sizeof heard->bad - len, "%u: %s\n", number, reason);
}

static struct heard heard;
static struct gj_people_result result;
static struct gj_conf_error error;

static enum gj_err read_people(const char *text) {
    char path[SCRATCH_PATH_CAP];
    scratch_write("people.csv", text);
    memset(&heard, 0, sizeof heard);
    error.text[0] = '\0';
    return gj_people_read(scratch_path(path, "people.csv"), &directory, &result, take_person, take_bad,
                          &heard, &error);
}

static enum gj_err read_institutions(const char *text) {
    char path[SCRATCH_PATH_CAP];
    scratch_write("institutions.csv", text);
    memset(&heard, 0, sizeof heard);
    error.text[0] = '\0';
    return gj_institutions_read(scratch_path(path, "institutions.csv"), &directory, &result, take_institution,
                                take_bad, &heard, &error);
}

static void a_good_line_is_taken_whole(void **state) {
    (void)state;
    assert_int_equal(
        read_people(HEADER GOOD
                    "P2,01,11010519491231002x,\"测试, \"\"二\"\"\",330200,390,1501,2,,,0.00,0.00\n"),
        GJ_OK);
    assert_int_equal(result.good, 2);
    assert_int_equal(result.bad, 0);
    const struct gj_people_line *one = &heard.people[0], *two = &heard.people[1];
    assert_int_equal(one->number, 2);
    assert_string_equal(one->psn_no, "P1");
    assert_string_equal(one->psn_cert_type, "01");
    assert_string_equal(one->certno, "330100197308023967");
    assert_string_equal(one->psn_name, "测试一");
    assert_string_equal(one->insuplc_admdvs, "330100");
    assert_string_equal(one->insutype, "310");
    assert_string_equal(one->psn_type, "1101");
    assert_string_equal(one->psn_insu_stas, "1");
    assert_string_equal(one->account_status, "normal");
    assert_string_equal(one->card_no, "T1");
    assert_true(one->has_account);
    assert_int_equal(one->prior_fen, 10005);
    assert_int_equal(one->current_fen, 200);
    assert_int_equal(two->number, 3);
    assert_string_equal(two->certno, "11010519491231002X");
    assert_string_equal(two->psn_name, "测试, \"二\"");
    assert_false(two->has_account);
    assert_string_equal(two->account_status, "normal");
    assert_string_equal(two->card_no, "");
}

static void marks_line_ends_and_order_of_columns_are_free(void **state) {
    (void)state;
    assert_int_equal(read_people("\xef\xbb\xbf" HEADER "\r\n\n" GOOD), GJ_OK);
    assert_int_equal(heard.people[0].number, 4);
    assert_int_equal(
        read_people("current,prior,card_no,account_status,psn_insu_stas,psn_type,insutype,insuplc_admdvs,"
                    "psn_name,certno,psn_cert_type,psn_no\r\n"
                    "2.00,100.05,T1,normal,1,1101,310,330100,测试一,330100197308023967,01,P1\r\n"),
        GJ_OK);
    assert_int_equal(heard.n, 1);
    assert_string_equal(heard.people[0].psn_no, "P1");
    assert_int_equal(heard.people[0].prior_fen, 10005);
    /* No line end behind the last line. */
    assert_int_equal(
        read_people(HEADER "P1,01,330100197308023967,测试一,330100,310,1101,1,normal,T1,100.05,2.00"), GJ_OK);
    assert_int_equal(heard.n, 1);
}

struct bad_line {
    const char *from, *to, *reason;
};

static void every_bad_line_gets_its_reason(void **state) {
    (void)state;
    static const struct bad_line lines[] = {
        {"P1,", ",", "2: psn_no: must be letters and digits"},
        {"P1,", "P/1,", "2: psn_no: must be letters and digits"},
        {"P1,", "P123456789012345678901234567890,", "2: psn_no: is too long"},
        {",01,", ",1,", "2: psn_cert_type: must be"},
        {",01,", ",55,", "2: psn_cert_type: must be"},
        {"23967", "23968", "2: certno: must have a real date and the right check character (GB 11643)"},
        {"197308023967", "197302303967", "2: certno: must have a real date"},
        {"330100197308023967", "33010019730802396", "2: certno: must have a real date"},
        {"测试一", "", "2: psn_name: must not be empty"},
        {"测试一", "\xe6\xb5", "2: line: is not UTF-8"},
        {"测试一", "a\tb", "2: line: holds a control character"},
        {",330100,310", ",33010,310", "2: insuplc_admdvs: must be six digits"},
        {",330100,310", ",360800,310", "2: insuplc_admdvs: belongs to another node"},
        {",330100,310", ",999999,310", "2: insuplc_admdvs: is not in the registry"},
        {",310,", ",510,", "2: insutype: must be 310, 340, 350, 360, 390 or 391"},
        {",1101,", ",1701,", "2: psn_type: must be four digits"},
        {",1101,", ",110,", "2: psn_type: must be four digits"},
        {",1,normal", ",3,normal", "2: psn_insu_stas: must be 0, 1, 2 or 4"},
        {",1,normal", ",,normal", "2: psn_insu_stas: must be 0, 1, 2 or 4"},
        {"normal", "closed", "2: account_status: must be normal, frozen"},
        {"normal", "", "2: account_status: must be normal, frozen"},
        {",T1,", ",T 1,", "2: card_no: must be letters and digits"},
        {"100.05", "100.5", "2: prior: must be an amount in yuan with two places"},
        {"100.05", "100", "2: prior: must be an amount in yuan with two places"},
        {"100.05", "", "2: prior: must be an amount in yuan with two places"},
        {"100.05", "-0.05", "2: prior: must not be negative"},
        {"100.05", "1000000000000.00", "2: prior: must be an amount in yuan"},
        {"2.00", "2,00", "2: line: has another number of fields than the header"},
        {",310,", ",390,", "2: prior: must be 0.00: this insurance has no account (R5)"},
        {",2.00", "", "2: line: has another number of fields than the header"},
        {"测试一", "\"测试一", "2: line: has a quote that is not closed in this line"},
        {"测试一", "测\"试一", "2: line: has a quote inside a field that is not quoted"},
        {"测试一", "\"测试\"一", "2: line: has text behind a closing quote"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[2048], *line = scratch_replace(GOOD, lines[i].from, lines[i].to);
        /* The good line behind it has other keys; it must still be taken. */
        (void)snprintf(text, sizeof text, "%s%s%s", HEADER, line,
                       "P9,01,11010519491231002X,测试九,330100,310,1101,1,normal,T9,0.00,0.00\n");
        assert_int_equal(read_people(text), GJ_OK);
        if (heard.n != 1 || result.good != 1 || result.bad != 1)
            fail_msg("%s: %s", lines[i].reason, heard.bad);
        assert_string_equal(heard.people[0].psn_no, "P9");
        assert_int_equal(strncmp(heard.bad, lines[i].reason, strlen(lines[i].reason)), 0);
        assert_lacks(heard.bad, "3967");
        free(line);
    }
}

static void one_person_one_line(void **state) {
    (void)state;
    assert_int_equal(
        read_people(HEADER GOOD "P1,01,11010519491231002X,测试,330100,310,1101,1,normal,,0.00,0.00\n" GOOD),
        GJ_OK);
    assert_string_equal(heard.bad, "3: psn_no: is already in line 2\n4: certno: is already in line 2\n");
    assert_int_equal(result.bad, 2);
    /* A person may be enrolled in two regions of one node: a duplicate enrolment is a rule's matter (R4). */
    assert_int_equal(
        read_people(HEADER GOOD "P2,01,330100197308023967,测试一,330200,390,1501,1,,,0.00,0.00\n"), GJ_OK);
    assert_int_equal(result.good, 2);
    /* x and X are one number. */
    assert_int_equal(read_people(HEADER
                                 "P1,01,11010519491231002x,测试,330100,310,1101,1,normal,,0.00,0.00\n"
                                 "P2,01,11010519491231002X,测试,330100,310,1101,1,normal,,0.00,0.00\n"),
                     GJ_OK);
    assert_string_equal(heard.bad, "3: certno: is already in line 2\n");
}

static void other_papers_have_no_check_character(void **state) {
    (void)state;
    assert_int_equal(read_people(HEADER "P1,08,E12345678,TEST ONE,330100,390,1501,1,,,0.00,0.00\n"
                                        "P2,08,,TEST TWO,330100,390,1501,1,,,0.00,0.00\n"),
                     GJ_OK);
    assert_int_equal(result.good, 1);
    assert_holds(heard.bad, "3: certno: ");
}

static void a_header_that_is_not_ours_refuses_the_file(void **state) {
    (void)state;
    static const struct bad_line headers[] = {
        {",certno", "", "people.csv:1: certno: is missing in the header"},
        {",certno", ",certno,certno", "people.csv:1: certno: is a column twice"},
        {",certno", ",certno,phone", "people.csv:1: header: has columns that are not known here"},
        {"psn_no", "\"psn_no", "people.csv:1: header: has a quote that is not closed in this line"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *text = scratch_replace(HEADER GOOD, headers[i].from, headers[i].to);
        assert_int_equal(read_people(text), GJ_ERR_BAD_INPUT);
        assert_holds(error.text, headers[i].reason);
        assert_int_equal(heard.n, 0);
        free(text);
    }
    assert_int_equal(read_people(""), GJ_ERR_BAD_INPUT);
    assert_holds(error.text, "people.csv:1: has no header line");
    char path[SCRATCH_PATH_CAP];
    assert_int_equal(gj_people_read(scratch_path(path, "none.csv"), &directory, &result, take_person,
                                    take_bad, &heard, &error),
                     GJ_ERR_NOT_FOUND);
}

static void a_receiver_that_fails_stops_the_reading(void **state) {
    (void)state;
    char path[SCRATCH_PATH_CAP];
    scratch_write("people.csv",
                  HEADER GOOD "P2,01,11010519491231002X,测试,330100,310,1101,1,normal,,0.00,0.00\n");
    memset(&heard, 0, sizeof heard);
    heard.answer = GJ_ERR_STORE;
    assert_int_equal(gj_people_read(scratch_path(path, "people.csv"), &directory, &result, take_person,
                                    take_bad, &heard, &error),
                     GJ_ERR_STORE);
    assert_int_equal(heard.n, 1);
}

static void long_lines_and_nuls_spoil_their_line_only(void **state) {
    (void)state;
    char text[16384];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", HEADER);
    memset(text + len, 'x', 5000);
    len += 5000;
    len += (size_t)snprintf(text + len, sizeof text - len, "\nP\1,\n%s", GOOD);
    *strchr(text, '\1') = '\0';
    scratch_write_bytes("people.csv", text, len);
    char path[SCRATCH_PATH_CAP];
    memset(&heard, 0, sizeof heard);
    assert_int_equal(gj_people_read(scratch_path(path, "people.csv"), &directory, &result, take_person,
                                    take_bad, &heard, &error),
                     GJ_OK);
    assert_string_equal(heard.bad, "2: line: is longer than 4096 bytes\n3: line: holds a NUL character\n");
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.people[0].number, 4);
}

/* Cut anywhere, or one byte changed: a line is taken only as it stands in the good file, or refused. */
static void broken_files_never_break_the_reader(void **state) {
    (void)state;
    static const char whole[] = HEADER GOOD;
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        char text[sizeof whole];
        (void)snprintf(text, sizeof text, "%.*s", (int)cut, whole);
        enum gj_err err = read_people(text);
        assert_true(err == GJ_OK || err == GJ_ERR_BAD_INPUT);
        if (cut < sizeof whole - 2) assert_int_equal(heard.n, 0);
    }
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        text[at] = (char)(text[at] ^ 0x80);
        enum gj_err err = read_people(text);
        assert_true(err == GJ_OK || err == GJ_ERR_BAD_INPUT);
        assert_int_equal(heard.n, 0);
    }
}

#define INSTITUTIONS "fixmedins_code,fixmedins_name,open_from,open_to\n"

static void institutions_are_read_the_same_way(void **state) {
    (void)state;
    assert_int_equal(read_institutions(INSTITUTIONS "H33010000001,测试医院,2020-01-01,\n"
                                                    "P33020000001,测试药店,2020-01-01,2026-12-31\n"
                                                    "H3301000000,x,2020-01-01,\n"
                                                    "X33010000002,x,2020-01-01,\n"
                                                    "H36080000001,x,2020-01-01,\n"
                                                    "H33010000003,,2020-01-01,\n"
                                                    "H33010000004,x,2020-1-1,\n"
                                                    "H33010000005,x,2020-01-01,never\n"
                                                    "H33010000006,x,2020-01-02,2020-01-01\n"
                                                    "H33010000001,x,2020-01-01,\n"),
                     GJ_OK);
    assert_int_equal(result.good, 2);
    assert_string_equal(heard.institutions[0].fixmedins_code, "H33010000001");
    assert_int_equal(heard.institutions[0].open_from, 20200101);
    assert_int_equal(heard.institutions[0].open_to, 0);
    assert_int_equal(heard.institutions[1].open_to, 20261231);
    assert_string_equal(heard.bad, "4: fixmedins_code: must be H or P and eleven digits\n"
                                   "5: fixmedins_code: must be H or P and eleven digits\n"
                                   "6: fixmedins_code: belongs to another node\n"
                                   "7: fixmedins_name: must not be empty\n"
                                   "8: open_from: must be a date, yyyy-MM-dd\n"
                                   "9: open_to: must be a date, yyyy-MM-dd, or empty\n"
                                   "10: open_to: lies before open_from\n"
                                   "11: fixmedins_code: is already in line 2\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_line_is_taken_whole),
        cmocka_unit_test(marks_line_ends_and_order_of_columns_are_free),
        cmocka_unit_test(every_bad_line_gets_its_reason),
        cmocka_unit_test(one_person_one_line),
        cmocka_unit_test(other_papers_have_no_check_character),
        cmocka_unit_test(a_header_that_is_not_ours_refuses_the_file),
        cmocka_unit_test(a_receiver_that_fails_stops_the_reading),
        cmocka_unit_test(long_lines_and_nuls_spoil_their_line_only),
        cmocka_unit_test(broken_files_never_break_the_reader),
        cmocka_unit_test(institutions_are_read_the_same_way),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
