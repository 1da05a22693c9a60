/* Conformance vectors: a loss (behind its wrappers) on given tensors against an expected loss and gradients. */
#ifndef TD__CONFORM_H
#define TD__CONFORM_H

#include <stdio.h>

#include "host/plugin/plugins.h"

typedef struct td__conform_options {
    td__plugins *plugins;
    const char *backend; /* NULL: "reference"; see td__choose_backend */
    int in_float32;      /* else in float64 */
    int threads;         /* 0: all cores */
} td__conform_options;

/* `tdhost conform FILE.yaml...` (doc/conformance.md).  A file holds
 *   loss: {key, kwargs}            loss_wrapper / student_wrapper / teacher_wrapper: {key, kwargs}   (optional)
 *   student_layers / teacher_layers: {name: {key, kwargs}}: the network, as far as wrappers look into it   (optional)
 *   tensors: FILE.safetensors      tolerance: 1e-6 (float64) or 1e-4 (float32) where absent
 *   epoch: what the loss is told, counted from 0; 0 where absent
 * and the tensors are named
 *   student|PATH|output, teacher|PATH|input, … (with |0, |1 for tuple elements, |NAME for dict entries),
 *   target, index, param|NAME (of the loss or a wrapper), loss, grad|<any of these>.
 * Prints "FILE: NAME error E" for each expectation; returns TD__EXIT_OK, TD__EXIT_FAILED when one is above the
 * tolerance, or TD__EXIT_CONFIG. */
int td__conform_command(const char *const *files, size_t n, const td__conform_options *o, FILE *out);

#endif
