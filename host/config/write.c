/* A resolved document back to YAML.  What is shared gets an anchor, so that it is shared again when read. */
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "host/config/load.h"

/* One node that holds others: how often it is used, and its anchor once it is written. */
struct seen {
    const td__node *node;
    int uses;
    char anchor[24]; /* "": not written yet */
};

struct writer {
    yaml_emitter_t emitter;
    void *seen; /* of tsearch */
    int anchors, failed;
};

static int by_node(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct seen *)a)->node, y = (uintptr_t)((const struct seen *)b)->node;
    return (x > y) - (x < y);
}

static struct seen *find(struct writer *w, const td__node *n)
{
    struct seen **s = tfind(&(struct seen){.node = n}, &w->seen, by_node);
    return s ? *s : NULL;
}

/* Nodes that can be shared: all that are not plain scalars. */
static int holds(const td__node *n) { return n->kind >= TD__SEQ; }

static void count(struct writer *w, const td__node *n)
{
    struct seen *s = find(w, n);
    if (w->failed || !holds(n))
        return;
    if (s) {
        s->uses++;
        return;
    }
    s = calloc(1, sizeof *s);
    if (s)
        *s = (struct seen){n, 1, ""};
    if (!s || !tsearch(s, &w->seen, by_node)) {
        free(s);
        w->failed = 1;
        return;
    }
    for (size_t i = 0; i < n->n; i++)
        if (n->items[i])
            count(w, n->items[i]);
}

static void emit(struct writer *w, yaml_event_t *e, int made)
{
    if (w->failed && made)
        yaml_event_delete(e);
    else if (!made || !yaml_emitter_emit(&w->emitter, e)) /* emit frees the event */
        w->failed = 1;
}

static void put_scalar(struct writer *w, const char *text, int plain)
{
    yaml_event_t e;
    yaml_scalar_style_t style = plain ? YAML_PLAIN_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE;
    emit(w, &e, yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)text, -1, plain, 1, style));
}

/* What a plain scalar reads back as. */
static td__node_kind kind_of(const char *text)
{
    td__node n = {.kind = TD__STRING, .text = text};
    return td__resolve_scalar(&n) ? TD__INT : n.kind;
}

static void put_string(struct writer *w, const char *text)
{
    put_scalar(w, text, kind_of(text) == TD__STRING && strcmp(text, "<<"));
}

static void begin_map(struct writer *w, const char *anchor, const char *tag)
{
    yaml_event_t e;
    emit(w, &e, yaml_mapping_start_event_initialize(&e, (const yaml_char_t *)anchor, (const yaml_char_t *)tag, !tag,
                                                    YAML_BLOCK_MAPPING_STYLE));
}

static void begin_list(struct writer *w, const char *anchor, const char *tag, yaml_sequence_style_t style)
{
    yaml_event_t e;
    emit(w, &e,
         yaml_sequence_start_event_initialize(&e, (const yaml_char_t *)anchor, (const yaml_char_t *)tag, !tag, style));
}

static void end_map(struct writer *w)
{
    yaml_event_t e;
    emit(w, &e, yaml_mapping_end_event_initialize(&e));
}

static void end_list(struct writer *w)
{
    yaml_event_t e;
    emit(w, &e, yaml_sequence_end_event_initialize(&e));
}

static void put(struct writer *w, const td__node *n);

static void put_call(struct writer *w, const td__node *n, const char *anchor)
{
    static const char *const names[] = {"args", "kwargs"};
    begin_map(w, anchor, "!import_call");
    put_string(w, "key");
    put_string(w, n->text);
    if (n->items[0] || n->items[1]) {
        put_string(w, "init");
        begin_map(w, NULL, NULL);
        for (int i = 0; i < 2; i++)
            if (n->items[i]) {
                put_string(w, names[i]);
                put(w, n->items[i]);
            }
        end_map(w);
    }
    end_map(w);
}

static void put_list(struct writer *w, const td__node *n, const char *anchor, const char *tag)
{
    size_t scalars = 0;
    while (scalars < n->n && !holds(n->items[scalars]))
        scalars++;
    begin_list(w, anchor, tag, scalars == n->n ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
    for (size_t i = 0; i < n->n; i++)
        put(w, n->items[i]);
    end_list(w);
}

static void put_map(struct writer *w, const td__node *n, const char *anchor, const char *tag)
{
    begin_map(w, anchor, tag);
    for (size_t i = 0; i < n->n; i++) {
        put_string(w, n->keys[i]->text);
        put(w, n->items[i]);
    }
    end_map(w);
}

static void put_object(struct writer *w, const td__node *n, const char *anchor)
{
    switch (n->kind) {
    case TD__NAME:
        begin_map(w, anchor, "!import_get");
        put_string(w, "key");
        put_string(w, n->text);
        end_map(w);
        break;
    case TD__INDEX:
        begin_map(w, anchor, "!access_by_index_or_key");
        put_string(w, "data");
        put(w, n->items[0]);
        put_string(w, "index_or_key");
        if (kind_of(n->text) == TD__INT)
            put_scalar(w, n->text, 1);
        else
            put_string(w, n->text);
        end_map(w);
        break;
    case TD__ATTR:
        begin_list(w, anchor, "!getattr", YAML_BLOCK_SEQUENCE_STYLE);
        put(w, n->items[0]);
        put_string(w, n->text);
        end_list(w);
        break;
    case TD__METHOD:
        if (n->items[0]->kind == TD__MAP)
            put_map(w, n->items[0], anchor, n->text);
        else
            put_list(w, n->items[0], anchor, n->text);
        break;
    default:
        put_call(w, n, anchor);
    }
}

static void put(struct writer *w, const td__node *n)
{
    struct seen *s = find(w, n);
    const char *anchor = NULL;
    yaml_event_t e;
    if (s && s->anchor[0]) {
        emit(w, &e, yaml_alias_event_initialize(&e, (const yaml_char_t *)s->anchor));
        return;
    }
    if (s && s->uses > 1) {
        snprintf(s->anchor, sizeof s->anchor, "shared%d", ++w->anchors);
        anchor = s->anchor;
    }
    if (n->kind == TD__STRING)
        put_string(w, n->text);
    else if (n->kind == TD__NULL)
        put_scalar(w, "null", 1);
    else if (n->kind == TD__SEQ)
        put_list(w, n, anchor, NULL);
    else if (n->kind == TD__MAP)
        put_map(w, n, anchor, NULL);
    else if (holds(n))
        put_object(w, n, anchor);
    else
        put_scalar(w, n->text, 1);
}

int td__node_write(const td__node *n, FILE *out)
{
    struct writer w = {.failed = 0};
    yaml_event_t e;
    if (!yaml_emitter_initialize(&w.emitter))
        return -1;
    yaml_emitter_set_output_file(&w.emitter, out);
    yaml_emitter_set_unicode(&w.emitter, 1);
    yaml_emitter_set_width(&w.emitter, -1);
    count(&w, n);
    emit(&w, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
    emit(&w, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1));
    put(&w, n);
    emit(&w, &e, yaml_document_end_event_initialize(&e, 1));
    emit(&w, &e, yaml_stream_end_event_initialize(&e));
    yaml_emitter_delete(&w.emitter);
    tdestroy(w.seen, free);
    return w.failed || ferror(out) ? -1 : 0;
}
