#include "plugins/backends/onednn/plan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/backends/onednn/onednn.h"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

typedef struct operand {
    int arg;
    int written;
    dnnl_memory_t here;       /* in the host's layout; NULL: absent */
    dnnl_memory_t there;      /* in the library's; NULL: the same */
    dnnl_primitive_t reorder; /* from one to the other */
    size_t bytes;             /* of the library's */
} operand;

#define KEY_WORDS 64
typedef struct plan {
    int64_t key[KEY_WORDS];
    dnnl_primitive_t primitive;
    operand operands[TD__MOST_OPERANDS];
    int n;
} plan;

/* Plans by the hash of their key; a new one replaces what had its place. */
#define SLOTS 1024
static plan *plans[SLOTS];
static dnnl_engine_t engine;
static dnnl_stream_t stream;
/* A primitive uses all threads, so running two at once would not be faster. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- descriptors ---- */

void td__dense_strides(const td_desc *d, int64_t *strides)
{
    static const uint32_t channels_last[] = {0, 2, 3, 1};
    int64_t step = 1;
    for (uint32_t i = d->ndim; i-- > 0;) {
        uint32_t k = d->ndim == 4 ? channels_last[i] : i;
        strides[k] = step;
        step *= d->shape[k];
    }
}

const_dnnl_memory_desc_t td__md(td__build *b, int ndims, const int64_t *dims, const int64_t *strides)
{
    dnnl_dims_t lengths = {0}, steps = {0};
    if (b->status != dnnl_success)
        return NULL;
    for (int i = 0; i < ndims; i++) {
        lengths[i] = dims[i];
        steps[i] = strides ? strides[i] : 0;
    }
    dnnl_memory_desc_t *md = &b->made[b->n_made];
    b->status = strides ? dnnl_memory_desc_create_with_strides(md, ndims, lengths, dnnl_f32, steps)
                        : dnnl_memory_desc_create_with_tag(md, ndims, lengths, dnnl_f32, dnnl_format_tag_any);
    if (b->status != dnnl_success)
        return NULL;
    b->n_made++;
    return td__md_of(md);
}

const_dnnl_memory_desc_t td__md_tensor(td__build *b, const td_desc *d)
{
    static const int64_t one[1] = {1};
    int64_t strides[TD_MAX_DIMS];
    td__dense_strides(d, strides);
    return d->ndim ? td__md(b, (int)d->ndim, d->shape, strides) : td__md(b, 1, one, one);
}

/* ---- making ---- */

static void operand_free(operand *o)
{
    dnnl_primitive_destroy(o->reorder);
    dnnl_memory_destroy(o->here);
    dnnl_memory_destroy(o->there);
}

static void plan_free(plan *p)
{
    for (int i = 0; p && i < p->n; i++)
        operand_free(&p->operands[i]);
    if (p)
        dnnl_primitive_destroy(p->primitive);
    free(p);
}

static int is_result(int arg)
{
    return arg == DNNL_ARG_DST || arg == DNNL_ARG_DIFF_SRC || arg == DNNL_ARG_DIFF_WEIGHTS || arg == DNNL_ARG_DIFF_SCALE ||
           arg == DNNL_ARG_DIFF_SHIFT;
}

static dnnl_status_t make_reorder(operand *o, const_dnnl_memory_desc_t here, const_dnnl_memory_desc_t there)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_memory_create(&o->there, there, engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = o->written ? dnnl_reorder_primitive_desc_create(&pd, there, engine, here, engine, NULL)
                       : dnnl_reorder_primitive_desc_create(&pd, here, engine, there, engine, NULL);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&o->reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return s;
}

static dnnl_status_t make_operand(operand *o, const td__build *b, int arg, const_dnnl_memory_desc_t here)
{
    const_dnnl_memory_desc_t there = dnnl_primitive_desc_query_md(b->pd, dnnl_query_exec_arg_md, arg);
    o->arg = arg;
    o->written = is_result(arg);
    o->bytes = dnnl_memory_desc_get_size(there);
    dnnl_status_t s = dnnl_memory_create(&o->here, here, engine, DNNL_MEMORY_NONE);
    return s == dnnl_success && !dnnl_memory_desc_equal(here, there) ? make_reorder(o, here, there) : s;
}

static dnnl_status_t make_parts(plan *p, td__build *b, const td__recipe *recipe)
{
    dnnl_status_t s = recipe->make(b);
    if (b->status != dnnl_success)
        return b->status;
    if (s == dnnl_success)
        s = dnnl_primitive_create(&p->primitive, b->pd);
    for (; s == dnnl_success && recipe->args[p->n]; p->n++)
        if (b->operand[p->n])
            s = make_operand(&p->operands[p->n], b, recipe->args[p->n], b->operand[p->n]);
    return s;
}

