#include "host/plugin/registry.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/ops/table.h"
#include "host/plugin/kinds.h"
#include "host/plugin/plugins.h"

static td__entry *entries; /* sorted by kind and key */
static size_t n_entries, capacity;

/* ---- look-up ---- */

static int matches(const td_type *type, const char *name)
{
    return !strcmp(type->key, name) || td__word_in(type->aliases, name);
}

const td__entry *td__find_entry(uint32_t kind, const char *key)
{
    for (size_t i = 0; i < n_entries; i++)
        if (entries[i].kind == kind && matches(entries[i].type, key))
            return &entries[i];
    return NULL;
}

const td_type *td__find_type(uint32_t kind, const char *key)
{
    const td__entry *e = td__find_entry(kind, key);
    return e ? e->type : NULL;
}

int td__entry_matches(const td__entry *e, const char *key) { return matches(e->type, key); }

const td__entry *td__entry_at(size_t i) { return i < n_entries ? &entries[i] : NULL; }

const td__entry *td__find_any(const char *key)
{
    for (size_t i = 0; i < n_entries; i++)
        if (matches(entries[i].type, key))
            return &entries[i];
    return NULL;
}

size_t td__nearest_keys(uint32_t kind, const char *key, const char **out, size_t want)
{
    const char **names = malloc((n_entries ? n_entries : 1) * sizeof *names);
    size_t n = 0;
    if (!names)
        return 0;
    for (size_t i = 0; i < n_entries; i++)
        if (!kind || entries[i].kind == kind)
            names[n++] = entries[i].type->key;
    n = td__nearest(key, names, n, out, want);
    free(names);
    return n;
}

char *td__suggest_key(uint32_t kind, const char *key, char *buf, size_t size)
{
    const char *near[3];
    size_t n = td__nearest_keys(kind, key, near, 3);
    return td__suggestion(key, near, n, buf, size);
}

/* ---- registration ---- */

/* The op table keeps the rows it was given. */
static void free_entries(td__entry *v, size_t n, int published)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].kind == TD_KIND_OP)
            free((void *)(uintptr_t)v[i].type);
        if (v[i].kind != TD_KIND_OP || !published)
            free((void *)(uintptr_t)v[i].descriptor);
    }
    free(v);
}

/* Records the first thing that is wrong; takes the text (NULL: memory is out). */
static int32_t refuse(td_registrar *r, char *text)
{
    if (r->error)
        free(text);
    else
        r->error = text ? text : td__strdup("out of memory");
    return TD_ERROR;
}

/* A copy as large as this host's struct: zero-filled where the plugin knew less, refused where it says more. */
static void *copy_descriptor(td_registrar *r, uint32_t kind, const void *descriptor, uint32_t size)
{
    const unsigned char *bytes = descriptor;
    uint32_t known = td__kind_size(kind);
    for (uint32_t i = known; i < size; i++)
        if (bytes[i]) {
            refuse(r, td__printf("registers %s that uses more than this host knows (a descriptor of %u bytes, not %u)",
                                 td__kind_title(kind), size, known));
            return NULL;
        }
    void *copy = calloc(1, known);
    if (!copy)
        refuse(r, NULL);
    else
        memcpy(copy, descriptor, size < known ? size : known);
    return copy;
}

static int32_t check_name(td_registrar *r, const td__entry *e, const char *name, const td__entry *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == e->kind && matches(v[i].type, name))
            return refuse(r, td__printf("%s '%s' is already registered by %s", td__kind_name(e->kind), name,
                                        v[i].plugin ? v[i].plugin->file : "the host"));
    return TD_OK;
}

