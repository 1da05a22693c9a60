/* Modules by path, and which path may have been meant. */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/nn/module.h"

#define SUGGESTIONS 3

static td_module *child_named(td_module *m, const char *name, size_t size)
{
    for (size_t i = 0; i < m->n_children; i++)
        if (!strncmp(m->children[i].name, name, size) && !m->children[i].name[size])
            return m->children[i].module;
    return NULL;
}

/* By position; negative ones count from the end. */
static td_module *child_at(td_module *m, const char *text, size_t size)
{
    char *end;
    long long i = strtoll(text, &end, 10);
    if (!size || end != text + size || text[0] == '+' || text[0] == ' ')
        return NULL;
    if (i < 0)
        i += (long long)m->n_children;
    return i >= 0 && (unsigned long long)i < m->n_children ? m->children[i].module : NULL;
}

td_module *td__find(td_module *root, const char *path)
{
    if (!strcmp(path, "."))
        return root;
    for (const char *p = path + (*path == '+'); *p;) {
        size_t size = strcspn(p, ".");
        td_module *next = child_named(root, p, size);
        if (!next)
            next = child_at(root, p, size);
        if (!next && size == 6 && !memcmp(p, "module", 6))
            next = root; /* DataParallel's wrapping, which does not exist here */
        if (!next || (p[size] && !p[size + 1]))
            return NULL;
        root = next;
        p += size + (p[size] == '.');
    }
    return root;
}

struct names {
    char **v;
    size_t n, capacity;
};

static int collect(td_module *m, const char *path, void *user)
{
    struct names *names = user;
    (void)m;
    if (!*path)
        return 0;
    char *copy = td__strdup(path);
    if (!copy || td__grow(&names->v, &names->capacity, names->n + 1, sizeof *names->v)) {
        free(copy);
        return -1;
    }
    names->v[names->n++] = copy;
    return 0;
}

/* "'a', 'b' or 'c'" */
static void join(const char *const *v, size_t n, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = 0;
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s'%s'", !i ? "" : i + 1 < n ? ", " : " or ", v[i]);
}

char *td__nearest_paths(td_module *root, const char *path, char *buf, size_t size)
{
    struct names names = {NULL, 0, 0};
    const char *near[SUGGESTIONS];
    size_t n = 0;
    if (!td__walk(root, collect, &names))
        n = td__nearest(path, (const char *const *)names.v, names.n, near, SUGGESTIONS);
    join(near, n, buf, size);
    for (size_t i = 0; i < names.n; i++)
        free(names.v[i]);
    free(names.v);
    return buf;
}

td_module *td__find_or_fail(td_ctx *c, td_module *root, const char *path)
{
    td_module *m = c->error || !root ? NULL : td__find(root, path);
    char text[512];
    if (m || c->error || !root)
        return m;
    if (*td__nearest_paths(root, path, text, sizeof text)) {
        td__fail(c, "no module '%s' (did you mean %s?)", path, text);
        return NULL;
    }
    const char *children[SUGGESTIONS] = {NULL};
    size_t n = root->n_children < SUGGESTIONS ? root->n_children : SUGGESTIONS;
    for (size_t i = 0; i < n; i++)
        children[i] = root->children[i].name;
    join(children, n, text, sizeof text);
    td__fail(c, "no module '%s' (%s has %s%s)", path, root->type.name, n ? text : "no modules in it",
             root->n_children > n ? " and others" : "");
    return NULL;
}
