/* The command line, and nothing else. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/train/conform.h"
#include "host/train/train.h"

enum { TRAIN = 1, TEST = 2, CHECK = 4, LIST = 8, DESCRIBE = 16, CONFORM = 32, RUNS = TRAIN | TEST | CHECK, ALL = 63 };

static const struct command {
    const char *name, *synopsis, *summary;
    unsigned bit;
} commands[] = {
    {"train", "[train] --config FILE [options]", "trains (distils) as the file says, then tests; the default", TRAIN},
    {"test", "test --config FILE [options]", "tests the models of the file and trains nothing", TEST},
    {"check", "check FILE [options]", "checks the whole file and prints the plan; trains nothing", CHECK},
    {"conform", "conform FILE... [options]", "compares losses and their gradients with the vectors of the files",
     CONFORM},
    {"list-plugins", "list-plugins [--json] [--plugins DIR] [--plugin FILE]",
     "lists what plugins offer, from their notes, running none of their code", LIST},
    {"describe", "describe [KEY] [--json] [--plugins DIR] [--plugin FILE]",
     "prints what is registered under KEY with its parameters; without KEY, all there is", DESCRIBE},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

enum {
    CONFIG = 256,
    PLUGIN,
    PLUGINS,
    SET,
    SEED,
    OUT,
    BACKEND,
    PRECISION,
    THREADS,
    RESUME,
    TEST_ONLY,
    STUDENT_ONLY,
    FLOAT32,
    JSON
};

static const struct option_row {
    const char *name, *argument;
    int code;
    unsigned commands;
    const char *doc;
} options[] = {
    {"--config", "FILE", CONFIG, RUNS, "the experiment"},
    {"--set", "KEY=VALUE", SET, RUNS, "overrides one value of it, e.g. train.num_epochs=1; may be repeated"},
    {"--plugins", "DIR[:DIR]", PLUGINS, ALL,
     "folders to look for plugins in, before the default ones; may be repeated"},
    {"--plugin", "FILE", PLUGIN, ALL, "one plugin, before all folders; may be repeated"},
    {"--out", "DIR", OUT, TRAIN | TEST, "where results go (default: runs/<config>-<time>)"},
    {"--seed", "N", SEED, RUNS, "seed of everything random"},
    {"--backend", "NAME", BACKEND, RUNS | CONFORM,
     "where tensors live and kernels run (default: cpu); auto: the best that works here"},
    {"--precision", "NAME", PRECISION, TRAIN | TEST,
     "float32 (default), or bf16: activations in bfloat16, weights, statistics and losses in float32"},
    {"--threads", "N", THREADS, RUNS | CONFORM,
     "how many threads compute (default: all cores); results do not depend on it"},
    {"--resume", NULL, RESUME, TRAIN, "goes on from the last checkpoint in --out"},
    {"--test-only", NULL, TEST_ONLY, TRAIN, "trains nothing, as the command test"},
    {"--student-only", NULL, STUDENT_ONLY, TRAIN | TEST, "does not test the teacher"},
    {"--float32", NULL, FLOAT32, CONFORM, "computes in single instead of double precision"},
    {"--json", NULL, JSON, TRAIN | TEST | CHECK | LIST | DESCRIBE,
     "prints results (of check: the plan and all mistakes) as a JSON document"},
    {"--quiet", NULL, 'q', ALL, "prints warnings and errors only"},
    {"--verbose", NULL, 'v', ALL, "prints what is looked for and found as well"},
    {"--help", NULL, 'h', ALL, "prints this and exits"},
    {"--version", NULL, 'V', ALL, "prints the version and exits"},
};
#define N_OPTIONS (sizeof options / sizeof *options)

/* Texts that may be repeated on the command line. */
struct texts {
    const char **v;
    size_t n;
};

struct line {
    const struct command *command;
    struct texts sets, files, folders, vectors;
    const char *named; /* the argument that named the command, or NULL */
    const char *key;   /* of describe */
    td__run_options run;
    int help, version, verbose, in_float32;
};

static const struct option_row *option_of(int code)
{
    for (const struct option_row *o = options; o < options + N_OPTIONS; o++)
        if (o->code == code)
            return o;
    return NULL;
}