/* Key and aliases against everything registered and staged before. */
static int32_t check_names(td_registrar *r, const td__entry *e)
{
    char *aliases = td__strdup(e->type->aliases ? e->type->aliases : ""), *rest = NULL;
    if (!aliases)
        return refuse(r, NULL);
    const char *name = e->type->key;
    while (name && !check_name(r, e, name, entries, n_entries) && !check_name(r, e, name, r->v, r->n))
        name = strtok_r(rest ? NULL : aliases, " ", &rest);
    free(aliases);
    return name ? TD_ERROR : TD_OK;
}

/* Operations have a row of their own shape; for look-up and listings they get a head like the others. */
static td_type *op_head(const td_op_type *op)
{
    td_type *head = calloc(1, sizeof *head);
    if (head) {
        head->key = op->name;
        head->summary = "operation";
    }
    return head;
}

static int32_t check_entry(td_registrar *r, const td__entry *e)
{
    const char *key = e->type->key;
    if (!key || !*key || strpbrk(key, " |:"))
        return refuse(r, td__printf("registers %s with the key '%s'", td__kind_title(e->kind), key ? key : ""));
    char *wrong = td__kind_check(e->kind, key, e->descriptor);
    return wrong ? refuse(r, wrong) : check_names(r, e);
}

int32_t td__stage(td_registrar *r, uint32_t kind, const void *descriptor, uint32_t size)
{
    if (r->error)
        return TD_ERROR;
    if (!td__kind_size(kind))
        return refuse(r, td__printf("registers something of kind %u, which this host does not know", kind));
    if (!descriptor || size < (kind == TD_KIND_OP ? offsetof(td_op_type, half_in) : sizeof(td_type)))
        return refuse(
            r, td__printf("registers %s with a descriptor of %u bytes", td__kind_title(kind), descriptor ? size : 0));
    if (td__grow(&r->v, &r->capacity, r->n + 1, sizeof *r->v))
        return refuse(r, NULL);
    void *copy = copy_descriptor(r, kind, descriptor, size);
    if (!copy)
        return TD_ERROR;
    td__entry e = {kind, kind == TD_KIND_OP ? op_head(copy) : copy, copy, r->plugin};
    int32_t rc = e.type ? check_entry(r, &e) : refuse(r, NULL);
    r->v[r->n++] = e;
    return rc;
}

void td__registrar_drop(td_registrar *r)
{
    free_entries(r->v, r->n, 0);
    free(r->error);
    memset(r, 0, sizeof *r);
}

static int by_kind_and_key(const void *a, const void *b)
{
    const td__entry *x = a, *y = b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : strcmp(x->type->key, y->type->key);
}

/* An operation cannot be taken back, so names are checked before any is added. */
static void add_ops(td_registrar *r)
{
    for (size_t i = 0; !r->error && i < r->n; i++)
        if (r->v[i].kind == TD_KIND_OP && td__op_find(r->v[i].type->key))
            refuse(r, td__printf("op '%s' is already registered by the host", r->v[i].type->key));
    for (size_t i = 0; !r->error && i < r->n; i++)
        if (r->v[i].kind == TD_KIND_OP && td__op_add(r->v[i].descriptor))
            refuse(r, NULL);
}

int td__publish(td_registrar *r)
{
    if (!r->error && td__grow(&entries, &capacity, n_entries + r->n, sizeof *entries))
        refuse(r, NULL);
    add_ops(r);
    if (r->error)
        return -1;
    memcpy(entries + n_entries, r->v, r->n * sizeof *r->v);
    n_entries += r->n;
    qsort(entries, n_entries, sizeof *entries, by_kind_and_key);
    r->n = 0;
    return 0;
}

int td__register_host(uint32_t kind, const void *descriptor, uint32_t size)
{
    td_registrar r = {0};
    td__stage(&r, kind, descriptor, size);
    int rc = td__publish(&r);
    if (rc)
        td__log(TD_LOG_ERROR, "the host: %s", r.error);
    td__registrar_drop(&r);
    return rc;
}

void td__registry_clear(void)
{
    free_entries(entries, n_entries, 1);
    entries = NULL;
    n_entries = capacity = 0;
}
