/* What a library must leave alone while it is loaded: how this process computes, prints and handles signals. */
#ifndef TD__ENVIRONMENT_H
#define TD__ENVIRONMENT_H

#include <signal.h>
#include <stddef.h>

typedef struct td__environment {
    int rounding;
    unsigned
        float_control; /* MXCSR without exception flags and rounding: flush-to-zero, denormals, masks; 0 elsewhere */
    char locale[256];
    struct sigaction handlers[NSIG];
} td__environment;

void td__environment_take(td__environment *e);
/* Puts back whatever differs now.  1 and what it was in `what`, or 0. */
int td__environment_restore(const td__environment *e, char *what, size_t what_size);

#endif
