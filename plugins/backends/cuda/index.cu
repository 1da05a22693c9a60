/* Rows by index, and copies in place. */
#include "plugins/backends/cuda/device.cuh"

/* How `rows` [index's shape..., a row's shape...] and `table` [N, a row's shape...] lie, and the index. */
struct lookup {
    const int64_t *index;
    walk<2> where; /* over the index in its memory order: 0: in index, 1: a row's first element in rows */
    walk<2> row;   /* over one row in table's memory order: 0: in rows, 1: in table */
    int64_t count, row_numel, table_rows;
    cuda_fault *faults;

    /* The entry of the k-th index, which lies at element `at`; -1 where there is no such row. */
    __device__ int64_t entry(int64_t at) const
    {
        const int64_t e = index[at];
        if (e >= 0 && e < table_rows)
            return e;
        raise_fault(faults, CUDA_FAULT_INDEX, e, table_rows);
        return -1;
    }
};

static lookup lookup_of(const td_desc &table, const td_view &index, const td_desc &rows)
{
    lookup l = {};
    int64_t rs[TD_MAX_DIMS], ts[TD_MAX_DIMS], where[2][TD_MAX_DIMS];
    strides_of(rows, rs);
    strides_of(table, ts);
    strides_of(index.d, where[0]);
    for (uint32_t i = 0; i < index.d.ndim; i++)
        where[1][i] = rs[i];
    /* In logical order of the index, which says which of equal entries is the last. */
    for (uint32_t i = 0; i < index.d.ndim; i++) {
        const int64_t step[2] = {where[0][i], where[1][i]};
        if (index.d.shape[i] != 1)
            l.where.add(index.d.shape[i], step);
    }
    uint32_t order[TD_MAX_DIMS];
    order_of(table.ndim, order);
    for (uint32_t k = 1; k < table.ndim; k++) {
        const uint32_t i = order[k];
        const int64_t step[2] = {rs[index.d.ndim + i - 1], ts[i]};
        if (table.shape[i] != 1)
            l.row.add(table.shape[i], step);
    }
    l.index = data_of<int64_t>(index);
    l.count = td_desc_numel(&index.d);
    l.table_rows = table.shape[0];
    l.row_numel = ts[0];
    l.faults = cuda_faults;
    return l;
}

template <class T> static int32_t index_select_of(td_run *r, const td_view *in, td_view *out)
{
    const lookup l = lookup_of(in[0].d, in[1], out->d);
    const T *table = data_of<T>(in[0]);
    T *rows = data_of<T>(*out);
    return each(r, l.count * l.row_numel, [=] __device__(int64_t i) {
        int64_t where[2], at[2];
        l.where.at(i / l.row_numel, where);
        l.row.at(i % l.row_numel, at);
        const int64_t entry = l.entry(where[0]);
        rows[where[1] + at[0]] = entry < 0 ? T() : table[entry * l.row_numel + at[1]];
    });
}

static int32_t index_select(td_run *r, const td_view *in, td_view *out, const void *)
{
    return for_bits(in->d.dtype, [&](auto bits) { return index_select_of<decltype(bits)>(r, in, out); });
}

/* ---- the index in the order of its entries ---- */

#define SORTED 1024 /* keys that one block sorts in shared memory */

/* Keys entry * count + k: all different, so that sorting them has one result, and of equal entries the order is the
 * index's.  What names no row comes last, and what fills up to a power of two. */
struct sorted {
    int64_t *keys;
    int64_t count, padded;

