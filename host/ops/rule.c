#include "host/ops/rule.h"

int td__one_float_dtype(td_ctx *c, const td_desc *in, uint32_t n_in, uint32_t except)
{
    const td_desc *first = NULL;
    for (uint32_t i = 0; i < n_in; i++) {
        if (!td__given(in, n_in, i) || (except >> i & 1))
            continue;
        if (!td__is_float(in[i].dtype)) {
            td_fail(c, "input %u is %s, a floating type is needed", i, td__dtype_name(in[i].dtype));
            return 0;
        }
        if (first && first->dtype != in[i].dtype) {
            td_fail(c, "the inputs differ in type: %s %s and %s %s", td__dtype_name(first->dtype), TD__SHAPE(first),
                    td__dtype_name(in[i].dtype), TD__SHAPE(&in[i]));
            return 0;
        }
        if (!first)
            first = &in[i];
    }
    return 1;
}

int td__want_dtype(td_ctx *c, const td_desc *d, uint32_t input, uint32_t dtype)
{
    if (d->dtype == dtype)
        return 1;
    td_fail(c, "input %u is %s, %s is needed", input, td__dtype_name(d->dtype), td__dtype_name(dtype));
    return 0;
}

int td__want_same_dtype(td_ctx *c, const td_desc *a, const td_desc *b)
{
    if (a->dtype == b->dtype)
        return 1;
    td_fail(c, "dtypes %s and %s differ", td__dtype_name(a->dtype), td__dtype_name(b->dtype));
    return 0;
}

int td__want_dim(td_ctx *c, const td_desc *d, int64_t *dim)
{
    int64_t n = d->ndim, i = *dim < 0 ? *dim + n : *dim;
    if (i < 0 || i >= n) {
        td_fail(c, "there is no dimension %lld in %s", (long long)*dim, TD__SHAPE(d));
        return 0;
    }
    *dim = i;
    return 1;
}

int td__broadcast(td_ctx *c, const td_desc *a, const td_desc *b, td_desc *out)
{
    uint32_t n = a->ndim > b->ndim ? a->ndim : b->ndim;
    out->ndim = n;
    for (uint32_t i = 1; i <= n; i++) { /* from the last dimension */
        int64_t x = i <= a->ndim ? a->shape[a->ndim - i] : 1, y = i <= b->ndim ? b->shape[b->ndim - i] : 1;
        if (x != y && x != 1 && y != 1) {
            td_fail(c, "shapes %s and %s do not broadcast", TD__SHAPE(a), TD__SHAPE(b));
            return 0;
        }
        out->shape[n - i] = x == 1 ? y : x;
    }
    return 1;
}

td_tensor *td__sum_to(td_ctx *c, td_tensor *g, const td_desc *d)
{
    const td_desc *from = td_desc_of(g);
    uint32_t dims = 0, lead = from->ndim - d->ndim;
    for (uint32_t i = 0; i < from->ndim; i++)
        if (i < lead || (d->shape[i - lead] == 1 && from->shape[i] != 1))
            dims |= TD_DIM(i);
    if (dims)
        g = td_sum(c, g, dims, 1);
    return td__same_shape(td_desc_of(g), d) ? g : td_reshape(c, g, d->ndim, d->shape);
}
