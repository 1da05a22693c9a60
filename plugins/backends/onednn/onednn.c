/* The backend `onednn`: Intel's oneDNN library (versions 2 and 3) for convolutions, matrix products, batch normalization,
 * pooling and softmax; the host's cpu kernels for the rest of the operations. */
#include "plugins/backends/onednn/onednn.h"

#include <stdlib.h>
#include <string.h>

const td_kernels_api *td__onednn_host;

int td__onednn_serves(const td_view *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (v[i].data && (v[i].d.dtype != TD_FLOAT32 || td_desc_numel(&v[i].d) == 0))
            return 0;
    return 1;
}

int32_t td__onednn_cpu(td_run *r, const char *op, const td_view *in, td_view *out, const void *attrs)
{
    return td__onednn_host->find("cpu", op)(r, in, out, attrs);
}

int32_t td__onednn_plain(td_run *r, const td__recipe *recipe, const td_view *in, td_view *out, const void *attrs)
{
    void *data[TD__MOST_OPERANDS];
    if (!td__onednn_serves(in, recipe->n_in) || !td__onednn_serves(out, 1))
        return td__onednn_cpu(r, recipe->op, in, out, attrs);
    for (uint32_t i = 0; i < recipe->n_in; i++)
        data[i] = in[i].data;
    data[recipe->n_in] = out->data;
    return td__plan_run(r, recipe, in, out, attrs, data);
}

/* ---- the backend ---- */

/* Below the host's own cpu backend, which gives the same bits for any number of threads; this one has to be asked for. */
static int32_t score(char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    return 5;
}

static int32_t open_onednn(td_ctx *c)
{
    td__onednn_host = td_host->get_interface(TD_KERNELS_SERVICE);
    if (!td__onednn_host) {
        td_fail(c, "this host has no service " TD_KERNELS_SERVICE);
        return TD_ERROR;
    }
    return td__plans_open(c);
}

static void *alloc(size_t bytes) { return aligned_alloc(64, (bytes + 63) & ~(size_t)63); }

static void release(void *p, size_t bytes)
{
    (void)bytes;
    free(p);
}

static int32_t copy(void *dst, const void *src, size_t bytes)
{
    memcpy(dst, src, bytes);
    return TD_OK;
}

static td_kernel kernel(const char *op)
{
    static const td__onednn_row *const families[] = {
        td__onednn_conv, td__onednn_matmul, td__onednn_norm, td__onednn_pointwise, td__onednn_pool,
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const td__onednn_row *row = families[f]; row->op; row++)
            if (!strcmp(row->op, op))
                return row->run;
    return td__onednn_host->find("cpu", op);
}

static const td_backend_type onednn = {
    .type = {.key = "onednn", .summary = "oneDNN for convolutions, matrix products, batch normalization, pooling, softmax; cpu kernels for the rest"},
    .score = score,
    .open = open_onednn,
    .close = td__plans_close,
    .alloc = alloc,
    .free = release,
    .copy_in = copy,
    .copy_out = copy,
    .kernel = kernel,
};

TD_PLUGIN(onednn, "0.1.0", "MIT", "oneDNN's kernels for x86 and Arm processors", "backend:onednn")
{
    td_register(reg, TD_KIND_BACKEND, &onednn);
}
