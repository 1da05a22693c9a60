/* What softmax and cross entropy need of a line of logits. */
#ifndef TD__CPU_LINES_H
#define TD__CPU_LINES_H

#include "host/backend/cpu/vec.h"

#define td__largest TD__ISA(td__largest)
#define td__exp_sum TD__ISA(td__exp_sum)

float td__largest(const float *x, int64_t n);
/* e[i] = e^(x[i] - shift), and their sum. */
double td__exp_sum(const float *restrict x, float shift, float *restrict e, int64_t n);

#endif
