/* tdhost SDK: the kinds a plugin may register, besides those of data.h. */
#ifndef TD_KINDS_H
#define TD_KINDS_H

#include <td/data.h>

/* The whole step as methods see it.  Read-only except through the functions below. */
typedef struct td_io_head {
    td_ctx *c;
    td_tensor *target;   /* int64 [B]; NULL where the data has none */
    td_tensor *index;    /* int64 [B]: positions in the data set */
    td_module *state;    /* the loss's own module, as its build made it; or NULL */
    td_value supp;       /* dict: the side values of the batch, each [B, ...]; none: TD_VALUE_NONE */
    int64_t epoch, step; /* counted over all stages, from 0 */
} td_io_head;

static inline const td_io_head *td_io_of(td_io *io) { return (const td_io_head *)(const void *)io; }
/* The tapped value, or the tapped tensor (of a tuple the first). */
static inline td_value td_io_value(td_io *io, const td_tap *tap) { return td_host->io_value(io, tap); }
static inline td_tensor *td_io_get(td_io *io, const td_tap *tap)
{
    return td_tensor_of(td_io_of(io)->c, td_host->io_value(io, tap));
}
static inline td_tensor *td_io_supp(td_io *io, const char *name) { return td_host->io_supp(io, name); }
/* The factor of a loss that grows over the first n epochs of the run, the first being 1/n; n 0: it does not. */
static inline double td_warmth(td_io *io, int64_t n)
{
    int64_t epoch = td_io_of(io)->epoch + 1;
    return epoch < n ? (double)epoch / (double)n : 1;
}
/* For loss wrappers: until the term is done, whoever reads `tap` gets x in its place.  An error when nobody does. */
static inline void td_io_cover(td_io *io, const td_tap *tap, td_tensor *x)
{
    td_host->io_cover(io, tap, td_value_of(x));
}

/* Kind "model": builds the tree. */
typedef struct td_model_type {
    td_type type;
    td_module *(*build)(td_ctx *, const void *params);
} td_model_type;

/* Kind "layer": a module by key, e.g. torch.nn's classes and adaptation modules. */
typedef struct td_layer_type {
    td_type type;
    td_module *(*build)(td_ctx *, const void *params);
} td_layer_type;

/* Kind "wrapper" (auxiliary_model_wrapper): a module around a network, with trainable parts that run on tapped
 * tensors after the network's forward. */
typedef struct td_wrapper_type {
    td_type type;
    /* Makes the module and adopts `model` under `name` ("student_model" or "teacher_model"). */
    td_module *(*build)(td_ctx *, const void *params, const char *name, td_module *model);
    /* Optional: runs the extra modules; their hooks fill the io a second time. */
    void (*secondary_forward)(td_ctx *, const void *params, td_module *self, td_io *);
    void (*post_epoch)(td_ctx *, const void *params, td_module *self); /* optional */
    /* Optional: copies into self what it needs of the other network's weights.  Called without gradients when both
     * networks of a stage are built, and again when their weights were read; not called where the stage has no other
     * network. */
    void (*connect)(td_ctx *, const void *params, td_module *self, td_module *other);
    uint32_t flags, reserved;
} td_wrapper_type;
/* Of a student's wrapper: its output is the prediction, so it is tested and saved with the student inside, and is the
 * same module in all stages that have it. */
#define TD_WRAPPER_PREDICTS 1u

/* Kind "loss": mid-level losses read the io; low-level losses (torch.nn's) compare an input with a target. */
#define TD_NEEDS_TARGET 1u
#define TD_NEEDS_INDEX 2u       /* sample positions */
#define TD_NEEDS_TEACHER_GRAD 4u /* teacher-side modules it trains */
#define TD_NOT_CACHEABLE 8u     /* its teacher side may not come from a cache */
typedef struct td_loss_type {
    td_type type;
    uint32_t needs, reserved;
    td_tensor *(*forward)(td_ctx *, const void *params, td_io *);                             /* one of these ... */
    td_tensor *(*compare)(td_ctx *, const void *params, td_tensor *input, td_tensor *target); /* ... two */
    td_module *(*build)(td_ctx *,
                        const void *params); /* optional: state kept in checkpoints, trained if it has parameters */
    uint32_t min_batch; /* samples that a batch must have at least, e.g. 2 where they are compared; since 0.5 */
    uint32_t reserved2;
} td_loss_type;

/* Kind "loss_wrapper": feeds a low-level loss from the io (SimpleLossWrapper, DictLossWrapper), or stands before a
 * mid-level one: it covers what that one reads (td_io_cover) and calls loss->forward (LogitStandardization). */
#define TD_WRAPS_COMPARE 0u /* losses with a compare function */
#define TD_WRAPS_FORWARD 1u /* losses with a forward function */
typedef struct td_loss_wrapper_type {
    td_type type;
    td_tensor *(*forward)(td_ctx *, const void *params, const td_loss_type *loss, const void *loss_params, td_io *);
    uint32_t wraps, reserved;
} td_loss_wrapper_type;

