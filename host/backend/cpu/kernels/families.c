#include "host/backend/cpu/kernels/kernels.h"

const td__kernel_row *const td__cpu_families[] = {
    td__cpu_conv,    td__cpu_norm, td__cpu_pointwise, td__cpu_matmul, td__cpu_pool,
    td__cpu_softmax, td__cpu_loss, td__cpu_reduce,    td__cpu_optim,  td__cpu_index, td__cpu_rows, td__cpu_shape, NULL,
};
