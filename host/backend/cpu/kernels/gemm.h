/* Matrix products: c[i, m, n] = bias[n] + sum over k of a[i, m, k] * b[i, k, n], each sum one chain in order of k. */
#ifndef TD__CPU_GEMM_H
#define TD__CPU_GEMM_H

#include <td/td.h>

#include "host/backend/cpu/vec.h"

#define td__gemm TD__ISA(td__gemm)

typedef struct td__product {
    int64_t batch, m, n, k;
    const float *a, *b; /* steps in floats; of a's two, and of b's two, one is 1 */
    int64_t a_batch, a_m, a_k, b_batch, b_k, b_n;
    const float *bias; /* [n]; NULL: none */
    float *c;          /* dense */
} td__product;

/* 0, or -1: out of memory, recorded in r. */
int td__gemm(td_run *r, const td__product *p);

#endif
