/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked examples as data (README.md beside this): case.c and step.c read them, world.c builds the nodes and
 * the people of one, run.c drives it through real requests, compare.c says what differs. A case that says
 * something that nobody here reads must never pass: every unknown key is its failure.
 */
#ifndef GJ_TESTS_GOLDEN_H
#define GJ_TESTS_GOLDEN_H

#include "conf/packs.h"
#include "support/cluster.h"

#define GJ_GOLDEN_PEOPLE_MAX   12
#define GJ_GOLDEN_BINDINGS_MAX 12
#define GJ_GOLDEN_STEPS_MAX    32
#define GJ_GOLDEN_AMOUNTS_MAX  16 /* of one expectation */
#define GJ_GOLDEN_ENROLLED_MAX 4
#define GJ_GOLDEN_PACKS_MAX    8 /* regions with a pack of their own */
#define GJ_GOLDEN_WORD_MAX     40
#define GJ_GOLDEN_REASON_CAP   200

/* What may follow a person's name in an expectation. */
#define GJ_GOLDEN_POTS(X)                                                                                    \
    X(PRIOR, "prior")                                                                                        \
    X(CURRENT, "current")                                                                                    \
    X(MUTUAL, "mutual")                                                                                      \
    X(SUSPENSE, "suspense")                                                                                  \
    X(QUOTA, "quota")                                                                                        \
    X(HELD, "held")                                                                                          \
    X(AVAILABLE, "available")

enum gj_golden_pot {
#define X(name, word) GJ_POT_##name,
    GJ_GOLDEN_POTS(X)
#undef X
        GJ_POT_COUNT
};
const char *gj_golden_pot_word(enum gj_golden_pot pot);
enum gj_golden_pot gj_golden_pot_of(const char *word); /* GJ_POT_COUNT if unknown */

struct gj_golden_person {
    char name[GJ_GOLDEN_WORD_MAX + 1];
    char insutype[4];
    char psn_insu_stas[2];
    char status[GJ_WORD_MAX + 1];
    int64_t prior_fen, current_fen;
    char regions[GJ_GOLDEN_ENROLLED_MAX][GJ_REGION_MAX + 1]; /* where the case itself puts him */
    size_t n_regions;
};

struct gj_golden_binding {
    size_t payer, recipient; /* in people */
    char relation[GJ_WORD_MAX + 1];
    uint64_t order;
};

struct gj_golden_amount {
    size_t who;
    enum gj_golden_pot pot;
    int64_t fen;
};

struct gj_golden_reason {
    size_t who;
    char rule[GJ_RULE_MAX + 1];
};

struct gj_golden_expect {
    struct gj_golden_amount amounts[GJ_GOLDEN_AMOUNTS_MAX];
    size_t n_amounts;
    bool has_cash;
    int64_t cash_fen;
    struct gj_golden_reason explain[GJ_GOLDEN_PEOPLE_MAX];
    size_t n_explain;
    char refused[GJ_CODE_MAX + 1]; /* a rule, "reversed", "exceeds_original"; "": it must be done */
};

/* X(NAME, key, why a case with such a step is skipped, or NULL) */
#define GJ_GOLDEN_VERBS(X)                                                                                   \
    X(SETTLE, "settle", NULL)                                                                                \
    X(REFUND, "refund", NULL)                                                                                \
    X(REVERSE, "reverse", NULL)                                                                              \
    X(BIND, "bind", NULL)                                                                                    \
    X(UNBIND, "unbind", NULL)                                                                                \
    X(ORDER, "order", NULL)                                                                                  \
    X(BALANCES, "balances", NULL)                                                                            \
    X(FOUND, "found", "networks")                                                                            \
    X(JOIN, "join", "networks")                                                                              \
    X(REMOVE, "remove", "networks")                                                                          \
    X(EXIT, "exit", "networks")                                                                              \
    X(DISSOLVE, "dissolve", "networks")                                                                      \
    X(QUOTA, "quota", "quotas")                                                                              \
    X(TRANSFER, "transfer", "pooled sub-accounts")                                                           \
    X(JOB, "job", "jobs")

enum gj_golden_verb {
#define X(name, word, why) GJ_VERB_##name,
    GJ_GOLDEN_VERBS(X)
#undef X
        GJ_VERB_COUNT
};
const char *gj_golden_verb_word(enum gj_golden_verb verb);

struct gj_golden_step {
    enum gj_golden_verb verb;
    unsigned line;
    size_t who, other;             /* patient; payer and recipient; whose order */
    size_t payers[GJ_SOURCES_MAX]; /* order */
    size_t n_payers;
    int64_t bill_fen, payable_fen; /* settle */
    int64_t amount_fen;            /* refund */
    char use[GJ_WORD_MAX + 1];
    char med_type[7];
    char relation[GJ_WORD_MAX + 1];
    char msgid[GJ_MSGID_MAX + 1];       /* settle: may be ""; reverse */
    char label[GJ_GOLDEN_WORD_MAX + 1]; /* settle: as; refund: of */
    struct gj_golden_expect expect;
};

