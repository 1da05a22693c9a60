#include "host/train/checkpoint.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/train/report.h"

#define FORMAT 3

/* ---- what is saved ---- */

struct entry {
    char *name;
    td_tensor *tensor;
};
struct list {
    td_ctx *c;
    struct entry *v;
    size_t n, capacity;
    const char *prefix;
};

static int add(struct list *l, td_tensor *t, const char *fmt, ...) TD_PRINTF(3, 4);
static int add(struct list *l, td_tensor *t, const char *fmt, ...)
{
    va_list ap;
    char *name = NULL;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].tensor == t)
            return 0; /* a module that networks share */
    va_start(ap, fmt);
    if (vasprintf(&name, fmt, ap) < 0)
        name = NULL;
    va_end(ap);
    if (!name || td__grow(&l->v, &l->capacity, l->n + 1, sizeof *l->v)) {
        free(name);
        td__fail(l->c, "out of memory");
        return -1;
    }
    l->v[l->n++] = (struct entry){name, t};
    return 0;
}

static int add_member(const char *name, td__member *m, td_module *owner, void *user)
{
    struct list *l = user;
    (void)owner;
    return add(l, m->tensor, "%s/%s", l->prefix, name);
}

static void add_module(struct list *l, td_module *m, const char *prefix)
{
    l->prefix = prefix;
    if (m)
        td__walk_members(m, add_member, l);
}

/* Gradients count only between the backward passes of one update. */
static void add_optimizer(struct list *l, td__optimizer *o)
{
    const td_optimizer_type *type = o->plan->type;
    for (size_t i = 0; i < o->n; i++) {
        for (uint32_t k = 0; k < type->n_state; k++)
            add(l, o->v[i].state[k], "optimizer/%s/%s", type->state_names[k], o->v[i].name);
        if (o->v[i].tensor->grad)
            add(l, o->v[i].tensor->grad, "gradient/%s", o->v[i].name);
    }
}

static void list_all(struct list *l, td__experiment *x, td__train_stage *s)
{
    memset(l, 0, sizeof *l);
    l->c = x->c;
    add_module(l, x->teacher, "teacher");
    add_module(l, x->student, "student");
    add_module(l, s->teacher.root, "teacher_network");
    add_module(l, s->student.root, "student_network");
    for (size_t i = 0; i < s->plan->criterion.n_terms; i++) {
        char prefix[160];
        snprintf(prefix, sizeof prefix, "criterion/%s", s->plan->criterion.terms[i].name);
        add_module(l, s->criterion.states[i], prefix);
    }
    add_optimizer(l, &s->optimizer);
}

static void list_free(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].name);
    free(l->v);
}

/* ---- the data file ---- */

static int write_tensors(td_ctx *c, const struct list *l, const char *path)
{
    td__named *named = calloc(l->n + 1, sizeof *named);
    char why[512];
    int failed = !named || c->error;
    for (size_t i = 0; !failed && i < l->n; i++) {
        const td_tensor *t = l->v[i].tensor;
        void *data = malloc((size_t)td_numel(t) * td__dtype_size(t->d.dtype) + 1);
        named[i] = (td__named){l->v[i].name, t->d, data};
        failed = !data || td__tensor_read(c, t, t->d.dtype, data, td_numel(t));
    }
    if (failed)
        td__fail(c, "out of memory for the checkpoint");
    else if ((failed = td__safetensors_write(path, named, l->n, NULL, NULL, 0, why, sizeof why)))
        td__fail(c, "%s", why);
    for (size_t i = 0; named && i < l->n; i++)
        free((void *)(uintptr_t)named[i].data);
    free(named);
    return failed ? -1 : 0;
}

/* Removes data files the manifest no longer names. */
static void drop_old(const char *dir, const char *keep)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, "state-", 6) != 0 || !strcmp(e->d_name, keep))
            continue;
        char *path = td__printf("%s/%s", dir, e->d_name);
        if (path)
            unlink(path);
        free(path);
    }
    if (d)
        closedir(d);
}

