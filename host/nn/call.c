/* Running modules, and the hooks that watch them. */
#include <stdlib.h>

#include "host/base/mem.h"
#include "host/nn/module.h"

td_value td__call(td_ctx *c, td_module *m, td_value args)
{
    if (c->error || !m)
        return td_none();
    const char *outer = c->where;
    if (m->label)
        c->where = m->label;
    td__frame_push(c);
    td_value out = td_none();
    if (m->type.forward_value)
        out = m->type.forward_value(c, m, args);
    else if (m->type.forward)
        out = td_value_of(m->type.forward(c, m, td_tensor_of(c, args)));
    else
        td__fail(c, "a %s is not run itself", m->type.name);
    for (size_t i = 0; i < m->n_hooks && !c->error; i++)
        m->hooks[i].fn(c, m, args, out, m->hooks[i].user);
    out = td__frame_pop(c, out);
    c->where = outer;
    return out;
}

int td__hook_add(td_module *m, td__hook_fn fn, void *user)
{
    if (td__grow(&m->hooks, &m->hook_capacity, m->n_hooks + 1, sizeof *m->hooks))
        return -1;
    m->hooks[m->n_hooks++] = (td__hook){fn, user};
    return 0;
}

void td__hooks_clear(td_module *root)
{
    root->n_hooks = 0;
    for (size_t i = 0; i < root->n_children; i++)
        td__hooks_clear(root->children[i].module);
}

int32_t td__tapped(const td_module *m)
{
    int32_t tapped = m->n_hooks > 0;
    for (size_t i = 0; i < m->n_children && !tapped; i++)
        tapped = td__tapped(m->children[i].module);
    return tapped;
}
