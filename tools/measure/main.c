/* tools/bench: steps, an epoch and loading, each measured in a process of its own, beside PyTorch where it is given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/plugin/plugins.h"
#include "tools/measure/measure.h"
#include "tools/measure/table.h"

static const char usage[] =
    "usage: tools/bench step|epoch|load|all [--json] [--only WORKLOAD] [--backend NAME[,NAME]] [--threads N] [--steps "
    "N]\n"
    "                   [--precision float32|bf16] [--peak GFLOPS,GBYTES] [--data FOLDER] [--peer PYTHON SCRIPT]\n"
    "step   training steps of knowledge distillation on a batch that is there\n"
    "epoch  the steps of CIFAR-10 KD with their loading; FOLDER (../shared/data) holds what the configuration reads\n"
    "load   decoding and augmenting the photographs in FOLDER/imagenette-mini/train\n"
    "--peak what the device can do in a second; the column `peak` is then the share of the time that the convolutions' "
    "FLOPs\n"
    "       or the bytes all kernels move must take (default: FLOPs of this machine's cores)\n"
    "--peer (or TDHOST_PEER='PYTHON SCRIPT') also times PyTorch: SCRIPT's step by default, with --channels-last and "
    "with\n"
    "--compile (beside cuda in bf16: each channels-last and in bfloat16), and torchvision's loading.\n"
    "A workload of a GPU's size is measured where --only names it: r34-r18-in1k-b256.\n";

static const struct workload workloads[] = {
    {"r56-r20-c100-b64", "resnet56", "resnet20", 64, 32, 100, 0},
    {"r56-r20-c100-b128", "resnet56", "resnet20", 128, 32, 100, 0},
    {"r32x4-r8x4-c100-b64", "resnet32x4", "resnet8x4", 64, 32, 100, 0},
    {"r34-r18-in1k-b16", "resnet34", "resnet18", 16, 224, 1000, 0},
    {"r34-r18-in1k-b256", "resnet34", "resnet18", 256, 224, 1000, 1},
};
#define N_WORKLOADS (sizeof workloads / sizeof *workloads)

#define MOST_BACKENDS 8

struct line {
    const char *what, *only, *backends[MOST_BACKENDS], *data, *python, *script;
    int n_backends;
    int json, one, threads, steps, bf16; /* one: in this process, as JSON */
    double gflops, gbytes;               /* --peak; 0: not given */
};

static int is(const struct line *l, const char *what)
{
    return !strcmp(l->what, what) || (!l->one && !strcmp(l->what, "all"));
}

static int number(const char *text, int least)
{
    char *end;
    long n = text ? strtol(text, &end, 10) : -1;
    return n >= least && n <= 100000 && !*end ? (int)n : -1;
}

/* Names with commas between them, which are taken out.  Whether there are as many as can be held, and one at least. */
static int split_backends(struct line *l, char *names)
{
    char *rest = NULL;
    l->n_backends = 0;
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (l->n_backends == MOST_BACKENDS)
            return 0;
        l->backends[l->n_backends++] = name;
    }
    return l->n_backends > 0;
}

