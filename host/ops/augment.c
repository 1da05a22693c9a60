/* augment(images uint8 [N, C, H, W], index int64 [B], clock int64 [2]) {td_augment_attrs} -> float32 [B, C, height,
 * width] (see td/data.h).  clock[0] is the epoch.  The same bits on every backend. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static void infer_augment(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_augment_attrs *a = attrs;
    const td_desc *x = &in[0];
    (void)n_in;
    if (x->dtype != TD_UINT8 || x->ndim != 4 || in[1].dtype != TD_INT64 || in[1].ndim != 1 || in[2].dtype != TD_INT64 ||
        in[2].ndim != 1 || in[2].shape[0] != 2) {
        td_fail(c, "uint8 [N, C, H, W], int64 [B] and int64 [2] are needed");
        return;
    }
    int fits = a->channels == x->shape[1] && a->channels >= 1 && a->channels <= 4 && a->height >= 1 && a->width >= 1;
    if (a->crop_use)
        fits = fits && a->height <= x->shape[2] + a->top + a->bottom && a->width <= x->shape[3] + a->left + a->right;
    else
        fits = fits && a->height == x->shape[2] && a->width == x->shape[3];
    if (!fits || a->done < TD_AUGMENT_VALUES)
        td_fail(c, "%lld x %lld pixels of %lld channels cannot be cut from %s", (long long)a->height,
                (long long)a->width, (long long)a->channels, TD__SHAPE(x));
    out[0] = (td_desc){TD_FLOAT32, 4, {in[1].shape[0], a->channels, a->height, a->width}};
}

const td_op_type td__ops_augment[] = {
    {.name = "augment",
     .min_in = 3,
     .max_in = 3,
     .n_out = 1,
     .attrs_size = sizeof(td_augment_attrs),
     .flags = TD_OP_NONDIFF,
     .infer = infer_augment},
    {.name = NULL},
};
