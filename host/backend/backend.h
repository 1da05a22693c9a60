/* Backends: chosen by name, or the best that runs here. */
#ifndef TD__BACKEND_H
#define TD__BACKEND_H

#include "host/base/ctx.h"
#include "host/base/mem.h"

extern const td_backend_type td__reference_backend; /* plain loops, double accumulation: float32 and float64 */
extern const td_backend_type td__cpu_backend;       /* the fast kernels: float32, and float64 where it shares them */

/* One kernel of a backend; tables of these, by family, end with {NULL}. */
typedef struct td__kernel_row {
    const char *op;
    td_kernel run;
} td__kernel_row;
/* Looks an operation up in families, a NULL-ended list of tables. */
td_kernel td__kernel_find(const td__kernel_row *const *families, const char *op);

/* An optional kernel, no operation of its own (td_conv_norm_attrs).  Also under this name with ".bf16" behind it. */
#define TD__CONV_NORM "conv2d_norm"

/* Memory functions of backends whose tensors lie in host memory, beside td__host_alloc. */
void td__host_free(void *p, size_t bytes);
int32_t td__host_copy(void *dst, const void *src, size_t bytes);

/* Makes the backend ready (open once).  NULL with a message in why. */
const td_backend_type *td__backend_use(const td_backend_type *b, char *why, size_t why_size);
/* Runs one kernel: scratch, errors.  0, or the failure recorded in c with the operation's name. */
int32_t td__run(td_ctx *c, const char *op, td_kernel kernel, const td_view *in, td_view *out, const void *attrs);
/* The kernel of op on backend b: the backend's own, else one the plugin that brought the op has for b.  NULL: none. */
td_kernel td__kernel(const td_backend_type *b, const td_op_type *op);
/* The backend's own kernel for op in bfloat16 (see td_op_type.half_in).  NULL: none. */
td_kernel td__half_kernel(const td_backend_type *b, const td_op_type *op);
/* The backend's own kernel for the operation done in another way, named NAME.way; NULL: none. */
td_kernel td__kernel_way(const td_backend_type *b, const td_op_type *op, const char *way);

/* As td_backend_type.branch, which b has; c fails where it does. */
void td__branch(td_ctx *c, int32_t where);

/* ": " and why its last function without a context failed, or "". */
const char *td__backend_error(const td_backend_type *b);

/* Services of td_run (td_api.run_scratch, run_fail). */
void *td__run_scratch(td_run *r, size_t bytes);
void td__run_fail(td_run *r, const char *fmt, ...) TD_PRINTF(2, 3);

#endif
