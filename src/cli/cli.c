/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of commands and options, help, exit codes. It must never guess what a person meant: an option that a
 * command does not know is refused before anything is done.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BIT(option) (UINT32_C(1) << (option))

struct command {
    const char *name; /* one or two words */
    int (*run)(const struct gj_args *args);
    uint32_t accepts, requires; /* options, a bit each */
    size_t min_operands, max_operands;
    const char *operands;
    const char *en, *zh;
};

static const struct command commands[] = {
    {"keys", gj_cmd_keys, BIT(GJ_OPTION_OUT) | BIT(GJ_OPTION_ALG) | BIT(GJ_OPTION_AUTHORITY),
     BIT(GJ_OPTION_OUT), 0, 0, "",
     "make a node's keys (signing, CURVE, data), or with --authority the registry's",
     "生成节点密钥，或注册机构密钥"},
    {"registry sign", gj_cmd_registry_sign, BIT(GJ_OPTION_KEY), BIT(GJ_OPTION_KEY), 1, 1, "REGISTRY.yaml",
     "sign a registry; the signature goes to REGISTRY.yaml.sig", "为注册表签名"},
    {"registry check", gj_cmd_registry_check, BIT(GJ_OPTION_KEY), BIT(GJ_OPTION_KEY), 1, 1, "REGISTRY.yaml",
     "verify a registry's signature and every entry", "校验注册表的签名和内容"},
    {"check-config", gj_cmd_check_config, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_DUMP) | BIT(GJ_OPTION_KEYS),
     0, 0, 0, "",
     "check a configuration with its registry and packs; --dump shows it, --keys explains every key",
     "检查配置文件"},
    {"pack check", gj_cmd_pack_check, 0, 0, 1, 1, "FILE|FOLDER",
     "check a rule pack, or a folder of them for overlaps too", "检查规则包"},
    {"init", gj_cmd_init, BIT(GJ_OPTION_CONFIG), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "make a node's store and witness; refuses what exists", "初始化数据库"},
    {"load", gj_cmd_load, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_SKIP_BAD), BIT(GJ_OPTION_CONFIG), 1, 1,
     "PEOPLE.csv", "load insured people; nothing of a file with a bad line, unless --skip-bad",
     "导入参保人员文件"},
    {"load-institutions", gj_cmd_load_institutions, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_SKIP_BAD),
     BIT(GJ_OPTION_CONFIG), 1, 1, "FILE.csv", "load designated institutions, the same way",
     "导入定点医药机构文件"},
    {"people generate", gj_cmd_people_generate,
     BIT(GJ_OPTION_REGIONS) | BIT(GJ_OPTION_COUNT_OF) | BIT(GJ_OPTION_SEED) | BIT(GJ_OPTION_PEOPLE) |
         BIT(GJ_OPTION_INSTITUTIONS),
     BIT(GJ_OPTION_REGIONS) | BIT(GJ_OPTION_COUNT_OF) | BIT(GJ_OPTION_SEED), 0, 0, "",
     "invent people (and institutions) for a trial; the same seed gives the same bytes",
     "生成试验用的虚构人员"},
    {"books", gj_cmd_books, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_JSON), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "prove that a node's books balance; also while the node runs", "核对本节点账目"},
    {"legs", gj_cmd_legs, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_JSON), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "every committed leg between regions that this node holds, to compare two nodes",
     "列出本节点已提交的跨区分录"},
    {"tx propose", gj_cmd_tx_propose,
     BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN) | BIT(GJ_OPTION_REASON) | BIT(GJ_OPTION_EVIDENCE) |
         BIT(GJ_OPTION_JSON),
     BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN) | BIT(GJ_OPTION_REASON) | BIT(GJ_OPTION_EVIDENCE), 2, 2,
     "TXID commit|abort", "propose to end a doubt by hand; nothing moves before another operator confirms",
     "提出待决交易的人工处理意见"},
    {"tx confirm", gj_cmd_tx_confirm, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN) | BIT(GJ_OPTION_JSON),
     BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN), 2, 2, "TXID commit|abort",
     "confirm, as another operator, exactly what was proposed", "由另一操作员复核确认处理意见"},
    {"cases", gj_cmd_cases, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_JSON), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "list what people must settle, with --json the signed messages too; also while the node runs",
     "列出须人工处理的案件"},
    {"restored", gj_cmd_restored, BIT(GJ_OPTION_CONFIG), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "say that a stopped node's store was put back from a copy; always do so before it starts again",
     "声明本节点数据库由备份恢复，须在启动前执行"},
    {"resync status", gj_cmd_resync_status, BIT(GJ_OPTION_CONFIG), BIT(GJ_OPTION_CONFIG), 0, 0, "",
     "how far a put-back node has healed, and what it could not get back; also while it runs",
     "查看再同步进度"},
    {"resync open", gj_cmd_resync_open, BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN),
     BIT(GJ_OPTION_CONFIG) | BIT(GJ_OPTION_TOKEN), 1, GJ_OPERANDS_MAX, "NODE...",
     "open without nodes that cannot be heard; it counts when another operator wants the same",
     "不等待无法联系的节点而结束再同步，须双人复核"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const struct option_row {
    const char *name, *value, *about;
} options[GJ_OPTION_N] = {
    [GJ_OPTION_CONFIG] = {"config", "FILE", "the node's configuration"},
    [GJ_OPTION_JSON] = {"json", NULL, "JSON on standard output"},
    [GJ_OPTION_SKIP_BAD] = {"skip-bad", NULL, "load the good lines of a bad file"},
    [GJ_OPTION_OUT] = {"out", "FOLDER", "where the keys go; it is made if need be"},
    [GJ_OPTION_ALG] = {"alg", "sm2|ed25519", "of the signing key; default sm2"},
    [GJ_OPTION_KEY] = {"key", "FILE", "the authority's private key (sign) or public key (check)"},
    [GJ_OPTION_AUTHORITY] = {"authority", NULL, "make the key pair that signs registries"},
    [GJ_OPTION_KEYS] = {"keys", NULL, "list the configuration's keys"},
    [GJ_OPTION_DUMP] = {"dump", NULL, "print the configuration in force"},
    [GJ_OPTION_REGIONS] = {"regions", "A,B,...", "six digits each"},
    [GJ_OPTION_COUNT_OF] = {"count", "N", "people in all"},
    [GJ_OPTION_SEED] = {"seed", "N", "any number"},
    [GJ_OPTION_PEOPLE] = {"people", "FILE", "default: standard output"},
    [GJ_OPTION_INSTITUTIONS] = {"institutions", "FILE", "also write institutions"},
    [GJ_OPTION_TOKEN] = {"token", "FILE", "the operator's token, mode 0600"},
    [GJ_OPTION_REASON] = {"reason", "TEXT", "why"},
    [GJ_OPTION_EVIDENCE] = {"evidence", "TEXT", "what it rests on: a letter's number, who was called"},
    [GJ_OPTION_HELP] = {"help", NULL, "this text"},
};

