/* CUDA's kernel language on the host.  The threads of a block are fibers; one runs until it waits at a barrier or a
 * shuffle, then the next, in an order that changes from launch to launch: what lacks a barrier shows as bits that
 * change.  A barrier that some threads of a block, or a shuffle that some of a warp do not reach, ends the program. */
#ifndef TESTS_CUDA_KERNEL_H
#define TESTS_CUDA_KERNEL_H

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>

#include "tests/cuda_on_host/include/cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __shared__ static /* blocks run one after the other */

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
extern dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace device {
/* ---- runtime.cc ---- */
/* e, kept for cudaGetLastError where it is an error. */
cudaError_t status(cudaError_t e);
/* Queues work in a stream, or notes it in the graph being captured there. */
void queue(cudaStream_t s, std::function<void()> work);
/* Ends the program: what ran on the device is not what CUDA defines. */
[[noreturn]] void undefined(const char *what, const char *file, int line);

/* ---- kernel.cc ---- */
void launch(dim3 grid, dim3 block, cudaStream_t s, std::function<void()> thread);
void barrier(const char *file, int line);
/* The value of the lane `lane ^ mask` of this warp, which gives `bytes` bytes here, too. */
void exchange(void *value, size_t bytes, unsigned mask, const char *file, int line);

template <class K> struct launcher {
    K kernel;
    dim3 grid, block;
    cudaStream_t stream;
    template <class... A> void operator()(A... a) const
    {
        launch(grid, block, stream, [k = kernel, a...] { k(a...); });
    }
};
template <class K> launcher<K> launcher_of(K kernel, dim3 grid, dim3 block, size_t, cudaStream_t s)
{
    return {kernel, grid, block, s};
}
} // namespace device

/* What `kernel<<<...>>>` is rewritten to (local.mk). */
#define LAUNCH(kernel, ...) device::launcher_of([](const auto &...a) { (kernel)(a...); }, __VA_ARGS__)

inline void __syncthreads(const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    device::barrier(file, line);
}

template <class T>
T __shfl_xor_sync(unsigned lanes, T x, unsigned mask, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    if (lanes != 0xffffffffu)
        device::undefined("a shuffle of some lanes", file, line);
    device::exchange(&x, sizeof x, mask, file, line);
    return x;
}

inline void __threadfence_system() {}
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline double __dmul_rn(double a, double b) { return a * b; }
using std::max;
using std::min;

#endif
