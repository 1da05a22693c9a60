/* Where plugins are looked for, and who of several owns a key. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/plugin/plugins.h"

/* How a file came to be looked at: the user named it, or its folder, or nobody did. */
enum place { NAMED_FILE, NAMED_FOLDER, DEFAULT_FOLDER };

static int out_of_memory(void)
{
    td__log(TD_LOG_ERROR, "out of memory");
    return -1;
}

struct claim {
    const td__plugins *plugins;
    td__plugin *by;
};

static int same_key(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    const char *const *wanted = user;
    (void)kind;
    return !strcmp(kind_name, wanted[0]) && !strcmp(key, wanted[1]);
}

static int claim_key(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    struct claim *c = user;
    const char *wanted[2] = {kind_name, key};
    (void)kind;
    for (size_t i = 0; i < c->plugins->n; i++) {
        const td__plugin *other = c->plugins->v[i];
        if (other->refused || !td__each_provided(other, same_key, wanted))
            continue;
        c->by->shadowed = other->chosen && !c->by->chosen;
        c->by->refused = td__printf("%s '%s' is already registered by %s", kind_name, key, other->file);
        return 1;
    }
    return 0;
}

int td__plugins_add(td__plugins *p, td__plugin *plugin)
{
    char **strings[] = {&plugin->id, &plugin->version, &plugin->licence, &plugin->summary, &plugin->provides};
    int rc = td__grow(&p->v, &p->capacity, p->n + 1, sizeof(td__plugin *));
    for (size_t i = 0; !rc && i < sizeof strings / sizeof *strings; i++)
        if (!*strings[i] && !(*strings[i] = td__strdup("")))
            rc = -1;
    if (rc) {
        td__plugin_clear(plugin);
        free(plugin);
        return out_of_memory();
    }
    if (!plugin->refused && (plugin->abi_major != TD_ABI_MAJOR || plugin->abi_minor > TD_ABI_MINOR))
        plugin->refused = td__printf("built for SDK %d.%d, this host offers %d.%d", plugin->abi_major,
                                     plugin->abi_minor, TD_ABI_MAJOR, TD_ABI_MINOR);
    if (!plugin->refused)
        td__each_provided(plugin, claim_key, &(struct claim){p, plugin});
    p->v[p->n++] = plugin;
    return 0;
}

static int known(const td__plugins *p, const struct stat *st)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i]->device == st->st_dev && p->v[i]->inode == st->st_ino)
            return 1;
    return 0;
}

static int add_file(td__plugins *p, const char *file, enum place place)
{
    struct stat st;
    char why[512] = "";
    if (stat(file, &st)) {
        td__log(place == NAMED_FILE ? TD_LOG_ERROR : TD_LOG_WARN, "plugin '%s': %s", file, strerror(errno));
        return place == NAMED_FILE ? -1 : 0;
    }
    if (known(p, &st))
        return 0;
    td__plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin || !(plugin->file = td__strdup(file))) {
        free(plugin);
        return out_of_memory();
    }
    int found = td__read_manifest(file, plugin, why, sizeof why);
    if (found == 1 && place != NAMED_FILE) {
        td__log(TD_LOG_DEBUG, "%s: %s", file, why);
        td__plugin_clear(plugin);
        free(plugin);
        return 0;
    }
    plugin->chosen = place != DEFAULT_FOLDER;
    plugin->device = st.st_dev;
    plugin->inode = st.st_ino;
    if (found)
        plugin->refused = td__strdup(why);
    return td__plugins_add(p, plugin);
}

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static int is_shared_object(const FTSENT *e)
{
    return e->fts_info == FTS_F && e->fts_namelen > 3 && !strcmp(e->fts_name + e->fts_namelen - 3, ".so");
}

/* Notes a folder, so that who misses something sees where it was not looked for. */
static int note(td__plugins *p, const char *folder, int there)
{
    char *text = td__printf("%s%s%s%s", p->searched ? p->searched : "", p->searched ? ", " : "", folder,
                            there ? "" : " (not there)");
    free(p->searched);
    p->searched = text;
    return text ? 0 : out_of_memory();
}

/* All *.so below a folder, in the order of their names. */
static int add_folder(td__plugins *p, char *folder, enum place place)
{
    FTS *tree = fts_open((char *[]){folder, NULL}, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!tree)
        return out_of_memory();
    int rc = 0;
    for (FTSENT *e; !rc && (e = fts_read(tree));) {
        if (e->fts_level == FTS_ROOTLEVEL && e->fts_info != FTS_D && e->fts_info != FTS_DP) {
            if (place == NAMED_FOLDER)
                td__log(TD_LOG_ERROR, "plugin folder '%s': %s", folder,
                        strerror(e->fts_errno ? e->fts_errno : ENOTDIR));
            rc = place == NAMED_FOLDER ? -1 : note(p, folder, 0);
        } else if (e->fts_level == FTS_ROOTLEVEL && e->fts_info == FTS_D) {
            rc = note(p, folder, 1);
        } else if (is_shared_object(e)) {
            rc = add_file(p, e->fts_path, place);
        } else if (e->fts_info == FTS_DNR) {
            td__log(TD_LOG_WARN, "plugin folder '%s': %s", e->fts_path, strerror(e->fts_errno));
        }
    }
    fts_close(tree);
    return rc;
}

/* Folders separated by ':'. */
static int add_path(td__plugins *p, const char *path, enum place place)
{
    char *copy = td__strdup(path), *rest = NULL;
    int rc = copy ? 0 : out_of_memory();
    for (char *folder = rc ? NULL : strtok_r(copy, ":", &rest); !rc && folder; folder = strtok_r(NULL, ":", &rest))
        rc = add_folder(p, folder, place);
    free(copy);
    return rc;
}

int td__plugins_scan(td__plugins *p, const char *const *files, size_t n_files, const char *const *dirs, size_t n_dirs)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < n_files; i++)
        rc = add_file(p, files[i], NAMED_FILE);
    for (size_t i = 0; !rc && i < n_dirs; i++)
        rc = add_path(p, dirs[i], NAMED_FOLDER);
    return rc;
}

/* $XDG_DATA_HOME/tdhost/plugins/MAJOR, or below ~/.local/share; malloc'ed. */
static char *user_folder(void)
{
    const char *xdg = secure_getenv("XDG_DATA_HOME");
    char *home = xdg && *xdg == '/' ? td__strdup(xdg) : td__expand_user("~/.local/share");
    char *folder = home ? td__printf("%s/tdhost/plugins/%d", home, TD_ABI_MAJOR) : NULL;
    free(home);
    return folder;
}

int td__plugins_scan_default(td__plugins *p)
{
    const char *path = secure_getenv("TDHOST_PLUGIN_PATH");
    char *user = user_folder();
    int rc = !user ? out_of_memory() : path ? add_path(p, path, DEFAULT_FOLDER) : 0;
    if (!rc)
        rc = add_folder(p, user, DEFAULT_FOLDER);
    if (!rc)
        rc = add_folder(p, (char[]){TD_PLUGIN_DIR}, DEFAULT_FOLDER);
    free(user);
    return rc;
}
