#include "tests/train/lab.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/io/tensors.h"

extern const td_static_plugin td_static_plugin_tiny;

#define LOADERS \
    "  train_data_loader: {dataset_id: train, sampler: {class_or_func: RandomSampler}, kwargs: {batch_size: 8, num_workers: 1}}\n" \
    "  val_data_loader: {dataset_id: val, kwargs: {batch_size: 10}}\n"
#define DATA \
    "datasets:\n" \
    "  train: {key: TinyImages, kwargs: {length: 40}}\n" \
    "  val: {key: TinyImages, kwargs: {length: 20, first: 1000}}\n" \
    "models:\n" \
    "  teacher_model: {key: Tiny, kwargs: {batch_norm: true}}\n" \
    "  student_model: {key: Tiny, kwargs: {batch_norm: true}, src_ckpt: }\n"
#define TEST "test:\n  test_data_loader: {dataset_id: val, kwargs: {batch_size: 10}}\n"
#define KD "{criterion: {key: KDLoss, kwargs: {student_module_path: '.', student_module_io: output, teacher_module_path: '.', " \
    "teacher_module_io: output, temperature: 4, alpha: 0.5}}, weight: 1}"

const char lab_distil[] =
    DATA
    "train:\n"
    "  log_freq: 2\n"
    "  num_epochs: 3\n"
    LOADERS
    "  teacher: {forward_proc: forward_batch_only}\n"
    "  student: {forward_proc: forward_batch_only}\n"
    "  optimizer: {key: SGD, kwargs: {lr: 0.05, momentum: 0.9}}\n"
    "  scheduler: {key: MultiStepLR, kwargs: {milestones: [2], gamma: 0.1}}\n"
    "  criterion: {key: WeightedSumLoss, kwargs: {sub_terms: {kd: " KD "}}}\n"
    TEST;

const char lab_stages[] =
    DATA
    "train:\n"
    "  log_freq: 2\n"
    "  stage1:\n"
    "    num_epochs: 1\n"
    "    train_data_loader: {dataset_id: train, sampler: {class_or_func: RandomSampler}, kwargs: {batch_size: 8, num_workers: 1}}\n"
    "    val_data_loader: {dataset_id: val, kwargs: {batch_size: 10}}\n"
    "    teacher: {forward_proc: forward_batch_only}\n"
    "    student: {forward_proc: forward_batch_only, frozen_modules: [conv]}\n"
    "    optimizer: {key: SGD, kwargs: {lr: 0.05, momentum: 0.9}, grad_accum_step: 2}\n"
    "    criterion: {key: WeightedSumLoss, kwargs: {sub_terms: {kd: " KD "}}}\n"
    "  stage2:\n"
    "    num_epochs: 2\n"
    "    teacher: {forward_proc: forward_batch_only}\n"
    "    student: {forward_proc: forward_batch_only}\n"
    "    criterion: {key: WeightedSumLoss, kwargs: {sub_terms: {kd: " KD ", count: {criterion: {key: CountingLoss, kwargs: {}}, weight: 0.01}}}}\n"
    TEST;

#define TEACHER(minimal, decoder) \
    "auxiliary_model_wrapper: {key: Teacher4FactorTransfer, kwargs: {minimal: " minimal ", input_module_path: teacher_model.relu, " \
    "paraphraser_kwargs: {k: 0.5, num_input_channels: 4}, paraphraser_ckpt: %s, uses_decoder: " decoder "}}"
#define WRAPPED "{key: SimpleLossWrapper, kwargs: {input: {is_from_teacher: true, module_path: paraphraser, io: output}, target: " \
    "{is_from_teacher: true, module_path: teacher_model.relu, io: output}}}"

#define WRAPPERS \
    DATA \
    "train:\n" \
    "  stage1:\n" \
    "    num_epochs: 1\n" \
    "    train_data_loader: {dataset_id: train, sampler: {class_or_func: RandomSampler}, kwargs: {batch_size: 8}}\n" \
    "    val_data_loader: {dataset_id: val, kwargs: {batch_size: 10}}\n" \
    "    teacher: {forward_proc: forward_batch_only, requires_grad: true, frozen_modules: [teacher_model], " \
    TEACHER("{sequential: [conv, bn, relu]}", "true") "}\n" \
    "    student: {forward_proc: forward_batch_only, requires_grad: false, auxiliary_model_wrapper: {key: EmptyModule}}\n" \
    "    optimizer: {key: SGD, kwargs: {lr: 0.05, momentum: 0.9}}\n" \
    "    criterion: {key: WeightedSumLoss, kwargs: {sub_terms: {mse: {criterion: {key: MSELoss}, criterion_wrapper: " WRAPPED ", weight: 1}}}}\n" \
    "  stage2:\n" \
    "    num_epochs: 1\n" \
    "    teacher: {forward_proc: forward_batch_only, requires_grad: false, " TEACHER("null", "false") "}\n" \
    "    student: {forward_proc: forward_batch_only, auxiliary_model_wrapper: {key: Student4FactorTransfer, kwargs: {input_module_path: " \
    "student_model.relu, translator_kwargs: {num_input_channels: 4, num_output_channels: 2}}}}\n" \
    "    optimizer: {key: Adam, kwargs: {lr: 0.01}}\n" \
    "    criterion: {key: WeightedSumLoss, kwargs: {sub_terms: {ft: {criterion: {key: FTLoss, kwargs: {p: 1, paraphraser_path: paraphraser, " \
    "translator_path: translator}}, weight: 10}}}}\n" \
    TEST

