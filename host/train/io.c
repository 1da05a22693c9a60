#include "host/train/io.h"

#include <stdlib.h>
#include <string.h>

const char *td__side_name(uint32_t side)
{
    return side == TD_TEACHER ? "teacher" : "student";
}

const char *td__end_name(uint32_t end)
{
    return end == TD_INPUT ? "input" : "output";
}

/* The values of inner modules would die with the frames of the modules around them, so a slot keeps its own. */
static void value_drop(td_value *v)
{
    if (v->kind == TD_VALUE_TENSOR)
        td__release(v->tensor);
    for (uint32_t i = 0; v->items && i < v->n; i++) {
        value_drop((td_value *)&v->items[i]);
        if (v->keys)
            free((char *)v->keys[i]);
    }
    free((td_value *)v->items);
    free((char **)v->keys);
    *v = td_none();
}

/* What leaves a network is float32, so that no loss meets bfloat16.
 * 0, or -1 when memory is out; then *to is still fit for value_drop. */
static int value_keep(td_ctx *c, td_value from, td_value *to)
{
    *to = td_none();
    to->kind = from.kind;
    if (from.kind == TD_VALUE_TENSOR)
        to->tensor =
            td__retain(from.tensor->d.dtype == TD_BFLOAT16 ? td_cast(c, from.tensor, TD_FLOAT32) : from.tensor);
    if ((from.kind != TD_VALUE_TUPLE && from.kind != TD_VALUE_DICT) || !from.n)
        return 0;
    td_value *items = calloc(from.n, sizeof *items);
    char **keys = from.kind == TD_VALUE_DICT ? calloc(from.n, sizeof *keys) : NULL;
    to->items = items;
    to->keys = (const char *const *)keys;
    if (!items || (from.kind == TD_VALUE_DICT && !keys))
        return -1;
    to->n = from.n;
    for (uint32_t i = 0; i < from.n; i++)
        if (value_keep(c, from.items[i], &items[i]) || (keys && !(keys[i] = td__strdup(from.keys[i]))))
            return -1;
    return 0;
}

td_io *td__io_new(td_ctx *c)
{
    td_io *io = calloc(1, sizeof *io);
    if (io)
        io->head.c = c;
    return io;
}

void td__io_free(td_io *io)
{
    if (!io)
        return;
    td__io_clear(io);
    for (size_t i = 0; i < io->n; i++) {
        free(io->slots[i]->path);
        free(io->slots[i]);
    }
    free(io->slots);
    free(io);
}

static td__slot *find(const td_io *io, const td_tap *tap)
{
    for (size_t i = 0; i < io->n; i++) {
        const td_tap *t = &io->slots[i]->tap;
        if (t->side == tap->side && t->io == tap->io && !strcmp(t->path, tap->path))
            return io->slots[i];
    }
    return NULL;
}

static td__slot *add(td_io *io, const td_tap *tap)
{
    td__slot *s = calloc(1, sizeof *s);
    char *path = td__strdup(tap->path);
    if (!s || !path || td__grow(&io->slots, &io->capacity, io->n + 1, sizeof *io->slots)) {
        free(s);
        free(path);
        td__fail(io->head.c, "out of memory");
        return NULL;
    }
    s->tap = *tap;
    s->tap.path = s->path = path;
    return io->slots[io->n++] = s;
}

static void fill(td_ctx *c, td_value *to, td_value value)
{
    value_drop(to);
    if (value_keep(c, value, to)) {
        value_drop(to);
        td__fail(c, "out of memory");
    }
}

static void hook(td_ctx *c, td_module *m, td_value in, td_value out, void *user)
{
    td__slot *s = user;
    (void)m;
    fill(c, &s->value, s->tap.io == TD_INPUT ? in : out);
}

int td__io_tap(td_io *io, td_module *m, const td_tap *tap)
{
    if (find(io, tap))
        return 0;
    td__slot *s = add(io, tap);
    if (!s)
        return -1;
    if (td__hook_add(m, hook, s)) {
        td__fail(io->head.c, "out of memory");
        return -1;
    }
    return 0;
}

static td_value supp_dict(td_ctx *c, const td__batch *batch)
{
    td_value dict = {TD_VALUE_DICT, (uint32_t)batch->n_supp, NULL, NULL, batch->supp_names};
    td_value *items = batch->n_supp ? td__frame_alloc(c, batch->n_supp * sizeof *items) : NULL;
    if (!items)
        return td_none();
    for (size_t i = 0; i < batch->n_supp; i++)
        items[i] = td_value_of(batch->supp[i]);
    dict.items = items;
    return dict;
}

void td__io_begin(td_io *io, const td__batch *batch, int64_t epoch, int64_t step)
{
    io->head.target = batch->target;
    io->head.index = batch->index;
    io->head.epoch = epoch;
    io->head.step = step;
    io->head.supp = supp_dict(io->head.c, batch);
}

void td__io_uncover(td_io *io)
{
    for (size_t i = 0; i < io->n; i++) {
        td__slot *s = io->slots[i];
        if (s->cover.kind != TD_VALUE_NONE && !s->read)
            td__fail(io->head.c, "the %s of %s '%s' was changed for a loss that does not read it",
                     td__end_name(s->tap.io), td__side_name(s->tap.side), s->tap.path);
        value_drop(&s->cover);
    }
}

void td__io_clear(td_io *io)
{
    td__io_uncover(io);
    for (size_t i = 0; i < io->n; i++)
        value_drop(&io->slots[i]->value);
    io->head.target = io->head.index = NULL;
    io->head.supp = td_none();
}

void td__io_watch(td_io *io)
{
    for (size_t i = 0; i < io->n; i++)
        io->slots[i]->read = 0;
}

