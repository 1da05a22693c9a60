/* Folds over the rows of [rows, channels], a thread taking the W adjacent channels that one load of 16 bytes has.  As in
 * fold.cuh the lengths alone say how the work is cut. */
#ifndef TD_CUDA_CHANNELS_CUH
#define TD_CUDA_CHANNELS_CUH

#include "plugins/backends/cuda/fold.cuh"

#define CHANNELS_LANES 32       /* threads beside each other, at most */
#define CHANNELS_ROWS 16        /* rows a thread folds, at least */
#define CHANNELS_MOST_BLOCKS 1024

/* `lanes`, a power of two, is how many threads of a block are beside each other; the others are below them. */
template <int W, class A, class F, class C>
__global__ void channels_kernel(int64_t rows, int64_t channels, int64_t parts, unsigned lanes, A start, F add,
                                C combine, A (*held)[W])
{
    __shared__ A shared[CUDA_BLOCK][W];
    const unsigned row = threadIdx.x / lanes, height = CUDA_BLOCK / lanes;
    const int64_t channel = ((int64_t)blockIdx.x * lanes + threadIdx.x % lanes) * W, part = blockIdx.y;
    const int64_t length = (rows + parts - 1) / parts;
    const int64_t end = (part + 1) * length < rows ? (part + 1) * length : rows;
    A a[W];
    for (int j = 0; j < W; j++)
        a[j] = start;
    for (int64_t i = part * length + row; i < end && channel < channels; i += height)
        add(a, i * channels + channel, channel);
    for (int j = 0; j < W; j++)
        shared[threadIdx.x][j] = a[j];
    __syncthreads();
    for (unsigned half = height / 2; half; half /= 2) {
        for (int j = 0; j < W && row < half; j++)
            shared[threadIdx.x][j] = combine(shared[threadIdx.x][j], shared[threadIdx.x + half * lanes][j]);
        __syncthreads();
    }
    for (int j = 0; j < W && row == 0 && channel < channels; j++)
        held[(part * channels + channel) / W][j] = shared[threadIdx.x][j];
}

/* add(A (&a)[W], i, c) takes up the elements i to i + W - 1, those of channels c to c + W - 1; W divides `channels`.
 * combine(A, A) joins two, store(c, A) takes the result. */
template <int W, class A, class F, class C, class S>
static int32_t fold_channels(td_run *r, int64_t rows, int64_t channels, A start, F add, C combine, S store)
{
    unsigned lanes = 1;
    while (lanes < CHANNELS_LANES && (int64_t)lanes * W < channels)
        lanes *= 2;
    const int64_t groups = (channels + (int64_t)lanes * W - 1) / ((int64_t)lanes * W);
    const int64_t least = (int64_t)CUDA_BLOCK / lanes * CHANNELS_ROWS;
    const int64_t most = groups < CHANNELS_MOST_BLOCKS ? CHANNELS_MOST_BLOCKS / groups : 1;
    int64_t parts = (rows + least - 1) / least;
    parts = parts < 1 ? 1 : parts < most ? parts : most;
    A *held = (A *)td_host->run_scratch(r, (size_t)(channels * parts) * sizeof(A));
    if (!held)
        return TD_ERROR;
    if (!channels)
        return TD_OK;
    channels_kernel<<<dim3((unsigned)groups, (unsigned)parts), CUDA_BLOCK, 0, cuda_stream>>>(
        rows, channels, parts, lanes, start, add, combine, (A(*)[W])held);
    return fold(
        r, channels, parts, start, [=] __device__(int64_t c, int64_t part) { return held[part * channels + c]; },
        combine, store);
}

#endif