    __device__ int64_t row(int64_t i) const { return keys[i] / count; }
    __device__ int64_t k(int64_t i) const { return keys[i] % count; }
    /* The first of the keys of this row, or of later rows. */
    __device__ int64_t first(int64_t row) const
    {
        int64_t low = 0, high = padded;
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            if (keys[middle] < row * count)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
};

/* The keys `at` and `apart` behind it, ordered as stage `span` of a bitonic sort wants it (Batcher 1968). */
static __device__ void order_pair(int64_t *keys, int64_t at, int64_t place, int64_t apart, int64_t span)
{
    const int64_t a = keys[at], b = keys[at + apart];
    if ((a > b) == !(place & span)) {
        keys[at] = b;
        keys[at + apart] = a;
    }
}

/* In each stretch of SORTED keys the stages from `from` to `to`, as far as they pair keys within it. */
static __global__ void sort_stretch_kernel(int64_t *keys, int64_t from, int64_t to)
{
    __shared__ int64_t held[SORTED];
    const int64_t base = (int64_t)blockIdx.x * SORTED;
    for (int i = threadIdx.x; i < SORTED; i += SORTED / 2)
        held[i] = keys[base + i];
    for (int64_t span = from; span <= to; span *= 2)
        for (int64_t apart = span / 2 < SORTED / 2 ? span / 2 : SORTED / 2; apart; apart /= 2) {
            const int at = (int)(2 * apart * (threadIdx.x / apart) + threadIdx.x % apart);
            __syncthreads();
            order_pair(held, at, base + at, apart, span);
        }
    __syncthreads();
    for (int i = threadIdx.x; i < SORTED; i += SORTED / 2)
        keys[base + i] = held[i];
}

static void sort_stretches(const sorted &s, int64_t from, int64_t to)
{
    sort_stretch_kernel<<<(unsigned)(s.padded / SORTED), SORTED / 2, 0, cuda_stream>>>(s.keys, from, to);
}

static int32_t sort(td_run *r, const lookup &l, sorted *s)
{
    *s = {NULL, l.count, SORTED};
    while (s->padded < l.count)
        s->padded *= 2;
    int64_t *keys = s->keys = (int64_t *)td_host->run_scratch(r, (size_t)s->padded * sizeof *keys);
    if (!keys || each(r, s->padded, [=] __device__(int64_t k) {
            int64_t where[2];
            l.where.at(k < l.count ? k : 0, where);
            const int64_t entry = k < l.count ? l.entry(where[0]) : -1;
            keys[k] = entry < 0 ? INT64_MAX : entry * l.count + k;
        }))
        return TD_ERROR;
    sort_stretches(*s, 2, SORTED);
    for (int64_t span = 2 * SORTED; span <= s->padded; span *= 2) {
        for (int64_t apart = span / 2; apart >= SORTED; apart /= 2)
            if (each(r, s->padded / 2, [=] __device__(int64_t i) {
                    const int64_t at = 2 * apart * (i / apart) + i % apart;
                    order_pair(keys, at, at, apart, span);
                }))
                return TD_ERROR;
        sort_stretches(*s, span, span);
    }
    return cuda_launched(r);
}

/* A thread an element of the table adds its row's entries up, in the index's order. */
CUDA_KERNEL(index_select_grad)
{
    const lookup l = lookup_of(out->d, in[1], in[0].d);
    const T *rows = data_of<T>(in[0]);
    T *table = data_of<T>(*out);
    sorted s;
    if (!l.count)
        return zero(r, *out, sizeof(T));
    if (sort(r, l, &s))
        return TD_ERROR;
    return each(r, l.table_rows * l.row_numel, [=] __device__(int64_t i) {
        const int64_t row = i / l.row_numel;
        int64_t where[2], at[2];
        T sum = 0;
        l.row.at(i % l.row_numel, at);
        for (int64_t k = s.first(row); k < s.padded && s.row(k) == row; k++) {
            l.where.at(s.k(k), where);
            sum += rows[where[1] + at[0]];
        }
        table[row * l.row_numel + at[1]] = sum;
    });
}

CUDA_KERNEL(gather)
{
    const T *x = data_of<T>(in[0]);
    const int64_t *index = data_of<int64_t>(in[1]), n = in[0].d.shape[1], k = in[1].d.shape[1];
    T *y = data_of<T>(*out);
    cuda_fault *faults = cuda_faults;
    return each(r, td_desc_numel(&in[1].d), [=] __device__(int64_t i) {
        const int64_t e = index[i];
        if (e < 0 || e >= n)
            raise_fault(faults, CUDA_FAULT_INDEX, e, n);
        else
            y[i] = x[i / k * n + e];
    });
}

/* A thread a stretch of a row of x goes through the row's index: sums in the index's order, no atomics. */
CUDA_KERNEL(scatter_add)
{
    const T *y = data_of<T>(in[0]);
    const int64_t *index = data_of<int64_t>(in[1]), n = out->d.shape[1], k = in[1].d.shape[1];
    const int64_t stretch = 512, stretches = (n + stretch - 1) / stretch;
    T *x = data_of<T>(*out);
    return each(r, out->d.shape[0] * stretches, [=] __device__(int64_t i) {
        const int64_t row = i / stretches, from = i % stretches * stretch, to = min(from + stretch, n);
        for (int64_t j = from; j < to; j++)
            x[row * n + j] = 0;
        for (int64_t e = row * k; e < (row + 1) * k; e++)
            if (index[e] >= from && index[e] < to)
                x[row * n + index[e]] += y[e];
    });
}

/* The row that index[i] names; NULL where there is none. */
template <class T>
static __device__ const T *row_of(const T *table, int64_t n, int64_t d, const int64_t *index, int64_t i,
                                  cuda_fault *faults)
{
    if (index[i] >= 0 && index[i] < n)
        return table + index[i] * d;
    raise_fault(faults, CUDA_FAULT_INDEX, index[i], n);
    return nullptr;
}

CUDA_KERNEL(gather_matmul)
{
    const T *x = data_of<T>(in[0]), *table = data_of<T>(in[1]);
    const int64_t *index = data_of<int64_t>(in[2]), k = in[2].d.shape[1], n = in[1].d.shape[0], d = in[1].d.shape[1];
    T *y = data_of<T>(*out);
    cuda_fault *faults = cuda_faults;
    return each(r, td_desc_numel(&in[2].d), [=] __device__(int64_t i) {
        const T *row = row_of(table, n, d, index, i, faults);
        T sum = 0;
        for (int64_t e = 0; row && e < d; e++)
            sum += x[i / k * d + e] * row[e];
        y[i] = sum;
    });
}

/* A thread an element of the result: sums in the index's order, no atomics. */
CUDA_KERNEL(scatter_matmul)
{
    const T *y = data_of<T>(in[0]), *table = data_of<T>(in[1]);
    const int64_t *index = data_of<int64_t>(in[2]), k = in[2].d.shape[1], n = in[1].d.shape[0], d = in[1].d.shape[1];
    T *x = data_of<T>(*out);
    cuda_fault *faults = cuda_faults;
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        T sum = 0;
        for (int64_t e = i / d * k; e < (i / d + 1) * k; e++)
            if (const T *row = row_of(table, n, d, index, e, faults))
                sum += y[e] * row[i % d];
        x[i] = sum;
    });
}