void lab_wrappers(const char *paraphraser_file, char *yaml, size_t size)
{
    cr_assert_lt((size_t)snprintf(yaml, size, WRAPPERS, paraphraser_file, paraphraser_file), size);
}

void lab_begin(struct lab *l)
{
    const char *folder = TD_BUILDDIR "/plugins";
    memset(l, 0, sizeof *l);
    strcpy(l->dir, "/tmp/tdhost-test-XXXXXX");
    cr_assert(mkdtemp(l->dir));
    cr_assert(l->strings = td__arena_new());
    td__log_level(TD_LOG_ERROR);
    cr_assert_eq(td__register_builtins(), 0);
    cr_assert_eq(td__plugin_load_static(&l->plugins, &td_static_plugin_tiny), 0);
    cr_assert_eq(td__plugins_scan(&l->plugins, NULL, 0, &folder, 1), 0);
    cr_assert_gt(td__plugins_load(&l->plugins), 0);
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *below;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || asprintf(&below, "%s/%s", path, e->d_name) < 0)
            continue;
        if (unlink(below))
            remove_tree(below);
        free(below);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

void lab_end(struct lab *l)
{
    remove_tree(l->dir);
    td__arena_free(l->strings);
    td__plugins_free(&l->plugins);
    td__registry_clear();
}

const char *lab_path(const struct lab *l, const char *name)
{
    static char paths[8][512];
    static int next;
    char *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", l->dir, name);
    return p;
}

void lab_write(const struct lab *l, const char *name, const char *text)
{
    FILE *f = fopen(lab_path(l, name), "w");
    cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

td__run_options lab_options(struct lab *l, const char *yaml, const char *name, const char *out)
{
    td__run_options o = {0};
    lab_write(l, name, yaml);
    o.config = td__arena_printf(l->strings, "%s/%s", l->dir, name);
    o.out = out ? td__arena_printf(l->strings, "%s/%s", l->dir, out) : NULL;
    o.threads = 1;
    o.quiet = 1;
    o.plugins = &l->plugins;
    return o;
}

int lab_train(struct lab *l, const char *yaml, const char *name, const char *out, const char *const *sets, size_t n_sets)
{
    td__run_options o = lab_options(l, yaml, name, out);
    o.sets = sets;
    o.n_sets = n_sets;
    return td__train_command(&o);
}

static int redirected(int fd, FILE *stream, int (*command)(const td__run_options *), const td__run_options *o, char *text, size_t size)
{
    char path[] = "/tmp/tdhost-text-XXXXXX";
    int file = mkstemp(path), saved = dup(fd);
    cr_assert(file >= 0 && saved >= 0);
    fflush(stream);
    dup2(file, fd);
    int code = command(o);
    fflush(stream);
    dup2(saved, fd);
    close(saved);
    ssize_t n = pread(file, text, size - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    close(file);
    unlink(path);
    return code;
}

int lab_errors(int (*command)(const td__run_options *), const td__run_options *o, char *text, size_t size)
{
    return redirected(STDERR_FILENO, stderr, command, o, text, size);
}

int lab_output(int (*command)(const td__run_options *), const td__run_options *o, char *text, size_t size)
{
    return redirected(STDOUT_FILENO, stdout, command, o, text, size);
}

int lab_same_file(const char *a, const char *b)
{
    size_t n, m;
    char *x = td__file_read(a, &n), *y = td__file_read(b, &m);
    int same = x && y && n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}

/* The data file the manifest names. */
static void last_state(const struct lab *l, const char *run, char *path, size_t size)
{
    char manifest[512];
    snprintf(manifest, sizeof manifest, "%s/%s/checkpoints/last.json", l->dir, run);
    json_t *j = json_load_file(manifest, 0, NULL);
    cr_assert(j, "%s", manifest);
    snprintf(path, size, "%s/%s/checkpoints/%s", l->dir, run, json_string_value(json_object_get(j, "file")));
    json_decref(j);
}

int lab_same_run(const struct lab *l, const char *a, const char *b)
{
    char one[512], other[512], name[256];
    last_state(l, a, one, sizeof one);
    last_state(l, b, other, sizeof other);
    if (!lab_same_file(one, other))
        return 0;
    snprintf(name, sizeof name, "%s/checkpoints/best.safetensors", a);
    strcpy(one, lab_path(l, name));
    snprintf(name, sizeof name, "%s/checkpoints/best.safetensors", b);
    return lab_same_file(one, lab_path(l, name));
}

int64_t lab_tensor(const struct lab *l, const char *run, const char *tensor, float *out, int64_t room)
{
    char path[512], why[256];
    td__tensor_file f;
    last_state(l, run, path, sizeof path);
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), 0, "%s", why);
    const td__named *n = td__tensors_find(&f, tensor);
    int64_t count = n && td_desc_numel(&n->d) <= room ? td_desc_numel(&n->d) : -1;
    if (count > 0)
        memcpy(out, n->data, (size_t)count * sizeof *out);
    td__tensors_close(&f);
    return count;
}

double lab_result(const struct lab *l, const char *run, const char *path)
{
    char name[256], key[64];
    snprintf(name, sizeof name, "%s/result.json", run);
    json_t *root = json_load_file(lab_path(l, name), 0, NULL), *j = root;
    cr_assert(j, "%s", name);
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        j = json_object_get(j, key);
        p += n + (p[n] == '.');
    }
    cr_assert(json_is_number(j), "%s has no number at %s", name, path);
    double v = json_number_value(j);
    json_decref(root);
    return v;
}
