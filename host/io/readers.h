/* Between the readers of tensor files: each takes a whole file in memory and fills v, n and the metadata of f from the
 * arena and from the bytes, which both live as long as f.  0, or -1 with a message that does not name the file. */
#ifndef TD__READERS_H
#define TD__READERS_H

#include <stdint.h>

#include "host/base/mem.h"
#include "host/io/pickle.h"
#include "host/io/tensors.h"

int td__safetensors_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why,
                         size_t why_size);
int td__torch_zip_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why, size_t why_size);
int td__torch_legacy_read(td__tensor_file *f, td__arena *a, const uint8_t *bytes, size_t size, char *why,
                          size_t why_size);

/* What a legacy file of torch.save starts with: its magic number, pickled. */
#define TD__TORCH_MAGIC                                                                                                \
    "\x80\x02\x8a\nl\xfc\x9c"                                                                                          \
    "F\xf9 j\xa8P\x19."
#define TD__TORCH_MAGIC_SIZE 15u

/* Size of a tensor: 0, or -1 when that is beyond 2^62. */
int td__named_bytes(const td_desc *d, uint64_t *bytes);
/* The data of a tensor where its type can be read from: `at`, or an aligned copy.  NULL: out of memory. */
const void *td__aligned(td__arena *a, const uint8_t *at, uint64_t bytes);

/* A storage as PyTorch's pickles refer to it. */
typedef struct td__torch_ref {
    const td__pickle *key;
    uint32_t dtype;
    uint64_t count;  /* elements, as the pickle says */
    uint64_t offset; /* of a view into it, in elements */
} td__torch_ref;
/* From a persistent id: 0, or -1 with a message. */
int td__torch_ref_of(const td__pickle *persid, td__torch_ref *out, char *why, size_t why_size);

/* Gives the bytes of a storage: 0 and *data, *count (elements), or -1 with a message. */
typedef int (*td__torch_storage_fn)(void *user, const td__torch_ref *ref, const uint8_t **data, uint64_t *count,
                                    char *why, size_t why_size);
/* The state dict inside an unpickled file.  limit: no tensor is larger (the file's size). */
int td__torch_tensors(td__tensor_file *f, td__arena *a, const td__pickle *root, uint64_t limit,
                      td__torch_storage_fn storage, void *user, char *why, size_t why_size);

#endif
