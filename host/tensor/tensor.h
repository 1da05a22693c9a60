/* Tensors: dense, reference-counted, in the layout td_desc fixes. */
#ifndef TD__TENSOR_H
#define TD__TENSOR_H

#include "host/base/ctx.h"

/* Memory of a backend, shared by tensors that view the same bytes (detach, in-rank reshape). */
typedef struct td__storage {
    void *data;
    size_t bytes;
    int refs;
    const td_backend_type *backend;
} td__storage;

struct td_tensor {
    td_desc d; /* first: td_desc_of */
    int refs;
    int requires_grad; /* a leaf that wants a gradient, or made from one */
    td__storage *storage; /* NULL only in the empty tensor of a failed context */
    td_tensor *grad;      /* leaves: accumulated gradient, owned; NULL while there is none */
    struct td__node *node; /* what made it, while the tape holds it; NULL for leaves */
    uint32_t output;       /* which output of node */
};

size_t td__dtype_size(uint32_t dtype);
const char *td__dtype_name(uint32_t dtype);
/* "[64, 3, 32, 32]" into buf; returns buf. */
char *td__shape_text(const td_desc *d, char *buf, size_t size);

/* Physical element strides, in logical dimension order, of the fixed layout (rank 4: channels-last). */
void td__strides(const td_desc *d, int64_t strides[TD_MAX_DIMS]);

/* A new tensor with uninitialised memory and one reference, belonging to the current frame of c (which drops
 * it when it ends).  The empty tensor when c has failed or memory is out. */
td_tensor *td__tensor_new(td_ctx *c, const td_desc *d);
/* As td_api.tensor, read and so on (see td/host.h). */
td_tensor *td__tensor_from(td_ctx *c, const td_desc *d, const void *row_major);
int32_t td__tensor_read(td_ctx *c, const td_tensor *t, uint32_t dtype, void *row_major, int64_t count);
/* Overwrites the elements from row-major data of dtype. */
int32_t td__tensor_write(td_ctx *c, td_tensor *t, uint32_t dtype, const void *row_major);
td_tensor *td__retain(td_tensor *t);
void td__release(td_tensor *t);
td_tensor *td__detach(td_ctx *c, td_tensor *t);
/* Same storage under another shape; the caller knows that layouts agree. */
td_tensor *td__tensor_alias(td_ctx *c, td_tensor *t, const td_desc *d);
td_tensor *td__empty(void); /* the tensor operations return on a failed context */
td_view td__view(const td_tensor *t);

/* Bytes now and at most held by tensors of all backends, for reports. */
size_t td__memory_now(void);
size_t td__memory_peak(void);

/* Frames: what tensors and td_alloc memory of a piece of work live in. */
void td__frame_push(td_ctx *c);
/* Ends the innermost frame; tensors in `result` move to the enclosing one, as do tuple and dict items. */
td_value td__frame_pop(td_ctx *c, td_value result);
void *td__frame_alloc(td_ctx *c, size_t bytes);

#endif
