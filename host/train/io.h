/* What one step tapped: module inputs and outputs by side and path, and the batch's side values. */
#ifndef TD__IO_H
#define TD__IO_H

#include "host/data/loader.h"
#include "host/nn/module.h"

/* One tapped end of a module.  Kept over steps; the value lives from the forward to td__io_clear. */
typedef struct td__slot {
    td_tap tap;
    char *path;     /* owned; tap.path points to it */
    td_value value; /* tensors retained, tuples and dicts copied; TD_VALUE_NONE while nothing is there */
    td_value cover; /* likewise: what a loss wrapper shows in its place, until td__io_uncover */
    int read;       /* by td__io_value, since the last td__io_watch */
} td__slot;

struct td_io {
    td_io_head head; /* first: td_io_of */
    td__slot **slots;
    size_t n, capacity;
};

td_io *td__io_new(td_ctx *c); /* NULL: out of memory */
void td__io_free(td_io *io);
/* Hooks `m`, so that each of its forwards fills the slot of `tap`; the same tap twice is hooked once.  0, or -1 and c
 * fails.  The hook stays until td__hooks_clear of the tree; io must live as long. */
int td__io_tap(td_io *io, td_module *m, const td_tap *tap);
/* A step begins: target, index and side values are those of the batch, which must live until td__io_clear. */
void td__io_begin(td_io *io, const td__batch *batch, int64_t epoch, int64_t step);
/* Forgets what td__io_cover put before the values: a term is done.  One that nobody read: c fails. */
void td__io_uncover(td_io *io);
/* Forgets the values, not the slots. */
void td__io_clear(td_io *io);

/* What is read is noted from here on. */
void td__io_watch(td_io *io);
/* Whether anything of that side was read. */
int td__io_read(const td_io *io, uint32_t side);
/* The context has failed: its message also gets the taps that were read, each with its shapes, and where the shapes of
 * two are what does not fit, the layer that would make them. */
void td__io_explain(td_io *io);

/* Services of td_api.  A tap that holds nothing: c fails, naming it and what is there. */
td_value td__io_value(td_io *io, const td_tap *tap);
void td__io_put(td_io *io, const td_tap *tap, td_value value);
/* Of a tap that holds something. */
void td__io_cover(td_io *io, const td_tap *tap, td_value value);
td_tensor *td__io_supp(td_io *io, const char *name);

const char *td__side_name(uint32_t side); /* "student", "teacher" */
const char *td__end_name(uint32_t end);   /* "input", "output" */

#endif
