/* Plugins: found on disk, read without running, loaded. */
#ifndef TD__PLUGINS_H
#define TD__PLUGINS_H

#include "host/plugin/registry.h"

typedef struct td__plugin {
    char *file;     /* path; "(static ID)" for static plugins */
    char *id, *version, *licence, *summary, *provides; /* from the note; "" where it has none */
    int abi_major, abi_minor;
    char *refused;  /* why it is not loaded, e.g. "built for SDK 1.2, this host offers 0.1"; NULL: fine */
    void *handle;   /* dlopen's; never closed after a successful entry; NULL for static plugins */
    int fd;         /* of the file, where there is a handle */
    int loaded;
    int chosen;     /* the user named it or its folder */
    int shadowed;   /* refused for the keys of one the user chose: no cause to complain */
    uint64_t device, inode;
} td__plugin;

typedef struct td__plugins {
    td__plugin **v; /* in order of priority; registered types point to theirs */
    size_t n, capacity;
    char *searched; /* the folders, as a message names them; NULL: none */
} td__plugins;

/* Reads the note of one ELF file through its program headers, running nothing, and fills what it says into out (the
 * strings are malloc'ed; td__plugin_clear).  0 = found, 1 = a file without our note, -1 = unreadable, malformed or
 * not to be trusted; why says what. */
int td__read_manifest(const char *file, td__plugin *out, char *why, size_t why_size);
/* The same from the note's JSON.  0 or -1. */
int td__parse_manifest(const char *json, size_t size, td__plugin *out, char *why, size_t why_size);
void td__plugin_clear(td__plugin *p);
/* SHA-256 of the file that was loaded, though another may have taken its place; "" for static plugins.  0, or -1 with
 * errno. */
int td__plugin_hash(const td__plugin *p, char hex[65]);
/* Calls fn for each kind:key of `provides`; nonzero stops and is returned.  kind is 0 where it is not known. */
int td__each_provided(const td__plugin *p, int (*fn)(uint32_t kind, const char *kind_name, const char *key, void *user),
                      void *user);

/* Adds a plugin whose manifest was read (and takes it), refusing what the binary interface or the keys of an earlier
 * plugin rule out: who owns a key is decided before any code runs.  0, or -1 with a message logged and plugin freed. */
int td__plugins_add(td__plugins *p, td__plugin *plugin);
/* Adds what the places hold, in order of priority: files, then folders (each may be several separated by ':'; searched
 * recursively for *.so).  The same file twice (inode) counts once; files without a note are skipped silently in folders
 * and refused when named.
 * 0, or -1 with a message logged: a named file or folder that is not there, or no memory. */
int td__plugins_scan(td__plugins *p, const char *const *files, size_t n_files, const char *const *dirs, size_t n_dirs);
/* Adds the default places, where they exist: $TDHOST_PLUGIN_PATH (not when privileged), the user's data folder, the
 * installed folder. */
int td__plugins_scan_default(td__plugins *p);
/* Loads what is not refused and not loaded, each as a whole or not at all; a plugin that fails is marked refused and
 * the host goes on.  Every refusal is logged as "file: reason" (of shadowed ones at level debug).  Returns how many are
 * loaded. Those that bring nothing but backends stay on disk: what they link is large and slow to start. */
size_t td__plugins_load(td__plugins *p);
/* Loads in the same way those that bring the backend `key`; NULL: any backend. */
void td__plugins_load_backends(td__plugins *p, const char *key);
/* The backend that a user asked for, its plugin loaded, ready: a key; "auto": of all that run here the one with the
 * highest score; NULL: "cpu".  NULL with the reason logged. */
const td_backend_type *td__choose_backend(td__plugins *p, const char *name);
/* The static twins of the plugins of this tree (libtdplugins.a), ended by NULL. */
extern const td_static_plugin *const td__static_plugins[];
/* Registers a static plugin.  0, or -1 with a message logged. */
int td__plugin_load_static(td__plugins *p, const td_static_plugin *s);
void td__plugins_free(td__plugins *p); /* after td__registry_clear: types point here */

/* `tdhost list-plugins`: one line a key, from notes only; 0, or -1 when out cannot be written. */
int td__list_plugins(const td__plugins *p, int json, FILE *out);
/* `tdhost describe KEY`: everything registered under the key; -1 and a message with the nearest keys where there is
 * nothing.  KEY NULL: one line for everything there is.  json: an array of {kind, key, summary, aliases, plugin,
 * parameters}, of a loss also `needs` (which of target, index, teacher_grad, not_cacheable) and `state` (whether it
 * keeps any). */
int td__describe(const char *key, int json, FILE *out);

/* The host's function table. */
extern const td_api td__api;

#endif
