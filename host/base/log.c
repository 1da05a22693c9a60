#include "host/base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <td/td.h>

static _Atomic int least = TD_LOG_INFO, open_line;

void td__log_level(int level) { least = level; }

void td__log_unfinished(int unfinished) { open_line = unfinished; }

void td__vlog(int level, const char *fmt, va_list ap)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};
    if (level > least || level < 0 || level > TD_LOG_DEBUG)
        return;
    flockfile(stderr);
    if (atomic_exchange(&open_line, 0))
        fputc('\n', stderr);
    fputs(prefix[level], stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void td__log(int level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    td__vlog(level, fmt, ap);
    va_end(ap);
}
