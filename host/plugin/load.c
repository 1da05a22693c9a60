/* Loading: each plugin as a whole or not at all. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/plugin/environment.h"
#include "host/plugin/plugins.h"

static void refuse(td__plugin *p, const char *text)
{
    if (!p->refused)
        p->refused = td__strdup(text ? text : "out of memory");
}

static int not_staged(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    td_registrar *r = user;
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].kind == kind && !strcmp(r->v[i].type->key, key))
            return 0;
    r->error = td__printf("does not register %s:%s, which its manifest lists", kind_name, key);
    return 1;
}

/* What was staged must be what the manifest lists. */
static void check_provides(const td__plugin *p, td_registrar *r)
{
    for (size_t i = 0; !r->error && i < r->n; i++) {
        const char *kind = td__kind_name(r->v[i].kind), *key = r->v[i].type->key;
        char *word = td__printf("%s:%s", kind, key);
        if (!word || !td__word_in(p->provides, word))
            r->error = td__printf("registers %s:%s, which its manifest does not list", kind, key);
        free(word);
    }
    if (!r->error)
        td__each_provided(p, not_staged, r);
}

/* Runs an entry; what it registers is published, or nothing and p is refused. */
static void enter(td__plugin *p, td_plugin_entry_fn entry)
{
    td_registrar r = {.plugin = p};
    td__environment before;
    char what[128];
    td__environment_take(&before);
    int32_t rc = entry(&td__api, &r);
    if (rc && !r.error)
        r.error = td__printf("its entry function returned %d", rc);
    if (td__environment_restore(&before, what, sizeof what) && !r.error)
        r.error = td__printf("changed %s", what);
    if (!r.error)
        check_provides(p, &r);
    if (td__publish(&r))
        refuse(p, r.error);
    else
        p->loaded = 1;
    td__registrar_drop(&r);
}

/* The linker's messages mostly begin with the file, which ours name already. */
static const char *without_path(const td__plugin *p, const char *text)
{
    size_t n = strlen(p->file);
    return text && !strncmp(text, p->file, n) && !strncmp(text + n, ": ", 2) ? text + n + 2 : text;
}

static void load(td__plugin *p)
{
    td__environment before;
    char text[512];
    /* dlopen searches the library folders for a name without a slash. */
    char *path = td__printf("%s%s", strchr(p->file, '/') ? "" : "./", p->file);
    if (!path) {
        refuse(p, NULL);
        return;
    }
    p->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (p->fd < 0) {
        refuse(p, strerror(errno));
        free(path);
        return;
    }
    td__environment_take(&before);
    p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    if (!p->handle) {
        refuse(p, without_path(p, dlerror()));
        close(p->fd);
    }
    if (td__environment_restore(&before, text, sizeof text)) {
        char *reason = td__printf("changed %s", text);
        refuse(p, reason);
        free(reason);
    }
    void *symbol = p->refused ? NULL : dlsym(p->handle, TD_ENTRY_NAME);
    if (symbol) {
        td_plugin_entry_fn entry;
        memcpy(&entry, &symbol, sizeof entry);
        enter(p, entry);
    } else {
        refuse(p, "no symbol " TD_ENTRY_NAME);
    }
    if (p->refused && p->handle) {
        dlclose(p->handle);
        close(p->fd);
        p->handle = NULL;
    }
}

int td__plugin_hash(const td__plugin *p, char hex[65])
{
    char path[32];
    hex[0] = 0;
    snprintf(path, sizeof path, "/dev/fd/%d", p->fd);
    return p->handle ? td__file_hash(path, hex) : 0;
}

static void load_or_say_why(td__plugin *p)
{
    load(p);
    if (p->refused)
        td__log(TD_LOG_WARN, "%s: %s", p->file, p->refused);
}

static int is_other(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    (void)kind_name, (void)key, (void)user;
    return kind != TD_KIND_BACKEND;
}

static int is_backend(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    (void)kind_name;
    return kind == TD_KIND_BACKEND && (!user || !strcmp(key, user));
}

void td__plugins_load_backends(td__plugins *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->v[i]->refused && !p->v[i]->loaded &&
            td__each_provided(p->v[i], is_backend, (char *)(uintptr_t)key))
            load_or_say_why(p->v[i]);
}

size_t td__plugins_load(td__plugins *p)
{
    size_t loaded = 0;
    for (size_t i = 0; i < p->n; i++) {
        td__plugin *plugin = p->v[i];
        if (plugin->refused)
            td__log(plugin->shadowed ? TD_LOG_DEBUG : TD_LOG_WARN, "%s: %s", plugin->file, plugin->refused);
        else if (!plugin->loaded && td__each_provided(plugin, is_other, NULL))
            load_or_say_why(plugin);
        loaded += plugin->loaded != 0;
    }
    return loaded;
}

int td__plugin_load_static(td__plugins *p, const td_static_plugin *s)
{
    char why[256];
    td__plugin *plugin = calloc(1, sizeof *plugin);
    int bad = plugin && td__parse_manifest(s->manifest, strlen(s->manifest), plugin, why, sizeof why);
    if (!plugin || !(plugin->file = td__printf("(static %s)", plugin->id ? plugin->id : "?"))) {
        if (plugin)
            td__plugin_clear(plugin);
        free(plugin);
        td__log(TD_LOG_ERROR, "out of memory");
        return -1;
    }
    if (bad)
        refuse(plugin, why);
    if (td__plugins_add(p, plugin))
        return -1;
    if (!plugin->refused)
        enter(plugin, s->entry);
    if (plugin->refused)
        td__log(TD_LOG_ERROR, "%s: %s", plugin->file, plugin->refused);
    return plugin->refused ? -1 : 0;
}

void td__plugins_free(td__plugins *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i]->handle)
            close(p->v[i]->fd);
        td__plugin_clear(p->v[i]);
        free(p->v[i]);
    }
    free(p->v);
    free(p->searched);
    memset(p, 0, sizeof *p);
}