static int parse(struct line *l, int argc, char **argv)
{
    if (argc < 2)
        return -1;
    l->what = argv[1];
    for (char **a = argv + 2; *a; a++) {
        if (!strcmp(*a, "--json"))
            l->json = 1;
        else if (!strcmp(*a, "--one"))
            l->one = 1;
        else if (!a[1])
            return -1;
        else if (!strcmp(*a, "--only"))
            l->only = *++a;
        else if (!strcmp(*a, "--backend") && split_backends(l, a[1]))
            a++;
        else if (!strcmp(*a, "--precision") && (!strcmp(a[1], "bf16") || !strcmp(a[1], "float32")))
            l->bf16 = !strcmp(*++a, "bf16");
        else if (!strcmp(*a, "--peak") && sscanf(a[1], "%lf,%lf", &l->gflops, &l->gbytes) == 2)
            a++;
        else if (!strcmp(*a, "--data"))
            l->data = *++a;
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
    return l->threads < 0 || l->steps < 0 || !(is(l, "step") || is(l, "epoch") || is(l, "load")) ? -1 : 0;
}

/* ---- in this process ---- */

static const struct workload *find(const char *name)
{
    for (size_t i = 0; i < N_WORKLOADS; i++)
        if (!strcmp(name, workloads[i].name))
            return &workloads[i];
    return NULL;
}

static json_t *step_json(const struct setting *o, const struct workload *w)
{
    struct measured m;
    if (!w || measure_step(o, w, &m))
        return NULL;
    return json_pack("{ss ss si si sf sf sf sf sf sf sf sf sf}", "workload", w->name, "backend", m.backend, "threads",
                     m.threads, "steps", o->steps, "ms", m.ms, "ms_lower_quartile", m.low_ms, "ms_upper_quartile",
                     m.high_ms, "images_per_second", 1e3 * (double)w->batch / m.ms, "peak_rss_mib", m.rss,
                     "first_step_seconds", m.first, "conv_gflop", m.gflop, "gbytes", m.gbytes, "fma_peak_gflops",
                     m.peak);
}

static json_t *epoch_json(const struct setting *o, const char *data)
{
    struct epoch e;
    if (measure_epoch(o, data, &e))
        return NULL;
    return json_pack("{sI sf sf sf}", "steps", (json_int_t)e.steps, "ms", e.ms, "bare_ms", e.bare_ms, "waited_ms",
                     e.waited_ms);
}

static json_t *load_json(const struct setting *o, const char *data)
{
    double rate = 0;
    char *folder = td__printf("%s/imagenette-mini/train", data);
    int failed = !folder || measure_load(o, folder, &rate);
    free(folder);
    return failed ? NULL : json_pack("{sf}", "images_per_second", rate);
}

static int run_one(const struct line *l, double start)
{
    const char *folder = TD_BUILDDIR "/plugins";
    td__plugins plugins = {0};
    const struct setting o = {l->backends[0], l->threads, l->steps, l->bf16, start, &plugins};
    json_t *j = NULL;
    if (!td__plugins_scan(&plugins, NULL, 0, &folder, 1) && !td__register_builtins()) {
        td__plugins_load(&plugins);
        j = is(l, "step")    ? step_json(&o, find(l->only))
            : is(l, "epoch") ? epoch_json(&o, l->data)
                             : load_json(&o, l->data);
    }
    td__registry_clear();
    td__plugins_free(&plugins);
    int failed = !j || json_dumpf(j, stdout, 0);
    json_decref(j);
    return failed;
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

static json_t *apart(const struct line *l, const char *what, const char *workload, const char *backend)
{
    char *text = output_of(
        td__printf("'" TD_BUILDDIR "/tools/measure/measure' %s --one --only '%s' --data '%s' --threads %d --steps %d "
                   "--backend '%s' --precision %s",
                   what, workload, l->data, l->threads, l->steps, backend, l->bf16 ? "bf16" : "float32"));
    return text ? json_loads(text, 0, NULL) : NULL;
}

/* Whether PyTorch is to run where the cuda backend does. */
static int on_device(const struct line *l)
{
    int found = 0;
    for (int i = 0; i < l->n_backends; i++)
        found |= !strcmp(l->backends[i], "cuda");
    return found;
}

/* The peer's line: "NAME  ms ms/step  n img/s  rss n MiB  first step at n s". */
static int add_peer(json_t *j, const struct line *l, const char *workload, const struct peer *peer)
{
    double ms, images, rss, first;
    int threads = (int)json_integer_value(json_object_get(j, "threads"));
    const char *half = on_device(l) && l->bf16 ? "--channels-last --amp bf16" : "";
    char *text = output_of(td__printf("OMP_NUM_THREADS=%d '%s' '" TD_SRCDIR
                                      "/tools/measure/peer.py' '%s' --only %s --steps %d %s %s",
                                      threads, l->python, l->script, workload, l->steps,
                                      on_device(l) ? peer->device_options : peer->options, half));
    char *line = td__printf("\n%s ", workload), *at = text && line ? strstr(text, line) : NULL;
    free(line);
    if (!at || sscanf(at + 1 + strlen(workload), "%lf ms/step %lf img/s rss %lf MiB first step at %lf", &ms, &images,
                      &rss, &first) != 4)
        return td__log(TD_LOG_ERROR, "%s %s %s: no result for %s", l->python, l->script, peer->options, workload), -1;
    return json_object_set_new(j, peer->key,
                               json_pack("{sf sf sf sf}", "ms", ms, "images_per_second", images, "peak_rss_mib", rss,
                                         "first_step_seconds", first));
}

/* ---- rows ---- */

/* The row of a workload on one backend; PyTorch's numbers are taken from `before`, the same workload's on another. */
static json_t *step_row(const struct line *l, const struct workload *w, const char *backend, const json_t *before)
{
    json_t *j = apart(l, "step", w->name, backend);
    int failed = !j;
    if (j && l->gflops > 0)
        failed = json_object_set_new(j, "fma_peak_gflops", json_real(l->gflops)) ||
                 json_object_set_new(j, "peak_gbytes", json_real(l->gbytes));
    for (int i = 0; !failed && l->python && i < N_PEERS; i++)
        failed = before ? json_object_set(j, peers[i].key, json_object_get(before, peers[i].key))
                        : add_peer(j, l, w->name, &peers[i]);
    if (!failed)
        return j;
    json_decref(j);
    return NULL;
}

static int run_steps(const struct line *l, json_t *all)
{
    int failed = 0;
    if (!l->json)
        print_step_header(l->python != NULL);
    for (size_t i = 0; !failed && i < N_WORKLOADS; i++) {
        const json_t *before = NULL;
        if (l->only ? strcmp(l->only, workloads[i].name) : workloads[i].on_request)
            continue;
        for (int k = 0; !failed && k < l->n_backends; k++) {
            json_t *j = step_row(l, &workloads[i], l->backends[k], before);
            failed = !j || json_array_append_new(all, j);
            if (!failed && !l->json)
                print_step(j);
            before = j;
        }
    }
    return failed;
}

static int run_epochs(const struct line *l, json_t *all)
{
    int failed = 0;
    for (int i = 0; !failed && i < l->n_backends; i++) {
        json_t *j = apart(l, "epoch", "", l->backends[i]);
        failed = !j || json_object_set_new(j, "backend", json_string(l->backends[i])) || json_array_append_new(all, j);
        if (!failed && !l->json)
            print_epoch(j);
    }
    return failed;
}

/* No backend takes part. */
static json_t *load_row(const struct line *l)
{
    json_t *j = apart(l, "load", "", l->backends[0]);
    char *text = j && l->python
                     ? output_of(td__printf("OMP_NUM_THREADS=1 '%s' '" TD_SRCDIR "/tools/measure/torchvision_load.py' "
                                            "'%s/imagenette-mini/train'",
                                            l->python, l->data))
                     : NULL;
    if (text && json_object_set_new(j, "torchvision_images_per_second", json_real(atof(text))))
        return NULL;
    return j;
}

static int run_load(const struct line *l, json_t *all)
{
    json_t *j = load_row(l);
    if (j && !l->json)
        print_load(j);
    return !j || json_object_set_new(all, "load", j);
}

static int run_all(const struct line *l)
{
    json_t *all = json_object(), *steps = json_array(), *epochs = json_array();
    int failed = json_object_set_new(all, "step", steps) || json_object_set_new(all, "epoch", epochs);
    if (!failed && is(l, "step"))
        failed = run_steps(l, steps);
    if (!failed && is(l, "epoch"))
        failed = run_epochs(l, epochs);
    if (!failed && is(l, "load"))
        failed = run_load(l, all);
    if (!failed && l->json)
        failed = json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) || putchar('\n') == EOF;
    json_decref(all);
    return failed;
}

static int known(const char *name)
{
    if (find(name))
        return 1;
    td__log(TD_LOG_ERROR, "unknown workload '%s'; there are:", name);
    for (size_t i = 0; i < N_WORKLOADS; i++)
        td__log(TD_LOG_ERROR, "    %s", workloads[i].name);
    return 0;
}

int main(int argc, char **argv)
{
    double start = seconds();
    struct line l = {.backends = {"cpu"}, .n_backends = 1, .steps = 20, .data = TD_SRCDIR "/../shared/data"};
    char *peer = getenv("TDHOST_PEER"), *words = peer ? td__strdup(peer) : NULL, *rest = NULL;
    if (words) {
        l.python = strtok_r(words, " ", &rest);
        l.script = strtok_r(NULL, " ", &rest);
    }
    int code = 2;
    if (parse(&l, argc, argv) || (l.python && !l.script))
        fputs(usage, stderr);
    else if (l.one)
        code = run_one(&l, start);
    else if (!l.only || known(l.only))
        code = run_all(&l);
    free(words);
    return code;
}