int td__io_read(const td_io *io, uint32_t side)
{
    for (size_t i = 0; i < io->n; i++)
        if (io->slots[i]->read && io->slots[i]->tap.side == side)
            return 1;
    return 0;
}

/* What would be written beyond `size` is left out, as everywhere in the message below. */
static size_t value_text(td_value v, char *buf, size_t size, size_t used)
{
    char shape[160];
    if (v.kind == TD_VALUE_TENSOR && used < size)
        used += (size_t)snprintf(buf + used, size - used, " %s",
                                 td__shape_text(td_desc_of(v.tensor), shape, sizeof shape));
    for (uint32_t i = 0; v.items && i < v.n; i++)
        used = value_text(v.items[i], buf, size, used);
    return used;
}

/* Two tapped tensors whose shapes the message names did not fit: what would make them.  Empty where nothing would. */
static size_t advise(const td__slot *s, const td__slot *t, const char *message, char *buf, size_t size)
{
    const td_desc *a = td_desc_of(s->value.tensor), *b = td_desc_of(t->value.tensor);
    char s_shape[160], t_shape[160];
    size_t used = 0;
    td__shape_text(a, s_shape, sizeof s_shape);
    td__shape_text(b, t_shape, sizeof t_shape);
    if (!strcmp(s_shape, t_shape) || !strstr(message, s_shape) || !strstr(message, t_shape) || a->ndim != b->ndim)
        return 0;
    if (a->ndim == 4 && a->shape[1] != b->shape[1])
        used += (size_t)snprintf(buf, size,
                                 "; a 1x1 convolution from %lld to %lld channels behind student '%s' would fit them",
                                 (long long)a->shape[1], (long long)b->shape[1], s->tap.path);
    if (a->ndim == 4 && used < size && (a->shape[2] != b->shape[2] || a->shape[3] != b->shape[3]))
        used += (size_t)snprintf(buf + used, size - used,
                                 "; the larger map pooled to %lld x %lld would have the other's size",
                                 (long long)(a->shape[2] < b->shape[2] ? a->shape[2] : b->shape[2]),
                                 (long long)(a->shape[3] < b->shape[3] ? a->shape[3] : b->shape[3]));
    if (a->ndim == 2 && a->shape[1] != b->shape[1])
        used += (size_t)snprintf(buf, size, "; a linear layer from %lld to %lld behind student '%s' would fit them",
                                 (long long)a->shape[1], (long long)b->shape[1], s->tap.path);
    return used;
}

/* The advice for the first pair that needs one. */
static void find_advice(const td_io *io, const char *message, char *buf, size_t size)
{
    buf[0] = 0;
    for (size_t i = 0; i < io->n; i++)
        for (size_t k = 0; k < io->n; k++) {
            const td__slot *s = io->slots[i], *t = io->slots[k];
            if (s->read && t->read && s->tap.side == TD_STUDENT && t->tap.side == TD_TEACHER &&
                s->value.kind == TD_VALUE_TENSOR && t->value.kind == TD_VALUE_TENSOR &&
                advise(s, t, message, buf, size))
                return;
        }
}

void td__io_explain(td_io *io)
{
    td_ctx *c = io->head.c;
    char taps[1024], advice[512];
    size_t used = 0;
    find_advice(io, c->error, advice, sizeof advice);
    for (size_t i = 0; i < io->n && used < sizeof taps; i++) {
        const td__slot *s = io->slots[i];
        if (!s->read)
            continue;
        used += (size_t)snprintf(taps + used, sizeof taps - used, "%s%s of %s '%s'", used ? ", " : "",
                                 td__end_name(s->tap.io), td__side_name(s->tap.side), s->tap.path);
        used = value_text(s->value, taps, sizeof taps, used);
    }
    char *whole = used ? td__printf("%s (it read: %s)%s", c->error, taps, advice) : NULL;
    if (!whole)
        return;
    td__ctx_clear(c);
    td__fail(c, "%s", whole);
    free(whole);
}

td_value td__io_value(td_io *io, const td_tap *tap)
{
    td__slot *s = find(io, tap);
    if (s && s->value.kind != TD_VALUE_NONE) {
        s->read = 1;
        return s->cover.kind != TD_VALUE_NONE ? s->cover : s->value;
    }
    char there[512];
    size_t used = 0;
    there[0] = 0;
    for (size_t i = 0; i < io->n && used < sizeof there; i++)
        if (io->slots[i]->value.kind != TD_VALUE_NONE)
            used += (size_t)snprintf(there + used, sizeof there - used, "%s%s '%s' %s", used ? ", " : "",
                                     td__side_name(io->slots[i]->tap.side), io->slots[i]->tap.path,
                                     td__end_name(io->slots[i]->tap.io));
    td__fail(io->head.c, "the %s of %s module '%s' was not tapped in this step; tapped are: %s", td__end_name(tap->io),
             td__side_name(tap->side), tap->path, used ? there : "none");
    return td_none();
}

void td__io_put(td_io *io, const td_tap *tap, td_value value)
{
    td__slot *s = find(io, tap);
    if (!s)
        s = add(io, tap);
    if (s)
        fill(io->head.c, &s->value, value);
}

void td__io_cover(td_io *io, const td_tap *tap, td_value value)
{
    td__slot *s = find(io, tap);
    if (!s || s->value.kind == TD_VALUE_NONE)
        return;
    fill(io->head.c, &s->cover, value);
    s->read = 0;
}

td_tensor *td__io_supp(td_io *io, const char *name)
{
    td_value v = td_dict_get(io->head.supp, name);
    if (v.kind == TD_VALUE_TENSOR)
        return v.tensor;
    td__fail(io->head.c, "the batch has no side value '%s': its data set needs the wrapper that makes it", name);
    return td__empty();
}
