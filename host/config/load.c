#include "host/config/load.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* An anchor; its node is NULL from where a collection starts until it ends. */
struct anchor {
    const char *name;
    td__place at;
    td__node *node;
};

struct reader {
    td__config *cfg;
    td__place start;
    const char *text;
    yaml_parser_t parser;
    void *anchors; /* of tsearch */
};

struct nodes {
    td__node **v;
    size_t n, capacity;
};

static td__node *read_node(struct reader *r, int depth, int *ended);

static td__place place(const struct reader *r, yaml_mark_t m)
{
    return r->start.line ? (td__place){r->start.file, (uint32_t)m.line + 1, (uint32_t)m.column + 1} : r->start;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct anchor *)a)->name, ((const struct anchor *)b)->name);
}

/* The parser's own words for what is wrong with the text. */
static void syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    td__place at = place(r, p->problem_mark);
    if (p->error == YAML_READER_ERROR) { /* it gives no mark, only an offset */
        yaml_mark_t m = {0, 0, 0};
        for (size_t i = 0; i < p->problem_offset; i++) {
            m.line += r->text[i] == '\n';
            m.column = r->text[i] == '\n' ? 0 : m.column + 1;
        }
        td__diag_error(&r->cfg->diag, place(r, m), "%s", p->problem);
    } else if (p->error == YAML_MEMORY_ERROR) {
        td__no_memory(r->cfg);
    } else if (p->context && at.line) {
        td__diag_error(&r->cfg->diag, at, "%s (%s, line %zu)", p->problem, p->context, p->context_mark.line + 1);
    } else {
        td__diag_error(&r->cfg->diag, at, "%s", p->problem);
    }
}

/* Notes that `name` is an anchor; NULL where there is none, or it is taken. */
static struct anchor *anchor_new(struct reader *r, const char *name, td__place at)
{
    if (!name)
        return NULL;
    struct anchor *a = td__arena_alloc(r->cfg->arena, sizeof *a);
    if (!a || !(a->name = td__node_text(r->cfg, name, strlen(name))))
        return td__no_memory(r->cfg);
    a->at = at;
    struct anchor **found = tsearch(a, &r->anchors, by_name);
    if (!found)
        return td__no_memory(r->cfg);
    if (*found != a) {
        td__diag_error(&r->cfg->diag, at, "anchor '%s' is already used on line %u", name, (*found)->at.line);
        return NULL;
    }
    return a;
}

static td__node *read_alias(struct reader *r, const yaml_event_t *e)
{
    const char *name = (const char *)e->data.alias.anchor;
    td__place at = place(r, e->start_mark);
    td__node *n = td__node_new(r->cfg, TD__ALIAS, at);
    struct anchor **a = tfind(&(struct anchor){.name = name}, &r->anchors, by_name);
    if (!n || !(n->items = td__node_array(r->cfg, 1)))
        return NULL;
    n->n = 1;
    if (a && (n->items[0] = (*a)->node))
        return n;
    if (a)
        td__diag_error(&r->cfg->diag, at, "alias '%s' is used inside its own anchor (line %u)", name, (*a)->at.line);
    else
        td__diag_error(&r->cfg->diag, at, "alias '%s' has no anchor before it", name);
    n->kind = TD__NULL;
    n->n = 0;
    return n;
}

/* Keeps an explicit tag for later; YAML's own tags on collections say nothing new. */
static int keep_tag(struct reader *r, td__node *n, const yaml_char_t *tag)
{
    static const char *const plain[] = {"!", YAML_SEQ_TAG, YAML_MAP_TAG, "tag:yaml.org,2002:python/tuple"};
    const char *t = (const char *)tag;
    for (size_t i = 0; t && i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(t, plain[i]))
            t = NULL;
    return t && !(n->tag = td__node_text(r->cfg, t, strlen(t))) ? -1 : 0;
}

/* Values of `!!int 5` and the like. */
static void scalar_by_tag(struct reader *r, td__node *n)
{
    static const struct { const char *tag, *title; td__node_kind kind; } known[] = {
        {YAML_INT_TAG, "an integer", TD__INT}, {YAML_FLOAT_TAG, "a number", TD__FLOAT},
        {YAML_BOOL_TAG, "a boolean", TD__BOOL}, {YAML_NULL_TAG, "null", TD__NULL}};
    if (!strcmp(n->tag, YAML_STR_TAG)) {
        n->tag = NULL;
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(n->tag, known[i].tag))
            continue;
        n->tag = NULL;
        if (td__resolve_scalar(n) || (n->kind != known[i].kind && !(known[i].kind == TD__FLOAT && n->kind == TD__INT)))
            td__diag_error(&r->cfg->diag, n->at, "\"%s\" is not %s", n->text, known[i].title);
        n->kind = known[i].kind;
        return;
    }
}

