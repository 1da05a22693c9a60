/* One batch in host memory while samples are put into it; its memory is used again for the next. */
#ifndef TD__STACK_H
#define TD__STACK_H

#include "host/data/item.h"
#include "host/data/loader.h"

typedef struct td__stack {
    int64_t n, room;                 /* samples in it, and expected */
    int32_t width, height, channels; /* of every sample */
    float *values;                   /* NHWC, as rank-4 tensors lie in memory */
    size_t values_capacity;
    int64_t *targets, *indices;
    size_t capacity;                 /* samples that targets and indices have room for */
    struct td__side *supp;           /* d: shape of one sample's; data: all of them */
    size_t n_supp, supp_capacity;
} td__stack;

/* Empties it for `room` samples. */
void td__stack_begin(td__stack *s, int64_t room);
/* Copies one transformed sample in.  0, or an error in c: its shape, side values or lack of a class differ from those
 * of the batch's first sample, it is still 8-bit pixels, or memory is out. */
int32_t td__stack_add(td_ctx *c, td__stack *s, const td_item *item);
/* Makes the tensors in c's frame.  0, or c has failed. */
int32_t td__stack_tensors(td_ctx *c, const td__stack *s, td__batch *out);
void td__stack_free(td__stack *s); /* its memory, not s */

#endif