static void print_command(const struct command *command, FILE *out) {
    fprintf(out, "  gongji %s", command->name);
    for (unsigned i = 0; i < GJ_OPTION_N; i++) {
        if ((command->accepts & BIT(i)) == 0) continue;
        bool required = (command->requires & BIT(i)) != 0;
        fprintf(out, " %s--%s%s%s%s", required ? "" : "[", options[i].name,
                options[i].value != NULL ? " " : "", options[i].value != NULL ? options[i].value : "",
                required ? "" : "]");
    }
    fprintf(out, "%s%s\n      %s\n      %s\n", command->operands[0] != '\0' ? " " : "", command->operands,
            command->en, command->zh);
}

static void print_help(FILE *out) {
    fputs("gongji: the command line of a Gongji Gateway node\n"
          "        共济网关命令行\n\n"
          "Usage: gongji COMMAND [OPTIONS] [FILE]\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        print_command(&commands[i], out);
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < GJ_OPTION_N; i++) {
        fprintf(out, "  --%-13s %-12s %s\n", options[i].name,
                options[i].value != NULL ? options[i].value : "", options[i].about);
    }
    fputs("\nExit codes: 0 done; 1 bad lines or differences were found; 2 the call is wrong;\n"
          "            3 a file is missing, wrong or not trusted; 4 the store or the system failed\n",
          out);
}

int gj_cli_usage(const struct gj_args *args, const char *text) {
    fprintf(args->err, "gongji: %s\ngongji: see gongji --help\n", text);
    return GJ_EXIT_USAGE;
}

static int exit_code_of(enum gj_err err) {
    switch (gj_err_class_of(err)) {
    case GJ_CLASS_NONE:
        return GJ_EXIT_OK;
    case GJ_CLASS_USAGE:
    case GJ_CLASS_AUTH:
    case GJ_CLASS_PROTO:
    case GJ_CLASS_POLICY:
    case GJ_CLASS_CONFLICT:
        return GJ_EXIT_FILE;
    case GJ_CLASS_LIMIT:
        return gj_err_is_retryable(err) ? GJ_EXIT_SYSTEM : GJ_EXIT_FILE;
    case GJ_CLASS_IO:
    case GJ_CLASS_STORE:
    case GJ_CLASS_CRYPTO:
    case GJ_CLASS_INTERNAL:
        return GJ_EXIT_SYSTEM;
    }
    return GJ_EXIT_SYSTEM;
}

