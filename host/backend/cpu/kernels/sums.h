/* Sums of not too many float32 terms in a fixed order; longer sums go on in double over these. */
#ifndef TD__CPU_SUMS_H
#define TD__CPU_SUMS_H

#include "host/backend/cpu/vec.h"

#define td__sum TD__ISA(td__sum)
#define td__sum_rows TD__ISA(td__sum_rows)
#define td__sum_square_rows TD__ISA(td__sum_square_rows)
#define td__sum_gradient_rows TD__ISA(td__sum_gradient_rows)

#define SUM_CHUNK 4096 /* terms that are few enough */

float td__sum(const float *x, int64_t n);

/* Over the rows of [rows, channels], per channel: of x; of (x - mean)^2. */
void td__sum_rows(const float *x, int64_t rows, int64_t channels, float *sums);
void td__sum_square_rows(const float *x, const float *mean, int64_t rows, int64_t channels, float *sums);
/* sums [2][channels]: of g, and of g (x - mean); g counts where y > 0 unless y is NULL. */
void td__sum_gradient_rows(const float *g, const float *y, const float *x, const float *mean, int64_t rows,
                           int64_t channels, float *sums);

#endif
