/* How an applied operation gets onto the tape. */
#ifndef TD__RECORD_H
#define TD__RECORD_H

#include "host/autograd/tape.h"

/* Records op when one of its inputs requires a gradient; the floating outputs then do, too.  `taken` is what it computed
 * with, and what its rule will get: `in`, or copies in another precision. */
void td__record(td_ctx *c, const td_op_type *op, td_tensor *const *in, td_tensor *const *taken, uint32_t n_in,
                const void *attrs, td_tensor *const *out);

#endif
