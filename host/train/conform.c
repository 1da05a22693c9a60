#include "host/train/conform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/base/pool.h"
#include "host/config/object.h"
#include "host/io/tensors.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"
#include "host/train/criterion.h"
#include "host/train/io.h"
#include "host/train/train.h"

/* One file at work. */
typedef struct conform {
    td_ctx *c;
    td__config cfg;
    td__tensor_file file;
    const td__object *loss, *loss_wrapper; /* loss_wrapper NULL: none */
    const td_wrapper_type *wrapper[2]; /* by side */
    const void *wrapper_params[2];
    td_module *module[2], *state;
    td_io *io;
    td_tensor **leaf; /* by position in file.v: the tensor made from it; NULL where it is an expectation */
    double tolerance;
    int64_t epoch;
} conform;

/* ---- what the file says ---- */

static const td__object *object_at(conform *f, const char *name, uint32_t kind)
{
    td__node *n = td__node_get(f->cfg.root, name);
    return n && n->kind != TD__NULL ? td__object_of(&f->cfg, n, kind) : NULL;
}

/* The layers the vectors name, each of them checked. */
static void check_layers(conform *f, const char *name)
{
    td__node *layers = td__node_get(f->cfg.root, name);
    if (layers && layers->kind != TD__MAP)
        td__diag_error(&f->cfg.diag, layers->at, "'%s' is a mapping of names to {key, kwargs}", name);
    for (size_t i = 0; layers && layers->kind == TD__MAP && i < layers->n; i++)
        td__object_of(&f->cfg, layers->items[i], TD_KIND_LAYER);
}

static int open_tensors(conform *f)
{
    char why[512];
    td__node *n = td__node_get(f->cfg.root, "tensors");
    if (!n || n->kind != TD__STRING) {
        td__diag_error(&f->cfg.diag, n ? n->at : f->cfg.root->at,
                       "'tensors' names the safetensors file with inputs and expectations");
        return -1;
    }
    const char *slash = strrchr(f->cfg.path, '/');
    const char *path = n->text[0] == '/' || !slash ? n->text
                                                   : td__arena_printf(f->cfg.arena, "%.*s/%s",
                                                                      (int)(slash - f->cfg.path), f->cfg.path, n->text);
    if (path && !td__tensors_open(&f->file, path, why, sizeof why))
        return 0;
    td__diag_error(&f->cfg.diag, n->at, "%s", path ? why : "out of memory");
    return -1;
}

static int read_document(conform *f, const char *path, int in_float32)
{
    static const char *const keys[] = {"loss",           "loss_wrapper",   "student_wrapper", "teacher_wrapper",
                                       "student_layers", "teacher_layers", "tensors",         "tolerance",
                                       "epoch"};
    if (td__config_load(&f->cfg, path, NULL, 0))
        return -1;
    td__node_check_keys(&f->cfg, f->cfg.root, "a conformance file", keys, sizeof keys / sizeof *keys);
    const td__object *side[2];
    f->loss = object_at(f, "loss", TD_KIND_LOSS);
    f->loss_wrapper = object_at(f, "loss_wrapper", TD_KIND_LOSS_WRAPPER);
    side[TD_STUDENT] = object_at(f, "student_wrapper", TD_KIND_WRAPPER);
    side[TD_TEACHER] = object_at(f, "teacher_wrapper", TD_KIND_WRAPPER);
    check_layers(f, "student_layers");
    check_layers(f, "teacher_layers");
    for (int s = 0; s < 2; s++)
        if (side[s]) {
            f->wrapper[s] = (const td_wrapper_type *)side[s]->type;
            f->wrapper_params[s] = side[s]->params;
        }
    if (f->loss)
        td__check_loss_wrapper(&f->cfg, f->cfg.root, "loss_wrapper", f->loss, f->loss_wrapper);
    else if (!f->cfg.diag.errors)
        td__diag_error(&f->cfg.diag, f->cfg.root->at, "'loss' is missing: {key, kwargs} of the loss to compute");
    td__node *t = td__node_get(f->cfg.root, "tolerance");
    if (t && t->kind != TD__FLOAT && t->kind != TD__INT)
        td__diag_error(&f->cfg.diag, t->at, "'tolerance' is a number, not %s", td__node_kind_name(t));
    f->tolerance = t ? t->f : in_float32 ? 1e-4 : 1e-6;
    td__node *epoch = td__node_get(f->cfg.root, "epoch");
    if (epoch && (epoch->kind != TD__INT || epoch->i < 0))
        td__diag_error(&f->cfg.diag, epoch->at, "'epoch' is a whole number of at least 0");
    f->epoch = epoch ? epoch->i : 0;
    return open_tensors(f) || f->cfg.diag.errors ? -1 : 0;
}

