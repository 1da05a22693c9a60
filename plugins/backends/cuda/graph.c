/* Branches of work as streams, and steps as CUDA graphs. */
#include "plugins/backends/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>
#include <td/kinds.h>

cudaStream_t cuda_stream, cuda_memory_stream;
int32_t cuda_side;
int cuda_capturing;

static cudaStream_t streams[2];  /* main, side */
static cudaEvent_t forked, done; /* where the side branch begins, and where it has come to */

#define CONSTANTS ((size_t)1 << 20) /* bytes a step writes from the host, at most */

typedef struct graph {
    cudaGraphExec_t exec;
    char *constants; /* on the device */
    size_t used;
} graph;

static graph *captured; /* what is being captured */

int32_t cuda_graphs_open(void)
{
    cudaError_t e = cudaSuccess;
    for (int i = 0; i < 2 && !e; i++)
        e = cudaStreamCreateWithFlags(&streams[i], cudaStreamNonBlocking);
    if (!e)
        e = cudaStreamCreateWithFlags(&cuda_memory_stream, cudaStreamNonBlocking);
    if (!e)
        e = cudaEventCreateWithFlags(&forked, cudaEventDisableTiming);
    if (!e)
        e = cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
    cuda_stream = streams[0];
    return (int32_t)e;
}

void cuda_graphs_close(void)
{
    cudaStream_t *const all[] = {&streams[0], &streams[1], &cuda_memory_stream};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i])
            cudaStreamDestroy(*all[i]);
        *all[i] = NULL;
    }
    if (forked)
        cudaEventDestroy(forked);
    if (done)
        cudaEventDestroy(done);
    forked = done = NULL;
    cuda_stream = NULL;
}

/* ---- branches ---- */

static void use(int32_t side)
{
    cuda_side = side;
    cuda_stream = streams[side];
}

int32_t cuda_branch(int32_t where)
{
    cudaError_t e = cudaSuccess;
    if (where == TD_BRANCH_SIDE) {
        e = cudaEventRecord(forked, streams[0]);
        if (!e)
            e = cudaStreamWaitEvent(streams[1], forked, 0);
        use(1);
    } else {
        if (cuda_side)
            e = cudaEventRecord(done, streams[1]);
        use(0);
        if (!e && where == TD_BRANCH_JOIN)
            e = cudaStreamWaitEvent(streams[0], done, 0);
    }
    return cuda_report(e, "changing branches");
}

/* ---- graphs ---- */

static void free_graph(graph *g)
{
    if (g->exec)
        cudaGraphExecDestroy(g->exec);
    if (g->constants)
        cudaFreeAsync(g->constants, streams[0]);
    free(g);
}

/* The memory stream waits for what was queued, so that it may free memory which that still uses. */
int32_t cuda_capture_begin(void)
{
    graph *g = calloc(1, sizeof *g);
    cudaError_t e = g ? cudaEventRecord(forked, streams[0]) : cudaErrorMemoryAllocation;
    if (!e)
        e = cudaStreamWaitEvent(cuda_memory_stream, forked, 0);
    if (!e)
        e = cudaMallocAsync((void **)&g->constants, CONSTANTS, cuda_memory_stream);
    if (!e)
        e = cudaStreamBeginCapture(streams[0], cudaStreamCaptureModeRelaxed);
    if (e && g)
        free_graph(g);
    cuda_capturing = !e;
    captured = e ? NULL : g;
    return cuda_report(e, "beginning to capture a step");
}

void *cuda_constant(const void *bytes, size_t n)
{
    const size_t room = (n + 255) / 256 * 256;
    if (captured->used + room > CONSTANTS) {
        cuda_report(cudaErrorMemoryAllocation, "keeping what a captured step writes: more than 1 MiB");
        return NULL;
    }
    void *at = captured->constants + captured->used;
    captured->used += room;
    /* Pageable memory: the runtime has copied it aside when this returns. */
    return cuda_report(cudaMemcpyAsync(at, bytes, n, cudaMemcpyHostToDevice, cuda_memory_stream),
                       "keeping what a captured step writes")
               ? NULL
               : at;
}

int32_t cuda_capture_end(void **out)
{
    graph *g = captured;
    cudaGraph_t work = NULL;
    use(0);
    cudaError_t e = cudaStreamEndCapture(streams[0], &work);
    cuda_capturing = 0;
    captured = NULL;
    cudaError_t waited = cudaStreamSynchronize(cuda_memory_stream); /* memory and constants are there */
    if (!e)
        e = waited;
    if (!e && out)
        e = cudaGraphInstantiate(&g->exec, work, 0);
    if (work)
        cudaGraphDestroy(work);
    if (e || !out)
        free_graph(g);
    if (out)
        *out = e ? NULL : g;
    if (e)
        (void)cudaGetLastError();
    return out ? cuda_report(e, "capturing a step") : TD_OK; /* what is thrown away may be incomplete */
}

int32_t cuda_replay(void *g)
{
    return cuda_report(cudaGraphLaunch(((graph *)g)->exec, streams[0]), "replaying a step");
}

/* A replay may still be running: the runtime waits for it. */
void cuda_graph_free(void *g)
{
    cudaStreamSynchronize(streams[0]);
    free_graph(g);
}
