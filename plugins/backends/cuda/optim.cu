/* Optimizer steps and clipping, of one parameter or of many, as one launch (see host/ops/optim.c for the formulas). */
#include "plugins/backends/cuda/fold.cuh"

#include <stdlib.h>

/* ---- many tasks as one launch ---- */

#define CHUNK 4096 /* elements of one task that a block does */

/* A task has `first`, its first block, and `count`, its elements; prepare() computes once a block what depends on the
 * schedule, step(i) does an element. */
template <class Task> __global__ void tasks_kernel(const Task *tasks, uint32_t n)
{
    __shared__ Task shared;
    if (threadIdx.x == 0) {
        uint32_t low = 0, high = n; /* tasks[low] begins at or before this block, tasks[high] behind it */
        while (high - low > 1) {
            const uint32_t middle = low + (high - low) / 2;
            if (tasks[middle].first <= blockIdx.x)
                low = middle;
            else
                high = middle;
        }
        shared = tasks[low];
        shared.prepare();
    }
    __syncthreads();
    const Task task = shared;
    const int64_t begin = (int64_t)(blockIdx.x - task.first) * CHUNK;
    const int64_t end = begin + CHUNK < task.count ? begin + CHUNK : task.count;
    for (int64_t i = begin + threadIdx.x; i < end; i += CUDA_BLOCK)
        task.step(i);
}

/* A copy of the tasks on the device: of the graph that is being captured, else until the kernel is done. */
template <class Task> static const Task *on_device(td_run *r, const Task *tasks, uint32_t n)
{
    void *copy = cuda_capturing ? cuda_constant(tasks, n * sizeof *tasks) : td_host->run_scratch(r, n * sizeof *tasks);
    if (copy && (cuda_capturing || !cuda_copy_in(copy, tasks, n * sizeof *tasks)))
        return (const Task *)copy;
    td_host->run_fail(r, "%u updates at once: %s", n, cuda_last_error());
    return NULL;
}

template <class Task> static int32_t queue_tasks(td_run *r, Task *tasks, uint32_t n)
{
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < n; i++) {
        tasks[i].first = blocks;
        blocks += (uint32_t)((tasks[i].count + CHUNK - 1) / CHUNK);
    }
    const Task *there = blocks ? on_device(r, tasks, n) : NULL;
    if (there)
        tasks_kernel<<<blocks, CUDA_BLOCK, 0, cuda_stream>>>(there, n);
    return blocks && !there ? TD_ERROR : cuda_launched(r);
}

/* The calls as tasks. */
template <class Task> static int32_t run_calls(td_run *r, const td_view *in, const td_many *calls)
{
    Task *tasks = (Task *)malloc(calls->n * sizeof *tasks);
    if (!tasks) {
        td_host->run_fail(r, "out of memory");
        return TD_ERROR;
    }
    for (uint32_t i = 0; i < calls->n; i++)
        tasks[i].set(in + i * calls->max_in, i, calls->attrs);
    const int32_t failed = queue_tasks(r, tasks, calls->n);
    free(tasks);
    return failed;
}

