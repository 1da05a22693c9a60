/* Diagnostics: all that is wrong with a user's file, each with its place. */
#ifndef TD__DIAG_H
#define TD__DIAG_H

#include <stdio.h>
#include <td/abi.h>

/* A place in a text file; line and column from 1; 0: the file as a whole.  file is borrowed. */
typedef struct td__place {
    const char *file;
    uint32_t line, column;
} td__place;

typedef struct td__diag {
    struct td__diag_entry { td__place at; int warning; char *text; } *v; /* in the order reported */
    size_t n, capacity, errors;
} td__diag;

void td__diag_error(td__diag *d, td__place at, const char *fmt, ...) TD_PRINTF(3, 4);
void td__diag_warn(td__diag *d, td__place at, const char *fmt, ...) TD_PRINTF(3, 4);
/* Calls fn for each, sorted by place, equal ones once; nonzero stops and is returned, -1: out of memory. */
int td__diag_each(const td__diag *d, int (*fn)(const struct td__diag_entry *, void *user), void *user);
/* "file:line:column: message", sorted by place, equal ones once; warnings as "…: warning: message". */
void td__diag_print(const td__diag *d, FILE *out);
void td__diag_free(td__diag *d);

#endif
