/* SPDX-License-Identifier: Apache-2.0
 *
 * What many seeds together must meet: every cell of both state tables, every row of the crash table, every event,
 * every fault and every lie, every error of err.def where the product can say it, and the rules of the one pack. What
 * cannot be met here stands in a list with its reason; an error that is in no list fails the run, so that a new one
 * must be thought of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/state.h"
#include "sim.h"

static const char *const row_texts[] = {
#define X(name, text) text,
    SIM_ROWS(X)
#undef X
};

const char *sim_row_text(enum sim_row row) {
    return row_texts[row];
}

struct missing {
    FILE *out;
    unsigned n;
};

static void miss(struct missing *missing, const char *kind, const char *a, const char *b) {
    (void)fprintf(missing->out, "never met: %s %s%s%s\n", kind, a, b[0] == '\0' ? "" : " x ", b);
    missing->n++;
}

/* --- cells ---------------------------------------------------------------------------------------------- */
static const struct {
    enum gj_coord_state state;
    enum gj_coord_input input;
    const char *why;
} coord_exempt[] = {
    {GJ_COORD_NONE, GJ_COORD_ON_CANCEL, "gj_protocol_cancel() asks the table for what is COLLECTING only"},
    {GJ_COORD_PAST, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_COMMITTED, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_ABORTED, GJ_COORD_ON_CANCEL, "as NONE"},
    {GJ_COORD_ENDED, GJ_COORD_ON_CANCEL, "as NONE"},
};

/* An outside core platform is asked for a hold and has not answered: no input of this version leads there, for the
 * ledger of its own answers at once. The three cells are called by tests/table/test_state_tables.c. */
static bool part_is_exempt(unsigned state) {
    return state == GJ_PART_PREPARING;
}

static bool coord_is_exempt(unsigned state, unsigned input) {
    for (size_t i = 0; i < sizeof coord_exempt / sizeof coord_exempt[0]; i++)
        if (coord_exempt[i].state == state && coord_exempt[i].input == input) return true;
    return false;
}

static bool was_met(const struct sim_coverage *coverage, char where, const char *name) {
    static const struct {
        char where;
        const char *begins;
    } kinds[] = {{'p', "parcel_refused "},
                 {'v', "vote "},
                 {'a', "answer "},
                 {'e', "peer_error "},
                 {'c', "clock_skew "}};
    char word[40];
    (void)snprintf(word, sizeof word, " %s", name);
    for (unsigned i = 0; i < coverage->n_reasons; i++) {
        const char *what = coverage->reasons[i].what;
        bool is_there = false;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            is_there = is_there || (kinds[k].where == where &&
                                    strncmp(what, kinds[k].begins, strlen(kinds[k].begins)) == 0);
        for (const char *at = strstr(what, word); is_there && at != NULL; at = strstr(at + 1, word))
            if (at[strlen(word)] == '\0' || at[strlen(word)] == ' ') return true;
    }
    return false;
}

static const char *where_text(char where) {
    return where == 'p'   ? "refused at admission"
           : where == 'v' ? "in a NO"
           : where == 'a' ? "in an answer"
           : where == 'e' ? "as a peer's error"
                          : "as an alarm";
}

/* --- what only a store that was put back leads to ---------------------------------------------------------- */
/* Asked of seeds with --backups, and of no others. */
static const enum gj_event_code after_a_loss[] = {GJ_EVENT_RESYNC_NEEDED, GJ_EVENT_REPLAY_DONE,
                                                  GJ_EVENT_ADOPTED, GJ_EVENT_RESYNC_DONE};

static bool is_after_a_loss(unsigned event) {
    for (size_t i = 0; i < sizeof after_a_loss / sizeof after_a_loss[0]; i++)
        if ((unsigned)after_a_loss[i] == event) return true;
    /* Two operators open a node without a peer that cannot be heard: here every peer comes back. The stories of
     * tests/scenario do it. */
    return event == GJ_EVENT_OPENED_WITHOUT;
}

static bool part_lost_data(unsigned state, unsigned input) {
    return input == GJ_PART_ON_COMMIT && (state == GJ_PART_NONE || state == GJ_PART_REFUSED);
}

