/* Going through a whole tree, and what is done to all of it. */
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/nn/module.h"

struct walk {
    td__visit_fn fn;
    void *user;
    char *path; /* of where the walk is */
    size_t capacity;
};

static int visit(struct walk *w, td_module *m, size_t length)
{
    int rc = w->fn(m, w->path, w->user);
    for (size_t i = 0; i < m->n_children && !rc; i++) {
        const td__child *child = &m->children[i];
        size_t dot = length > 0, name = strlen(child->name);
        if (td__grow(&w->path, &w->capacity, length + dot + name + 1, 1))
            return -1;
        if (dot)
            w->path[length] = '.';
        memcpy(w->path + length + dot, child->name, name + 1);
        rc = visit(w, child->module, length + dot + name);
        w->path[length] = 0;
    }
    return rc;
}

int td__walk(td_module *root, td__visit_fn fn, void *user)
{
    struct walk w = {fn, user, NULL, 0};
    if (td__grow(&w.path, &w.capacity, 1, 1))
        return -1;
    w.path[0] = 0;
    int rc = visit(&w, root, 0);
    free(w.path);
    return rc;
}

struct member_walk {
    td__member_fn fn;
    void *user;
};

static int visit_members(td_module *m, const char *path, void *user)
{
    const struct member_walk *w = user;
    for (int buffers = 0; buffers < 2; buffers++)
        for (size_t i = 0; i < m->n_members; i++) {
            if (m->members[i].is_buffer != buffers)
                continue;
            char *name = td__printf("%s%s%s", path, *path ? "." : "", m->members[i].name);
            int rc = name ? w->fn(name, &m->members[i], m, w->user) : -1;
            free(name);
            if (rc)
                return rc;
        }
    return 0;
}

int td__walk_members(td_module *root, td__member_fn fn, void *user)
{
    struct member_walk w = {fn, user};
    return td__walk(root, visit_members, &w);
}

int64_t td__count_parameters(td_module *root, int trainable_only)
{
    int64_t n = 0;
    for (size_t i = 0; i < root->n_members; i++)
        if (!root->members[i].is_buffer && (!trainable_only || root->members[i].tensor->requires_grad))
            n += td_numel(root->members[i].tensor);
    for (size_t i = 0; i < root->n_children; i++)
        n += td__count_parameters(root->children[i].module, trainable_only);
    return n;
}

void td__set_training(td_module *root, int training)
{
    root->training = training != 0;
    for (size_t i = 0; i < root->n_children; i++)
        td__set_training(root->children[i].module, training);
}

void td__set_requires_grad(td_module *root, int requires_grad)
{
    for (size_t i = 0; i < root->n_members; i++)
        if (!root->members[i].is_buffer)
            root->members[i].tensor->requires_grad = requires_grad != 0;
    for (size_t i = 0; i < root->n_children; i++)
        td__set_requires_grad(root->children[i].module, requires_grad);
}

void td__zero_grad(td_module *root)
{
    for (size_t i = 0; i < root->n_members; i++) {
        td__release(root->members[i].tensor->grad);
        root->members[i].tensor->grad = NULL;
    }
    for (size_t i = 0; i < root->n_children; i++)
        td__zero_grad(root->children[i].module);
}

static int set_label(td_module *m, const char *path, void *user)
{
    const char *side = user;
    char *label = td__printf("%s%s%s", side, *path ? " " : "", path);
    if (!label)
        return -1;
    free(m->label);
    m->label = label;
    return 0;
}

int td__label(td_module *root, const char *side)
{
    return td__walk(root, set_label, (void *)(uintptr_t)side);
}
