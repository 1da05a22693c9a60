/* tools/bench step: a table of the steps, each measured in a process of its own, beside PyTorch where it is given. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/plugin/plugins.h"
#include "tools/measure/measure.h"

static const char usage[] =
    "usage: tools/bench step [--json] [--only NAME] [--threads N] [--steps N] [--backend NAME] [--peer PYTHON SCRIPT]\n"
    "Times training steps of knowledge distillation.  TDHOST_PEER='PYTHON SCRIPT' says the same as --peer: the script is run for\n"
    "each workload after tdhost, with its default and with --channels-last.\n";

static const struct workload workloads[] = {
    {"r56-r20-c100-b64", "resnet56", "resnet20", 64, 32, 100},
    {"r56-r20-c100-b128", "resnet56", "resnet20", 128, 32, 100},
    {"r32x4-r8x4-c100-b64", "resnet32x4", "resnet8x4", 64, 32, 100},
    {"r34-r18-in1k-b16", "resnet34", "resnet18", 16, 224, 1000},
};
#define N_WORKLOADS (sizeof workloads / sizeof *workloads)

struct line {
    const char *only, *backend, *python, *script;
    int json, one, threads, steps; /* one: in this process, as JSON */
};

static int number(const char *text, int least)
{
    char *end;
    long n = text ? strtol(text, &end, 10) : -1;
    return n >= least && n <= 100000 && !*end ? (int)n : -1;
}

static int parse(struct line *l, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "step"))
        return -1;
    for (char **a = argv + 2; *a; a++) {
        if (!strcmp(*a, "--json"))
            l->json = 1;
        else if (!strcmp(*a, "--one"))
            l->one = 1;
        else if (!a[1])
            return -1;
        else if (!strcmp(*a, "--only"))
            l->only = *++a;
        else if (!strcmp(*a, "--backend"))
            l->backend = *++a;
        else if (!strcmp(*a, "--threads"))
            l->threads = number(*++a, 0);
        else if (!strcmp(*a, "--steps"))
            l->steps = number(*++a, 1);
        else if (!strcmp(*a, "--peer") && a[2]) {
            l->python = *++a;
            l->script = *++a;
        } else
            return -1;
    }
    return l->threads < 0 || l->steps < 0 ? -1 : 0;
}

/* ---- in this process ---- */

static json_t *measure(const struct line *l, const struct workload *w, double start)
{
    const char *folder = TD_BUILDDIR "/plugins";
    td__plugins plugins = {0};
    struct measured m;
    json_t *j = NULL;
    if (!td__plugins_scan(&plugins, NULL, 0, &folder, 1) && !td__register_builtins()) {
        td__plugins_load(&plugins);
        if (!measure_step(w, &plugins, l->backend, l->threads, l->steps, start, &m))
            j = json_pack("{ss ss si si sf sf sf sf sf sf sf sf}", "workload", w->name, "backend", m.backend, "threads", m.threads, "steps",
                          l->steps, "ms", m.ms, "ms_lower_quartile", m.low_ms, "ms_upper_quartile", m.high_ms, "images_per_second",
                          1e3 * (double)w->batch / m.ms, "peak_rss_mib", m.rss, "first_step_seconds", m.first, "conv_gflop", m.gflop,
                          "fma_peak_gflops", m.peak);
    }
    td__registry_clear();
    td__plugins_free(&plugins);
    return j;
}

/* ---- in other processes ---- */

/* What a command prints on standard output; NULL when it fails. */
static char *output_of(char *command)
{
    static char text[1 << 16];
    FILE *p = command ? popen(command, "r") : NULL;
    free(command);
    if (!p)
        return NULL;
    text[fread(text, 1, sizeof text - 1, p)] = 0;
    return pclose(p) ? NULL : text;
}

static json_t *measure_apart(const struct line *l, const char *self, const struct workload *w)
{
    char *text = output_of(td__printf("'%s' step --one --only %s --threads %d --steps %d%s%s", self, w->name, l->threads, l->steps,
                                      l->backend ? " --backend " : "", l->backend ? l->backend : ""));
    return text ? json_loads(text, 0, NULL) : NULL;
}

