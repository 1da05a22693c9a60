/* Small images cut, mirrored and normalized where they lie (see host/ops/augment.c). */
#include "host/backend/reference/reference.h"
#include "host/base/pool.h"
#include "host/base/rng.h"

struct augmentation {
    const td_augment_attrs *a;
    const uint8_t *images;
    const int64_t *index;
    uint64_t epoch;
    int64_t height, width; /* of the images */
    float *out;
};

/* As td_item_random of that transform. */
static double draw(const struct augmentation *g, int64_t sample, uint32_t use, uint64_t number)
{
    return td__uniform(g->a->seed, g->epoch, (uint64_t)sample, use + (number << 32));
}

static void augment_one(void *arg, int64_t b)
{
    const struct augmentation *g = arg;
    const td_augment_attrs *a = g->a;
    const int64_t sample = g->index[b], channels = a->channels;
    const uint8_t *image = g->images + sample * g->height * g->width * channels;
    float *out = g->out + b * a->height * a->width * channels;
    int64_t left = 0, top = 0;
    if (a->crop_use) {
        left = (int64_t)(draw(g, sample, a->crop_use, 1) * (double)(g->width + a->left + a->right - a->width + 1)) -
               a->left;
        top = (int64_t)(draw(g, sample, a->crop_use, 0) * (double)(g->height + a->top + a->bottom - a->height + 1)) -
              a->top;
    }
    int mirrored = a->flip_use && draw(g, sample, a->flip_use, 0) < a->flip;
    for (int64_t y = 0; y < a->height; y++)
        for (int64_t x = 0; x < a->width; x++) {
            int64_t row = top + y, column = left + (mirrored ? a->width - 1 - x : x);
            int inside = row >= 0 && row < g->height && column >= 0 && column < g->width;
            const uint8_t *pixel = inside ? image + (row * g->width + column) * channels : a->fill;
            for (int64_t k = 0; k < channels; k++) {
                float value = (float)pixel[k] / 255.0f;
                *out++ = a->done == TD_AUGMENT_NORMALIZED ? (value - a->mean[k]) / a->std[k] : value;
            }
        }
}

static int32_t augment(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const int64_t *clock = in[2].data;
    struct augmentation g = {attrs,    in[0].data, in[1].data, (uint64_t)clock[0], in[0].d.shape[2], in[0].d.shape[3],
                             out->data};
    for (int64_t b = 0; b < in[1].d.shape[0]; b++)
        if (g.index[b] < 0 || g.index[b] >= in[0].d.shape[0]) {
            td__run_fail(r, "index %lld; there are %lld images", (long long)g.index[b], (long long)in[0].d.shape[0]);
            return TD_ERROR;
        }
    td__parallel_for(in[1].d.shape[0], augment_one, &g);
    return TD_OK;
}

const td__kernel_row td__reference_augment[] = {{"augment", augment}, {NULL, NULL}};
