/* `sequential` of the configuration: parts of a model in a new order. */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/nn/module.h"

static td_module *child_of(td_module *m, const char *name)
{
    for (size_t i = 0; i < m->n_children; i++)
        if (!strcmp(m->children[i].name, name))
            return m->children[i].module;
    return NULL;
}

/* The Sequentials above the last element of `path`, made where they are missing.  NULL: one of them is a module that
 * was taken as a whole, so that `path` would come twice. */
static td_module *make_way(td_ctx *c, td_module *made, td_module *root, char *path)
{
    char *element = path;
    for (char *dot; (dot = strchr(element, '.')); element = dot + 1) {
        *dot = 0;
        td_module *next = child_of(made, element), *original = td__find(root, path);
        if (!next) {
            next = td__adopt(c, made, element, td__sequential(c));
            next->training = made->training;
        }
        *dot = '.';
        if (next == original)
            return NULL;
        made = next;
    }
    return made;
}

static void add(td_ctx *c, td_module *made, td_module *root, const char *given, td_module *module)
{
    char *path = td__strdup(given);
    if (!path) {
        td__fail(c, "out of memory for '%s'", given);
        return;
    }
    const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
    td_module *parent = make_way(c, made, root, path);
    if (!parent || child_of(parent, name))
        td__fail(c, "module '%s' is taken twice", given);
    else
        td__adopt(c, parent, name, module);
    free(path);
}

static td_module *adaptation(td_ctx *c, const char *name, const td__child *v, size_t n)
{
    const char *near = NULL;
    int best = (int)strlen(name) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        int distance = td__distance(name, v[i].name, best);
        if (!distance)
            return v[i].module;
        if (distance < best) {
            best = distance;
            near = v[i].name;
        }
    }
    if (near)
        td__fail(c, "no adaptation module '%s' (did you mean '%s'?)", name, near);
    else
        td__fail(c, "no adaptation module '%s'", name);
    return NULL;
}

td_module *td__redesign(td_ctx *c, td_module *root, const char *const *paths, size_t n_paths,
                        const td__child *adaptations, size_t n_adaptations)
{
    if (c->error || !root)
        return NULL;
    td_module *made = td__sequential(c);
    made->training = root->training;
    for (size_t i = 0; i < n_paths && !c->error; i++) {
        int added = paths[i][0] == '+';
        td_module *module =
            added ? adaptation(c, paths[i] + 1, adaptations, n_adaptations) : td__find_or_fail(c, root, paths[i]);
        if (module == root)
            td__fail(c, "the whole network cannot be a part of itself");
        if (!c->error)
            add(c, made, root, paths[i] + added, module);
    }
    if (!c->error)
        return made;
    td__module_release(td__module_retain(made));
    return NULL;
}
