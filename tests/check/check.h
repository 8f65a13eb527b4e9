/* SPDX-License-Identifier: Apache-2.0
 *
 * gongji-check: the stores of all nodes, after or during a run of real processes, before the simulator's checker.
 * It knows a store as SQL shows it and a registry as its file shows it; it includes no header of protocol or
 * domain, asks no node, and writes nothing.
 */
#ifndef GJ_TESTS_CHECK_H
#define GJ_TESTS_CHECK_H

#include "sim/checker/checker.h"

#define CHECK_NODES_MAX (CK_NODES_MAX - 1) /* the checker's last place stands for an unknown node */
#define CHECK_NAME_MAX  31

/* --- a store as SQL shows it (dump.c) ------------------------------------------------------------------- */
struct check_dump;

/* Opens it for reading only, within one snapshot. NULL: said on stderr. */
struct check_dump *check_dump_open(const char *path);
/* The name of the node whose store it is, "" if it has none. */
const char *check_dump_node(const struct check_dump *dump);
/* Gives every record but the recorded inputs to the checker, which borrows the tables' description until
 * check_dump_close(). False: said on stderr. */
bool check_dump_read(struct check_dump *dump, struct ck *ck, size_t node);
void check_dump_close(struct check_dump **dump_p);

/* --- the registry's keys (registry.c) ------------------------------------------------------------------- */
struct check_registry {
    size_t n;
    char names[CHECK_NODES_MAX][CHECK_NAME_MAX + 1];
    struct gj_yaml *yaml;
};

/* Every node's name; its signature is not looked at. False: said on stderr. */
bool check_registry_open(const char *path, struct check_registry *ret);
/* Every key that a node has or had; |ck| has the nodes in the registry's order. */
bool check_registry_keys(const struct check_registry *registry, struct ck *ck);
void check_registry_close(struct check_registry *registry);

/* --- the packs' caps (packs.c) ---------------------------------------------------------------------------- */
#define CHECK_PACKS_MAX 64

/* Of every local pack in a folder. False: said on stderr. */
bool check_packs_read(const char *folder, struct ck_pack packs[CHECK_PACKS_MAX], size_t *ret_n);

#endif
