/* What the tests of modules share: a context on the reference backend, filled tensors. */
#ifndef TESTS_NN_H
#define TESTS_NN_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/nn/module.h"
#include "host/nn/state.h"
#include "host/plugin/registry.h"
#include "tests/paths.h"

/* A context whose parameters are of `dtype`; the host's layers are registered. */
static inline td_ctx *nn_start(const td_backend_type *backend, uint32_t dtype)
{
    static int registered;
    char why[200] = "";
    if (!registered++)
        cr_assert_eq(td__register_builtins(), 0);
    backend = td__backend_use(backend, why, sizeof why);
    cr_assert_not_null(backend, "%s", why);
    td_ctx *c = td__ctx_new(backend);
    cr_assert_not_null(c);
    c->param_dtype = dtype;
    return c;
}

#define NN_FINE(c) cr_assert_null((c)->error, "%s", (c)->error)
/* The context failed with exactly this, and is cleared. */
#define NN_FAILED(c, text)                                                                                             \
    do {                                                                                                               \
        cr_assert_not_null((c)->error);                                                                                \
        cr_assert_str_eq((c)->error, text);                                                                            \
        td__ctx_clear(c);                                                                                              \
    } while (0)

/* Elements as doubles; malloc'ed. */
static inline double *nn_read(td_ctx *c, const td_tensor *t)
{
    int64_t n = td_numel(t);
    double *v = malloc((size_t)n * sizeof *v + 1);
    cr_assert_eq(td__tensor_read(c, t, TD_FLOAT64, v, n), 0, "%s", c->error);
    return v;
}

/* A tensor of the context's parameter type with values in [-1, 1) that look random. */
static inline td_tensor *nn_filled(td_ctx *c, uint32_t ndim, const int64_t *shape)
{
    td_tensor *t = td_zeros(c, c->param_dtype, ndim, shape);
    int64_t n = td_numel(t);
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i] = 2 * td_host->random(42, 0, (uint64_t)i, (uint64_t)n) - 1;
    td__tensor_write(c, t, TD_FLOAT64, v);
    free(v);
    return t;
}

#endif