static void print_options(unsigned bit)
{
    for (const struct option_row *o = options; o < options + N_OPTIONS; o++) {
        char name[48], letter[5] = "";
        if (!(o->commands & bit))
            continue;
        if (o->code < 256)
            snprintf(letter, sizeof letter, "-%c, ", o->code);
        snprintf(name, sizeof name, "%4s%s%s%s", letter, o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-26s %s\n", name, o->doc);
    }
}

static void print_help(const struct command *c)
{
    if (c) {
        printf("usage: tdhost %s\n\nThis command %s.\n\noptions:\n", c->synopsis, c->summary);
        print_options(c->bit);
        return;
    }
    printf(
        "usage: tdhost [COMMAND] [options]\n\nKnowledge distillation from a configuration and plugins.\n\ncommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-26s %s\n", commands[i].name, commands[i].summary);
    printf("\noptions:\n");
    print_options(ALL);
    printf("\n'tdhost COMMAND --help' says which options a command takes; tdhost(1) has the exit codes.\n");
}

static int wrong(const char *fmt, ...) TD_PRINTF(1, 2);
static int wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    td__vlog(TD_LOG_ERROR, fmt, ap);
    va_end(ap);
    return -1;
}

static int unknown(const char *what, const char *given, const char *const *names, size_t n)
{
    char near[320];
    td__suggestion(given, names, n, near, sizeof near);
    return wrong("unknown %s '%s'%s", what, given, *near ? near : "; see tdhost --help");
}

static int unknown_option(const struct command *c, char *given)
{
    const char *names[N_OPTIONS];
    size_t n = 0;
    for (const struct option_row *o = options; o < options + N_OPTIONS; o++)
        if (o->commands & c->bit)
            names[n++] = o->name;
    given[strcspn(given, "=")] = 0;
    return unknown("option", given, names, n);
}

static int parse_number(const char *name, const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || end == text || *end || strchr(text, '-') || v > most)
        return wrong("%s is a whole number from 0 to %ju, not '%s'", name, (uintmax_t)most, text);
    *out = v;
    return 0;
}

static int set_option(struct line *l, int code, const char *value)
{
    uint64_t number;
    switch (code) {
    case CONFIG: l->run.config = value; return 0;
    case SET: l->sets.v[l->sets.n++] = value; return 0;
    case PLUGIN: l->files.v[l->files.n++] = value; return 0;
    case PLUGINS: l->folders.v[l->folders.n++] = value; return 0;
    case OUT: l->run.out = value; return 0;
    case BACKEND: l->run.backend = value; return 0;
    case PRECISION:
        l->run.bf16 = !strcmp(value, "bf16");
        return l->run.bf16 || !strcmp(value, "float32") ? 0 : wrong("--precision is float32 or bf16, not '%s'", value);
    case RESUME: l->run.resume = 1; return 0;
    case TEST_ONLY: l->run.test_only = 1; return 0;
    case STUDENT_ONLY: l->run.student_only = 1; return 0;
    case FLOAT32: l->in_float32 = 1; return 0;
    case JSON: l->run.json = 1; return 0;
    case 'q': l->run.quiet = 1; return 0;
    case 'v': l->verbose = 1; return 0;
    case 'h': l->help = 1; return 0;
    case 'V': l->version = 1; return 0;
    case SEED:
        l->run.has_seed = 1;
        return parse_number("--seed", value, UINT64_MAX, &l->run.seed);
    case THREADS:
        if (parse_number("--threads", value, 4096, &number))
            return -1;
        l->run.threads = (int)number;
        return 0;
    default: return -1;
    }
}

/* One option, or what is wrong with it: code is '?' or ':' then, and row the option where it is known. */
static int take_option(struct line *l, const struct option_row *row, int code, char *given)
{
    if (code == ':')
        return wrong("%s needs %s", row->name, row->argument);
    if (!row)
        return unknown_option(l->command, given);
    if (code == '?')
        return wrong("%s takes no value", row->name);
    if (!(row->commands & l->command->bit))
        return wrong("%s is no option of '%s'; see tdhost %s --help", row->name, l->command->name, l->command->name);
    if (row->argument && !*optarg)
        return wrong("%s needs %s, not an empty text", row->name, row->argument);
    return set_option(l, code, optarg);
}

/* The next option's code, 1 for an operand (both with optarg), -1 at the end. */
static int next_option(int argc, char **argv)
{
    static struct option longs[N_OPTIONS + 1];
    for (size_t i = 0; i < N_OPTIONS; i++)
        longs[i] = (struct option){options[i].name + 2, options[i].argument ? required_argument : no_argument, NULL,
                                   options[i].code};
    opterr = 0;
    return getopt_long(argc, argv, "-:hqvV", longs, NULL);
}

