/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that people write: the node's configuration, the signed registry, rule packs, people files.
 * An error names file, line and key, says what is allowed, and nothing of a bad file is used.
 */
#ifndef GJ_CONF_CONF_H
#define GJ_CONF_CONF_H

#include <stdio.h>

#include "crypto/crypto.h"
#include "domain/pack.h"
#include "protocol/directory.h"

#define GJ_PATH_TEXT_MAX 1023

/* Where and what, for people: "node.yaml:12: http.port: must be 1 to 65535". */
struct gj_conf_error {
    char text[512];
};

struct gj_conf_client {
    char name[GJ_WORD_MAX + 1];
    char token_file[GJ_PATH_TEXT_MAX + 1];
    char senders[GJ_SENDER_MAX + 1]; /* the one sender it may speak for, or a prefix ending in * */
    bool is_operator;                /* a person's: may propose or confirm what is decided by hand */
};

#define GJ_CONF_CLIENTS_MAX 256

struct gj_conf {
    char node[GJ_NODE_MAX + 1];
    char store[GJ_PATH_TEXT_MAX + 1]; /* paths are relative to the configuration file */
    char witness[GJ_PATH_TEXT_MAX + 1];
    char registry[GJ_PATH_TEXT_MAX + 1];
    char registry_key[GJ_PATH_TEXT_MAX + 1]; /* file with the registry authority's public key */
    char packs[GJ_PATH_TEXT_MAX + 1];        /* folder of *.yaml */
    char sign_key[GJ_PATH_TEXT_MAX + 1];
    char curve_key[GJ_PATH_TEXT_MAX + 1];
    char data_key[GJ_PATH_TEXT_MAX + 1];
    char listen[GJ_URL_MAX + 1]; /* tcp://127.0.0.1:7101 */
    char http_address[64];
    uint16_t http_port;
    char log_level[8];  /* error warn info debug */
    char log_format[8]; /* text json */
    bool record_inputs;
    uint64_t drain_ms;
    uint32_t retention_years;
    uint32_t record_days;
    struct gj_conf_client *clients;
    size_t n_clients;
};

/* GJ_ERR_BAD_CONFIG, GJ_ERR_NOT_FOUND, GJ_ERR_IO, with |ret_error| filled, as everywhere in this room. */
GJ_MUST_USE enum gj_err gj_conf_load(const char *path, struct gj_conf **ret, struct gj_conf_error *ret_error);
void gj_conf_free(struct gj_conf **conf_p);
/* What is in force, as YAML, paths resolved; with |conf| NULL every key, its default and its meaning. */
void gj_conf_dump(const struct gj_conf *conf, FILE *out);

/* --- registry: YAML and a detached signature "<path>.sig" over its exact bytes -------------------- */
#define GJ_CURVE_KEY_TEXT 40 /* Z85 */
struct gj_registry_node {
    char node[GJ_NODE_MAX + 1];
    char endpoint[GJ_URL_MAX + 1]; /* tcp://host:port */
    char curve_public[GJ_CURVE_KEY_TEXT + 1];
};
struct gj_registry {
    struct gj_directory directory; /* self is set from |self| */
    struct gj_keyring *keyring;
    const struct gj_registry_node *nodes;
    size_t n_nodes;
};
#define GJ_REGISTRY_KEYS_MAX 16 /* of one node, old ones included */

/* A file with one line, "sm2:<hex>" or "ed25519:<hex>". */
GJ_MUST_USE enum gj_err gj_authority_load(const char *path, struct gj_public_key *ret,
                                          struct gj_conf_error *ret_error);
/* Verifies the signature before it believes anything. |self| NULL: for a reader that is no node. */
GJ_MUST_USE enum gj_err gj_registry_load(const char *path, const struct gj_public_key *authority,
                                         const char *self, struct gj_registry **ret,
                                         struct gj_conf_error *ret_error);
void gj_registry_free(struct gj_registry **registry_p);

/* --- rule packs: every *.yaml of a folder --------------------------------- */
struct gj_pack_set {
    struct gj_packs packs;
};
#define GJ_PACKS_MAX 512 /* files in the folder */

GJ_MUST_USE enum gj_err gj_pack_set_load(const char *folder, struct gj_pack_set **ret,
                                         struct gj_conf_error *ret_error);
/* One file alone. */
GJ_MUST_USE enum gj_err gj_pack_load(const char *path, struct gj_pack *ret, struct gj_conf_error *ret_error);
void gj_pack_set_free(struct gj_pack_set **set_p);

/* --- people files: CSV with a header line --------------------------------- */
#define GJ_PSN_NO_MAX 30

struct gj_people_line {
    unsigned number; /* in the file, from 1 */
    char psn_no[GJ_PSN_NO_MAX + 1], psn_cert_type[3], certno[GJ_CERTNO_MAX + 1], psn_name[GJ_NAME_MAX + 1];
    char insuplc_admdvs[GJ_REGION_MAX + 1], insutype[4], psn_type[5], psn_insu_stas[2];
    char account_status[GJ_WORD_MAX + 1]; /* "normal" for a person without an account */
    char card_no[GJ_CERTNO_MAX + 1];
    bool has_account;
    int64_t prior_fen, current_fen;
};
struct gj_people_result {
    uint64_t good, bad;
};
/* Calls |good| for each valid line in order, |bad| with a reason for each other. The file is read twice by
 * callers that load nothing of a bad one. With |directory|, regions must belong to its node.
 * GJ_ERR_IO, GJ_ERR_NOT_FOUND, GJ_ERR_BAD_INPUT for a header that is not ours; what |good| returns if it
 * fails. */
GJ_MUST_USE enum gj_err gj_people_read(const char *path, const struct gj_directory *directory,
                                       struct gj_people_result *ret,
                                       enum gj_err (*good)(void *ctx, const struct gj_people_line *line),
                                       void (*bad)(void *ctx, unsigned number, const char *reason), void *ctx,
                                       struct gj_conf_error *ret_error);

#define GJ_INSTITUTION_CODE_MAX 12
#define GJ_INSTITUTION_NAME_MAX 200

struct gj_institution_line {
    unsigned number;
    char fixmedins_code[GJ_INSTITUTION_CODE_MAX + 1];
    char fixmedins_name[GJ_INSTITUTION_NAME_MAX + 1];
    gj_date open_from, open_to; /* open_to 0: open */
};
GJ_MUST_USE enum gj_err
gj_institutions_read(const char *path, const struct gj_directory *directory, struct gj_people_result *ret,
                     enum gj_err (*good)(void *ctx, const struct gj_institution_line *line),
                     void (*bad)(void *ctx, unsigned number, const char *reason), void *ctx,
                     struct gj_conf_error *ret_error);

#endif