/* Defines the kernels op and op_many by the tasks op_task<T>. */
#define STEPS(op, inputs)                                            \
    CUDA_KERNEL(op)                                                  \
    {                                                                \
        const td_many one = {1, inputs, attrs};                      \
        return run_calls<op##_task<T>>(r, in, &one);                 \
    }                                                                \
    CUDA_KERNEL(op##_many) { return run_calls<op##_task<T>>(r, in, (const td_many *)attrs); }

/* ---- SGD ---- */

template <class T> struct sgd_step_task {
    uint32_t first;
    bool has_begun, nesterov; /* has_begun: the buffer holds something */
    int64_t count;
    T *param, *buffer; /* buffer NULL: no momentum */
    const T *grad;
    const double *schedule; /* learning rate and step, or NULL */
    T lr, momentum, fresh, decay;

    void set(const td_view *in, uint32_t i, const void *attrs)
    {
        const td_sgd_attrs *a = (const td_sgd_attrs *)attrs + i;
        has_begun = !a->first;
        nesterov = a->nesterov != 0;
        count = td_desc_numel(&in->d);
        param = data_of<T>(in[0]);
        grad = data_of<T>(in[1]);
        buffer = data_of<T>(in[2]);
        schedule = data_of<double>(in[3]);
        lr = (T)a->lr;
        momentum = (T)a->momentum;
        fresh = (T)(1 - a->dampening);
        decay = (T)a->weight_decay;
    }
    __device__ void prepare()
    {
        if (schedule) {
            lr = (T)schedule[0];
            has_begun = schedule[1] != 1;
        }
    }
    __device__ void step(int64_t i) const
    {
        const T p = param[i];
        T d = grad[i] + decay * p;
        if (buffer) {
            const T b = has_begun ? momentum * buffer[i] + fresh * d : d;
            buffer[i] = b;
            d = nesterov ? d + momentum * b : b;
        }
        param[i] = p - lr * d;
    }
};
STEPS(sgd_step, 4)

/* ---- Adam ---- */

template <class T> struct adam_step_task {
    uint32_t first;
    int64_t count;
    T *param, *mean, *square;
    const T *grad;
    const double *schedule;
    td_adam_attrs a;
    T step_size, correction, kept, decay; /* kept: what AdamW leaves of the parameter */

    void set(const td_view *in, uint32_t i, const void *attrs)
    {
        a = ((const td_adam_attrs *)attrs)[i];
        count = td_desc_numel(&in->d);
        param = data_of<T>(in[0]);
        grad = data_of<T>(in[1]);
        mean = data_of<T>(in[2]);
        square = data_of<T>(in[3]);
        schedule = data_of<double>(in[4]);
    }
    __device__ void prepare()
    {
        const double lr = schedule ? schedule[0] : a.lr, number = schedule ? schedule[1] : (double)a.step;
        step_size = (T)(lr / (1 - pow(a.beta1, number)));
        correction = (T)sqrt(1 - pow(a.beta2, number));
        kept = (T)(a.decoupled ? 1 - lr * a.weight_decay : 1);
        decay = (T)(a.decoupled ? 0 : a.weight_decay);
    }
    __device__ void step(int64_t i) const
    {
        const T p = param[i], g = grad[i] + decay * p;
        const T m = (T)a.beta1 * mean[i] + (T)(1 - a.beta1) * g;
        const T v = (T)a.beta2 * square[i] + (T)(1 - a.beta2) * g * g;
        mean[i] = m;
        square[i] = v;
        param[i] = p * kept - step_size * m / (sqrt(v) / correction + (T)a.eps);
    }
};
STEPS(adam_step, 5)

/* ---- clipping ---- */

template <class T> struct clip_by_norm_task {
    uint32_t first;
    int64_t count;
    T *x, factor;
    const double *total;
    double most;

    void set(const td_view *in, uint32_t i, const void *attrs)
    {
        count = td_desc_numel(&in->d);
        x = data_of<T>(in[0]);
        total = data_of<double>(in[1]);
        most = ((const td_scalar_attrs *)attrs)[i].a;
    }
    __device__ void prepare()
    {
        const double f = most / (sqrt(*total) + 1e-6);
        factor = (T)(f > 1 ? 1 : f); /* NaN stays */
    }
    __device__ void step(int64_t i) const { x[i] *= factor; }
};
STEPS(clip_by_norm, 2)

CUDA_KERNEL(add_square_sum)
{
    const T *x = data_of<T>(in[0]);
    double *total = data_of<double>(in[1]);
    return fold(
        r, 1, td_desc_numel(&in->d), 0.0, [=] __device__(int64_t, int64_t i) { return (double)x[i] * (double)x[i]; },
        plus_op(), [=] __device__(int64_t, double sum) { *total += sum; });
}

#define ROW(name) {#name, name}
const cuda_row cuda_optim[] = {
    ROW(sgd_step),       {"sgd_step.many", sgd_step_many},
    ROW(adam_step),      {"adam_step.many", adam_step_many},
    ROW(clip_by_norm),   {"clip_by_norm.many", clip_by_norm_many},
    ROW(add_square_sum), {NULL, NULL},
};
