#include "host/backend/cpu/kernels/kernels.h"

const td__kernel_row *const td__cpu_families[] = {td__cpu_conv, td__cpu_matmul, NULL};
