/* The op table: one row an operation.  Each family's file defines its rows; table.c lists the families. */
#ifndef TD__OPS_TABLE_H
#define TD__OPS_TABLE_H

#include "host/base/ctx.h"

/* Rows end with {NULL}. */
extern const td_op_type td__ops_pointwise[], td__ops_reduce[], td__ops_softmax[], td__ops_loss[], td__ops_matmul[],
    td__ops_conv[], td__ops_norm[], td__ops_pool[], td__ops_shape[], td__ops_index[], td__ops_optim[],
    td__ops_augment[];

/* By name, the host's and those plugins registered; NULL: none. */
const td_op_type *td__op_find(const char *name);
/* All, in a fixed order, for tests and listings: the i-th, or NULL past the end. */
const td_op_type *td__op_at(size_t i);
/* Adds a plugin's row (static storage).  0, or -1 where the name is taken. */
int td__op_add(const td_op_type *op);

#endif