/* Kind "criterion": how the terms become the loss that is minimised. */
typedef struct td_term {
    const char *name;
    double weight;
    td_tensor *value; /* scalar */
} td_term;
typedef struct td_criterion_type {
    td_type type;
    td_tensor *(*combine)(td_ctx *, const void *params, const td_term *terms, int64_t n);
} td_criterion_type;

/* Kind "forward_proc": how a batch enters a network. */
typedef struct td_forward_proc_type {
    td_type type;
    td_value (*forward)(td_ctx *, td_module *model, td_tensor *batch, td_tensor *target, td_io *);
} td_forward_proc_type;

/* Kind "optimizer".  State tensors are the host's: float, zeroed, shaped like the parameter, in checkpoints. */
typedef struct td_optimizer_type {
    td_type type;
    uint32_t n_state, reserved;
    const char *const *state_names; /* n_state of them, e.g. "momentum_buffer" */
    /* Updates one parameter in place; step counts from 1.  This one, or update_parts. */
    void (*update)(td_ctx *, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *grad,
                   td_tensor *const *state);
    /* Optional: what the parameter table cannot say.  The name of a parameter that is wrong with these values, and why
     * as it goes on after the name ("needs a momentum > 0"); NULL: all is well.  Called before anything is trained. */
    const char *(*check)(const void *params, char *why, size_t why_size);
    /* The same with the gradient in two parts: of the terms that read the teacher, and of the others; zeros where a
     * part does not reach the parameter.  The criterion must be a sum; gradients are neither accumulated nor clipped. */
    void (*update_parts)(td_ctx *, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *task,
                         td_tensor *distilled, td_tensor *const *state);
} td_optimizer_type;

/* Kind "scheduler": a function of how often it stepped, so that resuming needs no state. */
typedef struct td_scheduler_type {
    td_type type;
    double (*lr)(const void *params, double base_lr, int64_t steps);
} td_scheduler_type;

/* Kind "function": a configuration value computed from arguments (`!import_call`). */
typedef struct td_result {
    uint32_t kind;          /* TD_P_INT, TD_P_FLOAT, TD_P_STRING, or TD_P_LIST: a list of data sets */
    uint32_t reserved;
    int64_t i;
    double f;
    const char *s;          /* lives in the frame */
    td_dataset *const *datasets; /* new ones, owned by the caller */
    int64_t n;
} td_result;
typedef struct td_function_type {
    td_type type;
    int32_t (*call)(td_ctx *, const void *params, td_result *);
} td_function_type;

/* Kind "backend": where tensors live and which kernels run.  A plugin that brings nothing else is loaded when the user
 * asks for its backend by key, or for the best of all. */
typedef struct td_backend_type {
    td_type type; /* key: the name --backend takes and td_op_kernel.backend names */
    /* How well it runs here: 0 = not at all (why gets the reason), else the larger the better (the host's cpu: 10). */
    int32_t (*score)(char *why, size_t why_size);
    int32_t (*open)(td_ctx *); /* optional: called once before any other function below; 0 or an error recorded */
    void (*close)(void);       /* optional */
    void *(*alloc)(size_t bytes); /* 64-byte aligned; NULL: out of memory */
    void (*free)(void *, size_t bytes);
    int32_t (*copy_in)(void *dst, const void *src, size_t bytes);  /* from host memory */
    int32_t (*copy_out)(void *dst, const void *src, size_t bytes); /* to host memory; waits for what was queued */
    /* NULL: not supported; `add` and `add.bf16` of equal shapes may have out in in[0]'s memory. */
    td_kernel (*kernel)(const char *op);

    /* ---- optional; for backends that queue their work.  0, or an error that last_error tells ---- */

    const char *(*last_error)(void); /* why the last function without a context failed; never NULL */
    int32_t (*memory)(uint64_t *free_bytes, uint64_t *all_bytes); /* of the device */
    /* Where work is queued from now on: TD_BRANCH_SIDE begins a second queue after all that was queued so far,
     * TD_BRANCH_MAIN goes on with the first, TD_BRANCH_JOIN makes the first wait for the second. */
    int32_t (*branch)(int32_t where);
    /* Between begin and end work is noted instead of done, both branches, with the addresses and attributes it has
     * then; what copy_in takes is kept with the graph.  copy_out fails meanwhile.  end forgets the work where graph is
     * NULL. */
    int32_t (*capture_begin)(void);
    int32_t (*capture_end)(void **graph);
    int32_t (*replay)(void *graph); /* queues all of it once more */
    void (*graph_free)(void *graph);
} td_backend_type;
#define TD_BRANCH_MAIN 0
#define TD_BRANCH_SIDE 1
#define TD_BRANCH_JOIN 2

#endif
