#include "host/train/accuracy.h"

#include <stdlib.h>
#include <string.h>

#include "host/train/train.h"

double td__percent(int64_t right, int64_t n)
{
    return n ? 100.0 * (double)right / (double)n : 0;
}

/* How many classes come before the labelled one. */
static int64_t rank_of(const float *logits, int64_t label, int64_t classes)
{
    int64_t rank = 0;
    for (int64_t k = 0; k < classes; k++)
        rank += k != label && !(logits[k] < logits[label] || (logits[k] == logits[label] && k > label));
    return rank;
}

void td__accuracy_add(td__accuracy *a, const float *logits, const int64_t *labels, int64_t n, int64_t classes)
{
    for (int64_t i = 0; i < n; i++) {
        int known = labels[i] >= 0 && labels[i] < classes;
        int64_t rank = known ? rank_of(logits + i * classes, labels[i], classes) : classes;
        a->top1 += rank < 1;
        a->top5 += rank < 5 && known;
        a->n++;
    }
}

static void add_batch(td_ctx *c, td_module *model, const td__batch *b, td__accuracy *out)
{
    td_tensor *logits = td_call(c, model, b->input);
    if (c->error)
        return;
    if (td_ndim(logits) != 2 || td_dim(logits, 0) != b->size || !b->target) {
        char shape[96];
        td__fail(c, "accuracy needs labels and outputs [%lld, classes], the model gave %s", (long long)b->size,
                 td__shape_text(&logits->d, shape, sizeof shape));
        return;
    }
    int64_t classes = td_dim(logits, 1);
    float *values = malloc((size_t)(b->size * classes) * sizeof *values);
    int64_t *labels = malloc((size_t)b->size * sizeof *labels);
    if (!values || !labels)
        td__fail(c, "out of memory");
    else if (!td__tensor_read(c, logits, TD_FLOAT32, values, b->size * classes) &&
             !td__tensor_read(c, b->target, TD_INT64, labels, b->size))
        td__accuracy_add(out, values, labels, b->size, classes);
    free(values);
    free(labels);
}

int td__accuracy_measure(td_ctx *c, td_module *model, td__loader *loader,
                         void (*each)(void *user, int64_t batch, int64_t batches), void *user, td__accuracy *out)
{
    int grad = c->grad, code, more;
    memset(out, 0, sizeof *out);
    c->grad = 0;
    td__set_training(model, 0);
    code = td__loader_start(c, loader, 0, 0) ? TD__EXIT_FAILED : TD__EXIT_OK;
    more = !code;
    for (int64_t i = 0; more; i++) {
        td__batch b;
        td__frame_push(c);
        more = td__loader_next(c, loader, &b);
        if (more < 0)
            code = TD__EXIT_DATA;
        else if (more > 0)
            add_batch(c, model, &b, out);
        td__frame_pop(c, td_none());
        if (!code && c->error)
            code = TD__EXIT_FAILED;
        more = more > 0 && !code;
        if (more && each)
            each(user, i, td__loader_batches(loader));
    }
    c->grad = grad;
    return code;
}