static plan *make(td_run *r, const int64_t *key, const td__recipe *recipe, const td_view *in, const td_view *out, const void *attrs)
{
    td__build b = {.engine = engine, .in = in, .out = out, .attrs = attrs};
    plan *p = calloc(1, sizeof *p);
    dnnl_status_t s = p ? make_parts(p, &b, recipe) : dnnl_out_of_memory;
    dnnl_primitive_desc_destroy(b.pd);
    dnnl_primitive_desc_destroy(b.hint);
    for (int i = 0; i < b.n_made; i++)
        dnnl_memory_desc_destroy(b.made[i]);
    if (s == dnnl_success) {
        memcpy(p->key, key, sizeof p->key);
        return p;
    }
    td_host->run_fail(r, "oneDNN cannot do this: %s", dnnl_status2str(s));
    plan_free(p);
    return NULL;
}

/* ---- finding ---- */

/* All that the primitive depends on: recipe, threads, shapes, attributes. */
static void fill_key(int64_t *key, const td__recipe *recipe, int32_t threads, const td_view *in, const void *attrs)
{
    int n = 0;
    memset(key, 0, KEY_WORDS * sizeof *key);
    key[n++] = (int64_t)(intptr_t)recipe;
    key[n++] = threads;
    for (uint32_t i = 0; i < recipe->n_in; i++) {
        key[n++] = in[i].data ? (int64_t)in[i].d.ndim : -1;
        for (uint32_t k = 0; in[i].data && k < in[i].d.ndim; k++)
            key[n++] = in[i].d.shape[k];
    }
    if (recipe->attrs_size)
        memcpy(key + n, attrs, recipe->attrs_size);
}

static plan **slot_of(const int64_t *key)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a, a word at a time */
    for (int i = 0; i < KEY_WORDS; i++)
        h = (h ^ (uint64_t)key[i]) * 1099511628211u;
    return &plans[(h ^ h >> 32) % SLOTS];
}

static plan *find(td_run *r, const td__recipe *recipe, int32_t threads, const td_view *in, const td_view *out, const void *attrs)
{
    int64_t key[KEY_WORDS];
    fill_key(key, recipe, threads, in, attrs);
    plan **slot = slot_of(key);
    if (*slot && !memcmp((*slot)->key, key, sizeof key))
        return *slot;
    plan_free(*slot);
    *slot = make(r, key, recipe, in, out, attrs);
    return *slot;
}

/* ---- running ---- */

static dnnl_status_t reorder(const operand *o)
{
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, o->written ? o->there : o->here}, {DNNL_ARG_TO, o->written ? o->here : o->there}};
    return dnnl_primitive_execute(o->reorder, stream, 2, args);
}

/* Binds an operand to its memory, and brings an input into the library's layout. */
static dnnl_status_t bring(td_run *r, const operand *o, void *data)
{
    if (!data && !(data = td_host->run_scratch(r, o->bytes)))
        return dnnl_out_of_memory;
    dnnl_status_t s = dnnl_memory_set_data_handle(o->here, data);
    if (s != dnnl_success || !o->there)
        return s;
    void *other = td_host->run_scratch(r, o->bytes);
    s = other ? dnnl_memory_set_data_handle(o->there, other) : dnnl_out_of_memory;
    return s != dnnl_success || o->written ? s : reorder(o);
}

static dnnl_status_t execute(td_run *r, const plan *p, void *const *data)
{
    dnnl_exec_arg_t args[TD__MOST_OPERANDS];
    dnnl_status_t s = dnnl_success;
    int n = 0;
    for (int i = 0; s == dnnl_success && i < p->n; i++) {
        const operand *o = &p->operands[i];
        if (!o->here)
            continue;
        s = bring(r, o, data[i]);
        args[n++] = (dnnl_exec_arg_t){o->arg, o->there ? o->there : o->here};
    }
    if (s == dnnl_success)
        s = dnnl_primitive_execute(p->primitive, stream, n, args);
    for (int i = 0; s == dnnl_success && i < p->n; i++)
        if (p->operands[i].there && p->operands[i].written)
            s = reorder(&p->operands[i]);
    return s == dnnl_success ? dnnl_stream_wait(stream) : s;
}

int32_t td__plan_run(td_run *r, const td__recipe *recipe, const td_view *in, const td_view *out, const void *attrs, void *const *data)
{
    int32_t threads = td__onednn_host->threads();
    pthread_mutex_lock(&lock);
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
    omp_set_num_threads(threads);
#endif
    plan *p = find(r, recipe, threads, in, out, attrs);
    dnnl_status_t s = p ? execute(r, p, data) : dnnl_success;
    pthread_mutex_unlock(&lock);
    if (s != dnnl_success)
        td_host->run_fail(r, "oneDNN failed: %s", dnnl_status2str(s));
    return p && s == dnnl_success ? TD_OK : TD_ERROR;
}

/* ---- the engine ---- */

int32_t td__plans_open(td_ctx *c)
{
    dnnl_status_t s = dnnl_engine_create(&engine, dnnl_cpu, 0);
    if (s == dnnl_success)
        s = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    if (s == dnnl_success)
        return TD_OK;
    td_fail(c, "oneDNN has no CPU engine: %s", dnnl_status2str(s));
    td__plans_close();
    return TD_ERROR;
}

void td__plans_close(void)
{
    for (int i = 0; i < SLOTS; i++) {
        plan_free(plans[i]);
        plans[i] = NULL;
    }
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    stream = NULL;
    engine = NULL;
}
