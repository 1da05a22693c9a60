#include "host/ops/rule.h"

int td__one_float_dtype(td_ctx *c, const char *op, const td_desc *in, uint32_t n_in, uint32_t except)
{
    const td_desc *first = NULL;
    for (uint32_t i = 0; i < n_in; i++) {
        if (!td__given(in, n_in, i) || (except >> i & 1))
            continue;
        if (!td__is_float(in[i].dtype)) {
            td_fail(c, "%s: input %u is %s, a floating type is needed", op, i, td__dtype_name(in[i].dtype));
            return 0;
        }
        if (first && first->dtype != in[i].dtype) {
            td_fail(c, "%s: the inputs differ in type: %s %s and %s %s", op, td__dtype_name(first->dtype), TD__SHAPE(first),
                    td__dtype_name(in[i].dtype), TD__SHAPE(&in[i]));
            return 0;
        }
        if (!first)
            first = &in[i];
    }
    return 1;
}

void td__infer_same(td_ctx *c, const char *op, const td_desc *in, uint32_t n_in, td_desc *out)
{
    if (td__one_float_dtype(c, op, in, n_in, 0))
        out[0] = in[0];
}