/* Of equal indices the last one writes. */
template <class T> static int32_t index_copy_of(td_run *r, const td_view *in)
{
    const lookup l = lookup_of(in[0].d, in[1], in[2].d);
    T *table = data_of<T>(in[0]);
    const T *rows = data_of<T>(in[2]);
    sorted s;
    if (!l.count)
        return TD_OK;
    if (sort(r, l, &s))
        return TD_ERROR;
    return each(r, l.count * l.row_numel, [=] __device__(int64_t i) {
        int64_t where[2], at[2], k = i / l.row_numel, row = s.row(k);
        if (row >= l.table_rows || (k + 1 < s.padded && s.row(k + 1) == row))
            return;
        l.where.at(s.k(k), where);
        l.row.at(i % l.row_numel, at);
        table[row * l.row_numel + at[1]] = rows[where[1] + at[0]];
    });
}

static int32_t index_copy(td_run *r, const td_view *in, td_view *, const void *)
{
    return for_bits(in->d.dtype, [&](auto bits) { return index_copy_of<decltype(bits)>(r, in); });
}

static int32_t copy(td_run *r, const td_view *in, td_view *, const void *)
{
    const size_t bytes = (size_t)td_desc_numel(&in[0].d) * (size_t)dtype_size(in[0].d.dtype);
    if (in[0].data != in[1].data)
        cudaMemcpyAsync(in[0].data, in[1].data, bytes, cudaMemcpyDeviceToDevice, cuda_stream);
    return cuda_launched(r);
}

#define ROW(name) {#name, name}
const cuda_row cuda_index[] = {
    ROW(index_select), ROW(index_select_grad), ROW(gather), ROW(scatter_add), ROW(gather_matmul), ROW(scatter_matmul),
    ROW(index_copy), ROW(copy), {NULL, NULL},
};
