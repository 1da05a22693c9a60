/* Plans: primitives of the library, made once for each operation, shapes and attributes, and run many times. */
#ifndef TD__ONEDNN_PLAN_H
#define TD__ONEDNN_PLAN_H

#include <td/td.h>

#include "plugins/backends/onednn/api.h"

#define TD__MOST_OPERANDS 10

/* A plan in the making.  The descriptors live until the plan is made. */
typedef struct td__build {
    dnnl_engine_t engine;
    const td_view *in, *out;
    const void *attrs;
    /* What the maker sets: the primitive, a forward one it was derived from (or NULL), and for each operand of the recipe
     * how it lies in the host's memory; NULL: it is absent. */
    dnnl_primitive_desc_t pd, hint;
    const_dnnl_memory_desc_t operand[TD__MOST_OPERANDS];
    dnnl_memory_desc_t made[2 * TD__MOST_OPERANDS];
    int n_made;
    dnnl_status_t status; /* the first failure */
} td__build;

/* How to make the primitive of one operation. */
typedef struct td__recipe {
    const char *op;
    uint32_t n_in;                   /* inputs the shapes of which matter */
    uint32_t attrs_size;
    int32_t args[TD__MOST_OPERANDS]; /* DNNL_ARG_... of each operand, ended by 0 */
    dnnl_status_t (*make)(td__build *);
} td__recipe;

/* Descriptors of float32 memory: with strides; in a layout of the library's choice (strides NULL); of a tensor as it
 * lies (an absent one: NULL).  NULL on failure, kept in b->status. */
const_dnnl_memory_desc_t td__md(td__build *b, int ndims, const int64_t *dims, const int64_t *strides);
const_dnnl_memory_desc_t td__md_tensor(td__build *b, const td_desc *d);
static inline const_dnnl_memory_desc_t td__md_view(td__build *b, const td_view *v) { return v->data ? td__md_tensor(b, &v->d) : NULL; }
/* Strides of a dense tensor: channels-last for rank 4, else row-major. */
void td__dense_strides(const td_desc *d, int64_t *strides);

/* Runs the plan of this recipe for these tensors, making it when it is new; data: an address for each operand that is
 * present, NULL for scratch.  Operands that the library wants in another layout are reordered on the way in and out.  One
 * primitive runs at a time, with the host's number of threads.  0, or the error recorded. */
int32_t td__plan_run(td_run *r, const td__recipe *recipe, const td_view *in, const td_view *out, const void *attrs, void *const *data);

/* The engine, once; and all that was made.  open: 0 or an error recorded. */
int32_t td__plans_open(td_ctx *c);
void td__plans_close(void);

#endif
