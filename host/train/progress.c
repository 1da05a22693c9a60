#include "host/train/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"

#define REDRAW 0.2 /* seconds */

double td__seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void td__progress_begin(td__progress *p, int64_t every, int quiet)
{
    memset(p, 0, sizeof *p);
    p->every = every;
    p->quiet = quiet;
    p->terminal = isatty(STDERR_FILENO);
    td__progress_restart(p);
}

void td__progress_restart(td__progress *p)
{
    p->since = td__seconds();
    p->images = p->steps = 0;
    p->waited = 0;
}

int td__progress_step(td__progress *p, int64_t n, double waited, int last, td__rates *rates)
{
    double span = td__seconds() - p->since;
    p->images += n;
    p->steps++;
    p->waited += waited;
    rates->images_per_second = span > 0 ? (double)p->images / span : 0;
    rates->wait_share = span > 0 ? p->waited / span : 0;
    rates->seconds_per_step = span / (double)p->steps;
    if (p->steps < p->every && !last)
        return 0;
    td__progress_restart(p);
    return 1;
}

int td__progress_wants(const td__progress *p)
{
    return !p->quiet && p->terminal && td__seconds() - p->line_at >= REDRAW;
}

/* How many characters fit a line that is rewritten: a wrapped one could not be wiped out. */
static size_t room(size_t most)
{
    struct winsize w;
    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_col < most ? w.ws_col : most;
}

void td__progress_line(td__progress *p, int kept, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    if (p->quiet || (!kept && !td__progress_wants(p)))
        return;
    if (p->open)
        fputs("\r\033[K", stderr);
    va_start(ap, fmt);
    vsnprintf(line, kept ? sizeof line : room(sizeof line), fmt, ap);
    va_end(ap);
    fputs(line, stderr);
    p->open = !kept;
    if (kept)
        fputc('\n', stderr);
    td__log_unfinished(p->open);
    fflush(stderr);
    p->line_at = td__seconds();
}

char *td__duration(double seconds, char *buf, size_t size)
{
    long long s = (long long)(seconds + 0.5);
    snprintf(buf, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}