int gj_cli_fail(const struct gj_args *args, enum gj_err err, const char *text) {
    fprintf(args->err, "gongji: %s\ngongji: %s (%s)\n", text, gj_err_text_zh(err), gj_err_name(err));
    return exit_code_of(err);
}

bool gj_cli_number(const char *text, unsigned long long min, unsigned long long max,
                   unsigned long long *ret) {
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len) return false;
    *ret = strtoull(text, NULL, 10);
    return *ret >= min && *ret <= max;
}

/* The command that the first one or two words name; *ret_words says how many. */
static const struct command *find_command(int argc, char **argv, int *ret_words) {
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i].name, *space = strchr(name, ' ');
        size_t first = space == NULL ? strlen(name) : (size_t)(space - name);
        if (argc < 2 || strlen(argv[1]) != first || strncmp(argv[1], name, first) != 0) continue;
        *ret_words = 1;
        if (space == NULL) return &commands[i];
        *ret_words = 2;
        if (argc > 2 && strcmp(argv[2], space + 1) == 0) return &commands[i];
    }
    return NULL;
}

/* Options may stand before and behind operands; "--" ends them. False after having said what is wrong. */
static bool read_args(const struct command *command, int argc, char **argv, struct gj_args *args) {
    struct option long_options[GJ_OPTION_N + 1] = {{0}};
    for (int i = 0; i < GJ_OPTION_N; i++) {
        int has_value = options[i].value != NULL ? required_argument : no_argument;
        long_options[i] = (struct option){options[i].name, has_value, NULL, i};
    }
    char text[200];
    int found;
    optind = 0; /* glibc: start afresh, for callers that are no process of their own */
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        bool is_ours = found >= 0 && found < GJ_OPTION_N;
        if (!is_ours || (found != GJ_OPTION_HELP && (command->accepts & BIT(found)) == 0)) {
            (void)snprintf(text, sizeof text, "%s: %s %.100s", command->name,
                           found == ':' ? "a value is missing behind" : "does not know", argv[optind - 1]);
            return gj_cli_usage(args, text) == GJ_EXIT_OK;
        }
        if (args->given[found] && found != GJ_OPTION_HELP) {
            (void)snprintf(text, sizeof text, "%s: --%s is given twice", command->name, options[found].name);
            return gj_cli_usage(args, text) == GJ_EXIT_OK;
        }
        args->given[found] = true;
        args->value[found] = optarg;
    }
    size_t n = (size_t)(argc - optind);
    bool fits = n >= command->min_operands && n <= command->max_operands;
    for (size_t i = 0; fits && i < n; i++)
        args->operands[args->n_operands++] = argv[optind + (int)i];
    if (fits || args->given[GJ_OPTION_HELP]) return true;
    (void)snprintf(text, sizeof text, "%s: %s %s", command->name,
                   n < command->min_operands ? "needs" : "takes only",
                   command->operands[0] != '\0' ? command->operands : "options");
    return gj_cli_usage(args, text) == GJ_EXIT_OK;
}

static bool has_required(const struct command *command, const struct gj_args *args) {
    for (unsigned i = 0; i < GJ_OPTION_N; i++) {
        if ((command->requires & BIT(i)) == 0 || args->given[i]) continue;
        char text[100];
        (void)snprintf(text, sizeof text, "%s: --%s is missing", command->name, options[i].name);
        return gj_cli_usage(args, text) == GJ_EXIT_OK;
    }
    return true;
}

int gj_cli_run(int argc, char **argv, FILE *out, FILE *err) {
    struct gj_args args = {.out = out, .err = err};
    int words = 0;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_help(out);
        return GJ_EXIT_OK;
    }
    const struct command *command = find_command(argc, argv, &words);
    if (command == NULL)
        return gj_cli_usage(&args, argc < 2 ? "a command is missing" : "there is no such command");
    if (!read_args(command, argc - words, argv + words, &args)) return GJ_EXIT_USAGE;
    if (args.given[GJ_OPTION_HELP]) {
        print_command(command, out);
        return GJ_EXIT_OK;
    }
    if (!has_required(command, &args)) return GJ_EXIT_USAGE;
    return command->run(&args);
}
