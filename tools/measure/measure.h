/* Times whole training steps of knowledge distillation. */
#ifndef TOOLS_MEASURE_H
#define TOOLS_MEASURE_H

#include <stdint.h>

#include "host/plugin/plugins.h"

struct workload {
    const char *name, *teacher, *student;
    int64_t batch, pixels, classes;
};

struct measured {
    double ms, low_ms, high_ms; /* of a step: median, lower and upper quartile */
    double first;               /* seconds from the start of the process to the end of step 1 */
    double rss;                 /* MiB, the most the process ever had */
    double gflop;               /* of a step's convolutions, forward and backward, as their definition has it */
    double peak;                /* GFLOP/s that as many threads reach with multiply-adds in registers */
    int threads;
    const char *backend;
};

double seconds(void); /* on a clock that only goes forward */

/* Multiply-adds in registers on all threads of the pool, the best of several tries. */
double peak_gflops(void);

/* Three steps to warm up after the first, then `steps` timed ones.  `start`: when the process started.  0, or an exit code with the
 * message printed. */
int measure_step(const struct workload *w, td__plugins *plugins, const char *backend, int threads, int steps, double start,
                 struct measured *out);

#endif