static td__node *read_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    td__node *n = td__node_new(r->cfg, TD__STRING, place(r, e->start_mark));
    if (!n || !(n->text = td__node_text(r->cfg, text, e->data.scalar.length)) || keep_tag(r, n, e->data.scalar.tag))
        return NULL;
    struct anchor *a = anchor_new(r, (const char *)e->data.scalar.anchor, n->at);
    if (a)
        a->node = n;
    if (strlen(n->text) != e->data.scalar.length)
        td__diag_error(&r->cfg->diag, n->at, "a string may not hold a NUL character");
    if (n->tag)
        scalar_by_tag(r, n);
    else if (e->data.scalar.plain_implicit && !strcmp(n->text, "<<"))
        n->tag = TD__MERGE_TAG;
    else if (e->data.scalar.plain_implicit && td__resolve_scalar(n))
        td__diag_error(&r->cfg->diag, n->at, "%s does not fit into 64 bits", n->text);
    return n;
}

static int finish_sequence(struct reader *r, td__node *seq, const struct nodes *written)
{
    seq->items = td__node_array(r->cfg, written->n);
    if (!seq->items)
        return -1;
    while (seq->n < written->n) {
        seq->items[seq->n] = written->v[seq->n];
        seq->n++;
    }
    return 0;
}

static td__node *read_collection(struct reader *r, const yaml_event_t *e, int depth)
{
    int is_map = e->type == YAML_MAPPING_START_EVENT, ended = 0, failed = 0;
    const yaml_char_t *tag = is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
    const yaml_char_t *anchor = is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
    td__node *n = td__node_new(r->cfg, is_map ? TD__MAP : TD__SEQ, place(r, e->start_mark));
    if (!n || keep_tag(r, n, tag))
        return NULL;
    if (depth >= TD__MAX_NESTING) {
        td__diag_error(&r->cfg->diag, n->at, "nested more than %d levels deep", TD__MAX_NESTING);
        return NULL;
    }
    struct anchor *a = anchor_new(r, (const char *)anchor, n->at);
    struct nodes written = {0};
    for (td__node *child; !failed && (child = read_node(r, depth + 1, &ended));) {
        failed = td__grow(&written.v, &written.capacity, written.n + 1, sizeof *written.v);
        if (failed)
            td__no_memory(r->cfg);
        else
            written.v[written.n++] = child;
    }
    if (ended && !failed)
        failed = is_map ? td__finish_map(r->cfg, n, written.v, written.n) : finish_sequence(r, n, &written);
    free(written.v);
    if (a)
        a->node = n;
    return ended && !failed ? n : NULL;
}

/* The node that starts with the next event.  NULL when reading must stop, or with *ended when the event is an end. */
static td__node *read_node(struct reader *r, int depth, int *ended)
{
    yaml_event_t e;
    if (!yaml_parser_parse(&r->parser, &e)) {
        syntax_error(r);
        return NULL;
    }
    td__node *n = NULL;
    if (e.type == YAML_ALIAS_EVENT)
        n = read_alias(r, &e);
    else if (e.type == YAML_SCALAR_EVENT)
        n = read_scalar(r, &e);
    else if (e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT)
        n = read_collection(r, &e, depth);
    else
        *ended = 1;
    yaml_event_delete(&e);
    return n;
}

/* Reads past one event outside the document; its type, or YAML_NO_EVENT after an error. */
static yaml_event_type_t skip(struct reader *r, td__place *at)
{
    yaml_event_t e;
    if (!yaml_parser_parse(&r->parser, &e)) {
        syntax_error(r);
        return YAML_NO_EVENT;
    }
    yaml_event_type_t type = e.type;
    *at = place(r, e.start_mark);
    yaml_event_delete(&e);
    return type;
}

static td__node *read_document(struct reader *r)
{
    td__place at;
    int ended = 0;
    if (skip(r, &at) != YAML_STREAM_START_EVENT)
        return NULL;
    yaml_event_type_t start = skip(r, &at);
    if (start == YAML_STREAM_END_EVENT)
        td__diag_error(&r->cfg->diag, (td__place){r->start.file, 0, 0}, "is empty");
    if (start != YAML_DOCUMENT_START_EVENT)
        return NULL;
    td__node *root = read_node(r, 0, &ended);
    if (!root || skip(r, &at) != YAML_DOCUMENT_END_EVENT)
        return NULL;
    yaml_event_type_t end = skip(r, &at);
    if (end == YAML_DOCUMENT_START_EVENT)
        td__diag_error(&r->cfg->diag, at, "a second document starts here; a configuration is one document");
    return end == YAML_NO_EVENT ? NULL : root;
}

static void keep(void *anchor) { (void)anchor; /* it is the arena's */ }

td__node *td__compose(td__config *cfg, td__place start, const char *text, size_t size)
{
    struct reader r = {.cfg = cfg, .start = start, .text = text};
    if (!yaml_parser_initialize(&r.parser))
        return td__no_memory(cfg);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    td__node *root = read_document(&r);
    tdestroy(r.anchors, keep);
    yaml_parser_delete(&r.parser);
    return root;
}
