/* reshape between channels-last images and row-major order; see host/tensor/tensor.h. */
#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/planar.h"

struct images {
    float *to;
    const float *from;
    int64_t rows, columns; /* of the matrix that an image is transposed from */
};

static void transpose(void *arg, int64_t begin, int64_t end)
{
    const struct images *p = arg;
    int64_t size = p->rows * p->columns;
    for (int64_t i = begin; i < end; i++)
        td__planar(p->to + i * size, p->rows, p->from + i * size, p->columns, p->rows, p->columns);
}

static void each_image(float *to, const float *from, int64_t images, int64_t rows, int64_t columns)
{
    struct images p = {to, from, rows, columns};
    td__parallel_range(images, max(GRAIN / max(rows * columns, 1), 1), 1, transpose, &p);
}

static int32_t reshape_f32(KERNEL_ARGUMENTS)
{
    const td_desc *x = &in[0].d, *y = &out[0].d;
    size_t bytes = (size_t)td_desc_numel(x) * sizeof(float);
    const float *row_major = in[0].data;
    (void)attrs;
    if (x->ndim == 4) {
        float *to = y->ndim == 4 ? td__run_scratch(r, bytes) : out[0].data;
        if (!to)
            return TD_ERROR;
        each_image(to, in[0].data, x->shape[0], x->shape[2] * x->shape[3], x->shape[1]);
        row_major = to;
    }
    if (y->ndim == 4)
        each_image(out[0].data, row_major, y->shape[0], y->shape[1], y->shape[2] * y->shape[3]);
    else if (x->ndim != 4)
        memcpy(out[0].data, row_major, bytes);
    return TD_OK;
}

FLOAT32_KERNEL(reshape)

const td__kernel_row td__cpu_shape[] = {
    ROW(reshape),
    {NULL, NULL},
};
