/* What the files of this plugin share. */
#ifndef TD__ONEDNN_H
#define TD__ONEDNN_H

#include <td/kernels.h>

#include "plugins/backends/onednn/plan.h"

/* The host's kernels; set when the backend opens. */
extern TD_HIDDEN const td_kernels_api *td__onednn_host;

/* A kernel of this backend; tables of these end with {NULL}. */
typedef struct td__onednn_row {
    const char *op;
    td_kernel run;
} td__onednn_row;
extern TD_HIDDEN const td__onednn_row td__onednn_conv[], td__onednn_matmul[], td__onednn_norm[], td__onednn_pointwise[], td__onednn_pool[];

/* Whether the library computes with these: float32 and none of them empty. */
int td__onednn_serves(const td_view *v, uint32_t n);
/* The host's cpu kernel of op, for what the library does not compute: float64, empty tensors, and what the kernels say. */
int32_t td__onednn_cpu(td_run *r, const char *op, const td_view *in, td_view *out, const void *attrs);
/* A kernel that is one primitive, the operands of which are the inputs, then the output. */
int32_t td__onednn_plain(td_run *r, const td__recipe *recipe, const td_view *in, td_view *out, const void *attrs);

extern TD_HIDDEN const td__recipe td__onednn_relu_grad; /* (y, gy) of one shape -> gx */

#define TD__ONEDNN_KERNEL(name, recipe) \
    static int32_t name(td_run *r, const td_view *in, td_view *out, const void *attrs) \
    { \
        return td__onednn_plain(r, recipe, in, out, attrs); \
    }

#endif
