/* Memory of the device, and copies.  What is freed may be handed out again at once in the branch it served: its next
 * use comes after the last one queued so far. */
#include "plugins/backends/cuda/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <td/plugin.h>

static char last_error[256];
static size_t limit, taken; /* bytes; limit 0: the device's */

const char *cuda_last_error(void) { return last_error; }

int32_t cuda_report(cudaError_t e, const char *what)
{
    if (!e)
        return TD_OK;
    snprintf(last_error, sizeof last_error, "%s: %s: %s", what, cudaGetErrorName(e), cudaGetErrorString(e));
    (void)cudaGetLastError();
    return TD_ERROR;
}

int32_t cuda_memory(uint64_t *free_bytes, uint64_t *all_bytes)
{
    size_t left = 0, all = 0;
    int32_t failed = cuda_report(cudaMemGetInfo(&left, &all), "asking for free memory");
    *all_bytes = limit ? limit : all;
    *free_bytes = limit ? limit - taken : left;
    return failed;
}

/* A stream that is being captured would put the memory into the graph. */
static cudaStream_t memory_stream(void) { return cuda_capturing ? cuda_memory_stream : cuda_stream; }

void *cuda_alloc(size_t bytes)
{
    void *p = NULL;
    uint64_t left, all;
    cudaError_t e =
        limit && taken + bytes > limit ? cudaErrorMemoryAllocation : cudaMallocAsync(&p, bytes, memory_stream());
    if (!e) {
        taken += bytes;
        return p;
    }
    cuda_report(e, "allocating");
    if (e == cudaErrorMemoryAllocation && !cuda_memory(&left, &all))
        snprintf(last_error, sizeof last_error, "%.1f MiB asked, %.1f of the device's %.1f MiB are free",
                 (double)bytes / 1048576, (double)left / 1048576, (double)all / 1048576);
    return NULL;
}

void cuda_free(void *p, size_t bytes)
{
    taken -= bytes;
    cuda_report(cudaFreeAsync(p, memory_stream()), "freeing");
}

/* ---- copies from host memory: through pinned memory, as a copy from elsewhere may wait for the stream ---- */

#define HALF ((size_t)8 << 20)

static struct {
    char *memory; /* two halves */
    int half;     /* the one being filled */
    size_t used;
    cudaEvent_t left[2]; /* when what a half held was copied */
    int was_left[2];
} ring;

/* TDHOST_CUDA_MEMORY: as if the device had no more bytes than that. */
int32_t cuda_staging_open(void)
{
    const char *most = getenv("TDHOST_CUDA_MEMORY");
    limit = most ? (size_t)strtoull(most, NULL, 10) : 0;
    cudaError_t e = cudaHostAlloc((void **)&ring.memory, 2 * HALF, cudaHostAllocDefault);
    for (int i = 0; i < 2 && !e; i++)
        e = cudaEventCreateWithFlags(&ring.left[i], cudaEventDisableTiming);
    return (int32_t)e;
}

void cuda_staging_close(void)
{
    if (ring.memory)
        cudaFreeHost(ring.memory);
    for (int i = 0; i < 2; i++)
        if (ring.left[i])
            cudaEventDestroy(ring.left[i]);
    memset(&ring, 0, sizeof ring);
}

/* Room for `bytes` in the ring, when what was there has been copied. */
static cudaError_t stage(size_t bytes, char **at)
{
    const size_t room = (bytes + 63) / 64 * 64;
    cudaError_t e = cudaSuccess;
    if (ring.used + room > HALF) {
        e = cudaEventRecord(ring.left[ring.half], cuda_stream);
        ring.was_left[ring.half] = 1;
        ring.half = !ring.half;
        ring.used = 0;
        if (!e && ring.was_left[ring.half])
            e = cudaEventSynchronize(ring.left[ring.half]);
    }
    *at = ring.memory + (size_t)ring.half * HALF + ring.used;
    ring.used += room;
    return e;
}

/* Large copies, and those of the side branch, whose work the ring's events do not see, take the slower way. */
int32_t cuda_copy_in(void *dst, const void *src, size_t bytes)
{
    if (cuda_capturing) {
        const void *kept = cuda_constant(src, bytes);
        return kept
                   ? cuda_report(cudaMemcpyAsync(dst, kept, bytes, cudaMemcpyDeviceToDevice, cuda_stream), "copying in")
                   : TD_ERROR;
    }
    if (bytes > HALF || cuda_side) /* pageable memory: the runtime has copied it aside when this returns */
        return cuda_report(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, cuda_stream), "copying in");
    char *at;
    cudaError_t e = stage(bytes, &at);
    if (!e) {
        memcpy(at, src, bytes);
        e = cudaMemcpyAsync(dst, at, bytes, cudaMemcpyHostToDevice, cuda_stream);
    }
    return cuda_report(e, "copying in");
}

int32_t cuda_copy_out(void *dst, const void *src, size_t bytes)
{
    if (cuda_capturing)
        return cuda_report(cudaErrorStreamCaptureUnsupported, "copying out");
    cudaError_t e = cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, cuda_stream);
    if (cuda_report(e ? e : cudaStreamSynchronize(cuda_stream), "copying out"))
        return TD_ERROR;
    return cuda_take_fault(last_error, sizeof last_error) ? TD_ERROR : TD_OK;
}