/* ---- building ---- */

static int set_member(const char *name, td__member *member, td_module *owner, void *user)
{
    conform *f = user;
    (void)owner;
    for (size_t i = 0; i < f->file.n; i++) {
        const td__named *v = &f->file.v[i];
        if (strncmp(v->name, "param|", 6) || strcmp(v->name + 6, name))
            continue;
        if (memcmp(v->d.shape, member->tensor->d.shape, sizeof v->d.shape) || v->d.ndim != member->tensor->d.ndim) {
            char a[96], b[96];
            td__fail(f->c, "%s is %s here and %s in the vectors", name, td__shape_text(&member->tensor->d, a, sizeof a),
                     td__shape_text(&v->d, b, sizeof b));
        } else if (!td__tensor_write(f->c, member->tensor, v->d.dtype, v->data))
            f->leaf[i] = member->tensor;
    }
    return 0;
}

/* The network of one side, as far as the vectors need one: the layers they name, in a Sequential. */
static td_module *network(conform *f, const char *name)
{
    td_module *m = td__sequential(f->c);
    td__node *layers = td__node_get(f->cfg.root, name);
    for (size_t i = 0; layers && layers->kind == TD__MAP && i < layers->n; i++) {
        const td__object *o = td__object_of(&f->cfg, layers->items[i], TD_KIND_LAYER);
        td__adopt(f->c, m, layers->keys[i]->text, ((const td_layer_type *)o->type)->build(f->c, o->params));
    }
    return m;
}

static void build_networks(conform *f)
{
    static const char *const names[] = {"student_model", "teacher_model"},
                             *const layers[] = {"student_layers", "teacher_layers"};
    for (int s = 0; s < 2; s++) {
        td_module *m = td__module_retain(network(f, layers[s]));
        f->module[s] = f->wrapper[s] ? td__module_retain(f->wrapper[s]->build(f->c, f->wrapper_params[s], names[s], m))
                                     : td__module_retain(m);
        td__module_release(m);
        td__walk_members(f->module[s], set_member, f);
    }
    for (int s = 0; s < 2 && !f->c->error; s++)
        if (f->wrapper[s] && f->wrapper[s]->connect)
            f->wrapper[s]->connect(f->c, f->wrapper_params[s], f->module[s], f->module[!s]);
}

static void build(conform *f)
{
    build_networks(f);
    const td_loss_type *loss = (const td_loss_type *)f->loss->type;
    if (loss->build) {
        f->state = td__module_retain(loss->build(f->c, f->loss->params));
        td__walk_members(f->state, set_member, f);
    }
    f->io = td__io_new(f->c);
    if (!f->io)
        td__fail(f->c, "out of memory");
    else {
        f->io->head.state = f->state;
        f->io->head.epoch = f->epoch;
    }
}

/* The module's own outputs are tapped where the vectors do not give them. */
struct hooking {
    conform *f;
};

static void hook_tap(const td_tap *tap, void *user)
{
    conform *f = ((struct hooking *)user)->f;
    td_module *m = td__find(f->module[tap->side], tap->path);
    if (m)
        td__io_tap(f->io, m, tap);
}

/* ---- inputs ---- */

/* "student|PATH|output|SUB" in parts; 0 where the name is not of that form. */
struct name {
    td_tap tap;
    const char *sub;
};

static int parse_name(conform *f, const char *text, struct name *out)
{
    uint32_t side = !strncmp(text, "student|", 8) ? TD_STUDENT : TD_TEACHER;
    if (side == TD_TEACHER && strncmp(text, "teacher|", 8))
        return 0;
    const char *bar = strchr(text + 8, '|');
    if (!bar)
        return 0;
    int input = !strncmp(bar + 1, "input", 5);
    if (!input && strncmp(bar + 1, "output", 6))
        return 0;
    const char *end = bar + 1 + (input ? 5 : 6);
    out->tap =
        (td_tap){td__arena_dup(f->cfg.arena, text + 8, (size_t)(bar - text) - 8), input ? TD_INPUT : TD_OUTPUT, side};
    out->sub = *end == '|' ? end + 1 : NULL;
    return out->tap.path && (!*end || *end == '|');
}

