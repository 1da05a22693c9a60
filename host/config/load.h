/* The steps of loading, for the files of this folder only:  text -> compose -> sets -> evaluate -> nodes. */
#ifndef TD__LOAD_H
#define TD__LOAD_H

#include "host/config/node.h"

#define TD__MAX_NESTING 200
/* Bytes of a joined text: aliases of joins of aliases would fill the memory. */
#define TD__MAX_JOINED 65536

/* A zeroed node; NULL with a diagnostic when memory ran out. */
td__node *td__node_new(td__config *cfg, td__node_kind kind, td__place at);
/* Room for n node pointers; NULL with a diagnostic when memory ran out. */
td__node **td__node_array(td__config *cfg, size_t n);
/* Copies s into the arena; NULL with a diagnostic when memory ran out. */
const char *td__node_text(td__config *cfg, const char *s, size_t n);
/* Reports that memory ran out; returns NULL. */
void *td__no_memory(td__config *cfg);

/* Text to nodes: scalars resolved, merge keys flattened, tags and aliases still there.  NULL after a syntax error.
 * `start` is where the text is from; when its line is 0 (an option, a default) all nodes are there. */
td__node *td__compose(td__config *cfg, td__place start, const char *text, size_t size);
/* The tag of a plain `<<`. */
#define TD__MERGE_TAG "tag:yaml.org,2002:merge"
/* Fills a map from the n nodes that were written in it, keys at even places and values at odd ones: `<<` is flattened,
 * keys given twice are reported.  0, or -1 when memory ran out (reported). */
int td__finish_map(td__config *cfg, td__node *map, td__node *const *written, size_t n);
/* Gives a plain scalar its kind and value from its text.  -1: an integer too large for 64 bits. */
int td__resolve_scalar(td__node *n);
void td__apply_set(td__config *cfg, const char *set);
/* Follows aliases and evaluates tags, in place; returns the node that stands for n afterwards. */
td__node *td__evaluate(td__config *cfg, td__node *n);
/* Compose and evaluate, into cfg's arena; NULL after a syntax error. */
td__node *td__parse(td__config *cfg, td__place start, const char *text, size_t size);

/* The entry of a map, by the longest key that starts `path` and ends it or is followed by a dot; *rest gets what
 * follows. map->n where there is none. */
size_t td__node_step(const td__node *map, const char *path, const char **rest);
/* Python's str() of a scalar, in the arena; NULL for what is not a scalar. */
const char *td__node_str(td__config *cfg, const td__node *n);
/* What a message says was found: `a string ("hot")`, `an integer (5)`, `a list`. */
const char *td__node_found(td__config *cfg, const td__node *n);
/* " (did you mean 'a' or 'b'?)", or "" where no name is near; in the arena. */
const char *td__did_you_mean(td__config *cfg, const char *name, const char *const *names, size_t n);
/* The same for a key that is none of the names; where none is near, all of them if they are few. */
const char *td__allowed_keys(td__config *cfg, const char *key, const char *const *names, size_t n);
/* Of the keys of a map those that are near. */
const char *td__did_you_mean_key(td__config *cfg, const char *name, const td__node *map);

#endif
