/* How an applied operation gets onto the tape. */
#ifndef TD__RECORD_H
#define TD__RECORD_H

#include "host/autograd/tape.h"

/* Records op when one of its inputs requires a gradient; the floating outputs then do, too. */
void td__record(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const td_desc *in_desc,
                const void *attrs, td_tensor *const *out);

#endif
