/* Named tensors in files: safetensors (read, write) and PyTorch's .pt/.pth/.th (read).  Data is row-major in
 * PyTorch's order; nothing in a file is executed; sizes are checked before memory is asked for. */
#ifndef TD__TENSORS_H
#define TD__TENSORS_H

#include <stddef.h>
#include <td/abi.h>

typedef struct td__named {
    const char *name;
    td_desc d;
    const void *data; /* row-major, little-endian, aligned for its type */
} td__named;

typedef struct td__tensor_file {
    td__named *v; /* in the file's order */
    size_t n;
    const char *const *meta_keys, *const *meta_values; /* safetensors' __metadata__ */
    size_t n_meta;
    const char *path; /* as it was opened, for messages */
    void *owner;      /* memory behind it all */
} td__tensor_file;

/* By content: safetensors, PyTorch zip, PyTorch legacy.  For a checkpoint {"state_dict" or "model": {...}, ...} the
 * inner state dict.  0, or -1 with "file: message" in why. */
int td__tensors_open(td__tensor_file *f, const char *path, char *why, size_t why_size);
void td__tensors_close(td__tensor_file *f);
const td__named *td__tensors_find(const td__tensor_file *f, const char *name);

/* Writes safetensors atomically (temporary file, fsync, rename).  Metadata: n_meta pairs.  0, or -1 with a message. */
int td__safetensors_write(const char *path, const td__named *v, size_t n, const char *const *meta_keys,
                          const char *const *meta_values, size_t n_meta, char *why, size_t why_size);

#endif
