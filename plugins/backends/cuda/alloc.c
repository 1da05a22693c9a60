/* Memory of the device.  Everything is ordered by the one stream: what is freed may be handed out again at once,
 * because its next use comes after the last use queued so far. */
#include "plugins/backends/cuda/cuda.h"

/* Logged: the functions below have no context to fail, and the host's message names only the tensor. */
static int32_t report(cudaError_t e, const char *what, size_t bytes)
{
    if (!e)
        return TD_OK;
    td_message(NULL, TD_LOG_ERROR, "cuda: %s %zu bytes: %s: %s", what, bytes, cudaGetErrorName(e),
               cudaGetErrorString(e));
    (void)cudaGetLastError();
    return TD_ERROR;
}

void *cuda_alloc(size_t bytes)
{
    void *p = NULL;
    size_t left = 0, all = 0;
    cudaError_t e = cudaMallocAsync(&p, bytes, cuda_stream);
    if (e == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        if (!cudaMemGetInfo(&left, &all))
            td_message(NULL, TD_LOG_WARN, "cuda: %.1f MiB asked, %.1f of the device's %.1f MiB are free",
                       (double)bytes / 1048576, (double)left / 1048576, (double)all / 1048576);
        return NULL;
    }
    return report(e, "allocating", bytes) ? NULL : p;
}

void cuda_free(void *p, size_t bytes) { report(cudaFreeAsync(p, cuda_stream), "freeing", bytes); }

/* The source is pageable: the runtime copies it aside before this returns. */
int32_t cuda_copy_in(void *dst, const void *src, size_t bytes)
{
    return report(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, cuda_stream), "copying in", bytes);
}

int32_t cuda_copy_out(void *dst, const void *src, size_t bytes)
{
    char text[160];
    cudaError_t e = cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, cuda_stream);
    if (report(e ? e : cudaStreamSynchronize(cuda_stream), "copying out", bytes))
        return TD_ERROR;
    if (!cuda_take_fault(text, sizeof text))
        return TD_OK;
    td_message(NULL, TD_LOG_ERROR, "cuda: %s", text);
    return TD_ERROR;
}
