#include "plugins/backends/cuda/cuda.h"

#include <string.h>
#include <td/plugin.h>

static td_kernel kernel(const char *op)
{
    static const cuda_row *const families[] = {
        cuda_pointwise, cuda_cast, cuda_reduce, cuda_softmax, cuda_loss,  cuda_matmul,
        cuda_conv,      cuda_norm, cuda_pool,   cuda_shape,   cuda_index, cuda_optim, cuda_augment,
        cuda_solve,
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const cuda_row *row = families[i]; row->op; row++)
            if (!strcmp(row->op, op))
                return row->run;
    return NULL;
}

static const td_backend_type cuda_backend = {
    .type = {.key = "cuda", .summary = "NVIDIA GPUs from compute capability 8.0: cuDNN, cuBLAS and own kernels"},
    .score = cuda_score,
    .open = cuda_open,
    .close = cuda_close,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .copy_in = cuda_copy_in,
    .copy_out = cuda_copy_out,
    .kernel = kernel,
    .last_error = cuda_last_error,
    .memory = cuda_memory,
    .branch = cuda_branch,
    .capture_begin = cuda_capture_begin,
    .capture_end = cuda_capture_end,
    .replay = cuda_replay,
    .graph_free = cuda_graph_free,
};

TD_PLUGIN(cuda, "0.1.0", "MIT", "Kernels for NVIDIA GPUs", "backend:cuda")
{
    td_register(reg, TD_KIND_BACKEND, &cuda_backend);
}
