#include <math.h>
#include <stdlib.h>

#include "host/autograd/tape.h"

static double loss_at(td_ctx *c, td_tensor *(*fn)(td_ctx *, void *), void *arg)
{
    double loss = NAN;
    td__frame_push(c);
    td__tensor_read(c, fn(c, arg), TD_FLOAT64, &loss, 1);
    td__frame_pop(c, td_none());
    return loss;
}

/* Largest relative error over the elements of one leaf.  value and grad: room for its elements. */
static double leaf_error(td_ctx *c, td_tensor *(*fn)(td_ctx *, void *), void *arg, td_tensor *leaf, double step,
                         double *value, double *grad)
{
    int64_t n = td_numel(leaf);
    double worst = 0;
    td__tensor_read(c, leaf, TD_FLOAT64, value, n);
    for (int64_t i = 0; i < n; i++)
        grad[i] = 0;
    if (leaf->grad)
        td__tensor_read(c, leaf->grad, TD_FLOAT64, grad, n);
    for (int64_t i = 0; i < n && !c->error; i++) {
        double at = value[i];
        value[i] = at + step;
        td__tensor_write(c, leaf, TD_FLOAT64, value);
        double above = loss_at(c, fn, arg);
        value[i] = at - step;
        td__tensor_write(c, leaf, TD_FLOAT64, value);
        double below = loss_at(c, fn, arg);
        value[i] = at;
        td__tensor_write(c, leaf, TD_FLOAT64, value);
        double numeric = (above - below) / (2 * step);
        double error = fabs(grad[i] - numeric) / fmax(1, fabs(numeric));
        if (!(error <= worst)) /* also where it is not a number */
            worst = error;
    }
    return worst;
}

double td__gradient_error(td_ctx *c, td_tensor *(*fn)(td_ctx *c, void *arg), void *arg, td_tensor *const *leaves,
                          size_t n_leaves, double step)
{
    double worst = 0;
    int grad = c->grad;
    c->grad = 1;
    td__frame_push(c);
    td__backward(c, fn(c, arg), 1);
    td__frame_pop(c, td_none());
    c->grad = 0;
    for (size_t l = 0; l < n_leaves && !c->error; l++) {
        size_t n = (size_t)td_numel(leaves[l]);
        double *room = calloc(2 * n + 1, sizeof *room), error = INFINITY;
        if (room)
            error = leaf_error(c, fn, arg, leaves[l], step, room, room + n);
        else
            td__fail(c, "out of memory: %zu gradients to check", n);
        free(room);
        if (!(error <= worst))
            worst = error;
    }
    c->grad = grad;
    return c->error ? INFINITY : worst;
}
