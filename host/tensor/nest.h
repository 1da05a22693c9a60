/* Walking several tensors at once in the memory order of one shape: rows along the innermost dimension. */
#ifndef TD__NEST_H
#define TD__NEST_H

#include <td/abi.h>

#define TD__NEST_MAX 4

/* After td__nest_begin, and after each td__nest_next that is 1, operand k of row element i lies at element
 * offset[k] + i * step[k]:
 *
 *     do
 *         for (int64_t i = 0; i < nest.n; i++)
 *             out[nest.offset[0] + i * nest.step[0]] = in[nest.offset[1] + i * nest.step[1]];
 *     while (td__nest_next(&nest));
 */
typedef struct td__nest {
    int64_t n; /* elements of a row */
    int64_t offset[TD__NEST_MAX], step[TD__NEST_MAX];
    uint32_t n_operands, n_outer;
    int64_t size[TD_MAX_DIMS], index[TD_MAX_DIMS], stride[TD__NEST_MAX][TD_MAX_DIMS]; /* outermost first */
} td__nest;

/* strides[k]: element strides of operand k along shape's logical dimensions, 0 where it is repeated.  Dimensions that
 * are adjacent in the memory of every operand become one. */
void td__nest_begin(td__nest *nest, const td_desc *shape, uint32_t n_operands, const int64_t (*strides)[TD_MAX_DIMS]);
int td__nest_next(td__nest *nest);
/* Goes to a row by its number, counted as td__nest_next goes. */
void td__nest_seek(td__nest *nest, int64_t row);
/* Strides of d as broadcast to `to`: 0 where d is repeated. */
void td__broadcast_strides(const td_desc *d, const td_desc *to, int64_t strides[TD_MAX_DIMS]);
/* Begins a walk over out = operand 0 and the inputs broadcast to it. */
void td__nest_broadcast(td__nest *nest, const td_desc *out, uint32_t n_in, const td_desc *const *in);

#endif
