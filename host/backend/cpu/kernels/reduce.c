/* Sums and means whose reduced dimensions are one run of memory: [outer, reduced, inner].  Other orders, and maxima,
 * are the reference kernels'. */
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/sums.h"
#include "host/tensor/nest.h"
#include "host/tensor/tensor.h"

#define PIECES 16
#define PIECE 32768 /* elements that are worth a piece */

struct reduction {
    const float *x;
    float *y;
    int64_t outer, reduced, inner;
    int64_t parts, part; /* the reduced run is cut into parts, which depend on the shape only */
    double *sums;        /* [outer][parts][inner] */
    float *chunk_sums;   /* the same */
    double scale;
};

/* How out's elements lie along in's dimensions: 0 where reduced. */
static void output_strides(const td_desc *in, const td_desc *out, const td_dims_attrs *a, int64_t strides[TD_MAX_DIMS])
{
    int64_t own[TD_MAX_DIMS];
    uint32_t dims = a->dims ? a->dims : (1u << in->ndim) - 1;
    td__strides(out, own);
    for (uint32_t i = 0, n = 0; i < in->ndim; i++) {
        int gone = dims >> i & 1;
        strides[i] = gone ? 0 : own[n];
        n += !gone || a->keepdim;
    }
}

/* Whether the reduction has the form [outer, reduced, inner], with out as [outer, inner]. */
static int plan(struct reduction *p, const td_view *in, const td_view *out, const td_dims_attrs *a)
{
    int64_t strides[2][TD_MAX_DIMS], kept = 1;
    td__nest nest;
    output_strides(&in[0].d, &out[0].d, a, strides[0]);
    td__strides(&in[0].d, strides[1]);
    td__nest_begin(&nest, &in[0].d, 2, (const int64_t(*)[TD_MAX_DIMS])strides);
    nest.size[nest.n_outer] = nest.n;
    nest.stride[0][nest.n_outer] = nest.step[0];
    *p = (struct reduction){.x = in[0].data, .y = out[0].data, .outer = 1, .reduced = 1, .inner = 1};
    int seen = 0; /* 0: before the reduced run, 1: in it, 2: behind it */
    for (uint32_t d = nest.n_outer + 1; d-- > 0;) {
        int gone = nest.stride[0][d] == 0 && nest.size[d] != 1;
        if ((seen == 0 && gone) || (seen == 1 && !gone))
            seen++;
        if (seen == 2 && gone)
            return 0;
        if (!gone && nest.size[d] != 1 && nest.stride[0][d] != kept)
            return 0;
        *(seen == 0 ? &p->inner : seen == 1 ? &p->reduced : &p->outer) *= nest.size[d];
        kept *= gone ? 1 : nest.size[d];
    }
    return 1;
}

static void sum_part(void *arg, int64_t index)
{
    const struct reduction *p = arg;
    int64_t outer = index / p->parts, first = index % p->parts * p->part, last = min(first + p->part, p->reduced);
    const float *x = p->x + outer * p->reduced * p->inner;
    double *sums = p->sums + index * p->inner;
    for (int64_t i = 0; i < p->inner; i++)
        sums[i] = 0;
    if (p->inner == 1) {
        for (int64_t r = first; r < last; r += SUM_CHUNK)
            sums[0] += (double)td__sum(x + r, min(SUM_CHUNK, last - r));
        return;
    }
    int64_t rows = max(SUM_CHUNK / p->inner, 32);
    for (int64_t r = first; r < last; r += rows) {
        float *chunk = p->chunk_sums + index * p->inner;
        td__sum_rows(x + r * p->inner, min(rows, last - r), p->inner, chunk);
        for (int64_t i = 0; i < p->inner; i++)
            sums[i] += (double)chunk[i];
    }
}

static void sum_parts(void *arg, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        sum_part(arg, i);
}

static int32_t sum_scaled(const char *op, double scale, KERNEL_ARGUMENTS)
{
    struct reduction p;
    int64_t all = td_desc_numel(&in[0].d);
    if (!all || !plan(&p, in, out, attrs))
        return td__cpu_reference(op, r, in, out, attrs);
    p.parts = min(max(all / PIECE / p.outer, 1), min(PIECES, p.reduced));
    p.part = ceil_div(p.reduced, p.parts);
    p.parts = ceil_div(p.reduced, p.part);
    size_t sums = (size_t)(p.outer * p.parts * p.inner);
    p.sums = td__run_scratch(r, sums * sizeof *p.sums);
    p.chunk_sums = td__run_scratch(r, sums * sizeof *p.chunk_sums);
    if (!p.sums || !p.chunk_sums)
        return TD_ERROR;
    td__parallel_range(p.outer * p.parts, max(GRAIN / (p.part * p.inner), 1), 1, sum_parts, &p);
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < p.inner; i++) {
            double sum = 0;
            for (int64_t k = 0; k < p.parts; k++)
                sum += p.sums[(o * p.parts + k) * p.inner + i];
            p.y[o * p.inner + i] = (float)(sum * scale);
        }
    return TD_OK;
}

static int32_t sum_f32(KERNEL_ARGUMENTS)
{
    return sum_scaled("sum", 1, r, in, out, attrs);
}

static int32_t mean_f32(KERNEL_ARGUMENTS)
{
    return sum_scaled("mean", (double)td_desc_numel(&out[0].d) / (double)td_desc_numel(&in[0].d), r, in, out, attrs);
}

FLOAT32_KERNEL(sum)
FLOAT32_KERNEL(mean)

const td__kernel_row td__cpu_reduce[] = {ROW(sum), ROW(mean), {NULL, NULL}};
