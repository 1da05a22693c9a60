#include "host/autograd/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/record.h"
#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/ops/table.h"

/* A tensor a rule reads; owned, NULL where the rule does not read it.  And the version of its memory when it was saved.
 */
struct saved {
    td_tensor *tensor;
    uint32_t version;
};

/* One input of a recorded operation: what the rule needs of it and where its gradient goes. */
struct edge {
    struct saved saved;
    struct td__node *node; /* what made it, ... */
    uint32_t output;
    td_tensor *leaf; /* ... or the leaf itself, owned; neither: no gradient wanted */
};

/* One output. */
struct result {
    struct saved saved;
    td_tensor *grad;   /* owned; what has flowed back so far */
    td_tensor *tensor; /* not owned; NULL once it ceased to be */
};

/* One recorded operation.  Its memory, arrays included, is the tape's. */
typedef struct td__node {
    struct td__node *previous;
    const td_op_type *op;
    void *attrs;
    uint32_t n_in, n_out;
    int bf16; /* the context's, for the rule */
    struct edge *in;
    struct result *out;
    td_desc *in_desc, *out_desc;
} td__node;

struct td__tape {
    td__node *last;
    td__arena *memory;
};

/* ---- recording ---- */

static struct td__tape *tape_of(td_ctx *c)
{
    if (!c->tape) {
        struct td__tape *tape = calloc(1, sizeof *tape);
        if (tape)
            tape->memory = td__arena_new();
        if (tape && !tape->memory) {
            free(tape);
            tape = NULL;
        }
        c->tape = tape;
    }
    return c->tape;
}

static td__node *new_node(struct td__tape *tape, const td_op_type *op, uint32_t n_in)
{
    td__arena *a = tape->memory;
    td__node *n = td__arena_alloc(a, sizeof *n);
    if (!n)
        return NULL;
    *n = (td__node){.previous = tape->last, .op = op, .n_in = n_in, .n_out = op->n_out};
    n->attrs = td__arena_alloc(a, op->attrs_size);
    n->in = td__arena_alloc(a, n_in * sizeof *n->in);
    n->out = td__arena_alloc(a, op->n_out * sizeof *n->out);
    n->in_desc = td__arena_alloc(a, n_in * sizeof *n->in_desc);
    n->out_desc = td__arena_alloc(a, op->n_out * sizeof *n->out_desc);
    return n->attrs && n->in && n->out && n->in_desc && n->out_desc ? n : NULL;
}

static struct saved save(td_tensor *t) { return (struct saved){td__retain(t), t->storage->version}; }

void td__record(td_ctx *c, const td_op_type *op, td_tensor *const *in, td_tensor *const *taken, uint32_t n_in,
                const void *attrs, td_tensor *const *out)
{
    int wanted = 0;
    for (uint32_t i = 0; i < n_in; i++)
        wanted |= in[i] && in[i]->requires_grad;
    if (!wanted)
        return;
    struct td__tape *tape = tape_of(c);
    td__node *n = tape ? new_node(tape, op, n_in) : NULL;
    if (!n) {
        td__fail(c, "out of memory for the tape");
        return;
    }
    if (op->attrs_size)
        memcpy(n->attrs, attrs, op->attrs_size);
    n->bf16 = c->bf16;
    for (uint32_t i = 0; i < n_in; i++) {
        n->in_desc[i] = in[i] ? in[i]->d : (td_desc){TD_FLOAT32, UINT32_MAX, {0}};
        if (op->save_in >> i & 1 && in[i])
            n->in[i].saved = save(taken[i]);
        if (!in[i] || !in[i]->requires_grad)
            continue;
        n->in[i].node = in[i]->node;
        n->in[i].output = in[i]->output;
        if (!in[i]->node)
            n->in[i].leaf = td__retain(in[i]);
    }
    for (uint32_t i = 0; i < op->n_out; i++) {
        n->out_desc[i] = out[i]->d;
        if (op->save_out >> i & 1)
            n->out[i].saved = save(out[i]);
        if (!td__is_float(out[i]->d.dtype))
            continue;
        n->out[i].tensor = out[i];
        out[i]->node = n;
        out[i]->output = i;
        out[i]->requires_grad = 1;
    }
    tape->last = n;
}

/* ---- forgetting ---- */

static void drop(td_tensor **t)
{
    td__release(*t);
    *t = NULL;
}

