#include "host/nn/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"

/* How many names of a kind a message lists. */
#define LISTED 12

/* A tensor of the file under the name it has here. */
struct source {
    const char *name;
    const td__named *t;
    int used;
};

/* A growing list of what is wrong, for a message. */
struct list {
    FILE *out;
    char *text;
    size_t size, n;
};

struct load {
    td_ctx *c;
    td__arena *arena;
    struct source *sources;
    size_t n;
    struct list missing, unexpected, different;
};

/* ---- names ---- */

/* Whether the leading elements of name are `path`; returns what follows them, with its dot. */
static const char *after_path(const char *name, const char *path)
{
    size_t n = strlen(path);
    return strncmp(name, path, n) || (name[n] && name[n] != '.') ? NULL : name + n;
}

static const char *renamed(td__arena *a, const char *name, const td__rename *r)
{
    size_t prefix = r->strip_prefix ? strlen(r->strip_prefix) : 0;
    if (prefix && !strncmp(name, r->strip_prefix, prefix))
        name += prefix;
    for (size_t i = 0; i < r->n; i++) {
        const char *rest = after_path(name, r->from[i]);
        if (rest)
            return td__arena_printf(a, "%s%s", r->to[i], rest);
    }
    return name;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct source *)a)->name, ((const struct source *)b)->name);
}

static int read_names(struct load *l, const td__tensor_file *file, const td__rename *rename)
{
    l->sources = td__arena_alloc(l->arena, (file->n + 1) * sizeof *l->sources);
    for (size_t i = 0; l->sources && i < file->n; i++) {
        struct source *s = &l->sources[l->n];
        s->t = &file->v[i];
        s->name = renamed(l->arena, s->t->name, rename);
        if (!s->name)
            break;
        l->n++;
    }
    if (!l->sources || l->n < file->n) {
        td__fail(l->c, "out of memory for %zu names", file->n);
        return -1;
    }
    qsort(l->sources, l->n, sizeof *l->sources, by_name);
    for (size_t i = 1; i < l->n; i++)
        if (!strcmp(l->sources[i - 1].name, l->sources[i].name)) {
            td__fail(l->c, "%s: '%s' and '%s' would both be '%s'", file->path, l->sources[i - 1].t->name,
                     l->sources[i].t->name, l->sources[i].name);
            return -1;
        }
    return 0;
}

static struct source *find(struct load *l, const char *name)
{
    struct source key = {name, NULL, 0};
    return bsearch(&key, l->sources, l->n, sizeof key, by_name);
}

/* ---- what does not fit ---- */

static int lists_open(struct load *l)
{
    struct list *lists[] = {&l->missing, &l->unexpected, &l->different};
    int bad = 0;
    for (int i = 0; i < 3; i++) {
        lists[i]->out = open_memstream(&lists[i]->text, &lists[i]->size);
        bad |= !lists[i]->out;
    }
    return bad ? -1 : 0;
}

static void list_end(struct list *v)
{
    if (v->out && v->n > LISTED)
        fprintf(v->out, " and %zu more", v->n - LISTED);
    if (v->out)
        fclose(v->out);
    v->out = NULL;
}

static void lists_free(struct load *l)
{
    struct list *lists[] = {&l->missing, &l->unexpected, &l->different};
    for (int i = 0; i < 3; i++) {
        list_end(lists[i]);
        free(lists[i]->text);
    }
}

/* Where to write the next name; NULL when enough are listed. */
static FILE *next(struct list *v)
{
    return v->n++ < LISTED ? v->out : NULL;
}

static int same_shape(const td_desc *a, const td_desc *b)
{
    return a->ndim == b->ndim && !memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape);
}

static int is_float(uint32_t dtype)
{
    return dtype <= TD_FLOAT16;
}

static int may_be_missing(const char *name)
{
    static const char counter[] = "num_batches_tracked";
    size_t n = strlen(name), k = sizeof counter - 1;
    return n >= k && !strcmp(name + n - k, counter);
}

/* What the file calls a tensor that is missing here: a name nobody took that is near, or that ends alike and has the
 * same shape; NULL: none. */
static const char *likely_name(struct load *l, const char *name, const td_desc *here)
{
    const char *near[1], **unused = td__arena_alloc(l->arena, (l->n + 1) * sizeof *unused), *dot = strrchr(name, '.');
    size_t n = 0;
    for (size_t i = 0; unused && i < l->n; i++)
        if (!l->sources[i].used)
            unused[n++] = l->sources[i].name;
    if (td__nearest(name, unused, n, near, 1))
        return near[0];
    for (size_t i = 0; dot && i < l->n; i++) {
        const struct source *s = &l->sources[i];
        const char *end = strrchr(s->name, '.');
        if (!s->used && end && !strcmp(end, dot) && same_shape(&s->t->d, here))
            return s->name;
    }
    return NULL;
}

static void list_missing(struct load *l, const char *name, const td_desc *here)
{
    FILE *out = next(&l->missing);
    const char *likely = out ? likely_name(l, name, here) : NULL;
    if (out)
        fprintf(out, "%s'%s'", l->missing.n > 1 ? ", " : "", name);
    if (likely)
        fprintf(out, " (the file has '%s')", likely);
}

static void list_difference(struct load *l, const char *name, const td_desc *file, const td_desc *here)
{
    char a[160], b[160];
    FILE *out = next(&l->different);
    if (out)
        fprintf(out, "%s'%s' is %s %s in the file and %s %s here", l->different.n > 1 ? ", " : "", name,
                td__dtype_name(file->dtype), td__shape_text(file, a, sizeof a), td__dtype_name(here->dtype),
                td__shape_text(here, b, sizeof b));
}

