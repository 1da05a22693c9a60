#include "host/train/accuracy.h"

#include <string.h>

#include "host/autograd/tape.h"
#include "host/train/train.h"

double td__percent(int64_t right, int64_t n)
{
    return n ? 100.0 * (double)right / (double)n : 0;
}

/* Adds what is right of one batch to counts. */
static void count_batch(td_ctx *c, td_module *model, const td__batch *b, td_tensor *counts)
{
    td_tensor *in[3] = {td_call(c, model, b->input), b->target, counts};
    if (c->error)
        return;
    if (td_ndim(in[0]) != 2 || td_dim(in[0], 0) != b->size || !b->target) {
        char shape[96];
        td__fail(c, "accuracy needs labels and outputs [%lld, classes], the model gave %s", (long long)b->size,
                 td__shape_text(&in[0]->d, shape, sizeof shape));
        return;
    }
    td__apply(c, "count_correct", in, 3, NULL, 0, NULL, 0);
}

int td__accuracy_measure(td_ctx *c, td_module *model, td__loader *loader,
                         void (*each)(void *user, int64_t batch, int64_t batches), void *user, td__accuracy *out)
{
    const td_desc two = {TD_INT64, 1, {2}};
    int grad = c->grad, code, more;
    int64_t right[2] = {0};
    memset(out, 0, sizeof *out);
    c->grad = 0;
    td__set_training(model, 0);
    td__frame_push(c);
    td_tensor *counts = td__tensor_from(c, &two, NULL);
    code = td__loader_start(c, loader, 0, 0) ? TD__EXIT_FAILED : TD__EXIT_OK;
    more = !code;
    for (int64_t i = 0; more; i++) {
        td__batch b;
        td__frame_push(c);
        more = td__loader_next(c, loader, &b);
        if (more < 0)
            code = TD__EXIT_DATA;
        else if (more > 0)
            count_batch(c, model, &b, counts);
        td__frame_pop(c, td_none());
        if (!code && c->error)
            code = TD__EXIT_FAILED;
        more = more > 0 && !code;
        out->n += more ? b.size : 0;
        if (more && each)
            each(user, i, td__loader_batches(loader));
    }
    if (!code && td__tensor_read(c, counts, TD_INT64, right, 2))
        code = TD__EXIT_FAILED;
    td__frame_pop(c, td_none());
    out->top1 = right[0];
    out->top5 = right[1];
    c->grad = grad;
    return code;
}
