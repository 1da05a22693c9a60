/* What a file of kernels needs to put its operations into the table. */
#ifndef TD__CPU_KERNELS_H
#define TD__CPU_KERNELS_H

#include "host/backend/backend.h"
#include "host/backend/cpu/cpu.h"
#include "host/backend/cpu/vec.h"

#define td__cpu_conv TD__ISA(td__cpu_conv)
#define td__cpu_index TD__ISA(td__cpu_index)
#define td__cpu_loss TD__ISA(td__cpu_loss)
#define td__cpu_matmul TD__ISA(td__cpu_matmul)
#define td__cpu_norm TD__ISA(td__cpu_norm)
#define td__cpu_optim TD__ISA(td__cpu_optim)
#define td__cpu_pointwise TD__ISA(td__cpu_pointwise)
#define td__cpu_pool TD__ISA(td__cpu_pool)
#define td__cpu_reduce TD__ISA(td__cpu_reduce)
#define td__cpu_rows TD__ISA(td__cpu_rows)
#define td__cpu_shape TD__ISA(td__cpu_shape)
#define td__cpu_softmax TD__ISA(td__cpu_softmax)
#define td__cpu_families TD__ISA(td__cpu_families)

extern const td__kernel_row td__cpu_conv[], td__cpu_index[], td__cpu_loss[], td__cpu_matmul[], td__cpu_norm[],
    td__cpu_optim[], td__cpu_pointwise[], td__cpu_pool[], td__cpu_reduce[], td__cpu_rows[], td__cpu_shape[],
    td__cpu_softmax[];
/* All of the above, NULL-ended. */
extern const td__kernel_row *const td__cpu_families[];

/* Defines op_kernel: op_f32 for float32, the reference backend's kernel for every other dtype of input 0. */
#define FLOAT32_KERNEL(op)                                                                                             \
    static int32_t op##_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)                          \
    {                                                                                                                  \
        return in[0].d.dtype == TD_FLOAT32 ? op##_f32(r, in, out, attrs) : td__cpu_reference(#op, r, in, out, attrs);  \
    }
#define ROW(op)                                                                                                        \
    {                                                                                                                  \
#op, op##_kernel                                                                                               \
    }
#define KERNEL_ARGUMENTS td_run *r, const td_view *in, td_view *out, const void *attrs

#endif
