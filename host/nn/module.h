/* Module trees: named children, parameters, buffers, hooks. */
#ifndef TD__MODULE_H
#define TD__MODULE_H

#include "host/base/diag.h"
#include "host/tensor/tensor.h"

/* A hook sees a module's input and output after each of its forwards. */
typedef void (*td__hook_fn)(td_ctx *c, td_module *m, td_value in, td_value out, void *user);
typedef struct td__hook {
    td__hook_fn fn;
    void *user;
} td__hook;

typedef struct td__member {
    char *name;
    td_tensor *tensor; /* owned */
    int is_buffer;
} td__member;

typedef struct td__child {
    char *name;
    td_module *module; /* owned reference: redesigned models share modules */
} td__child;

struct td_module {
    td_module_type type; /* a copy, zero-filled beyond what the plugin knew */
    int refs;
    int loose; /* the first reference is still nobody's */
    int training;
    char *label; /* stands in the context's `where` while it runs; NULL: what stands there already */
    void *data;
    td__child *children;
    size_t n_children, child_capacity;
    td__member *members;
    size_t n_members, member_capacity;
    td__hook *hooks;
    size_t n_hooks, hook_capacity;
};

/* Modules are made and put together even in a failed context, so that what builds them can be straight-line and
 * nothing leaks; only td__find and td__redesign give NULL.
 *
 * A new module's first reference is loose: the first td__adopt or td__module_retain takes it, later ones add one.
 * So whoever has a model built says `model = td__module_retain(type->build(c, params))` and releases it in the end,
 * also when c has failed. */
td_module *td__module_new(td_ctx *c, const td_module_type *type, uint32_t type_size);
td_module *td__module_retain(td_module *m);
void td__module_release(td_module *m); /* the last one frees the tree below; NULL is nothing */

/* Makes child a child of parent and returns it; c fails when parent has a child of that name. */
td_module *td__adopt(td_ctx *c, td_module *parent, const char *name, td_module *child);
void *td__module_data(td_module *m);
td_tensor *td__parameter(td_ctx *c, td_module *m, const char *name, uint32_t ndim, const int64_t *shape, td_init init);
td_tensor *td__buffer(td_ctx *c, td_module *m, const char *name, const td_desc *d, td_init init);
td_tensor *td__module_member(td_module *m, const char *name);
/* Starts a member again. */
void td__reinit(td_ctx *c, td_module *m, const char *member, td_init init);
/* Fills t; fans follow from its shape.  Draws are functions of (c->seed, c->draws, element), and c->draws goes up by
 * one, so the same model built in the same order from the same seed is the same.  In a blank context there are zeros
 * instead of draws. */
void td__init_fill(td_ctx *c, td_tensor *t, td_init init);
td_value td__call(td_ctx *c, td_module *m, td_value args); /* opens a frame, runs, hooks, closes */

/* Layers by key (registry kind "layer"). */
td_module *td__layer(td_ctx *c, td_module *parent, const char *name, const char *key, const char *kwargs_fmt, ...)
    TD_PRINTF(5, 6);
td_module *td__layer_of(td_ctx *c, td_module *parent, const char *name, const void *layer_spec);
/* The same of registry kind "model". */
td_module *td__model_of(td_ctx *c, td_module *parent, const char *name, const void *spec);
/* Batch norm, then + residual, then ReLU, in one pass where no hook would see what is between; see td_norm_act. */
td_tensor *td__norm_act(td_ctx *c, td_module *norm, td_module *relu, td_tensor *x, td_tensor *residual);
/* The same of conv(x), without a pass of its own where statistics are constant and nothing is differentiated; see
 * td_conv_norm_act. */
td_tensor *td__conv_norm_act(td_ctx *c, td_module *conv, td_module *norm, td_module *relu, td_tensor *x,
                             td_tensor *residual);
/* torch.nn's layers, registered at start. */
int td__register_layers(void);
/* An empty Sequential; children are run in order. */
td_module *td__sequential(td_ctx *c);

/* The module at a path: names, positions, negative positions; "." or "" is root; a `module` element of
 * DataParallel is skipped where no child has that name; "+name" is the child `name`, as adaptations are written.
 * NULL where there is none. */
td_module *td__find(td_module *root, const char *path);
/* The same, and on failure c fails, naming the three nearest paths. */
td_module *td__find_or_fail(td_ctx *c, td_module *root, const char *path);
/* The three paths nearest to one that does not exist, as "'a', 'b' or 'c'" into buf; "" where none is near. */
char *td__nearest_paths(td_module *root, const char *path, char *buf, size_t size);

/* Depth-first walk in definition order.  path is "" for root, without a leading dot. */
typedef int (*td__visit_fn)(td_module *m, const char *path,
                            void *user); /* nonzero stops; that is returned (-1: out of memory) */
int td__walk(td_module *root, td__visit_fn fn, void *user);
/* Every parameter and buffer with its full name, in PyTorch's order of state_dict(). */
typedef int (*td__member_fn)(const char *name, td__member *member, td_module *owner, void *user);
int td__walk_members(td_module *root, td__member_fn fn, void *user);
int64_t td__count_parameters(td_module *root, int trainable_only);

void td__set_training(td_module *root, int training);
void td__set_requires_grad(td_module *root, int requires_grad); /* parameters only */
void td__zero_grad(td_module *root);
/* Messages of errors inside a module begin with "side path", e.g. "student layer1.0.conv1". 0, or -1: out of memory. */
int td__label(td_module *root, const char *side);

int td__hook_add(td_module *m, td__hook_fn fn, void *user); /* 0, or -1 out of memory */
void td__hooks_clear(td_module *root);                      /* all hooks of the tree */
int32_t td__tapped(const td_module *m);                     /* whether m or anything below it has a hook */

/* "sequential" of the configuration: a new Sequential of the named modules, sharing them, nested where paths
 * are; "+name" takes the module `name` from `adaptations` (n of them), whose name it keeps.  NULL and c fails on a
 * wrong path or a duplicate. */
td_module *td__redesign(td_ctx *c, td_module *root, const char *const *paths, size_t n_paths,
                        const td__child *adaptations, size_t n_adaptations);

#endif
