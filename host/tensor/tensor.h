/* Tensors: dense, reference-counted, in the layout td_desc fixes. */
#ifndef TD__TENSOR_H
#define TD__TENSOR_H

#include "host/base/ctx.h"

/* Memory of a backend, shared by tensors that view the same bytes (detach, in-rank reshape). */
typedef struct td__storage {
    void *data;
    size_t bytes;
    int refs;
    uint32_t age;     /* of its heap when it was taken */
    uint32_t version; /* counts overwritings, so that the tape notices when what it saved is no longer there */
    int waited_for;   /* by calls that are collected: TD__READ | TD__WRITTEN (autograd/together.h) */
    const td_backend_type *backend;
    struct td__storage *next, *previous; /* on a list: of free blocks, or a kernel's scratch */
    struct td__storage *low, *high;      /* neighbours in the segment */
    struct td__heap *heap;
    int is_free;
} td__storage;

struct td_tensor {
    td_desc d; /* first: td_desc_of */
    int refs;
    int requires_grad;     /* a leaf that wants a gradient, or made from one */
    td__storage *storage;  /* NULL only in the empty tensor of a failed context */
    td_tensor *grad;       /* leaves: accumulated gradient, owned; NULL while there is none */
    struct td__node *node; /* what made it, while the tape holds it; NULL for leaves */
    uint32_t output;       /* which output of node */
};

size_t td__dtype_size(uint32_t dtype);
const char *td__dtype_name(uint32_t dtype);
int td__is_float(uint32_t dtype);
/* "[64, 3, 32, 32]" into buf; returns buf. */
char *td__shape_text(const td_desc *d, char *buf, size_t size);

/* Physical element strides, in logical dimension order, of the fixed layout (rank 4: channels-last). */
void td__strides(const td_desc *d, int64_t strides[TD_MAX_DIMS]);
/* Logical dimensions from the outermost in memory to the innermost: 0, 2, 3, 1 at rank 4, else 0, 1, 2, ... */
void td__physical_order(uint32_t ndim, uint32_t order[TD_MAX_DIMS]);
int td__same_shape(const td_desc *a, const td_desc *b);
/* Whether memory order is row-major order: not rank 4, or one channel, or one position. */
int td__row_major(const td_desc *d);
/* Whether tensors of equal element count have the same elements in memory when they have the same in logical order. */
int td__same_order(const td_desc *a, const td_desc *b);
/* Host memory between row-major order and memory order, of d's dtype. */
void td__to_row_major(const td_desc *d, void *dst, const void *src);
void td__from_row_major(const td_desc *d, void *dst, const void *src);
/* Elements begin ... begin + n of the row-major order, which src begins with, to their places in dst. */
void td__put_row_major(const td_desc *d, void *dst, const void *src, int64_t begin, int64_t n);
/* Converts count elements of host memory between any two dtypes.  To integers: truncates, saturates, NaN to 0. */
void td__convert(void *dst, uint32_t to, const void *src, uint32_t from, int64_t count);

/* A new tensor with uninitialised memory and one reference, belonging to the current frame of c (which drops
 * it when it ends).  The empty tensor when c has failed or memory is out. */
td_tensor *td__tensor_new(td_ctx *c, const td_desc *d);
/* The same, owned by the caller: no frame drops it. */
td_tensor *td__tensor_own(td_ctx *c, const td_desc *d);
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
/* Bytes taken from the backends, free ones kept for later included; trim gives those back. */
size_t td__memory_reserved(void);
void td__memory_trim(void);

/* Frames: what tensors and td_alloc memory of a piece of work live in. */
void td__frame_push(td_ctx *c);
/* Ends the innermost frame; tensors in `result` move to the enclosing one, as do tuple and dict items. */
td_value td__frame_pop(td_ctx *c, td_value result);
/* Zeroed, 16-byte aligned, until the frame ends; NULL (and c fails) when memory is out or c has failed. */
void *td__frame_alloc(td_ctx *c, size_t bytes);
/* Gives the innermost frame a reference to drop at its end.  0, or -1: out of memory, recorded, t released. */
int td__frame_own(td_ctx *c, td_tensor *t);

#endif