/* Releases what a node holds. */
static void finish(td__node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        drop(&n->in[i].saved.tensor);
        drop(&n->in[i].leaf);
    }
    for (uint32_t i = 0; i < n->n_out; i++) {
        drop(&n->out[i].saved.tensor);
        drop(&n->out[i].grad);
    }
}

void td__tape_forget(td_tensor *t) { t->node->out[t->output].tensor = NULL; }

void td__tape_clear(td_ctx *c)
{
    if (!c->tape)
        return;
    for (td__node *n = c->tape->last; n; n = n->previous) {
        finish(n);
        for (uint32_t i = 0; i < n->n_out; i++) {
            td_tensor *t = n->out[i].tensor;
            if (t) {
                t->node = NULL;
                t->requires_grad = 0;
            }
        }
    }
    c->tape->last = NULL;
    td__arena_reset(c->tape->memory);
}

void td__tape_free(td_ctx *c)
{
    td__tape_clear(c);
    if (c->tape)
        td__arena_free(c->tape->memory);
    free(c->tape);
    c->tape = NULL;
}

/* ---- backward ---- */

static int exclusive(const td_tensor *t) { return t->refs == 1 && t->storage->refs == 1; }

/* Runs an operation that writes into a tensor which already exists. */
static void run_into(td_ctx *c, const char *name, td_tensor *x, td_tensor *y, td_tensor *out)
{
    const td_op_type *op = td__op_find(name);
    int half = out->d.dtype == TD_BFLOAT16 && !(op->flags & TD_OP_MOVES);
    td_kernel kernel = half ? td__half_kernel(c->backend, op) : td__kernel(c->backend, op);
    td_view in[2] = {td__view(x), td__view(y)}, view = td__view(out);
    if (kernel)
        td__run(c, name, kernel, in, &view, NULL);
    else
        td__fail(c, "the %s backend has no kernel for '%s'", c->backend->type.key, name);
}

/* x + y of bfloat16, rounded; owned.  For backends without a kernel of that. */
static td_tensor *rounded_sum(td_ctx *c, td_tensor *x, td_tensor *y)
{
    td__frame_push(c);
    td_tensor *sum = td_add(c, td_cast(c, x, TD_FLOAT32), td_cast(c, y, TD_FLOAT32));
    sum = td__retain(td_cast(c, sum, TD_BFLOAT16));
    td__frame_pop(c, td_none());
    return sum;
}

/* Adds g (its reference becomes ours) to what is in slot, in place where nobody else sees that.  Gradients of bfloat16
 * are summed in bfloat16, as PyTorch's: few uses of one activation meet, and in float32 it would be the largest tensors
 * that take twice the memory. */
static void accumulate(td_ctx *c, td_tensor **slot, td_tensor *g)
{
    if (!*slot) {
        *slot = g;
        return;
    }
    td_tensor *sum;
    if (g->d.dtype == TD_BFLOAT16 && !td__half_kernel(c->backend, td__op_find("add"))) {
        sum = rounded_sum(c, *slot, g);
    } else {
        sum = exclusive(*slot) ? td__retain(*slot) : td__tensor_own(c, &g->d);
        if (!c->error)
            run_into(c, "add", *slot, g, sum);
    }
    td__release(*slot);
    td__release(g);
    *slot = sum;
}

/* A leaf's gradient outlives the step, so it shares memory with nothing. */
static void accumulate_leaf(td_ctx *c, td_tensor *leaf, td_tensor *g)
{
    if (!leaf->grad && !exclusive(g)) {
        td_tensor *copy = td__tensor_own(c, &g->d);
        if (!c->error)
            run_into(c, "copy", copy, g, copy);
        td__release(g);
        g = copy;
    }
    accumulate(c, &leaf->grad, g);
}

static void deliver(td_ctx *c, struct edge *e, td_tensor *g)
{
    if (c->error)
        td__release(g);
    else if (e->node)
        accumulate(c, &e->node->out[e->output].grad, g);
    else
        accumulate_leaf(c, e->leaf, g);
}

static void check_gradient(td_ctx *c, uint32_t i, const td_tensor *g, const td_desc *d)
{
    char got[160], want[160];
    if (!c->error && (g->d.dtype != d->dtype || !td__same_shape(&g->d, d)))
        td__fail(c, "the gradient of input %u is %s %s, the input %s %s", i, td__dtype_name(g->d.dtype),
                 td__shape_text(&g->d, got, sizeof got), td__dtype_name(d->dtype),
                 td__shape_text(d, want, sizeof want));
}

