/* The CUDA backend: one device, one stream, and the kernels by family.  Seen by C and by nvcc. */
#ifndef TD_CUDA_H
#define TD_CUDA_H

#include <cuda_runtime_api.h>
#include <td/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- device.c ---- */

/* What a kernel on the device found wrong with its data, in memory that the host reads without waiting. */
#define CUDA_FAULT_INDEX 1    /* value is no row of limit */
#define CUDA_FAULT_TARGET 2   /* value is no class of limit */
#define CUDA_FAULT_POSITION 3 /* value lies outside of limit positions */
#define CUDA_FAULT_PIVOT 4    /* row `value` shows that a matrix is not positive definite */
typedef struct cuda_fault {
    int32_t kind; /* 0: none */
    int32_t reserved;
    int64_t value, limit;
} cuda_fault;

extern cudaStream_t cuda_stream; /* all work of this backend, in order */
extern cuda_fault *cuda_faults;  /* one, mapped into the device's memory */

/* 0 = cannot run here, with the reason; else how well. */
int32_t cuda_score(char *why, size_t why_size);
/* Opens device, stream and libraries.  0, or an error recorded in c. */
int32_t cuda_open(td_ctx *c);
void cuda_close(void);
/* After launches: 0, or a failure recorded in r, of the launch or of a fault noticed so far. */
int32_t cuda_launched(td_run *r);
/* The fault noticed so far as text, and forgotten; 0 where there is none. */
int cuda_take_fault(char *text, size_t size);
/* Whether TDHOST_CUDA_TF32 asks for TF32 in products and convolutions. */
int cuda_tf32(void);

/* ---- alloc.c ---- */

void *cuda_alloc(size_t bytes);
void cuda_free(void *p, size_t bytes);
int32_t cuda_copy_in(void *dst, const void *src, size_t bytes);
int32_t cuda_copy_out(void *dst, const void *src, size_t bytes);

/* ---- cublas.c, cudnn.c: the libraries' handles ---- */

/* 0, or the reason in why. */
int32_t cuda_cublas_open(char *why, size_t why_size);
void cuda_cublas_close(void);
int32_t cuda_cudnn_open(char *why, size_t why_size);
void cuda_cudnn_close(void);

/* ---- kernels ---- */

typedef struct cuda_row {
    const char *op;
    td_kernel run;
} cuda_row;

/* Ended by {NULL}. */
extern const cuda_row cuda_pointwise[], cuda_cast[], cuda_reduce[], cuda_softmax[], cuda_loss[], cuda_matmul[],
    cuda_conv[], cuda_norm[], cuda_pool[], cuda_shape[], cuda_index[], cuda_optim[],
    cuda_solve[];

/* out[..., i] += bias[i], channels innermost in memory. */
int32_t cuda_add_bias(td_run *r, td_view *out, const td_view *bias);
/* float64 convolutions by their definition (direct.cu), as the op table's rows of these names. */
int32_t cuda_direct_conv2d(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);
int32_t cuda_direct_input_grad(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);
int32_t cuda_direct_weight_grad(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);

#ifdef __cplusplus
}
#endif

#endif
