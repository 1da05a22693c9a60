/* Cases of the op table: every operation must have at least one (test_ops.c fails otherwise).  With each case the
 * harness
 *   - runs the reference backend in float64 and compares with `expect` or `golden`, to 1e-10 unless `tolerance` is set,
 *   - checks the gradient rule by central differences, for all floating inputs but those in `no_grad`,
 *   - runs the cpu backend in float32, with one thread and with three, and compares with the reference.
 * A family's cases are in cases_<family>.c.  Golden values come from PyTorch: golden.py writes golden.h. */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "host/tensor/tensor.h"

/* One input.  Without `values`, element i (in row-major order) of input k is lo + (hi - lo) * u, rounded down for
 * integers, where u is the fraction of (i + 1) * 0.6180339887498949 + k * 0.2360679774997897. */
typedef struct op_input {
    int given;
    uint32_t ndim;
    int64_t shape[TD_MAX_DIMS];
    uint32_t dtype; /* TD_FLOAT32 stands for the floating dtype under test */
    double lo, hi;
    const double *values;
} op_input;

#define DIMS(...) 1, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}
#define IN(...) {DIMS(__VA_ARGS__), TD_FLOAT32, -1, 1, NULL}
#define IN_RANGE(lo, hi, ...) {DIMS(__VA_ARGS__), TD_FLOAT32, lo, hi, NULL}
#define IN_VALUES(values, ...) {DIMS(__VA_ARGS__), TD_FLOAT32, 0, 0, values}
#define IN_INT64(lo, hi, ...) {DIMS(__VA_ARGS__), TD_INT64, lo, hi, NULL}
#define IN_INT64_VALUES(values, ...) {DIMS(__VA_ARGS__), TD_INT64, 0, 0, values}
#define IN_SCALAR {1, 0, {0}, TD_FLOAT32, -1, 1, NULL}
#define ABSENT {0, 0, {0}, 0, 0, 0, NULL}

/* What `expect` computes from; all values row-major. */
typedef struct op_call {
    td_desc in_desc[TD_OP_MAX_IN], out_desc[TD_OP_MAX_OUT];
    const double *in[TD_OP_MAX_IN]; /* NULL where absent */
    const void *attrs;
} op_call;

typedef struct op_case {
    const char *op;
    const char *what; /* which case of the operation, for messages; may be NULL */
    op_input in[TD_OP_MAX_IN];
    const void *attrs;
    /* Fills the outputs; of an in-place operation the written inputs, in order.  A NULL out is not compared. */
    void (*expect)(const op_call *call, double *const *out);
    const double *golden;  /* instead of expect: output 0 */
    uint32_t no_grad;      /* bit i: input i is not differentiated */
    double tolerance;      /* of the values, relative to max(1, |expected|); 0: 1e-10 */
    double cpu_tolerance;  /* of the cpu backend, likewise; 0: 1e-5 */
} op_case;

/* Ended by {NULL}. */
extern const op_case cases_pointwise[], cases_reduce[], cases_softmax[], cases_loss[], cases_matmul[], cases_conv[],
    cases_norm[], cases_pool[], cases_shape[], cases_index[], cases_optim[];
/* Compared between backends only. */
extern const op_case cases_large[];

#endif
