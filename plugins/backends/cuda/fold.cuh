/* Reductions in a fixed tree: how the work is cut follows from the lengths alone, so the same input gives the same
 * bits.  A is what is accumulated; load(o, i) gives the i-th part of output o, combine(A, A) joins two, store(o, A)
 * takes the result. */
#ifndef TD_CUDA_FOLD_CUH
#define TD_CUDA_FOLD_CUH

#include "plugins/backends/cuda/device.cuh"

#define FOLD_PART 8192 /* elements one block folds, at least */
#define FOLD_MOST_PARTS 128

static inline int64_t fold_parts(int64_t count)
{
    int64_t parts = (count + FOLD_PART - 1) / FOLD_PART;
    return parts < 1 ? 1 : parts < FOLD_MOST_PARTS ? parts : FOLD_MOST_PARTS;
}

/* Joins what the threads of a block hold; thread 0 gets the result. */
template <class A, class C> static __device__ A block_fold(A a, C combine)
{
    __shared__ A held[CUDA_BLOCK];
    held[threadIdx.x] = a;
    __syncthreads();
    for (unsigned half = CUDA_BLOCK / 2; half; half /= 2) {
        if (threadIdx.x < half)
            held[threadIdx.x] = combine(held[threadIdx.x], held[threadIdx.x + half]);
        __syncthreads();
    }
    return held[0];
}

/* Block b folds part b % parts of output b / parts. */
template <class A, class L, class C, class S>
__global__ void fold_kernel(int64_t outs, int64_t count, int64_t parts, A start, L load, C combine, S store)
{
    for (int64_t b = blockIdx.x; b < outs * parts; b += gridDim.x) {
        int64_t o = b / parts, part = b % parts, length = (count + parts - 1) / parts;
        int64_t end = (part + 1) * length < count ? (part + 1) * length : count;
        A a = start;
        for (int64_t i = part * length + threadIdx.x; i < end; i += CUDA_BLOCK)
            a = combine(a, load(o, i));
        a = block_fold(a, combine);
        if (threadIdx.x == 0)
            store(b, a);
        __syncthreads(); /* before `held` is written again */
    }
}

/* Thread i joins the `parts` accumulators of output i; part p of output o lies at o * by_output + p * by_part. */
template <class A, class C, class S>
static int32_t fold_join(td_run *r, int64_t outs, int64_t parts, int64_t by_output, int64_t by_part, const A *held,
                         C combine, S store)
{
    return each(r, outs, [=] __device__(int64_t o) {
        A a = held[o * by_output];
        for (int64_t p = 1; p < parts; p++)
            a = combine(a, held[o * by_output + p * by_part]);
        store(o, a);
    });
}

/* One block, or several where there is much to fold, an output. */
template <class A, class L, class C, class S>
static int32_t fold(td_run *r, int64_t outs, int64_t count, A start, L load, C combine, S store)
{
    const int64_t parts = fold_parts(count);
    const unsigned blocks = (unsigned)(outs * parts < (1 << 20) ? outs * parts : 1 << 20);
    if (!outs)
        return TD_OK;
    if (parts == 1) {
        fold_kernel<<<blocks, CUDA_BLOCK, 0, cuda_stream>>>(outs, count, parts, start, load, combine, store);
        return cuda_launched(r);
    }
    A *held = (A *)td_host->run_scratch(r, (size_t)(outs * parts) * sizeof(A));
    if (!held)
        return TD_ERROR;
    fold_kernel<<<blocks, CUDA_BLOCK, 0, cuda_stream>>>(outs, count, parts, start, load, combine,
                                                        [=] __device__(int64_t b, A a) { held[b] = a; });
    return fold_join(r, outs, parts, parts, (int64_t)1, held, combine, store);
}

/* ---- columns: rows of `columns` adjacent elements folded over the rows, in each of `blocks` blocks ---- */

#define COLUMN_WIDTH 32
#define COLUMN_HEIGHT 8
#define COLUMN_ROWS 256 /* rows one block folds, at least */
#define COLUMN_MOST_PARTS 64

template <class A, class L, class C>
__global__ void columns_kernel(int64_t rows, int64_t columns, int64_t parts, A start, L load, C combine, A *held)
{
    __shared__ A shared[COLUMN_HEIGHT][COLUMN_WIDTH];
    const int64_t column = (int64_t)blockIdx.x * COLUMN_WIDTH + threadIdx.x, part = blockIdx.y, block = blockIdx.z;
    const int64_t length = (rows + parts - 1) / parts;
    const int64_t end = (part + 1) * length < rows ? (part + 1) * length : rows;
    A a = start;
    for (int64_t i = part * length + threadIdx.y; i < end && column < columns; i += COLUMN_HEIGHT)
        a = combine(a, load((block * rows + i) * columns + column, column));
    shared[threadIdx.y][threadIdx.x] = a;
    __syncthreads();
    for (unsigned half = COLUMN_HEIGHT / 2; half; half /= 2) {
        if (threadIdx.y < half)
            shared[threadIdx.y][threadIdx.x] =
                combine(shared[threadIdx.y][threadIdx.x], shared[threadIdx.y + half][threadIdx.x]);
        __syncthreads();
    }
    if (threadIdx.y == 0 && column < columns)
        held[(part * gridDim.z + block) * columns + column] = shared[0][threadIdx.x];
}

/* load(element, column); store(block * columns + column, A). */
template <class A, class L, class C, class S>
static int32_t fold_columns(td_run *r, int64_t blocks, int64_t rows, int64_t columns, A start, L load, C combine,
                            S store)
{
    int64_t parts = (rows + COLUMN_ROWS - 1) / COLUMN_ROWS;
    parts = parts < 1 ? 1 : parts < COLUMN_MOST_PARTS ? parts : COLUMN_MOST_PARTS;
    const int64_t outs = blocks * columns;
    A *held = (A *)td_host->run_scratch(r, (size_t)(outs * parts) * sizeof(A));
    if (!held)
        return TD_ERROR;
    if (!outs)
        return TD_OK;
    const dim3 grid((unsigned)((columns + COLUMN_WIDTH - 1) / COLUMN_WIDTH), (unsigned)parts, (unsigned)blocks);
    columns_kernel<<<grid, dim3(COLUMN_WIDTH, COLUMN_HEIGHT), 0, cuda_stream>>>(rows, columns, parts, start, load,
                                                                                combine, held);
    return fold_join(r, outs, parts, (int64_t)1, outs, held, combine, store);
}

#endif
