/* Runs the built tdhost as a user's shell would. */
#ifndef TESTS_SHELL_H
#define TESTS_SHELL_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "host/base/mem.h"

#define PLUGINS "--plugins " TD_BUILDDIR "/plugins "

struct shell {
    int code;   /* exit status; -1: ended by a signal or not started */
    char *text; /* standard output and error; the caller frees it */
};

/* Arguments as in a shell; no plugins but those they name. */
static inline struct shell tdhost(const char *arguments)
{
    struct shell got = {-1, NULL};
    size_t size = 1 << 20, n;
    char *command = td__printf("XDG_DATA_HOME=/nowhere TDHOST_PLUGIN_PATH= " TD_BUILDDIR "/tdhost %s 2>&1", arguments);
    FILE *pipe = command ? popen(command, "r") : NULL;
    free(command);
    got.text = calloc(1, size);
    if (!pipe || !got.text)
        return got;
    n = fread(got.text, 1, size - 1, pipe);
    got.text[n] = 0;
    int status = pclose(pipe);
    got.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return got;
}

#endif