static int same_tap(const td_tap *a, const td_tap *b)
{
    return a->io == b->io && a->side == b->side && !strcmp(a->path, b->path);
}

/* All parts of the tap that the i-th tensor starts, as one value. */
static void put_value(conform *f, size_t i, const struct name *first)
{
    td_value *items = td__frame_alloc(f->c, f->file.n * sizeof *items);
    const char **keys = td__frame_alloc(f->c, f->file.n * sizeof *keys);
    uint32_t n = 0;
    if (!items || !keys)
        return;
    for (size_t k = i; k < f->file.n; k++) {
        struct name part;
        if (!parse_name(f, f->file.v[k].name, &part) || !same_tap(&part.tap, &first->tap) || !f->leaf[k])
            continue;
        items[n] = td_value_of(f->leaf[k]);
        keys[n++] = part.sub;
    }
    int is_dict = first->sub && (first->sub[0] < '0' || first->sub[0] > '9');
    td_value value = {is_dict ? TD_VALUE_DICT : TD_VALUE_TUPLE, n, NULL, items, is_dict ? keys : NULL};
    td__io_put(f->io, &first->tap, first->sub ? value : items[0]);
}

static td_tensor *make_leaf(conform *f, const td__named *v)
{
    td_desc d = v->d;
    int floating = d.dtype == TD_FLOAT32 || d.dtype == TD_FLOAT64;
    if (floating)
        d.dtype = f->c->param_dtype;
    td_tensor *t = td__tensor_new(f->c, &d);
    if (!f->c->error)
        td__tensor_write(f->c, t, v->d.dtype, v->data);
    t->requires_grad = floating && !f->c->error;
    return t;
}

static void give_inputs(conform *f)
{
    struct name name;
    for (size_t i = 0; i < f->file.n && !f->c->error; i++) {
        const td__named *v = &f->file.v[i];
        if (parse_name(f, v->name, &name) || !strcmp(v->name, "target") || !strcmp(v->name, "index"))
            f->leaf[i] = make_leaf(f, v);
        if (!strcmp(v->name, "target"))
            f->io->head.target = f->leaf[i];
        if (!strcmp(v->name, "index"))
            f->io->head.index = f->leaf[i];
    }
    for (size_t i = 0; i < f->file.n && !f->c->error; i++) {
        struct name before;
        int first = parse_name(f, f->file.v[i].name, &name);
        for (size_t k = 0; k < i && first; k++)
            first = !(parse_name(f, f->file.v[k].name, &before) && same_tap(&before.tap, &name.tap));
        if (first)
            put_value(f, i, &name);
    }
}

/* A network whose input is given runs. */
static void run_networks(conform *f)
{
    static const char *const inputs[] = {"student|.|input", "teacher|.|input"};
    for (size_t i = 0; i < f->file.n; i++)
        for (int s = 0; s < 2; s++)
            if (f->leaf[i] && !strcmp(f->file.v[i].name, inputs[s]))
                td__call(f->c, f->module[s], td_value_of(f->leaf[i]));
}

/* ---- comparison ---- */

/* max |a - b| / max |b|; b the expectation, a NULL meaning zeros. */
static double relative_error(conform *f, const td_tensor *a, const td__named *b)
{
    int64_t n = td_desc_numel(&b->d);
    double *x = calloc((size_t)n + 1, sizeof *x), *y = calloc((size_t)n + 1, sizeof *y), worst = 0, largest = 0;
    if (!x || !y)
        td__fail(f->c, "out of memory");
    else if (a && td_numel(a) != n)
        td__fail(f->c, "%s has %lld elements, not %lld", b->name, (long long)td_numel(a), (long long)n);
    else if (!a || !td__tensor_read(f->c, a, TD_FLOAT64, x, n)) {
        td__convert(y, TD_FLOAT64, b->data, b->d.dtype, n);
        for (int64_t i = 0; i < n; i++) {
            if (!(fabs(x[i] - y[i]) <= worst))
                worst = fabs(x[i] - y[i]); /* NaN stays */
            largest = fmax(largest, fabs(y[i]));
        }
    }
    free(x);
    free(y);
    return worst / fmax(largest, 1e-30);
}