/* ---- the manifest ---- */

static int read_score(json_t *j, td__score *out, json_error_t *why)
{
    json_int_t v[4];
    if (json_is_null(j))
        return 0;
    if (json_unpack_ex(j, why, 0, "{s:I, s:I, s:I, s:I}", "epoch", &v[0], "n", &v[1], "top1", &v[2], "top5", &v[3]))
        return -1;
    *out = (td__score){v[0], {v[1], v[2], v[3]}};
    return 0;
}

static json_t *recent_json(const td__manifest *m)
{
    json_t *list = json_array();
    for (int i = 0; i < TD__RECENT; i++)
        json_array_append_new(list, td__score_json(&m->recent[i]));
    return list;
}

static int read_recent(json_t *list, td__manifest *m, json_error_t *why)
{
    int failed = 0;
    for (size_t i = 0; i < TD__RECENT && !failed; i++)
        failed = read_score(json_array_get(list, i), &m->recent[i], why);
    return failed;
}

static int write_manifest(td__experiment *x, const char *dir, const td__manifest *m)
{
    char *path = td__printf("%s/last.json", dir);
    json_t *j = json_pack(
        "{s:i, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:s, s:o, s:o}",
        "format", FORMAT, "backend", m->backend, "bf16", m->bf16, "version", td_host->host_version, "file", m->file,
        "stage", (json_int_t)m->at.stage, "stage_epoch", (json_int_t)m->at.stage_epoch, "batch",
        (json_int_t)m->at.batch, "epoch", (json_int_t)m->at.epoch, "step", (json_int_t)m->at.step, "seed",
        (json_int_t)m->seed, "backwards", (json_int_t)m->backwards, "updates", (json_int_t)m->updates, "schedule",
        (json_int_t)m->schedule, "images", (json_int_t)m->images, "seconds", m->seconds, "wall", m->wall, "config",
        m->config_hash, "best", td__score_json(&m->best), "recent", recent_json(m));
    int failed = !path || td__json_write(x->c, j, path);
    json_decref(j);
    free(path);
    return failed ? -1 : 0;
}

int td__checkpoint_save(td__experiment *x, td__train_stage *s, const char *dir, td__manifest *m)
{
    struct list l;
    snprintf(m->file, sizeof m->file, "state-%09" PRId64 ".safetensors", m->at.step);
    m->seed = x->seed;
    snprintf(m->backend, sizeof m->backend, "%s", x->c->backend->type.key);
    m->bf16 = x->c->bf16;
    m->backwards = s->optimizer.backwards;
    m->updates = s->optimizer.updates;
    m->schedule = s->optimizer.schedule;
    char *path = td__printf("%s/%s", dir, m->file);
    list_all(&l, x, s);
    int failed = !path || write_tensors(x->c, &l, path) || write_manifest(x, dir, m);
    if (!failed)
        drop_old(dir, m->file);
    list_free(&l);
    free(path);
    return failed ? -1 : 0;
}

