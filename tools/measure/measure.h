/* Times whole training steps of knowledge distillation. */
#ifndef TOOLS_MEASURE_H
#define TOOLS_MEASURE_H

#include <stdint.h>

#include "host/train/train.h"

struct setting {
    const char *backend; /* NULL: the best */
    int threads, steps, bf16;
    double start; /* when the process did */
    td__plugins *plugins;
};

struct workload {
    const char *name, *teacher, *student;
    int64_t batch, pixels, classes;
    int on_request; /* too large where nobody asks for it by name */
};

struct measured {
    double ms, low_ms, high_ms; /* of a step: median, lower and upper quartile */
    double first;               /* seconds from the start of the process to the end of step 1 */
    double rss;                 /* MiB, the most the process ever had */
    double gflop;               /* of a step's convolutions, forward and backward, as their definition has it */
    double gbytes;              /* of what a step's kernels read and write, each by itself */
    double peak;                /* GFLOP/s that as many threads reach with multiply-adds in registers */
    int threads;
    const char *backend;
};

double seconds(void); /* on a clock that only goes forward */

/* Multiply-adds in registers on all threads of the pool, the best of several tries. */
double peak_gflops(void);

/* Each gives 0, or an exit code with the message printed. */

/* Three steps to warm up after the first, then `steps` timed ones. */
int measure_step(const struct setting *o, const struct workload *w, struct measured *out);
/* Images a second of processor time that are decoded and augmented on one core: the best of three passes over an image
 * folder. */
int measure_load(const struct setting *o, const char *folder, double *images_per_second);
/* An epoch of a configuration whose files are below `data`: */
struct epoch {
    double ms;        /* a step, the loading of its batch included */
    double bare_ms;   /* a step on a batch that is there, timed in turn with the others */
    double waited_ms; /* of ms, for the loader */
    int64_t steps;    /* timed, at most `steps` */
};
int measure_epoch(const struct setting *o, const char *data, struct epoch *out);

#endif
