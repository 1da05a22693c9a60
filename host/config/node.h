/* Configuration documents: YAML nodes that remember their place.
 *
 * Scalars resolve as PyYAML's FullLoader does (YAML 1.1), except that 1e-4 is a number.  Anchors may sit on
 * mapping keys; an alias is the same node, so the object built from it is the same object.  Tags that only
 * compute values (!join, !pathjoin, !expanduser, !abspath, !access_by_index_or_key and !getattr on plain data) are
 * gone after loading.  Those that build objects stay as nodes and are resolved when something asks for them;
 * nothing is imported or executed.
 */
#ifndef TD__NODE_H
#define TD__NODE_H

#include "host/base/diag.h"
#include "host/base/mem.h"

typedef enum td__node_kind {
    TD__NULL,
    TD__BOOL,
    TD__INT,
    TD__FLOAT,
    TD__STRING,
    TD__SEQ,
    TD__MAP,
    TD__CALL,  /* !import_call {key, init: {args, kwargs}}: an object or a function's value */
    TD__NAME,  /* !import_get {key}: a name such as torch.utils.data.RandomSampler; text is the dotted name */
    TD__INDEX, /* !access_by_index_or_key on a CALL: items[0] is the data, text the index */
    TD__ATTR,  /* !getattr on a NAME or CALL: items[0] is the object, text the attribute */
    TD__METHOD, /* !call_method, !import_call_method, !setattr: kept so that the plan can say it is not supported where used;
                   text is the tag, items[0] what it was given */
    TD__ALIAS /* while loading only: stands where *anchor was written; items[0] is the anchored node */
} td__node_kind;

typedef struct td__node {
    td__node_kind kind;
    td__place at;
    const char *text;        /* scalars: as written; NAME, INDEX, ATTR: see above; CALL: the dotted key */
    int64_t i;               /* BOOL, INT */
    double f;                /* FLOAT, INT */
    size_t n;                /* how many items */
    struct td__node **items; /* SEQ, MAP values; CALL: items[0] = args (SEQ or NULL), items[1] = kwargs (MAP or NULL) */
    struct td__node **keys;  /* MAP: scalar nodes, with their own places; CALL: keys[0] is its key */
    int used;                /* whether something read it: unused keys can be reported */
    void *object;            /* what was built from it; see object.h */
    const char *tag;         /* while loading only: an explicit tag that is not evaluated yet */
    int height;              /* levels of nesting below, aliases followed; 0 while loading */
} td__node;

typedef struct td__config {
    td__arena *arena;  /* all nodes and strings */
    const char *path;
    td__node *root;
    td__diag diag;
    int missed; /* whether a key was named that no plugin brings */
} td__config;

/* Reads a file and applies `--set a.b.c=VALUE` overrides before tags are evaluated.  VALUE is YAML; list positions are
 * numbers; keys that hold dots are matched whole; `kwargs` alone stands for `init.kwargs` of an !import_call.  What is
 * absent is an error unless the text starts with `+`, which makes a new key in an existing mapping.  Setting an
 * anchored value changes it for all its aliases; setting something through an alias changes it in that place only. All
 * mistakes go to diag; 0 when there were none, else -1 (root may be usable). */
int td__config_load(td__config *cfg, const char *path, const char *const *sets, size_t n_sets);
/* The same from text, for defaults, layer arguments and tests; `name` stands for the file in messages. */
int td__config_parse(td__config *cfg, const char *name, const char *text, size_t size);
void td__config_free(td__config *cfg);

td__node *td__node_get(td__node *map, const char *key);               /* NULL where absent, or where map is none */
/* By path as --set takes it: names, list positions, `kwargs.x` inside a CALL.  NULL where absent. */
td__node *td__node_at(td__config *cfg, const char *dotted_path);
const char *td__node_kind_name(const td__node *n);                    /* "a string", "a list", ... for messages */
/* Writes the resolved document as YAML that loads to the same plan. */
int td__node_write(const td__node *n, FILE *out);
/* Every key of `map` must be one of the n names or start with '_' (such keys only carry anchors); others are errors
 * with the nearest name, `owner` named. */
void td__node_check_keys(td__config *cfg, td__node *map, const char *owner, const char *const *names, size_t n);

#endif
