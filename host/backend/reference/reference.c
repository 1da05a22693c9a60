#include "host/backend/reference/reference.h"

static int32_t score(char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    return 1;
}

static td_kernel kernel(const char *op)
{
    static const td__kernel_row *const families[] = {
        td__reference_pointwise, td__reference_reduce, td__reference_softmax, td__reference_loss,
        td__reference_matmul,    td__reference_conv,   td__reference_norm,    td__reference_pool,
        td__reference_shape,     td__reference_index,  td__reference_optim, td__reference_augment,   NULL,
    };
    return td__kernel_find(families, op);
}

const td_backend_type td__reference_backend = {
    .type = {.key = "reference", .summary = "Plain loops in double precision; slow, for checks"},
    .score = score,
    .alloc = td__host_alloc,
    .free = td__host_free,
    .copy_in = td__host_copy,
    .copy_out = td__host_copy,
    .kernel = kernel,
};