static int is_single_or_half(uint32_t dtype) { return dtype == TD_FLOAT32 || dtype == TD_BFLOAT16; }

/* The gradient of an input, which has the input's type whatever precision the rule computed in. */
static td_tensor *in_type_of(td_ctx *c, td_tensor *g, const td_desc *d)
{
    return g && g->d.dtype != d->dtype && is_single_or_half(g->d.dtype) && is_single_or_half(d->dtype)
               ? td_cast(c, g, d->dtype)
               : g;
}

/* The saved tensor, for the rule. */
static td_tensor *recall(td_ctx *c, const struct saved *s, const char *what, uint32_t i)
{
    if (s->tensor && s->tensor->storage->version != s->version)
        td__fail(c, "%s %u was overwritten after the operation had used it", what, i);
    return s->tensor;
}

/* One node's rule; each gradient goes on to where its input came from, in order of inputs.  What the node holds is
 * released as soon as it can be, unless it is to be kept. */
static void backward_node(td_ctx *c, td__node *n, int keep)
{
    td_tensor *in[TD_OP_MAX_IN] = {0}, *out[TD_OP_MAX_OUT] = {0}, *gout[TD_OP_MAX_OUT] = {0}, *gin[TD_OP_MAX_IN] = {0};
    int32_t needs[TD_OP_MAX_IN] = {0};
    int flows = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        needs[i] = n->in[i].node || n->in[i].leaf;
    }
    for (uint32_t i = 0; i < n->n_out; i++) {
        gout[i] = n->out[i].grad;
        flows |= gout[i] != NULL;
    }
    for (uint32_t i = 0; i < n->n_in && flows; i++)
        in[i] = recall(c, &n->in[i].saved, "input", i);
    for (uint32_t i = 0; i < n->n_out && flows; i++)
        out[i] = recall(c, &n->out[i].saved, "output", i);
    if (flows && !c->error) {
        int bf16 = c->bf16;
        c->bf16 = n->bf16;
        td__frame_push(c);
        td_grad g = {in, out, gout, needs, gin, n->in_desc, n->out_desc, n->attrs};
        n->op->grad(c, &g);
        for (uint32_t i = 0; i < n->n_in; i++) {
            gin[i] = needs[i] && !c->error ? td__retain(in_type_of(c, gin[i], &n->in_desc[i])) : NULL;
            if (gin[i])
                check_gradient(c, i, gin[i], &n->in_desc[i]);
        }
        td__frame_pop(c, td_none());
        c->bf16 = bf16;
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        drop(&n->out[i].grad);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!keep)
            drop(&n->in[i].saved.tensor);
        if (gin[i])
            deliver(c, &n->in[i], gin[i]);
    }
    if (!keep)
        finish(n);
}

static void backward(td_ctx *c, td_tensor *loss, double scale, int keep)
{
    char text[160];
    int grad = c->grad;
    const char *where = c->where;
    if (!c->error && td_numel(loss) != 1)
        td__fail(c, "backward starts from a scalar, not from %s", td__shape_text(&loss->d, text, sizeof text));
    else if (!c->error && !loss->requires_grad)
        td__fail(c, "the loss depends on nothing that requires a gradient");
    c->grad = 0;
    td_tensor *seed = td__tensor_own(c, &loss->d);
    td__tensor_write(c, seed, TD_FLOAT64, &scale);
    struct edge start = {.node = loss->node, .output = loss->output, .leaf = loss};
    deliver(c, &start, seed);
    for (td__node *n = c->tape && !c->error ? c->tape->last : NULL; n && !c->error; n = n->previous) {
        char rule[80];
        snprintf(rule, sizeof rule, "gradient of %s", n->op->name);
        c->where = rule;
        backward_node(c, n, keep);
    }
    c->where = where;
    c->grad = grad;
}

void td__backward(td_ctx *c, td_tensor *loss, double scale)
{
    backward(c, loss, scale, 0);
    td__tape_clear(c);
}

void td__backward_keep(td_ctx *c, td_tensor *loss, double scale)
{
    backward(c, loss, scale, 1);
}