static int mark_used(const char *name, td__member *member, td_module *owner, void *user)
{
    struct source *s = find(user, name);
    (void)member;
    (void)owner;
    if (s)
        s->used = 1;
    return 0;
}

static int compare(const char *name, td__member *member, td_module *owner, void *user)
{
    struct load *l = user;
    const struct source *s = find(l, name);
    const td_desc *here = &member->tensor->d, *file = s ? &s->t->d : NULL;
    (void)owner;
    if (!s && !may_be_missing(name))
        list_missing(l, name, here);
    if (s && (!same_shape(file, here) || is_float(file->dtype) != is_float(here->dtype)))
        list_difference(l, name, file, here);
    return 0;
}

/* The whole message; empty when all fits. */
static char *describe(struct load *l)
{
    struct list *lists[] = {&l->missing, &l->unexpected, &l->different};
    static const char *const titles[] = {"missing", "unexpected", "different"};
    char *text = td__strdup("");
    for (int i = 0; i < 3 && text; i++) {
        list_end(lists[i]);
        if (!lists[i]->n)
            continue;
        char *longer = td__printf("%s\n  %s: %s", text, titles[i], lists[i]->text);
        free(text);
        text = longer;
    }
    return text;
}

static int check(struct load *l, td_module *root, const td__tensor_file *file, int strict)
{
    if (lists_open(l) || td__walk_members(root, mark_used, l) || td__walk_members(root, compare, l)) {
        td__fail(l->c, "out of memory for the names of %s", file->path);
        return -1;
    }
    for (size_t i = 0; i < l->n; i++) {
        FILE *out = l->sources[i].used ? NULL : next(&l->unexpected);
        if (out)
            fprintf(out, "%s'%s'", l->unexpected.n > 1 ? ", " : "", l->sources[i].name);
    }
    size_t bad = l->different.n + (strict ? l->missing.n + l->unexpected.n : 0);
    char *text = describe(l);
    if (bad || !text)
        td__fail(l->c, "%s does not fit %s:%s", file->path, root->type.name, text ? text : " out of memory");
    else if (*text)
        td__log(TD_LOG_WARN, "%s does not fit %s in all:%s", file->path, root->type.name, text);
    free(text);
    return bad || !text ? -1 : 0;
}

static int load_member(const char *name, td__member *member, td_module *owner, void *user)
{
    struct load *l = user;
    const struct source *s = find(l, name);
    (void)owner;
    return s ? td__tensor_write(l->c, member->tensor, s->t->d.dtype, s->t->data) : 0;
}

int td__load_state(td_ctx *c, td_module *root, const td__tensor_file *file, const td__rename *rename)
{
    static const td__rename as_is = {.strict = 1};
    struct load l = {.c = c, .arena = td__arena_new()};
    if (!rename)
        rename = &as_is;
    if (!l.arena)
        td__fail(c, "out of memory to load %s", file->path);
    else if (!c->error && !read_names(&l, file, rename) && !check(&l, root, file, rename->strict))
        td__walk_members(root, load_member, &l);
    lists_free(&l);
    td__arena_free(l.arena);
    return c->error ? -1 : 0;
}

int td__load_state_file(td_ctx *c, td_module *root, const char *path, const td__rename *rename)
{
    td__tensor_file file;
    char why[600];
    if (td__tensors_open(&file, path, why, sizeof why)) {
        td__fail(c, "%s", why);
        return -1;
    }
    int rc = td__load_state(c, root, &file, rename);
    td__tensors_close(&file);
    return rc;
}

/* ---- saving ---- */

struct save {
    td_ctx *c;
    td__arena *arena;
    td__named *v;
    size_t n, capacity;
};

static int read_member(const char *name, td__member *member, td_module *owner, void *user)
{
    struct save *s = user;
    const td_desc *d = &member->tensor->d;
    int64_t count = td_numel(member->tensor);
    (void)owner;
    if (td__grow(&s->v, &s->capacity, s->n + 1, sizeof *s->v))
        return -1;
    void *data = td__arena_alloc(s->arena, (size_t)count * td__dtype_size(d->dtype) + 1);
    td__named *t = &s->v[s->n];
    *t = (td__named){td__arena_dup(s->arena, name, strlen(name)), *d, data};
    if (!t->name || !data || td__tensor_read(s->c, member->tensor, d->dtype, data, count))
        return -1;
    s->n++;
    return 0;
}

static int make_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash && slash != path ? strndup(path, (size_t)(slash - path)) : NULL;
    int rc = folder ? td__make_dirs(folder) : 0;
    free(folder);
    return rc;
}

int td__save_state_file(td_ctx *c, td_module *root, const char *path)
{
    static const char *const keys[] = {"format"}, *const values[] = {"pt"};
    struct save s = {.c = c, .arena = td__arena_new()};
    char why[600];
    if (c->error) {
        td__arena_free(s.arena);
        return -1;
    }
    if (!s.arena || td__walk_members(root, read_member, &s))
        td__fail(c, "out of memory to save %s", path);
    else if (make_folder_of(path))
        td__fail(c, "%s: %s", path, strerror(errno));
    else if (td__safetensors_write(path, s.v, s.n, keys, values, 1, why, sizeof why))
        td__fail(c, "%s", why);
    free(s.v);
    td__arena_free(s.arena);
    return c->error ? -1 : 0;
}
