/* Linear systems.  Their matrices are as large as a batch, so one block does the work: a column of the Cholesky factor at a
 * time, then each thread substitutes in columns of its own.  All in double. */
#include "plugins/backends/cuda/device.cuh"

template <class T> __global__ void solve_spd_kernel(const T *a, const T *b, T *out, double *l, double *x, int64_t n,
                                                    int64_t k, cuda_fault *faults)
{
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = j + threadIdx.x; i < n; i += blockDim.x) {
            double sum = ((double)a[i * n + j] + (double)a[j * n + i]) / 2;
            for (int64_t m = 0; m < j; m++)
                sum -= l[i * n + m] * l[j * n + m];
            l[i * n + j] = sum;
        }
        __syncthreads();
        const double square = l[j * n + j];
        __syncthreads();
        if (!(square > 0)) {
            if (threadIdx.x == 0)
                raise_fault(faults, CUDA_FAULT_PIVOT, j, n);
            return;
        }
        for (int64_t i = j + threadIdx.x; i < n; i += blockDim.x)
            l[i * n + j] /= sqrt(square);
        __syncthreads();
    }
    for (int64_t c = threadIdx.x; c < k; c += blockDim.x) {
        for (int64_t i = 0; i < n; i++) {
            double sum = b[i * k + c];
            for (int64_t j = 0; j < i; j++)
                sum -= l[i * n + j] * x[j * k + c];
            x[i * k + c] = sum / l[i * n + i];
        }
        for (int64_t i = n - 1; i >= 0; i--) {
            double sum = x[i * k + c];
            for (int64_t j = i + 1; j < n; j++)
                sum -= l[j * n + i] * x[j * k + c];
            x[i * k + c] = sum / l[i * n + i];
            out[i * k + c] = (T)x[i * k + c];
        }
    }
}

CUDA_KERNEL(solve_spd)
{
    const int64_t n = out->d.shape[0], k = out->d.shape[1];
    double *l = (double *)td_host->run_scratch(r, (size_t)(n * n + n * k + 1) * sizeof *l);
    if (!l)
        return TD_ERROR;
    solve_spd_kernel<<<1, CUDA_BLOCK, 0, cuda_stream>>>(data_of<T>(in[0]), data_of<T>(in[1]), data_of<T>(*out), l,
                                                        l + n * n, n, k, cuda_faults);
    return cuda_launched(r);
}

const cuda_row cuda_solve[] = {{"solve_spd", solve_spd}, {NULL, NULL}};
