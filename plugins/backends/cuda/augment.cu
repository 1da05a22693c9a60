/* Small images cut, mirrored and normalized where they lie (see host/ops/augment.c): a thread computes one value. */
#include <td/philox.h>
#include <td/td.h>

#include "plugins/backends/cuda/device.cuh"

/* As td_item_random of that transform. */
static __device__ double draw(const td_augment_attrs &a, int64_t epoch, int64_t sample, uint32_t use, uint64_t number)
{
    return td_stream_uniform(td_stream_of(a.seed, (uint64_t)epoch, use + (number << 32)), (uint64_t)sample);
}

static int32_t augment(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_augment_attrs a = *(const td_augment_attrs *)attrs;
    const uint8_t *images = data_of<uint8_t>(in[0]);
    const int64_t *index = data_of<int64_t>(in[1]), *clock = data_of<int64_t>(in[2]);
    const int64_t samples = in[0].d.shape[0], height = in[0].d.shape[2], width = in[0].d.shape[3];
    float *values = data_of<float>(*out);
    cuda_fault *faults = cuda_faults;
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const int64_t k = i % a.channels, x = i / a.channels % a.width, y = i / (a.channels * a.width) % a.height;
        const int64_t sample = index[i / (a.channels * a.width * a.height)];
        int64_t left = 0, top = 0;
        if (sample < 0 || sample >= samples) {
            raise_fault(faults, CUDA_FAULT_INDEX, sample, samples);
            return;
        }
        if (a.crop_use) {
            left = (int64_t)__dmul_rn(draw(a, clock[0], sample, a.crop_use, 1),
                                      (double)(width + a.left + a.right - a.width + 1)) -
                   a.left;
            top = (int64_t)__dmul_rn(draw(a, clock[0], sample, a.crop_use, 0),
                                     (double)(height + a.top + a.bottom - a.height + 1)) -
                  a.top;
        }
        const bool mirrored = a.flip_use && draw(a, clock[0], sample, a.flip_use, 0) < a.flip;
        const int64_t row = top + y, column = left + (mirrored ? a.width - 1 - x : x);
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        const uint8_t pixel = inside ? images[((sample * height + row) * width + column) * a.channels + k] : a.fill[k];
        float value = __fdiv_rn((float)pixel, 255.0f);
        if (a.done == TD_AUGMENT_NORMALIZED) /* without fused operations: the host's bits */
            value = __fdiv_rn(__fsub_rn(value, a.mean[k]), a.std[k]);
        values[i] = value;
    });
}

const cuda_row cuda_augment[] = {{"augment", augment}, {NULL, NULL}};
