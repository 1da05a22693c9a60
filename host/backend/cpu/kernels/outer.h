/* Sums of outer products: the inner loop of a convolution's weight gradient. */
#ifndef TD__CPU_OUTER_H
#define TD__CPU_OUTER_H

#include "host/backend/cpu/vec.h"

#define td__outer TD__ISA(td__outer)
#define td__outer_rows TD__ISA(td__outer_rows)

#define OUTER_MAX_VECS 3

/* Where the pixels of a sum lie: pixel (i, r, q) of an operand is at base + i * image + r * row + q * pixel. */
typedef struct td__outer_steps {
    int64_t image, row, pixel;
} td__outer_steps;

typedef struct td__outer_sum {
    int64_t images, rows, pixels;
    td__outer_steps a, b;
} td__outer_sum;

/* sum[m * pitch + n] (+)= sum over the pixels, in order, of a[m] * b[n], m < rows, n < vecs * LANES; it starts
 * from zero where `fresh`.  1 <= rows <= td__outer_rows(vecs). */
typedef void outer_fn(const td__outer_sum *s, const float *a, const float *b, float *sum, int64_t pitch, int fresh);

int td__outer_rows(int vecs);
outer_fn *td__outer(int vecs, int rows);

#endif