static int unpack_manifest(json_t *j, td__manifest *m, json_error_t *why)
{
    const char *file, *hash, *backend;
    json_int_t v[10];
    json_t *best, *recent;
    int format;
    if (json_unpack_ex(j, why, 0, "{s:i}", "format", &format))
        return -1;
    if (format != FORMAT) {
        snprintf(why->text, sizeof why->text, "a manifest of format %d; this program reads format %d", format, FORMAT);
        return -1;
    }
    if (json_unpack_ex(j, why, 0,
                       "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:F, s:F, s:s, s:o, s:o}",
                       "file", &file, "backend", &backend, "bf16", &m->bf16, "stage", &v[0], "stage_epoch", &v[1],
                       "batch", &v[2], "epoch", &v[3], "step", &v[4], "seed", &v[5], "backwards", &v[6], "updates",
                       &v[7], "schedule", &v[8], "images", &v[9], "seconds", &m->seconds, "wall", &m->wall, "config",
                       &hash, "best", &best, "recent", &recent) ||
        read_score(best, &m->best, why) || read_recent(recent, m, why))
        return -1;
    int wrong = strlen(file) >= sizeof m->file || strlen(backend) >= sizeof m->backend ||
                strlen(hash) >= sizeof m->config_hash || strchr(file, '/');
    for (int i = 0; i < 5; i++)
        wrong |= v[i] < 0;
    if (wrong) {
        snprintf(why->text, sizeof why->text, "it is damaged: a value is out of range");
        return -1;
    }
    strcpy(m->file, file);
    strcpy(m->backend, backend);
    strcpy(m->config_hash, hash);
    m->at = (td__position){v[0], v[1], v[2], v[3], v[4]};
    m->seed = (uint64_t)v[5];
    m->backwards = v[6];
    m->updates = v[7];
    m->schedule = v[8];
    m->images = v[9];
    return 0;
}

int td__checkpoint_read(td_ctx *c, const char *dir, td__manifest *m)
{
    char *path = td__printf("%s/last.json", dir);
    json_error_t why;
    memset(m, 0, sizeof *m);
    if (!path || access(path, F_OK)) {
        free(path);
        return 0;
    }
    json_t *j = json_load_file(path, 0, &why);
    if (!j || unpack_manifest(j, m, &why))
        td__fail(c, "%s: %s", path, why.text);
    json_decref(j);
    free(path);
    return c->error ? -1 : 1;
}

/* ---- loading ---- */

/* Gradients the file holds need a place first. */
static void make_gradients(td_ctx *c, td__optimizer *o, const td__tensor_file *f)
{
    td__frame_push(c);
    for (size_t i = 0; i < o->n; i++) {
        char *name = td__printf("gradient/%s", o->v[i].name);
        if (name && td__tensors_find(f, name) && !o->v[i].tensor->grad)
            o->v[i].tensor->grad = td__retain(td__tensor_from(c, &o->v[i].tensor->d, NULL));
        free(name);
    }
    td__frame_pop(c, td_none());
}

static int same_shape(const td_desc *a, const td_desc *b)
{
    return a->dtype == b->dtype && a->ndim == b->ndim && !memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape);
}

static void fill(td_ctx *c, const struct list *l, const td__tensor_file *f, const char *path)
{
    if (l->n != f->n)
        td__fail(c, "%s holds %zu tensors, the stage has %zu: it is of another experiment", path, f->n, l->n);
    for (size_t i = 0; !c->error && i < l->n; i++) {
        const td__named *n = td__tensors_find(f, l->v[i].name);
        if (!n)
            td__fail(c, "%s has no '%s': it is of another experiment", path, l->v[i].name);
        else if (!same_shape(&n->d, &l->v[i].tensor->d))
            td__fail(c, "%s: '%s' has another shape: it is of another experiment", path, l->v[i].name);
        else
            td__tensor_write(c, l->v[i].tensor, n->d.dtype, n->data);
    }
}

int td__checkpoint_load(td__experiment *x, td__train_stage *s, const char *dir, const td__manifest *m)
{
    td__tensor_file f;
    char why[512];
    char *path = td__printf("%s/%s", dir, m->file);
    if (!path || td__tensors_open(&f, path, why, sizeof why)) {
        td__fail(x->c, "%s", path ? why : "out of memory");
        free(path);
        return -1;
    }
    struct list l;
    make_gradients(x->c, &s->optimizer, &f);
    list_all(&l, x, s);
    fill(x->c, &l, &f, path);
    s->optimizer.backwards = m->backwards;
    s->optimizer.updates = m->updates;
    s->optimizer.schedule = m->schedule;
    list_free(&l);
    td__tensors_close(&f);
    free(path);
    return x->c->error ? -1 : 0;
}