struct gj_golden_case {
    char id[81];
    unsigned line;
    char skip[GJ_GOLDEN_REASON_CAP];               /* what it needs that this version has not; "": it runs */
    struct gj_pack packs[1 + GJ_GOLDEN_PACKS_MAX]; /* everybody's, then those of single regions */
    size_t n_packs;
    struct gj_golden_person people[GJ_GOLDEN_PEOPLE_MAX];
    size_t n_people;
    struct gj_golden_binding bindings[GJ_GOLDEN_BINDINGS_MAX];
    size_t n_bindings;
    struct gj_golden_step steps[GJ_GOLDEN_STEPS_MAX];
    size_t n_steps;
    bool is_placed; /* the case names regions: it runs as written */
};

/* --- case.c, step.c: reading ------------------------------------------------------------------------------- */
/* Reads one entry of a file. GJ_ERR_BAD_CONFIG with file, line and key for whatever is not understood; |ret|->id
 * is set as far as there is one. A case that is skipped is read as strictly as one that runs. */
GJ_MUST_USE enum gj_err gj_golden_read(const struct gj_yaml *yaml, const struct gj_yaml_node *map,
                                       struct gj_golden_case *ret, struct gj_conf_error *ret_error);
/* The list under `do`; people are known. */
GJ_MUST_USE enum gj_err gj_golden_read_steps(const struct gj_yaml *yaml, const struct gj_yaml_node *list,
                                             struct gj_golden_case *ret, struct gj_conf_error *ret_error);
/* The position of a person; an unknown name is an error at |line|. */
GJ_MUST_USE enum gj_err gj_golden_who(const struct gj_yaml *yaml, const struct gj_golden_case *c,
                                      const char *name, unsigned line, const char *key, size_t *ret,
                                      struct gj_conf_error *ret_error);
/* Notes why the case cannot run in this version; the first reason stays. */
void gj_golden_skip(struct gj_golden_case *c, const char *why);

/* --- world.c ------------------------------------------------------------------------------------------------- */
enum gj_golden_layout { GJ_LAYOUT_WRITTEN, GJ_LAYOUT_TOGETHER, GJ_LAYOUT_SPREAD };

struct gj_golden_world {
    const struct gj_golden_case *c;
    enum gj_golden_layout layout;
    struct gj_cluster *cluster;
    size_t n_nodes;
    struct gj_cluster_node nodes[GJ_CLUSTER_NODES_MAX]; /* the cluster keeps pointing here */
    struct gj_packs packs;
    char home[GJ_GOLDEN_PEOPLE_MAX][GJ_REGION_MAX + 1];
    char care[GJ_REGION_MAX + 1]; /* place of care */
    char institution[13];         /* there */
};

/* True if the region is one of those that the runner's provinces have. */
bool gj_golden_region_is_known(const char *region);
/* The node of a known region. */
const char *gj_golden_node_of(const char *region);
/* Nodes, institutions, people with normal statuses; started. |ret| must stay where it is. */
void gj_golden_world_init(struct gj_golden_world *ret, const struct gj_golden_case *c,
                          enum gj_golden_layout layout);
void gj_golden_world_done(struct gj_golden_world *world);
size_t gj_golden_node(const struct gj_golden_world *world, const char *region);
/* The bureau's enrolment change: from now on everybody has the status that the case gives him. */
void gj_golden_enrolment_change(struct gj_golden_world *world);
void gj_golden_person(const struct gj_golden_world *world, size_t who, struct gj_req_person *ret);
int64_t gj_golden_balance(struct gj_golden_world *world, size_t who, enum gj_golden_pot pot);
/* Lets everything that is under way arrive. */
void gj_golden_settle_down(struct gj_golden_world *world);

/* --- run.c, compare.c ---------------------------------------------------------------------------------------- */
/* All that differs, "; " between; "" is a pass. Cut where it is full. */
struct gj_golden_report {
    char text[2000];
};
void gj_golden_differs(struct gj_golden_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool gj_golden_passed(const struct gj_golden_report *report);

/* What a step came to, in the words of an expectation. */
struct gj_golden_outcome {
    char refused[GJ_CODE_MAX + 1];
    struct gj_golden_amount amounts[GJ_LEGS_MAX];
    size_t n_amounts;
    bool has_cash;
    int64_t cash_fen;
    struct gj_golden_reason explain[GJ_LEGS_MAX];
    size_t n_explain;
};
void gj_golden_compare(const struct gj_golden_case *c, const struct gj_golden_step *step, const char *what,
                       const struct gj_golden_outcome *outcome, struct gj_golden_report *report);
void gj_golden_compare_balances(struct gj_golden_world *world, const struct gj_golden_step *step,
                                struct gj_golden_report *report);
/* The books of every node, both ends of all legs, nothing undecided, no alarm. */
void gj_golden_check_end(struct gj_golden_world *world, struct gj_golden_report *report);

void gj_golden_run(const struct gj_golden_case *c, enum gj_golden_layout layout,
                   struct gj_golden_report *report);

#endif