static int report(conform *f, const td_tensor *got, const td__named *expected, FILE *out)
{
    double error = relative_error(f, got, expected);
    int good = error <= f->tolerance;
    if (!f->c->error)
        fprintf(out, "%s: %s error %.3g%s\n", f->cfg.path, expected->name, error, good ? "" : "  ABOVE THE TOLERANCE");
    return !good || f->c->error;
}

static int compare(conform *f, const td_tensor *loss, FILE *out)
{
    int bad = 0, seen = 0;
    for (size_t i = 0; i < f->file.n && !f->c->error; i++) {
        const td__named *v = &f->file.v[i];
        if (!strcmp(v->name, "loss")) {
            bad |= report(f, loss, v, out);
            seen++;
        }
        if (strncmp(v->name, "grad|", 5))
            continue;
        size_t k = 0;
        while (k < f->file.n && (!f->leaf[k] || strcmp(f->file.v[k].name, v->name + 5)))
            k++;
        if (k == f->file.n)
            td__fail(f->c, "%s: there is no input or parameter '%s'", v->name, v->name + 5);
        else
            bad |= report(f, f->leaf[k]->grad, v, out);
        seen++;
    }
    if (!seen && !f->c->error)
        td__fail(f->c, "the vectors hold no expectation ('loss' or 'grad|...')");
    return bad;
}

static int run(conform *f, FILE *out)
{
    build(f);
    if (f->c->error)
        return 1;
    struct hooking h = {f};
    td__bind_taps(f->loss->type->params, f->loss->params, hook_tap, &h);
    if (f->loss_wrapper)
        td__bind_taps(f->loss_wrapper->type->params, f->loss_wrapper->params, hook_tap, &h);
    f->c->grad = 1;
    f->c->draws = 0; /* as a step begins */
    give_inputs(f);
    run_networks(f);
    for (int s = 1; s >= 0; s--)
        if (f->wrapper[s] && f->wrapper[s]->secondary_forward && !f->c->error)
            f->wrapper[s]->secondary_forward(f->c, f->wrapper_params[s], f->module[s], f->io);
    td_tensor *loss = f->c->error ? td__empty() : td__loss_forward(f->c, f->loss, f->loss_wrapper, f->io);
    if (!f->c->error)
        td__backward(f->c, loss, 1);
    return f->c->error ? 1 : compare(f, loss, out);
}

static int conform_file(const char *path, const td_backend_type *backend, int in_float32, FILE *out)
{
    conform f = {0};
    int code = TD__EXIT_CONFIG;
    f.c = td__ctx_new(backend);
    if (!f.c)
        return TD__EXIT_FAILED;
    f.c->param_dtype = in_float32 ? TD_FLOAT32 : TD_FLOAT64;
    if (!read_document(&f, path, in_float32)) {
        f.leaf = calloc(f.file.n + 1, sizeof *f.leaf);
        code = !f.leaf || run(&f, out) ? TD__EXIT_FAILED : TD__EXIT_OK;
    }
    if (f.c->error)
        fprintf(stderr, "%s: %s\n", path, f.c->error);
    td__diag_print(&f.cfg.diag, stderr);
    td__io_free(f.io);
    td__module_release(f.state);
    td__module_release(f.module[0]);
    td__module_release(f.module[1]);
    free(f.leaf);
    td__tensors_close(&f.file);
    td__config_free(&f.cfg);
    td__ctx_free(f.c);
    return code;
}

int td__conform_command(const char *const *files, size_t n, const td__conform_options *o, FILE *out)
{
    const td_backend_type *backend = td__choose_backend(o->plugins, o->backend ? o->backend : "reference");
    if (!backend)
        return TD__EXIT_USAGE;
    if (td__pool_start(o->threads)) {
        fprintf(stderr, "threads could not be started\n");
        return TD__EXIT_FAILED;
    }
    int code = TD__EXIT_OK;
    for (size_t i = 0; i < n; i++) {
        int this = conform_file(files[i], backend, o->in_float32, out);
        code = this > code ? this : code;
    }
    td__pool_stop();
    return code;
}