/* The command is the first argument that is no option; none means train. */
static int find_command(struct line *l, int argc, char **argv)
{
    const char *names[N_COMMANDS];
    int code;
    l->command = &commands[0];
    while ((code = next_option(argc, argv)) != -1 && code != 1 && code != '?')
        ;
    optind = 0; /* from the start again */
    if (code != 1)
        return 0;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
        if (!strcmp(names[i], optarg)) {
            l->command = &commands[i];
            l->named = optarg;
            return 0;
        }
    }
    return unknown("command", optarg, names, N_COMMANDS);
}

static int take_operand(struct line *l, const char *operand)
{
    if (operand == l->named)
        return 0;
    if (l->command->bit == CHECK && !l->run.config)
        l->run.config = operand;
    else if (l->command->bit == CONFORM)
        l->vectors.v[l->vectors.n++] = operand;
    else if (l->command->bit == DESCRIBE && !l->key)
        l->key = operand;
    else
        return wrong("'%s' is one argument too many for '%s'", operand, l->command->name);
    return 0;
}

static int parse(struct line *l, int argc, char **argv)
{
    int code;
    if (find_command(l, argc, argv))
        return -1;
    while ((code = next_option(argc, argv)) != -1) {
        const struct option_row *row = option_of(code == ':' || code == '?' ? optopt : code);
        if (code == 1 ? take_operand(l, optarg) : take_option(l, row, code, argv[optind - 1]))
            return -1;
    }
    while (optind < argc)
        if (take_operand(l, argv[optind++]))
            return -1;
    return 0;
}

static int run(struct line *l, td__plugins *plugins)
{
    if ((l->command->bit & RUNS) && !l->run.config)
        return wrong("'%s' needs --config FILE; see tdhost --help", l->command->name), TD__EXIT_USAGE;
    if (l->command->bit == CONFORM && !l->vectors.n)
        return wrong("'conform' needs a file of vectors; see tdhost conform --help"), TD__EXIT_USAGE;
    if (td__plugins_scan(plugins, l->files.v, l->files.n, l->folders.v, l->folders.n) ||
        td__plugins_scan_default(plugins))
        return TD__EXIT_USAGE;
    if (l->command->bit == LIST)
        return td__list_plugins(plugins, l->run.json, stdout) ? TD__EXIT_FAILED : TD__EXIT_OK;
    if (td__register_builtins())
        return TD__EXIT_FAILED;
    td__plugins_load(plugins);
    if (l->command->bit == DESCRIBE) {
        td__plugins_load_backends(plugins, NULL);
        return td__describe(l->key, l->run.json, stdout) ? TD__EXIT_USAGE : TD__EXIT_OK;
    }
    l->run.plugins = plugins;
    l->run.sets = l->sets.v;
    l->run.n_sets = l->sets.n;
    td__conform_options conform = {plugins, l->run.backend, l->in_float32, l->run.threads};
    switch (l->command->bit) {
    case CONFORM:
        return td__conform_command(l->vectors.v, l->vectors.n, &conform, stdout);
    case CHECK:
        return td__check_command(&l->run);
    case TEST:
        return td__test_command(&l->run);
    default:
        return td__train_command(&l->run);
    }
}

int main(int argc, char **argv)
{
    struct line l = {0};
    td__plugins plugins = {0};
    /* No text can be given more often than there are arguments. */
    const char **texts = calloc((size_t)argc * 4, sizeof *texts);
    if (!texts)
        return td__log(TD_LOG_ERROR, "out of memory"), TD__EXIT_FAILED;
    l.sets.v = texts;
    l.files.v = texts + argc;
    l.folders.v = texts + 2 * argc;
    l.vectors.v = texts + 3 * argc;
    int rc = parse(&l, argc, argv) ? TD__EXIT_USAGE : TD__EXIT_OK;
    td__log_level(l.run.quiet ? TD_LOG_WARN : l.verbose ? TD_LOG_DEBUG : TD_LOG_INFO);
    if (rc == TD__EXIT_OK && l.help)
        print_help(l.named ? l.command : NULL);
    else if (rc == TD__EXIT_OK && l.version)
        printf("tdhost %s (plugin SDK %d.%d, plugins in %s)\n", PACKAGE_VERSION, TD_ABI_MAJOR, TD_ABI_MINOR,
               TD_PLUGIN_DIR);
    else if (rc == TD__EXIT_OK && argc == 1)
        print_help(NULL), rc = TD__EXIT_USAGE;
    else if (rc == TD__EXIT_OK)
        rc = run(&l, &plugins);
    td__registry_clear();
    td__plugins_free(&plugins);
    free(texts);
    if (fflush(stdout) && rc == TD__EXIT_OK) {
        td__log(TD_LOG_ERROR, "standard output: %s", strerror(errno));
        rc = TD__EXIT_FAILED;
    }
    return rc;
}
