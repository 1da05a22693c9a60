#include "host/train/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
    p->since = td__seconds();
}

int td__progress_step(td__progress *p, int64_t n, double waited, int last, td__rates *rates)
{
    double now = td__seconds(), span = now - p->since;
    p->images += n;
    p->steps++;
    p->waited += waited;
    rates->images_per_second = span > 0 ? (double)p->images / span : 0;
    rates->wait_share = span > 0 ? p->waited / span : 0;
    rates->seconds_per_step = span / (double)p->steps;
    if (p->steps < p->every && !last)
        return 0;
    p->since = now;
    p->images = p->steps = 0;
    p->waited = 0;
    return 1;
}

int td__progress_wants(const td__progress *p)
{
    return !p->quiet && p->terminal && td__seconds() - p->line_at >= REDRAW;
}

void td__progress_line(td__progress *p, int kept, const char *fmt, ...)
{
    va_list ap;
    if (p->quiet || (!kept && !td__progress_wants(p)))
        return;
    if (p->open)
        fputs("\r\033[K", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    p->open = !kept;
    if (kept)
        fputc('\n', stderr);
    fflush(stderr);
    p->line_at = td__seconds();
}

char *td__duration(double seconds, char *buf, size_t size)
{
    long long s = (long long)(seconds + 0.5);
    snprintf(buf, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}
