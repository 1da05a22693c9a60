/* What is registered: every type by kind and key.  Filled at start, read-only afterwards. */
#ifndef TD__REGISTRY_H
#define TD__REGISTRY_H

#include <stdio.h>
#include <td/td.h>

struct td__plugin;

typedef struct td__entry {
    uint32_t kind;
    const td_type *type;             /* the host's copy, zero-filled to the size this host knows */
    const void *descriptor;          /* the same; of an operation its td_op_type, and type is made from it */
    const struct td__plugin *plugin; /* NULL: the host's own */
} td__entry;

const char *td__kind_name(uint32_t kind);            /* "loss"; "?" for unknown */
const char *td__kind_title(uint32_t kind);           /* "a loss", "a data set" for messages */
uint32_t td__kind_by_name(const char *name);         /* 0: unknown */

/* By key or alias, exactly as registered.  NULL: none.  The pointer is good until the next registration. */
const td__entry *td__find_entry(uint32_t kind, const char *key);
const td_type *td__find_type(uint32_t kind, const char *key);
const td__entry *td__entry_at(size_t i); /* in order of kind and key; NULL past the end */
int td__entry_matches(const td__entry *e, const char *key);
/* Of all kinds: the first entry with this key, to say "is a loss, not a data set". */
const td__entry *td__find_any(const char *key);
/* Nearest keys of a kind (0: of all) to a wrong one, at most want. */
size_t td__nearest_keys(uint32_t kind, const char *key, const char **out, size_t want);
/* The same as td__suggestion's text into buf; returns buf. */
char *td__suggest_key(uint32_t kind, const char *key, char *buf, size_t size);

/* What one plugin registers, held back until all of it is known to be good. */
struct td_registrar {
    const struct td__plugin *plugin; /* NULL: the host */
    td__entry *v;
    size_t n, capacity;
    char *error; /* the first thing that was wrong, owned */
};
/* td_api.register_type: copies a descriptor of the caller's size, checks it and adds it to what r holds back.
 * 0, or -1 with r->error. */
int32_t td__stage(td_registrar *r, uint32_t kind, const void *descriptor, uint32_t size);
/* All that was staged becomes visible, or nothing when something was wrong (-1, r->error). */
int td__publish(td_registrar *r);
void td__registrar_drop(td_registrar *r);

/* Registers one of the host's own types (static storage). 0, or -1 with the reason logged. */
int td__register_host(uint32_t kind, const void *descriptor, uint32_t size);
#define TD__REGISTER_HOST(kind, descriptor) td__register_host((kind), (descriptor), sizeof *(descriptor))

/* Registers everything the host itself brings (layers, optimisers, schedulers, samplers, functions, backends).  Once.
 * 0, or -1 with the reason logged. */
int td__register_builtins(void);
void td__registry_clear(void);

#endif