static void losses(const struct sim_coverage *coverage, struct missing *missing) {
    for (size_t i = 0; i < sizeof after_a_loss / sizeof after_a_loss[0]; i++)
        if (coverage->events[after_a_loss[i]] == 0)
            miss(missing, "event", gj_event_word(after_a_loss[i]), "");
    for (unsigned s = 0; s < SIM_PART_STATES; s++)
        if (part_lost_data(s, GJ_PART_ON_COMMIT) && coverage->part[s][GJ_PART_ON_COMMIT] == 0)
            miss(missing, "participant", sim_part_state_word(s), sim_part_input_word(GJ_PART_ON_COMMIT));
    if (coverage->rows[SIM_ROW_OLD_STORE] == 0) miss(missing, "row", row_texts[SIM_ROW_OLD_STORE], "");
    if (coverage->faults[SIM_BACKUP] == 0) miss(missing, "fault", sim_fault_word(SIM_BACKUP), "");
    if (!was_met(coverage, 'e', "RESYNC")) miss(missing, "error", "RESYNC", where_text('e'));
}

static void cells(const struct sim_coverage *coverage, struct missing *missing) {
    for (unsigned s = 0; s < SIM_PART_STATES; s++)
        for (unsigned i = 0; i < SIM_PART_INPUTS; i++)
            if (coverage->part[s][i] == 0 && !part_is_exempt(s) && !part_lost_data(s, i))
                miss(missing, "participant", sim_part_state_word(s), sim_part_input_word(i));
    for (unsigned s = 0; s < SIM_COORD_STATES; s++)
        for (unsigned i = 0; i < SIM_COORD_INPUTS; i++)
            if (coverage->coord[s][i] == 0 && !coord_is_exempt(s, i))
                miss(missing, "coordinator", sim_coord_state_word(s), sim_coord_input_word(i));
}

/* --- what is counted by name ---------------------------------------------------------------------------- */
static void lists(const struct sim_coverage *coverage, struct missing *missing) {
    for (unsigned i = 0; i < SIM_ROW_COUNT; i++)
        if (coverage->rows[i] == 0 && i != SIM_ROW_OLD_STORE) miss(missing, "row", row_texts[i], "");
    for (unsigned i = 1; i < GJ_EVENT_COUNT; i++)
        if (coverage->events[i] == 0 && !is_after_a_loss(i))
            miss(missing, "event", gj_event_word((enum gj_event_code)i), "");
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
        if (coverage->faults[i] == 0 && i != SIM_BACKUP)
            miss(missing, "fault", sim_fault_word((enum sim_fault)i), "");
    for (unsigned i = 0; i < SIM_LIE_COUNT; i++)
        if (coverage->lies[i] == 0) miss(missing, "lie", sim_lie_word((enum sim_lie)i), "");
}

/* --- errors --------------------------------------------------------------------------------------------- */
/* Where each error must be met: p by admission, v in a NO, a in an answer to a client, e in a peer's error. Or why
 * it need not be. */
