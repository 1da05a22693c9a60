/* Which backend computes. */
#include <string.h>

#include "host/backend/backend.h"
#include "host/base/log.h"
#include "host/plugin/plugins.h"

static const td_backend_type *named(td__plugins *p, const char *name)
{
    char near[320];
    td__plugins_load_backends(p, name);
    const td_type *t = td__find_type(TD_KIND_BACKEND, name);
    if (t)
        return (const td_backend_type *)t;
    td__plugins_load_backends(p, NULL); /* to know what the name is near to */
    td__log(TD_LOG_ERROR, "there is no backend '%s'%s; 'tdhost describe' lists them", name,
            td__suggest_key(TD_KIND_BACKEND, name, near, sizeof near));
    return NULL;
}

static const td_backend_type *best(td__plugins *p)
{
    const td_backend_type *found = NULL;
    int32_t highest = 0;
    char why[256];
    const td__entry *e;
    td__plugins_load_backends(p, NULL);
    for (size_t i = 0; (e = td__entry_at(i)); i++) {
        const td_backend_type *b = (const td_backend_type *)e->type;
        int32_t score = e->kind == TD_KIND_BACKEND ? b->score(why, sizeof why) : 0;
        if (score > highest) {
            found = b;
            highest = score;
        }
    }
    if (!found)
        td__log(TD_LOG_ERROR, "no backend runs here");
    return found;
}

const td_backend_type *td__choose_backend(td__plugins *p, const char *name)
{
    char why[256] = "it does not say why";
    const td_backend_type *chosen = name && !strcmp(name, "auto") ? best(p) : named(p, name ? name : "cpu");
    if (!chosen)
        return NULL;
    const td_backend_type *ready = td__backend_use(chosen, why, sizeof why);
    if (!ready)
        td__log(TD_LOG_ERROR, "backend '%s' does not run here: %s", chosen->type.key, why);
    return ready;
}
