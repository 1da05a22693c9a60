/* What is wrong with a file, said with its place and the nearest right name. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/train/lab.h"

static struct lab lab;

static void setup(void)
{
    lab_begin(&lab);
}
static void teardown(void)
{
    lab_end(&lab);
}
TestSuite(plan, .init = setup, .fini = teardown);

/* A text with the first `from` replaced. */
static const char *edited(const char *text, const char *from, const char *to)
{
    static char out[2][8192];
    static int next;
    char *s = out[next++ % 2];
    const char *at = strstr(text, from);
    cr_assert(at, "%s", from);
    snprintf(s, sizeof out[0], "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return s;
}

/* What a command says of it, the folder taken off. */
static const char *said(const char *yaml, int code)
{
    static char text[16384], out[16384];
    td__run_options o = lab_options(&lab, yaml, "x.yaml", NULL);
    cr_expect_eq(lab_errors(td__train_command, &o, text, sizeof text), code);
    size_t n = strlen(lab.dir), used = 0;
    for (char *p = text; *p;)
        if (!strncmp(p, lab.dir, n))
            p += n + 1;
        else
            out[used++] = *p++;
    out[used] = 0;
    return out;
}

#define EXPECT(yaml, text) cr_expect_str_eq(said(yaml, TD__EXIT_CONFIG), text)

Test(plan, wrong_tap_of_a_loss)
{
    EXPECT(edited(lab_distil, "student_module_path: '.'", "student_module_path: fcc"),
           "x.yaml:16:118: student: no module 'fcc' (did you mean 'fc'?)\n");
}

Test(plan, wrong_paths_of_all_kinds_at_once)
{
    const char *yaml =
        edited(lab_distil, "student: {forward_proc: forward_batch_only}",
               "student: {forward_proc: forward_batch_only, frozen_modules: [konv], forward_hook: {output: [rely]}}");
    EXPECT(edited(yaml, "momentum: 0.9}", "momentum: 0.9}, module_wise_configs: [{module: bm}]"),
           "x.yaml:13:64: student: no module 'konv' (did you mean 'conv'?)\n"
           "x.yaml:13:95: student: no module 'rely' (did you mean 'relu'?)\n"
           "x.yaml:14:91: student: no module 'bm' (did you mean 'bn'?)\n");
}

Test(plan, parameters_in_no_group)
{
    char text[2048];
    td__run_options o =
        lab_options(&lab, edited(lab_distil, "momentum: 0.9}", "momentum: 0.9}, module_wise_configs: [{module: fc}]"),
                    "x.yaml", "a");
    cr_expect_eq(lab_errors(td__train_command, &o, text, sizeof text), TD__EXIT_OK);
    cr_expect(strstr(text, "x.yaml:14:91: warning: 120 parameters belong to none of the modules in "
                           "module_wise_configs: they are not trained\n"),
              "%s", text);
}

Test(plan, wrong_sequential)
{
    const char *yaml = edited(lab_distil, "student: {forward_proc: forward_batch_only}",
                              "student: {forward_proc: forward_batch_only, sequential: [conv, bn, relu], "
                              "forward_hook: {output: [relu, fc]}}");
    EXPECT(yaml, "x.yaml:13:107: student: 'fc' does not run: 'sequential' on line 13 leaves it out\n");
    EXPECT(edited(lab_distil, "student: {forward_proc: forward_batch_only}",
                  "student: {forward_proc: forward_batch_only, sequential: [conv, bnn, '+reg']}"),
           "x.yaml:13:66: student: no module 'bnn' (did you mean 'bn'?)\n");
    EXPECT(edited(lab_distil, "student: {forward_proc: forward_batch_only}",
                  "student: {forward_proc: forward_batch_only, sequential: [conv, '+reg']}"),
           "x.yaml:13:12: no adaptation module 'reg'\n");
}

Test(plan, unknown_keys_at_once)
{
    const char *yaml =
        edited(edited(lab_distil, "num_epochs", "num_epoch"), "student: {forward_proc", "student: {froward_proc");
    EXPECT(edited(yaml, "lr: 0.05", "lt: 0.05"),
           "x.yaml:8:3: train needs 'num_epochs' (passes over the training data)\n"
           "x.yaml:9:3: unknown key 'num_epoch' in train (did you mean 'num_epochs'?)\n"
           "x.yaml:13:12: 'student' needs 'forward_proc' (how a batch enters it, mostly forward_batch_only)\n"
           "x.yaml:13:13: unknown key 'froward_proc' in student (did you mean 'forward_proc'?)\n"
           "x.yaml:14:34: unknown key 'lt' in SGD (did you mean 'lr'?)\n");
    EXPECT(edited(lab_distil, "test:", "tests:"),
           "x.yaml:17:1: unknown key 'tests' in the experiment (did you mean 'test'?)\n");
}

Test(plan, data)
{
    EXPECT(edited(lab_distil, "dataset_id: train, ", ""),
           "x.yaml:10:22: 'train_data_loader' needs 'dataset_id' (one of the names in 'datasets')\n");
    EXPECT(edited(lab_distil, "dataset_id: train, ", "dataset_id: trian, "),
           "x.yaml:10:35: 'datasets' has no 'trian' (did you mean 'train'?)\n");
    EXPECT(edited(lab_distil, "sampler: {class_or_func: RandomSampler}, ", ""),
           "x.yaml:10:22: 'train_data_loader' needs 'sampler' (the order: {class_or_func: RandomSampler} draws anew "
           "each epoch)\n");
    EXPECT(edited(lab_distil, "dataset_id: train, ", "dataset_id: train, cache_output: ./cache, "),
           "x.yaml:10:56: 'cache_output' is not supported (the teacher's outputs are computed for each batch, as its images "
           "are drawn anew): leave it out or null\n");
    EXPECT(edited(lab_distil, "dataset_id: train, ", "dataset_id: train, collate_fn: default_collate, batch_sampler: {key: B}, "),
           "x.yaml:10:54: 'collate_fn' is not supported (samples of one size are stacked): leave it out or null\n"
           "x.yaml:10:86: 'batch_sampler' is not supported (batches are 'batch_size' samples in the order of 'sampler'): "
           "leave it out or null\n");
    EXPECT(edited(lab_distil, "  criterion:", "  pre_epoch_process: f\n  post_forward_process: g\n  criterion:"),
           "x.yaml:16:22: 'pre_epoch_process' is not supported: leave it out or null\n"
           "x.yaml:17:25: 'post_forward_process' is not supported: leave it out or null\n");
    EXPECT(edited(lab_distil, "num_workers: 1", "num_worker: 1"),
           "x.yaml:10:107: unknown key 'num_worker' in train_data_loader (did you mean 'num_workers'?)\n");
}

Test(plan, parts_of_a_split)
{
    const char *split = "  split: &split !import_call {key: split_dataset, init: {kwargs: {dataset: &all {key: "
                        "TinyImages, kwargs: {length: 60}}, "
                        "lengths: [40, 20]}}}\n";
    char text[512], plan[8192];
    snprintf(text, sizeof text, "%s  train: !access_by_index_or_key {data: *split, index_or_key: 0}\n", split);
    td__run_options o = lab_options(
        &lab, edited(lab_distil, "  train: {key: TinyImages, kwargs: {length: 40}}\n", text), "x.yaml", NULL);
    cr_expect_eq(lab_output(td__check_command, &o, plan, sizeof plan), TD__EXIT_OK);
    snprintf(text, sizeof text, "%s  train: {key: TinyImages, kwargs: {length: 40}}\n",
             edited(split, "lengths", "lenghts"));
    EXPECT(edited(lab_distil, "  train: {key: TinyImages, kwargs: {length: 40}}\n", text),
           "x.yaml:2:10: split_dataset needs 'lengths' (samples of each part, or shares of them when they do not sum "
           "up to the length)\n"
           "x.yaml:2:122: unknown key 'lenghts' in split_dataset (did you mean 'lengths'?)\n");
}

Test(plan, sections)
{
    EXPECT("- models\n", "x.yaml:1:1: a configuration is a mapping, not a list\n");
    EXPECT("", "x.yaml: is empty\n");
    EXPECT(edited(lab_distil, "  teacher: {forward_proc: forward_batch_only}\n", ""),
           "x.yaml:8:3: 'train' needs 'teacher' (how the batch enters the teacher)\n");
    EXPECT(edited(lab_distil, "  student_model: {key: Tiny, kwargs: {batch_norm: true}, src_ckpt: }\n", ""),
           "x.yaml:5:3: 'models' needs 'student_model' (with 'teacher_model') or 'model'\n");
    EXPECT(edited(lab_distil, "  teacher_model: {key: Tiny, kwargs: {batch_norm: true}}\n", ""),
           "x.yaml:11:12: there is a 'teacher' here but no 'teacher_model' in 'models'\n");
    EXPECT(edited(lab_stages, "  stage2:", "  stage3:"),
           "x.yaml:8:3: 'train' needs 'stage2' (stages count up from stage1)\n"
           "x.yaml:17:3: unknown key 'stage3' in train (did you mean 'stage1' or 'stage2'?)\n");
}

Test(plan, criterion)
{
    const char *near = said(edited(lab_distil, "key: KDLoss", "key: KDLos"), 3);
    cr_expect(strstr(near, "x.yaml:16:80: no plugin brings a loss 'KDLos' (did you mean 'KDLoss'"), "%s", near);
    EXPECT(edited(lab_distil, "sub_terms: {", "sub_terms: {ce: {criterion: {key: CrossEntropyLoss}, weight: 1}, "),
           "x.yaml:16:62: CrossEntropyLoss compares an input with a target: it needs a 'criterion_wrapper' "
           "(SimpleLossWrapper) that "
           "says which\n");
    EXPECT(edited(lab_distil, "weight: 1}", "weight: 0}"),
           "x.yaml:16:14: no term has a weight: there is nothing to minimise\n");
    EXPECT(edited(lab_distil, "weight: 1}", "weight: one}"),
           "x.yaml:16:241: 'weight' is a number or null, not a string\n");
}

Test(plan, optimizer_and_scheduler)
{
    EXPECT(edited(lab_distil, "key: SGD", "key: SDG"),
           "x.yaml:14:20: no plugin brings an optimizer 'SDG' (did you mean 'SGD'?)\n");
    EXPECT(edited(lab_distil, "momentum: 0.9", "nesterov: true"),
           "x.yaml:14:54: 'nesterov' in SGD needs a momentum > 0 and no dampening, not momentum 0 and dampening 0\n");
    EXPECT(edited(lab_distil, "key: SGD, kwargs: {lr: 0.05, momentum: 0.9}", "key: Adam, kwargs: {amsgrad: true}"),
           "x.yaml:14:44: 'amsgrad' in Adam is not offered: it may be false\n");
    EXPECT(edited(lab_distil, "key: SGD, kwargs: {lr: 0.05, momentum: 0.9}", "key: AdamW, kwargs: {betas: [0.9, 1]}"),
           "x.yaml:14:43: 'betas' in AdamW are two numbers in [0, 1)\n");
    EXPECT(edited(lab_distil, "lr: 0.05", "lr: fast"),
           "x.yaml:14:38: 'lr' in SGD is a number, not a string (\"fast\")\n");
    EXPECT(edited(lab_distil, "milestones: [2]", "milestones: soon"),
           "x.yaml:15:54: 'milestones' in MultiStepLR is an integer, not a string (\"soon\")\n");
    EXPECT(edited(lab_distil, "forward_batch_only}\n  optim", "forward_batch_only, frozen_modules: ['.']}\n  optim"),
           "x.yaml:8:3: nothing is trained in train: all parameters are frozen\n");
}

/* ---- check --json ---- */

static json_t *checked(const char *yaml, int code)
{
    static char text[65536];
    td__run_options o = lab_options(&lab, yaml, "x.yaml", NULL);
    o.json = 1;
    cr_expect_eq(lab_output(td__check_command, &o, text, sizeof text), code);
    json_t *j = json_loads(text, 0, NULL);
    cr_assert(j, "%s", text);
    return j;
}

static json_t *at(json_t *j, const char *list, size_t i) { return json_array_get(json_object_get(j, list), i); }

static int64_t number(json_t *j, const char *key)
{
    cr_expect(json_is_integer(json_object_get(j, key)), "%s", key);
    return json_integer_value(json_object_get(j, key));
}

/* Tiny: 3*4*9 + 4 weights on 8x8 pixels, 2*4 of batch norm, 256*4 + 4. */
Test(plan, json_has_the_whole_plan)
{
    json_t *j = checked(lab_distil, TD__EXIT_OK), *stage = at(j, "stages", 0), *student = json_object_get(stage, "student");
    cr_expect_eq(json_array_size(json_object_get(j, "errors")), 0);
    cr_expect_eq(number(json_object_get(j, "teacher_model"), "parameters"), 112 + 8 + 1028);
    cr_expect_eq(number(student, "trained"), 112 + 8 + 1028);
    cr_expect_eq(number(student, "flops"), 2 * (4 * 64 * 27 + 1024));
    json_t *conv = at(student, "modules", 1), *shape = json_object_get(conv, "output");
    cr_expect_str_eq(json_string_value(json_object_get(conv, "path")), "conv");
    cr_expect(json_is_null(json_array_get(shape, 0)));
    cr_expect_eq(json_integer_value(json_array_get(shape, 1)), 4);
    cr_expect_eq(json_integer_value(json_array_get(shape, 3)), 8);
    cr_expect_eq(json_array_size(json_object_get(json_object_get(at(stage, "taps", 0), "value"), "shape")), 2);
    cr_expect_eq(number(json_object_get(stage, "train_data_loader"), "batches"), 5);
    cr_expect_eq(json_array_size(json_object_get(json_object_get(stage, "scheduler"), "rates")), 2);
    cr_expect_gt(number(json_object_get(stage, "memory"), "step_bytes"), 0);
    json_decref(j);
}

Test(plan, json_has_every_mistake_with_its_place)
{
    json_t *j = checked(edited(edited(lab_distil, "num_epochs", "num_epoch"), "lr: 0.05", "lt: 0.05"), TD__EXIT_CONFIG);
    cr_expect_eq(json_array_size(json_object_get(j, "errors")), 3);
    json_t *second = at(j, "errors", 1);
    cr_expect_eq(number(second, "line"), 9);
    cr_expect_eq(number(second, "column"), 3);
    cr_expect(strstr(json_string_value(json_object_get(second, "file")), "/x.yaml"));
    cr_expect_str_eq(json_string_value(json_object_get(second, "message")),
                     "unknown key 'num_epoch' in train (did you mean 'num_epochs'?)");
    cr_expect_null(json_object_get(j, "stages"));
    json_decref(j);
}
