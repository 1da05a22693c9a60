#include "host/base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"

static void add(td__diag *d, td__place at, int warning, const char *fmt, va_list ap)
{
    char *text = NULL;
    d->errors += !warning;
    if (vasprintf(&text, fmt, ap) < 0)
        return;
    if (td__grow(&d->v, &d->capacity, d->n + 1, sizeof *d->v)) {
        free(text);
        return;
    }
    d->v[d->n].at = at;
    d->v[d->n].warning = warning;
    d->v[d->n++].text = text;
}

void td__diag_error(td__diag *d, td__place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, at, 0, fmt, ap);
    va_end(ap);
}

void td__diag_warn(td__diag *d, td__place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, at, 1, fmt, ap);
    va_end(ap);
}

/* By file, line, column; equal places in the order reported. */
static int before(const struct td__diag_entry *a, const struct td__diag_entry *b)
{
    int files = strcmp(a->at.file ? a->at.file : "", b->at.file ? b->at.file : "");
    if (files || a->at.line != b->at.line)
        return files ? files < 0 : a->at.line < b->at.line;
    return a->at.column < b->at.column;
}

int td__diag_each(const td__diag *d, int (*fn)(const struct td__diag_entry *, void *user), void *user)
{
    size_t *order = malloc((d->n + 1) * sizeof *order);
    int rc = order ? 0 : -1;
    for (size_t i = 0; !rc && i < d->n; i++) { /* stable insertion sort: there are few */
        size_t k = i;
        while (k > 0 && before(&d->v[i], &d->v[order[k - 1]])) {
            order[k] = order[k - 1];
            k--;
        }
        order[k] = i;
    }
    const struct td__diag_entry *last = NULL;
    for (size_t i = 0; !rc && i < d->n; i++) {
        const struct td__diag_entry *e = &d->v[order[i]];
        if (last && last->at.line == e->at.line && last->at.column == e->at.column && !strcmp(last->text, e->text))
            continue;
        last = e;
        rc = fn(e, user);
    }
    free(order);
    return rc;
}

static int print(const struct td__diag_entry *e, void *user)
{
    FILE *out = user;
    if (e->at.file)
        fprintf(out, "%s:", e->at.file);
    if (e->at.line)
        fprintf(out, "%u:%u:", e->at.line, e->at.column);
    fprintf(out, "%s%s%s\n", e->at.file ? " " : "", e->warning ? "warning: " : "", e->text);
    return 0;
}

void td__diag_print(const td__diag *d, FILE *out)
{
    td__diag_each(d, print, out);
}

void td__diag_free(td__diag *d)
{
    for (size_t i = 0; i < d->n; i++)
        free(d->v[i].text);
    free(d->v);
    memset(d, 0, sizeof *d);
}