static const struct {
    const char *name, *where, *why;
} errors[] = {
    {"BAD_INPUT", "", "the HTTP edge's: a request reaches the engine as a struct"},
    {"BAD_JSON", "", "the HTTP edge's"},
    {"UNKNOWN_FIELD", "", "the HTTP edge's"},
    {"UNKNOWN_ROUTE", "", "the HTTP edge's"},
    {"UNAUTHORIZED", "a", NULL},
    {"BAD_CONFIG", "", "before a node starts"},
    {"MISSING_FIELD", "p", NULL},
    {"BAD_FIELD", "pva", NULL},
    {"BAD_AMOUNT", "va", NULL},
    {"BAD_CERTNO", "a", NULL},
    {"NOT_SUPPORTED", "a", NULL},
    {"NOT_FOUND", "a", NULL},
    {"TOO_LARGE", "p", NULL},
    {"TOO_MANY", "p", NULL},
    {"TOO_DEEP", "", "no lie is nested; the fuzzers of wire find it"},
    {"NO_SPACE", "", "an arena or the outbox is too small: tests/scenario/test_lies_limits.c"},
    {"BUSY", "va", NULL},
    {"OVERFLOW", "", "no sum of this world comes near it: tests/unit/base"},
    {"BAD_PARCEL", "p", NULL},
    {"BAD_MSGPACK", "p", NULL},
    {"BAD_SCHEMA", "p", NULL},
    {"UNKNOWN_KIND", "pe", NULL},
    {"BAD_VERSION", "p", NULL},
    {"BAD_PATH", "p", NULL},
    {"BAD_INDEX", "p", NULL},
    {"BAD_SIGNATURE", "p", NULL},
    {"UNKNOWN_SENDER", "p", NULL},
    {"WRONG_SENDER", "p", NULL},
    {"WRONG_RECIPIENT", "p", NULL},
    {"WRONG_NETWORK", "p", NULL},
    {"UNKNOWN_KEY", "p", NULL},
    {"REPLAY", "p", NULL},
    {"OLD_ID", "p", NULL},
    {"CLOCK_SKEW", "cea", NULL},
    {"OLD_EPOCH", "p", NULL},
    {"BAD_EVIDENCE", "a", NULL},
    {"NO_HELLO", "pe", NULL},
    {"BAD_NONCE", "p", NULL},
    {"EXTRA_FRAMES", "", "the socket's: there are no frames here"},
    {"RULE", "va", NULL},
    {"PLAN_CHANGED", "a", NULL},
    {"PLAN_UNKNOWN", "a", NULL},
    {"PLAN_STALE", "v", NULL},
    {"NO_COVER", "v", NULL},
    {"BAD_DATE", "v", NULL},
    {"HOME_UNREACHABLE", "a", NULL},
    {"PAYER_UNREACHABLE", "a", NULL},
    {"EXCEEDS_ORIGINAL", "va", NULL},
    {"REVERSED", "a", NULL},
    {"CONFLICT", "va", NULL},
    {"WRONG_NODE", "va", NULL},
    {"EXPIRED", "v", NULL},
    {"REFUSED_BEFORE", "v", NULL},
    {"TIMED_OUT", "a", NULL},
    {"TOO_OLD", "", "no run is as long as the retention: tests/unit/domain"},
    {"PERSON_UNKNOWN", "a", NULL},
    {"INSTITUTION", "a", NULL},
    {"IN_PROGRESS", "a", NULL},
    {"INTERRUPTED", "a", NULL},
    {"VIOLATION", "", "an event, which must be met as one"},
    {"DRAINING", "", "the loop's word while a process stops: tests/e2e"},
    {"RESYNC", "", "asked of seeds with --backups"},
    {"GATE", "ae", NULL},
    {"STORE", "", "ends the process"},
    {"STORE_FULL", "a", NULL},
    {"STORE_NEWER", "", "before a node starts"},
    {"STORE_LOCKED", "", "before a node starts"},
    {"IO", "", "files and sockets: there are none here"},
    {"CRYPTO", "", "no key of this world fails to sign"},
    {"NO_MEMORY", "", "tests/scenario/test_nth_failure_alloc.c"},
    {"INTERNAL", "", "our own mistakes"},
    {"NOT_IN_DOUBT", "a", NULL},
    {"DUAL_CONTROL", "a", NULL},
    {"DIFFERENCE", "", "the books agree, or the run fails"},
};

static void all_errors(const struct sim_coverage *coverage, struct missing *missing) {
    static const char *const names[] = {
#define X(name, number, class, retry, en, zh) #name,
#include "base/err.def"
#undef X
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool is_listed = false;
        for (size_t k = 0; k < sizeof errors / sizeof errors[0] && !is_listed; k++) {
            is_listed = strcmp(errors[k].name, names[i]) == 0;
            for (const char *where = errors[k].where; is_listed && *where != '\0'; where++)
                if (!was_met(coverage, *where, names[i]))
                    miss(missing, "error", names[i], where_text(*where));
        }
        if (!is_listed) miss(missing, "error", names[i], "must_hit.c does not say where, or why not");
    }
}

/* --- rules ---------------------------------------------------------------------------------------------- */
/* Those that the pack of world.c has, or that hold everywhere. The others need a clause that it has not: each row of
 * theirs is in tests/table/test_rules.c. */
static const char *const rules[] = {"R10", "R16", "R32", "R49", "R50", "R51", "R70", "R80"};

static void all_rules(const struct sim_coverage *coverage, struct missing *missing) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (!was_met(coverage, 'v', rules[i]) && !was_met(coverage, 'a', rules[i]))
            miss(missing, "rule", rules[i], "");
}

unsigned sim_must_hit(const struct sim_coverage *coverage, bool has_backups, FILE *out) {
    struct missing missing = {.out = out};
    if (has_backups) {
        losses(coverage, &missing);
        (void)fprintf(out, "%u of what a loss must lead to were never met\n", missing.n);
        return missing.n;
    }
    cells(coverage, &missing);
    lists(coverage, &missing);
    all_errors(coverage, &missing);
    all_rules(coverage, &missing);
    (void)fprintf(out, "%u of what must be met were never met\n", missing.n);
    return missing.n;
}
