#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/tensor/tensor.h"

/* An ended frame stays as its parent's spare, with its array and memory, for the next one. */
struct td__frame {
    struct td__frame *parent, *spare;
    td_tensor **tensors; /* one reference each */
    size_t n, capacity;
    td__arena *memory; /* made by the first td__frame_alloc */
    unsigned missed;   /* frames inside this one that memory was too short for; the context has failed then */
};

static void drop_tensors(struct td__frame *f)
{
    while (f->n)
        td__release(f->tensors[--f->n]);
}

static void free_frame(struct td__frame *f)
{
    while (f) {
        struct td__frame *next = f->spare;
        td__arena_free(f->memory);
        free(f->tensors);
        free(f);
        f = next;
    }
}

void td__frame_push(td_ctx *c)
{
    struct td__frame *f = c->frame ? c->frame->spare : NULL;
    if (!f) {
        f = calloc(1, sizeof *f);
        if (!f) {
            td__fail(c, "out of memory for a frame");
            if (c->frame)
                c->frame->missed++;
            return;
        }
        f->parent = c->frame;
        if (c->frame)
            c->frame->spare = f;
    }
    c->frame = f;
}

/* Gives what v holds to the current frame of c. */
static td_value move_out(td_ctx *c, td_value v)
{
    if (v.kind == TD_VALUE_TENSOR) {
        if (!v.tensor || td__frame_own(c, td__retain(v.tensor)))
            v.tensor = td__empty();
    } else if (v.kind == TD_VALUE_TUPLE || v.kind == TD_VALUE_DICT) {
        size_t key_bytes = v.kind == TD_VALUE_DICT ? v.n * sizeof *v.keys : 0;
        td_value *items = td__frame_alloc(c, v.n * sizeof *items + key_bytes);
        if (!items)
            return td_none();
        for (uint32_t i = 0; i < v.n; i++)
            items[i] = move_out(c, v.items[i]);
        if (v.kind == TD_VALUE_DICT) {
            const char **keys = (const char **)(items + v.n);
            for (uint32_t i = 0; i < v.n; i++) {
                size_t n = strlen(v.keys[i]) + 1;
                char *key = td__frame_alloc(c, n);
                if (!key)
                    return td_none();
                keys[i] = memcpy(key, v.keys[i], n);
            }
            v.keys = keys;
        }
        v.items = items;
    }
    return v;
}

td_value td__frame_pop(td_ctx *c, td_value result)
{
    struct td__frame *f = c->frame;
    if (f->missed) {
        f->missed--;
        return result;
    }
    c->frame = f->parent;
    if (c->frame)
        result = move_out(c, result);
    drop_tensors(f);
    if (f->memory)
        td__arena_reset(f->memory);
    if (!c->frame) {
        free_frame(f);
        result = td_none();
    }
    return result;
}

int td__frame_own(td_ctx *c, td_tensor *t)
{
    struct td__frame *f = c->frame;
    if (td__grow(&f->tensors, &f->capacity, f->n + 1, sizeof(td_tensor *))) {
        td__release(t);
        td__fail(c, "out of memory for a frame");
        return -1;
    }
    f->tensors[f->n++] = t;
    return 0;
}

void *td__frame_alloc(td_ctx *c, size_t bytes)
{
    struct td__frame *f = c->frame;
    if (c->error)
        return NULL;
    if (!f->memory)
        f->memory = td__arena_new();
    void *p = f->memory ? td__arena_alloc(f->memory, bytes) : NULL;
    if (!p)
        td__fail(c, "out of memory: %zu bytes", bytes);
    return p;
}
