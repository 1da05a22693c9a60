/* tdhost SDK: version of the binary interface and the types it is made of.
 *
 * A plugin is loaded when its ABI major equals the host's and the minor it asks for is not newer than
 * the host's.  The minor is opted into: define TD_ABI_USE_MINOR before including <td/td.h> to use what a
 * later minor added; the default asks for the oldest, so a binary runs on every host that can serve it.
 *
 * The interface is made of fixed-width integers, double, pointers and structs of these.  No enum, bool,
 * long, bit-field or FILE crosses it, and memory is never freed across it.
 *
 * Major 0: the interface may still change between releases; it is frozen as major 1.
 */
#ifndef TD_ABI_H
#define TD_ABI_H

#include <stddef.h>
#include <stdint.h>

#define TD_ABI_MAJOR 0
#define TD_ABI_MINOR 5
#ifndef TD_ABI_USE_MINOR
#define TD_ABI_USE_MINOR 0
#endif

#define TD_MAX_DIMS 6

#ifdef __cplusplus
#define TD_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define TD_EXPORT __attribute__((visibility("default")))
#endif
#define TD_HIDDEN __attribute__((visibility("hidden")))
#define TD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Element types. */
#define TD_FLOAT32 0u
#define TD_FLOAT64 1u
#define TD_BFLOAT16 2u
#define TD_FLOAT16 3u
#define TD_INT64 4u
#define TD_INT32 5u
#define TD_UINT8 6u
#define TD_BOOL 7u

/* Status codes; 0 is success. */
#define TD_OK 0
#define TD_ERROR (-1)

/* Shape and type of a tensor.  `shape` is the logical shape, in PyTorch's order.  Every tensor is dense;
 * rank 4 lies in memory channels-last (NCHW as N,H,W,C; OIHW as O,H,W,I), every other rank row-major. */
typedef struct td_desc {
    uint32_t dtype;
    uint32_t ndim;
    int64_t shape[TD_MAX_DIMS];
} td_desc;

typedef struct td_ctx td_ctx;             /* one thread's work: sticky error, frames, tape, backend */
typedef struct td_tensor td_tensor;       /* starts with its td_desc */
typedef struct td_module td_module;       /* a node of a module tree */
typedef struct td_io td_io;               /* the tapped inputs and outputs of one step */
typedef struct td_item td_item;           /* one sample on its way from data set to batch */
typedef struct td_dataset td_dataset;     /* an open data set */
typedef struct td_registrar td_registrar; /* what a plugin registers with, during its entry call */
typedef struct td_run td_run;             /* one kernel call: threads, scratch memory, errors */

/* What a module takes or returns: a tensor, or a tuple or dict of values.  Items live as long as the frame
 * they were made in. */
#define TD_VALUE_NONE 0u
#define TD_VALUE_TENSOR 1u
#define TD_VALUE_TUPLE 2u
#define TD_VALUE_DICT 3u
typedef struct td_value {
    uint32_t kind;
    uint32_t n;                   /* items of a tuple or dict */
    td_tensor *tensor;            /* TD_VALUE_TENSOR */
    const struct td_value *items; /* tuple, dict */
    const char *const *keys;      /* dict */
} td_value;

#endif
