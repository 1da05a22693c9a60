/* The reference backend: plain loops in double, for float32 and float64.  What other backends are compared with. */
#ifndef TD__REFERENCE_H
#define TD__REFERENCE_H

#include "host/backend/backend.h"
#include "host/tensor/nest.h"
#include "host/tensor/tensor.h"

extern const td__kernel_row td__reference_pointwise[], td__reference_reduce[], td__reference_softmax[],
    td__reference_loss[], td__reference_matmul[], td__reference_conv[], td__reference_norm[], td__reference_pool[],
    td__reference_shape[], td__reference_index[], td__reference_optim[], td__reference_augment[];

/* Runs the statements, which only move data; T is an unsigned integer as wide as the dtype. */
#define FOR_BITS(dtype_, T, ...)      \
    switch (td__dtype_size(dtype_)) { \
    case 8: {                         \
        typedef uint64_t T;           \
        __VA_ARGS__                   \
    } break;                          \
    case 4: {                         \
        typedef uint32_t T;           \
        __VA_ARGS__                   \
    } break;                          \
    case 2: {                         \
        typedef uint16_t T;           \
        __VA_ARGS__                   \
    } break;                          \
    default: {                        \
        typedef uint8_t T;            \
        __VA_ARGS__                   \
    }                                 \
    }

#endif
