/* Plugins: found on disk, read without running, loaded. */
#ifndef TD__PLUGINS_H
#define TD__PLUGINS_H

#include "host/plugin/registry.h"

typedef struct td__plugin {
    char *file;     /* path; "(static)" for static plugins */
    char *id, *version, *licence, *summary, *provides; /* from the note */
    int abi_major, abi_minor;
    char *refused;  /* why it is not loaded, e.g. "built for SDK 1.2, this host offers 0.1"; NULL: fine */
    char hash[65];  /* SHA-256 of the file, for result.json; filled on load */
    void *handle;   /* dlopen's; never closed after a successful entry */
} td__plugin;

typedef struct td__plugins {
    td__plugin **v; /* in order of priority; registered types point to theirs */
    size_t n, capacity;
} td__plugins;

/* Reads the note of one ELF file through its program headers, running nothing.  0 = found, 1 = an ELF file or other file
 * without our note (why says which), -1 = unreadable or malformed. */
int td__read_manifest(const char *file, td__plugin *out, char *why, size_t why_size);

/* Adds what the places hold: files and folders (searched recursively for *.so) in order of priority; the same file twice
 * (inode) counts once; files without a note are skipped silently in folders and refused when named. */
int td__plugins_scan(td__plugins *p, const char *const *files, size_t n_files, const char *const *dirs, size_t n_dirs);
/* Adds the default places: $TDHOST_PLUGIN_PATH (not when privileged), the user's data folder, the installed folder. */
int td__plugins_scan_default(td__plugins *p);
/* Loads what is not refused, transactionally each; a plugin that fails is marked refused and the host goes on.  Two plugins
 * with one key: both files are named and the later one is refused.  Returns how many are loaded. */
size_t td__plugins_load(td__plugins *p);
/* Registers a static plugin (td_static_plugin of TD_STATIC_PLUGIN builds). 0, or -1 with a message logged. */
int td__plugin_load_static(td__plugins *p, const td_static_plugin *s);
void td__plugins_free(td__plugins *p);

/* `tdhost list-plugins` and `tdhost describe`. Return an exit code. */
int td__list_plugins(const td__plugins *p, int json, FILE *out);
int td__describe(const char *key, FILE *out);

/* The host's function table. */
extern const td_api td__api;

#endif
