/* The CUDA backend: one device, two streams, and the kernels by family.  Seen by C and by nvcc. */
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

extern cudaStream_t cuda_stream; /* where work is queued: that of the branch at work */
extern int32_t cuda_side;        /* 1 while that is the second branch */
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

/* ---- graph.c: branches, and steps as graphs (td_backend_type) ---- */

extern int cuda_capturing;              /* between capture_begin and capture_end */
extern cudaStream_t cuda_memory_stream; /* never captured: what memory needs meanwhile */
int32_t cuda_graphs_open(void);         /* a cudaError_t; before all that queues work */
void cuda_graphs_close(void);
int32_t cuda_branch(int32_t where);
int32_t cuda_capture_begin(void);
int32_t cuda_capture_end(void **graph);
int32_t cuda_replay(void *graph);
void cuda_graph_free(void *graph);
/* While capturing: a copy of the bytes on the device that lives as long as the graph.  NULL: reported. */
void *cuda_constant(const void *bytes, size_t n);

/* ---- alloc.c ---- */

/* 0, or TD_ERROR and what was tried, in words, for cuda_last_error. */
int32_t cuda_report(cudaError_t e, const char *what);
const char *cuda_last_error(void);
int32_t cuda_memory(uint64_t *free_bytes, uint64_t *all_bytes);
int32_t cuda_staging_open(void); /* a cudaError_t */
void cuda_staging_close(void);
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
    cuda_conv[], cuda_norm[], cuda_pool[], cuda_shape[], cuda_index[], cuda_optim[], cuda_augment[],
    cuda_solve[];

/* out[..., i] += bias[i], channels innermost in memory. */
int32_t cuda_add_bias(td_run *r, td_view *out, const td_view *bias);
/* Inputs as of conv2d_norm (td_conv_norm_attrs): *weight: its weight times what the norm multiplies by, *shift [O]: what
 * is then added, both of this dtype in scratch memory. */
int32_t cuda_fold_norm(td_run *r, const td_view *in, double eps, uint32_t dtype, td_view *weight, td_view *shift);
/* out = out + shift of the channel + residual (unless without data), and its ReLU. */
int32_t cuda_finish(td_run *r, td_view *out, const td_view *shift, const td_view *residual, int32_t relu);
/* Convolutions by their definition (direct.cu), as the op table's rows of these names. */
int32_t cuda_direct_conv2d(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);
int32_t cuda_direct_input_grad(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);
int32_t cuda_direct_weight_grad(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a);

#ifdef __cplusplus
}
#endif

#endif
