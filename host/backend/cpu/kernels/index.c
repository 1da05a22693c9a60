/* Elements of rows by index; a row is a piece of work, so that sums keep the index's order. */
#include <stdatomic.h>
#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"

/* `from` and `to` are [rows, n] and [rows, k], whichever the operation reads. */
struct rows {
    const int64_t *index; /* [rows, k] */
    const float *from;
    float *to;
    int64_t k, n;
    _Atomic int outside; /* an index names nothing */
};

/* Whether all indices of a row name an element; looked at here, where the row's indices stay in the cache. */
static int all_inside(struct rows *p, const int64_t *index)
{
    int outside = 0;
    for (int64_t j = 0; j < p->k; j++)
        outside |= (uint64_t)index[j] >= (uint64_t)p->n;
    if (outside)
        atomic_store_explicit(&p->outside, 1, memory_order_relaxed);
    return !outside;
}

static void gather_row(void *arg, int64_t i)
{
    struct rows *p = arg;
    const int64_t *index = p->index + i * p->k;
    const float *from = p->from + i * p->n;
    float *to = p->to + i * p->k;
    for (int64_t j = 0, n = all_inside(p, index) ? p->k : 0; j < n; j++)
        to[j] = from[index[j]];
}

static void scatter_row(void *arg, int64_t i)
{
    struct rows *p = arg;
    const int64_t *index = p->index + i * p->k;
    const float *from = p->from + i * p->k;
    float *to = p->to + i * p->n;
    memset(to, 0, (size_t)p->n * sizeof *to);
    for (int64_t j = 0, n = all_inside(p, index) ? p->k : 0; j < n; j++)
        to[index[j]] += from[j];
}

/* An index that names nothing is left to the reference kernel, which says where it is. */
static int32_t by_rows(const char *op, td_run *r, const td_view *in, td_view *out, const void *attrs, int64_t n,
                       void (*one)(void *arg, int64_t i))
{
    const td_desc *d = &in[1].d;
    struct rows p = {in[1].data, in[0].data, out[0].data, d->shape[1], n, 0};
    in_parallel(d->shape[0], 4 * (double)td_desc_numel(d), one, &p);
    return p.outside ? td__cpu_reference(op, r, in, out, attrs) : TD_OK;
}

static int32_t gather_f32(KERNEL_ARGUMENTS)
{
    return by_rows("gather", r, in, out, attrs, in[0].d.shape[1], gather_row);
}

static int32_t scatter_add_f32(KERNEL_ARGUMENTS)
{
    return by_rows("scatter_add", r, in, out, attrs, out[0].d.shape[1], scatter_row);
}

FLOAT32_KERNEL(gather)
FLOAT32_KERNEL(scatter_add)

const td__kernel_row td__cpu_index[] = {
    ROW(gather),
    ROW(scatter_add),
    {NULL, NULL},
};
