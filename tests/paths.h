/* Where tests find files: in the source tree, which `make check` names in $srcdir (else the current folder), and the
 * real data sets, which may be absent. */
#ifndef TESTS_PATHS_H
#define TESTS_PATHS_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/mem.h"

/* A file of the source tree; malloc'ed. */
static inline char *source_path(const char *relative)
{
    const char *top = getenv("srcdir");
    return td__printf("%s/%s", top ? top : ".", relative);
}

/* A file of the build tree, where this program is tests/AREA/NAME; malloc'ed. */
static inline char *build_path(const char *relative)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n < 0 ? 0 : n] = 0;
    for (int i = 0; i < 3 && strrchr(exe, '/'); i++)
        *strrchr(exe, '/') = 0;
    return td__printf("%s/%s", exe, relative);
}

/* A file of $TDHOST_TEST_DATA or ../shared/data; malloc'ed, NULL where it is not there (the test is skipped). */
static inline char *data_path(const char *relative)
{
    const char *data = getenv("TDHOST_TEST_DATA");
    char *up = source_path("../shared/data"), *path = td__printf("%s/%s", data ? data : up, relative);
    free(up);
    if (path && !access(path, R_OK))
        return path;
    free(path);
    return NULL;
}

static inline int remove_node(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Removes a temporary folder with all that is in it. */
static inline void remove_tree(const char *folder) { nftw(folder, remove_node, 8, FTW_DEPTH | FTW_PHYS); }

#endif
