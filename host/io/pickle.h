/* Python pickles as plain values: a machine for the opcodes of protocols 2 to 5 that builds a tree and executes
 * nothing.  A call of a Python object stays in the tree as what would be called and with what; who reads the tree
 * decides what it stands for (a tensor, a numpy array) or ignores it.
 *
 * Lists and dicts may contain themselves, so a walk must bound its depth. */
#ifndef TD__PICKLE_H
#define TD__PICKLE_H

#include "host/base/mem.h"

#include <stdint.h>

typedef enum td__pickle_kind {
    TD__PK_NONE,
    TD__PK_BOOL,   /* i */
    TD__PK_INT,    /* i */
    TD__PK_LONG,   /* beyond 64 bits: text, size: little-endian two's complement */
    TD__PK_FLOAT,  /* f */
    TD__PK_STR,    /* text, size: UTF-8, or the bytes of a Python 2 str */
    TD__PK_BYTES,  /* text, size */
    TD__PK_LIST,   /* items[0..n); sets are lists too */
    TD__PK_TUPLE,  /* items[0..n) */
    TD__PK_DICT,   /* n pairs: items[2 i] is the key, items[2 i + 1] the value; an OrderedDict is one too */
    TD__PK_GLOBAL, /* text "module.name", NUL-terminated */
    TD__PK_CALL,   /* callable(args), then state as __setstate__ got it (or NULL) */
    TD__PK_PERSID  /* args: the persistent id, e.g. PyTorch's ("storage", type, key, location, count) */
} td__pickle_kind;

typedef struct td__pickle {
    td__pickle_kind kind;
    int64_t i;
    double f;
    const char *text; /* STR, BYTES, LONG: inside the bytes that were read, not NUL-terminated */
    size_t size;
    struct td__pickle **items;
    size_t n, room;
    struct td__pickle *callable, *args, *state;
} td__pickle;

/* Reads the one pickle at the front of bytes, which must outlive the tree; *used (may be NULL) gets its length.
 * The tree is in the arena and takes memory in proportion to `size`.  NULL: a message in why. */
td__pickle *td__pickle_load(td__arena *a, const void *bytes, size_t size, size_t *used, char *why, size_t why_size);

/* The same; *persids gets a LIST of all TD__PK_PERSID values in the order they were read. */
td__pickle *td__pickle_load_persids(td__arena *a, const void *bytes, size_t size, size_t *used, td__pickle **persids,
                                    char *why, size_t why_size);

/* The value of a key (str or bytes) of a dict; NULL where it is absent or v is no dict (NULL too). */
td__pickle *td__pickle_get(const td__pickle *v, const char *key);
/* Item i of a tuple or list; NULL where it is absent or v is neither (NULL too). */
td__pickle *td__pickle_at(const td__pickle *v, size_t i);
/* Whether v (NULL: no) is a str, bytes or global of this text. */
int td__pickle_is(const td__pickle *v, const char *text);
/* v as an integer that lies in [min, max]: 0, else -1 (NULL too). */
int td__pickle_int(const td__pickle *v, int64_t min, int64_t max, int64_t *out);

#endif