/* The peer's line: "NAME  ms ms/step  n img/s  rss n MiB  first step at n s". */
static int add_peer(json_t *j, const struct line *l, const struct workload *w, const char *key, const char *options)
{
    double ms, images, rss, first;
    int threads = (int)json_integer_value(json_object_get(j, "threads"));
    char *text = output_of(td__printf("OMP_NUM_THREADS=%d '%s' '%s' --only %s --steps %d %s", threads, l->python, l->script, w->name,
                                      l->steps, options));
    char *line = td__printf("\n%s ", w->name), *at = text && line ? strstr(text, line) : NULL;
    free(line);
    if (!at || sscanf(at + 1 + strlen(w->name), "%lf ms/step %lf img/s rss %lf MiB first step at %lf", &ms, &images, &rss, &first) != 4)
        return td__log(TD_LOG_ERROR, "%s %s: no result for %s", l->python, l->script, w->name), -1;
    return json_object_set_new(j, key, json_pack("{sf sf sf sf sf}", "ms", ms, "images_per_second", images, "peak_rss_mib", rss,
                                                 "first_step_seconds", first, "ratio", json_real_value(json_object_get(j, "ms")) / ms));
}

/* ---- the table ---- */

static double get(const json_t *j, const char *key) { return json_number_value(json_object_get(j, key)); }

static void print_peer(const json_t *j, const char *key)
{
    const json_t *p = json_object_get(j, key);
    if (p)
        printf(" | %8.1f %5.2fx %6.0f", get(p, "ms"), get(p, "ratio"), get(p, "peak_rss_mib"));
}

static void print_header(int with_peer)
{
    printf("%-20s %8s %15s %8s %6s %7s %6s", "workload", "ms/step", "quartiles", "img/s", "MiB", "first s", "peak");
    for (int i = 0; with_peer && i < 2; i++)
        printf(" | %8s %6s %6s", i ? "ch.-last" : "PyTorch", "ratio", "MiB");
    printf("\n");
}

static void print_row(const json_t *j)
{
    double ms = get(j, "ms"), peak = get(j, "fma_peak_gflops");
    char spread[32], share[16] = "?";
    snprintf(spread, sizeof spread, "%.1f-%.1f", get(j, "ms_lower_quartile"), get(j, "ms_upper_quartile"));
    if (peak > 0)
        snprintf(share, sizeof share, "%.0f %%", 1e5 * get(j, "conv_gflop") / ms / peak);
    printf("%-20s %8.1f %15s %8.1f %6.0f %7.2f %6s", json_string_value(json_object_get(j, "workload")), ms, spread,
           get(j, "images_per_second"), get(j, "peak_rss_mib"), get(j, "first_step_seconds"), share);
    print_peer(j, "pytorch");
    print_peer(j, "pytorch_channels_last");
    printf("\n");
    fflush(stdout);
}

static int run_all(const struct line *l, const char *self)
{
    json_t *all = json_array();
    int failed = !all;
    if (!l->json)
        print_header(l->python != NULL);
    for (size_t i = 0; !failed && i < N_WORKLOADS; i++) {
        const struct workload *w = &workloads[i];
        if (l->only && strcmp(l->only, w->name))
            continue;
        json_t *j = measure_apart(l, self, w);
        failed = !j || json_array_append_new(all, j);
        if (!failed && l->python)
            failed = add_peer(j, l, w, "pytorch", "") || add_peer(j, l, w, "pytorch_channels_last", "--channels-last");
        if (!failed && !l->json)
            print_row(j);
    }
    if (!failed && l->json)
        failed = json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) || putchar('\n') == EOF;
    json_decref(all);
    return failed;
}

static int run_one(const struct line *l, double start)
{
    for (size_t i = 0; i < N_WORKLOADS; i++)
        if (!strcmp(l->only, workloads[i].name)) {
            json_t *j = measure(l, &workloads[i], start);
            int failed = !j || json_dumpf(j, stdout, 0);
            json_decref(j);
            return failed;
        }
    return 1;
}

static int known(const char *name)
{
    int found = 0;
    for (size_t i = 0; i < N_WORKLOADS; i++)
        found |= !strcmp(name, workloads[i].name);
    if (!found) {
        td__log(TD_LOG_ERROR, "unknown workload '%s'; there are:", name);
        for (size_t i = 0; i < N_WORKLOADS; i++)
            td__log(TD_LOG_ERROR, "    %s", workloads[i].name);
    }
    return found;
}

int main(int argc, char **argv)
{
    double start = seconds();
    struct line l = {.steps = 20};
    char *peer = getenv("TDHOST_PEER"), *words = peer ? td__strdup(peer) : NULL, *rest = NULL;
    if (words) {
        l.python = strtok_r(words, " ", &rest);
        l.script = strtok_r(NULL, " ", &rest);
    }
    int code = 2;
    if (parse(&l, argc, argv) || (l.python && !l.script))
        fputs(usage, stderr);
    else if (!l.only || known(l.only))
        code = l.one && l.only ? run_one(&l, start) : run_all(&l, TD_BUILDDIR "/tools/measure/measure");
    free(words);
    return code;
}
