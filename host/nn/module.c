#include "host/nn/module.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"

#define MOST_DATA 65536u

/* What a builder gets when memory is out: it can be built upon like any other, in a context that has failed. */
static max_align_t spare_data[MOST_DATA / sizeof(max_align_t)];
static td_module spare = {.type = {.name = "nothing"}, .refs = 1 << 30, .data = spare_data};

static int is_zero(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    while (n && !p[n - 1])
        n--;
    return !n;
}

td_module *td__module_new(td_ctx *c, const td_module_type *type, uint32_t type_size)
{
    td_module_type known = {0};
    memcpy(&known, type, type_size < sizeof known ? type_size : sizeof known);
    if (!known.name)
        known.name = "?";
    if (type_size > sizeof known && !is_zero((const char *)type + sizeof known, type_size - sizeof known))
        td__fail(c, "module type %s uses what this host does not know", known.name);
    if (known.forward && known.forward_value)
        td__fail(c, "module type %s has both forward and forward_value; it may have one", known.name);
    if (known.data_size > MOST_DATA)
        td__fail(c, "module type %s wants %u bytes of data; %u are allowed", known.name, known.data_size, MOST_DATA);
    td_module *m = calloc(1, sizeof *m);
    void *data = calloc(1, known.data_size ? known.data_size : 1);
    if (!m || !data) {
        free(m);
        free(data);
        td__fail(c, "out of memory for a %s", known.name);
        return &spare;
    }
    m->type = known;
    m->data = data;
    m->refs = m->loose = m->training = 1;
    return m;
}

td_module *td__module_retain(td_module *m)
{
    if (m && m->loose)
        m->loose = 0;
    else if (m)
        m->refs++;
    return m;
}

void td__module_release(td_module *m)
{
    if (!m || --m->refs)
        return;
    for (size_t i = 0; i < m->n_children; i++) {
        free(m->children[i].name);
        td__module_release(m->children[i].module);
    }
    for (size_t i = 0; i < m->n_members; i++) {
        free(m->members[i].name);
        td__release(m->members[i].tensor);
    }
    free(m->children);
    free(m->members);
    free(m->hooks);
    free(m->label);
    free(m->data);
    free(m);
}

void *td__module_data(td_module *m)
{
    return m ? m->data : NULL;
}

td_module *td__adopt(td_ctx *c, td_module *parent, const char *name, td_module *child)
{
    char position[24];
    if (!parent || !child)
        return child;
    if (!name) {
        snprintf(position, sizeof position, "%zu", parent->n_children);
        name = position;
    }
    if (!*name || strchr(name, '.'))
        td__fail(c, "'%s' cannot be the name of a child of %s", name, parent->type.name);
    for (size_t i = 0; i < parent->n_children; i++)
        if (!strcmp(parent->children[i].name, name))
            td__fail(c, "%s has two children called '%s'", parent->type.name, name);
    char *copy = td__strdup(name);
    if (!copy ||
        td__grow(&parent->children, &parent->child_capacity, parent->n_children + 1, sizeof *parent->children)) {
        free(copy);
        td__fail(c, "out of memory for '%s'", name);
        return child;
    }
    parent->children[parent->n_children++] = (td__child){copy, td__module_retain(child)};
    return child;
}

static td__member *find_member(td_module *m, const char *name)
{
    for (size_t i = 0; m && i < m->n_members; i++)
        if (!strcmp(m->members[i].name, name))
            return &m->members[i];
    return NULL;
}

td_tensor *td__module_member(td_module *m, const char *name)
{
    td__member *member = find_member(m, name);
    return member ? member->tensor : NULL;
}

static td_tensor *add_member(td_ctx *c, td_module *m, const char *name, const td_desc *d, td_init init, int is_buffer)
{
    if (c->error || !m)
        return td__empty();
    if (find_member(m, name)) {
        td__fail(c, "%s has two parameters or buffers called '%s'", m->type.name, name);
        return td__empty();
    }
    td__frame_push(c);
    td_tensor *t = td__retain(td__tensor_new(c, d));
    td__init_fill(c, t, init);
    char *copy = c->error ? NULL : td__strdup(name);
    if (!copy || td__grow(&m->members, &m->member_capacity, m->n_members + 1, sizeof *m->members)) {
        free(copy);
        td__release(t);
        t = td__empty();
        td__fail(c, "out of memory for '%s'", name);
    } else {
        t->requires_grad = !is_buffer;
        m->members[m->n_members++] = (td__member){copy, t, is_buffer};
    }
    td__frame_pop(c, td_none());
    return t;
}

td_tensor *td__parameter(td_ctx *c, td_module *m, const char *name, uint32_t ndim, const int64_t *shape, td_init init)
{
    td_desc d = {c->param_dtype, ndim, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        d.shape[i] = shape[i];
    return add_member(c, m, name, &d, init, 0);
}

td_tensor *td__buffer(td_ctx *c, td_module *m, const char *name, const td_desc *d, td_init init)
{
    td_desc built = *d;
    if (built.dtype == TD_FLOAT32)
        built.dtype = c->param_dtype;
    return add_member(c, m, name, &built, init, 1);
}

void td__reinit(td_ctx *c, td_module *m, const char *name, td_init init)
{
    td__member *member = find_member(m, name);
    if (member)
        td__init_fill(c, member->tensor, init);
    else
        td__fail(c, "%s has no parameter or buffer '%s'", m ? m->type.name : "nothing", name);
}
