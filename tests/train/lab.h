/* Where tests of training run experiments: a folder of their own, the built plugins and the plugin `tiny`. */
#ifndef TESTS_TRAIN_LAB_H
#define TESTS_TRAIN_LAB_H

#include "host/train/train.h"

/* The experiment that tests vary with --set: Tiny from Tiny by KDLoss, 40 images in batches of 8, 3 epochs. */
extern const char lab_distil[];
/* Two stages: fc alone, then all, with a loss that keeps state. */
extern const char lab_stages[];
/* Factor transfer in two stages: modules beside the networks on both sides. */
void lab_wrappers(const char *paraphraser_file, char *yaml, size_t size);

struct lab {
    char dir[64];
    td__plugins plugins;
    td__arena *strings; /* of options */
};

void lab_begin(struct lab *l);
void lab_end(struct lab *l); /* removes the folder */
/* "dir/name" in a static buffer, one of eight in turn. */
const char *lab_path(const struct lab *l, const char *name);
void lab_write(const struct lab *l, const char *name, const char *text);

/* Options for an experiment written to `name`.yaml, to run in `out`. */
td__run_options lab_options(struct lab *l, const char *yaml, const char *name, const char *out);
int lab_train(struct lab *l, const char *yaml, const char *name, const char *out, const char *const *sets,
              size_t n_sets);

/* Runs a command with stderr (or stdout) in `text`. */
int lab_errors(int (*command)(const td__run_options *), const td__run_options *o, char *text, size_t size);
int lab_output(int (*command)(const td__run_options *), const td__run_options *o, char *text, size_t size);

/* Both files exist and are equal. */
int lab_same_file(const char *a, const char *b);
/* Both runs end in the same state: checkpoints/best.safetensors and the last state file. */
int lab_same_run(const struct lab *l, const char *a, const char *b);
/* One tensor of the last state of a run, as float; the count, or -1. */
int64_t lab_tensor(const struct lab *l, const char *run, const char *tensor, float *out, int64_t room);
/* A number of result.json by path, e.g. "student.final.top1". */
double lab_result(const struct lab *l, const char *run, const char *path);

#endif
