/* State dicts: a module tree's parameters and buffers to and from files. */
#ifndef TD__STATE_H
#define TD__STATE_H

#include "host/io/tensors.h"
#include "host/nn/module.h"

/* How names in a file map to names in the tree, as the configuration declares. */
typedef struct td__rename {
    const char *strip_prefix; /* "module." or NULL */
    const char *const *from;  /* leading whole path elements, e.g. "linear" ... */
    const char *const *to;    /* ... become "fc" */
    size_t n;
    int strict; /* missing and unexpected names are errors (always listed) */
} td__rename;

/* Loads what the file holds into the tree; floats and integers of other widths are converted.  What does not fit is
 * found before anything changes: c fails with one message that lists missing, unexpected and mis-shaped names (both
 * shapes).  "num_batches_tracked" may be missing.  0, or -1. */
int td__load_state(td_ctx *c, td_module *root, const td__tensor_file *file, const td__rename *rename);
/* Opens safetensors or a PyTorch file by its content and loads it.  rename NULL: names as they are, strictly. */
int td__load_state_file(td_ctx *c, td_module *root, const char *path, const td__rename *rename);
/* Writes a safetensors file (atomically; its folder is made), in the order of PyTorch's state_dict().  0, or -1. */
int td__save_state_file(td_ctx *c, td_module *root, const char *path);

#endif
