/* What a run says while it runs: a line that is rewritten on a terminal, plain lines elsewhere. */
#ifndef TD__PROGRESS_H
#define TD__PROGRESS_H

#include <td/abi.h>

double td__seconds(void); /* monotonic */

typedef struct td__progress {
    int quiet, terminal;
    int64_t every;  /* steps between plain lines */
    double line_at; /* when the last line was written */
    double since;   /* rates count from here: the epoch's beginning, or when the last plain line was due */
    int64_t images; /* and this many since */
    int64_t steps;
    double waited; /* for data since */
    int open;      /* the terminal's line is unfinished */
} td__progress;

/* The rates of what happened since then. */
typedef struct td__rates {
    double images_per_second, wait_share, seconds_per_step;
} td__rates;

void td__progress_begin(td__progress *p, int64_t every, int quiet);
/* Counts rates anew from now on: what happened between epochs was no training. */
void td__progress_restart(td__progress *p);
/* One more step of n images, `waited` seconds of it for data.  1: a plain line is due (rates are set, and counted
 * anew). */
int td__progress_step(td__progress *p, int64_t n, double waited, int last, td__rates *rates);
/* Writes the line over the last one that was not kept.  One that is not `kept` goes to terminals only, cut at their
 * width. */
void td__progress_line(td__progress *p, int kept, const char *fmt, ...) TD_PRINTF(3, 4);
/* Whether td__progress_line would write one that is not kept. */
int td__progress_wants(const td__progress *p);
/* "1:02:03" into buf. */
char *td__duration(double seconds, char *buf, size_t size);

#endif
