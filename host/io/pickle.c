#include "host/io/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The opcodes, named as in Python's pickletools. */
/* clang-format off */
enum {
    MARK = '(', STOP = '.', POP = '0', POP_MARK = '1', DUP = '2', BINFLOAT = 'G', BININT = 'J', BININT1 = 'K',
    BININT2 = 'M', NONE = 'N', BINPERSID = 'Q', REDUCE = 'R', BINSTRING = 'T', SHORT_BINSTRING = 'U', BINUNICODE = 'X',
    BINBYTES = 'B', SHORT_BINBYTES = 'C', EMPTY_LIST = ']', APPEND = 'a', APPENDS = 'e', EMPTY_TUPLE = ')', TUPLE = 't',
    EMPTY_DICT = '}', SETITEM = 's', SETITEMS = 'u', GLOBAL = 'c', BUILD = 'b', BINGET = 'h', LONG_BINGET = 'j',
    BINPUT = 'q', LONG_BINPUT = 'r', PROTO = 0x80, NEWOBJ = 0x81, TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87,
    NEWTRUE = 0x88, NEWFALSE = 0x89, LONG1 = 0x8a, LONG4 = 0x8b, SHORT_BINUNICODE = 0x8c, BINUNICODE8 = 0x8d,
    BINBYTES8 = 0x8e, EMPTY_SET = 0x8f, ADDITEMS = 0x90, FROZENSET = 0x91, NEWOBJ_EX = 0x92, STACK_GLOBAL = 0x93,
    MEMOIZE = 0x94, FRAME = 0x95, BYTEARRAY8 = 0x96
};
/* clang-format on */

/* Far beyond any state dict; a file of nothing but one-byte opcodes must not fill the memory. */
#define MOST_VALUES ((size_t)1 << 24)

struct machine {
    td__arena *arena;
    size_t n_values;
    const uint8_t *begin, *at, *end;
    td__pickle **stack, **memo;
    size_t n_stack, stack_room, n_memo, memo_room;
    size_t *marks; /* heights of the stack */
    size_t n_marks, mark_room;
    td__pickle *persids;
    td__pickle nothing; /* stands in for what a failed machine cannot give */
    int failed;
    char *why;
    size_t why_size;
};

static void fail(struct machine *m, const char *what)
{
    if (!m->failed)
        snprintf(m->why, m->why_size, "broken pickle: %s at byte %zu", what, (size_t)(m->at - m->begin));
    m->failed = 1;
}

/* ---- reading ---- */

static const uint8_t *take(struct machine *m, uint64_t n)
{
    if ((uint64_t)(m->end - m->at) < n) {
        fail(m, "cut short");
        return NULL;
    }
    m->at += n;
    return m->at - n;
}

static uint64_t take_number(struct machine *m, uint32_t bytes)
{
    const uint8_t *p = take(m, bytes);
    uint64_t x = 0;
    for (uint32_t i = 0; p && i < bytes; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

/* ---- values and the stack ---- */

static td__pickle *make(struct machine *m, td__pickle_kind kind)
{
    if (++m->n_values > MOST_VALUES)
        fail(m, "more values than are held");
    td__pickle *v = m->failed ? NULL : td__arena_alloc(m->arena, sizeof *v);
    if (!v) {
        fail(m, "out of memory");
        return &m->nothing;
    }
    v->kind = kind;
    return v;
}

static void push(struct machine *m, td__pickle *v)
{
    if (td__grow(&m->stack, &m->stack_room, m->n_stack + 1, sizeof *m->stack))
        fail(m, "out of memory");
    else
        m->stack[m->n_stack++] = v;
}

static td__pickle *push_new(struct machine *m, td__pickle_kind kind)
{
    td__pickle *v = make(m, kind);
    push(m, v);
    return v;
}

static td__pickle *top(struct machine *m)
{
    if (m->n_stack > (m->n_marks ? m->marks[m->n_marks - 1] : 0))
        return m->stack[m->n_stack - 1];
    fail(m, "nothing on the stack");
    return &m->nothing;
}

static td__pickle *pop(struct machine *m)
{
    td__pickle *v = top(m);
    m->n_stack -= !m->failed;
    return v;
}

/* Where the items above the last mark begin; the mark is gone. */
static size_t pop_mark(struct machine *m)
{
    if (m->n_marks)
        return m->marks[--m->n_marks];
    fail(m, "no mark");
    return m->n_stack;
}

static void append(struct machine *m, td__pickle *to, td__pickle **items, size_t n)
{
    if (m->failed || !n)
        return;
    if (to->room - to->n < n) {
        size_t room = to->room + n > 2 * to->room ? to->room + n : 2 * to->room;
        td__pickle **grown = td__arena_alloc(m->arena, room * sizeof *grown);
        if (!grown) {
            fail(m, "out of memory");
            return;
        }
        if (to->n)
            memcpy(grown, to->items, to->n * sizeof *grown);
        to->items = grown;
        to->room = room;
    }
    memcpy(to->items + to->n, items, n * sizeof *items);
    to->n += n;
}

/* ---- opcodes, a family each: 1 when it was one of theirs ---- */

static int text_op(struct machine *m, int op)
{
    static const struct {
        uint8_t op, length_bytes;
        td__pickle_kind kind;
    } ops[] = {{SHORT_BINSTRING, 1, TD__PK_STR}, {BINSTRING, 4, TD__PK_STR},   {SHORT_BINUNICODE, 1, TD__PK_STR},
               {BINUNICODE, 4, TD__PK_STR},      {BINUNICODE8, 8, TD__PK_STR}, {SHORT_BINBYTES, 1, TD__PK_BYTES},
               {BINBYTES, 4, TD__PK_BYTES},      {BINBYTES8, 8, TD__PK_BYTES}, {BYTEARRAY8, 8, TD__PK_BYTES},
               {LONG1, 1, TD__PK_LONG},          {LONG4, 4, TD__PK_LONG}};
    size_t k = 0;
    while (k < sizeof ops / sizeof *ops && ops[k].op != op)
        k++;
    if (k == sizeof ops / sizeof *ops)
        return 0;
    uint64_t size = take_number(m, ops[k].length_bytes);
    const uint8_t *bytes = take(m, size);
    td__pickle *v = push_new(m, ops[k].kind);
    if (m->failed)
        return 1;
    v->text = (const char *)bytes;
    v->size = (size_t)size;
    if (v->kind == TD__PK_LONG && size <= 8) { /* little-endian, sign-extended */
        uint64_t x = size && bytes[size - 1] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < size; i++)
            x = (x & ~((uint64_t)0xff << 8 * i)) | (uint64_t)bytes[i] << 8 * i;
        v->kind = TD__PK_INT;
        v->i = (int64_t)x;
    }
    return 1;
}

static int number_op(struct machine *m, int op)
{
    switch (op) {
    case NONE:
        push_new(m, TD__PK_NONE);
        return 1;
    case NEWTRUE:
    case NEWFALSE:
        push_new(m, TD__PK_BOOL)->i = op == NEWTRUE;
        return 1;
    case BININT:
        push_new(m, TD__PK_INT)->i = (int32_t)(uint32_t)take_number(m, 4);
        return 1;
    case BININT1:
    case BININT2:
        push_new(m, TD__PK_INT)->i = (int64_t)take_number(m, op == BININT1 ? 1 : 2);
        return 1;
    case BINFLOAT: {
        uint64_t bits = __builtin_bswap64(take_number(m, 8)); /* the only big-endian number in a pickle */
        memcpy(&push_new(m, TD__PK_FLOAT)->f, &bits, sizeof bits);
        return 1;
    }
    default:
        return 0;
    }
}

/* Adds what lies above `from` on the stack to the container below it. */
static void extend(struct machine *m, size_t from, int pairs)
{
    size_t n = m->n_stack - from;
    m->n_stack = m->failed ? m->n_stack : from;
    td__pickle *to = top(m);
    if (m->failed)
        return;
    if (to->kind == TD__PK_CALL) /* an object of a class that nobody may need: its items are dropped */
        return;
    if (to->kind != (pairs ? TD__PK_DICT : TD__PK_LIST) || (pairs && n % 2)) {
        fail(m, pairs ? "items set in what is no dict" : "items added to what is no list");
        return;
    }
    append(m, to, m->stack + from, n);
}

static void make_sequence(struct machine *m, td__pickle_kind kind, size_t from)
{
    td__pickle *v = make(m, kind);
    if (m->failed)
        return;
    append(m, v, m->stack + from, m->n_stack - from);
    m->n_stack = from;
    push(m, v);
}

/* The top n, which must lie above the last mark. */
static size_t below(struct machine *m, size_t n)
{
    size_t floor = m->n_marks ? m->marks[m->n_marks - 1] : 0;
    if (m->n_stack - floor >= n)
        return m->n_stack - n;
    fail(m, "nothing on the stack");
    return m->n_stack;
}

static int container_op(struct machine *m, int op)
{
    switch (op) {
    case EMPTY_LIST:
    case EMPTY_SET:
        push_new(m, TD__PK_LIST);
        return 1;
    case EMPTY_DICT:
        push_new(m, TD__PK_DICT);
        return 1;
    case EMPTY_TUPLE:
        push_new(m, TD__PK_TUPLE);
        return 1;
    case TUPLE:
    case FROZENSET:
        make_sequence(m, op == TUPLE ? TD__PK_TUPLE : TD__PK_LIST, pop_mark(m));
        return 1;
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
        make_sequence(m, TD__PK_TUPLE, below(m, (size_t)(op - TUPLE1) + 1));
        return 1;
    case APPEND:
        extend(m, below(m, 1), 0);
        return 1;
    case APPENDS:
    case ADDITEMS:
        extend(m, pop_mark(m), 0);
        return 1;
    case SETITEM:
        extend(m, below(m, 2), 1);
        return 1;
    case SETITEMS:
        extend(m, pop_mark(m), 1);
        return 1;
    default:
        return 0;
    }
}

static void remember(struct machine *m, uint64_t index)
{
    td__pickle *v = top(m);
    /* A pickler counts up from 0, so a number beyond the file's length is forged and must not cost memory. */
    if (index > (uint64_t)(m->end - m->begin))
        fail(m, "a memo number out of range");
    else if (td__grow(&m->memo, &m->memo_room, (size_t)index + 1, sizeof *m->memo))
        fail(m, "out of memory");
    if (m->failed)
        return;
    while (m->n_memo <= index)
        m->memo[m->n_memo++] = NULL;
    m->memo[index] = v;
}

static void recall(struct machine *m, uint64_t index)
{
    if (index < m->n_memo && m->memo[index])
        push(m, m->memo[index]);
    else
        fail(m, "a memo number that was not set");
}

static int stack_op(struct machine *m, int op)
{
    switch (op) {
    case PROTO:
        if (take_number(m, 1) > 5)
            fail(m, "a protocol newer than 5");
        return 1;
    case FRAME:
        take(m, 8);
        return 1;
    case MARK:
        if (td__grow(&m->marks, &m->mark_room, m->n_marks + 1, sizeof *m->marks))
            fail(m, "out of memory");
        else
            m->marks[m->n_marks++] = m->n_stack;
        return 1;
    case POP:
        pop(m);
        return 1;
    case POP_MARK:
        m->n_stack = pop_mark(m);
        return 1;
    case DUP:
        push(m, top(m));
        return 1;
    case BINPUT:
    case LONG_BINPUT:
        remember(m, take_number(m, op == BINPUT ? 1 : 4));
        return 1;
    case MEMOIZE:
        remember(m, m->n_memo);
        return 1;
    case BINGET:
    case LONG_BINGET:
        recall(m, take_number(m, op == BINGET ? 1 : 4));
        return 1;
    default:
        return 0;
    }
}

static void push_global(struct machine *m, const char *module, size_t module_size, const char *name, size_t name_size)
{
    td__pickle *v = push_new(m, TD__PK_GLOBAL);
    char *text = m->failed ? NULL : td__arena_alloc(m->arena, module_size + name_size + 2);
    if (!text) {
        fail(m, "out of memory");
        return;
    }
    memcpy(text, module, module_size);
    text[module_size] = '.';
    memcpy(text + module_size + 1, name, name_size);
    v->text = text;
    v->size = module_size + name_size + 1;
}

/* "module\nname\n" */
static void global_lines(struct machine *m)
{
    const char *line[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const uint8_t *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
        if (!end) {
            fail(m, "cut short");
            return;
        }
        line[i] = (const char *)m->at;
        size[i] = (size_t)(end - m->at);
        m->at = end + 1;
    }
    push_global(m, line[0], size[0], line[1], size[1]);
}

static void push_call(struct machine *m, td__pickle *callable, td__pickle *args)
{
    /* The one class whose objects are read as what they are; PyTorch's state dicts are made of it. */
    int dict = td__pickle_is(callable, "collections.OrderedDict") && args->kind == TD__PK_TUPLE;
    td__pickle *v = push_new(m, dict ? TD__PK_DICT : TD__PK_CALL);
    if (m->failed)
        return;
    v->callable = callable;
    v->args = args;
    td__pickle *pairs = dict ? td__pickle_at(args, 0) : NULL; /* Python 2: OrderedDict([[key, value], ...]) */
    for (size_t i = 0; pairs && i < pairs->n; i++) {
        td__pickle *pair = td__pickle_at(pairs, i);
        if (pair && pair->n == 2 && (pair->kind == TD__PK_LIST || pair->kind == TD__PK_TUPLE))
            append(m, v, pair->items, 2);
        else
            fail(m, "an OrderedDict not made of pairs");
    }
}

static int object_op(struct machine *m, int op)
{
    td__pickle *a, *b;
    switch (op) {
    case GLOBAL:
        global_lines(m);
        return 1;
    case STACK_GLOBAL:
        b = pop(m);
        a = pop(m);
        if (a->kind == TD__PK_STR && b->kind == TD__PK_STR)
            push_global(m, a->text, a->size, b->text, b->size);
        else
            fail(m, "a class whose name is no string");
        return 1;
    case NEWOBJ_EX: /* the keyword arguments are dropped */
        pop(m);
        /* fall through */
    case REDUCE:
    case NEWOBJ:
        b = pop(m);
        a = pop(m);
        push_call(m, a, b);
        return 1;
    case BUILD:
        a = pop(m);
        top(m)->state = a;
        return 1;
    case BINPERSID:
        a = pop(m);
        b = push_new(m, TD__PK_PERSID);
        b->args = a;
        append(m, m->persids, &b, 1);
        return 1;
    default:
        return 0;
    }
}

td__pickle *td__pickle_load(td__arena *a, const void *bytes, size_t size, size_t *used, char *why, size_t why_size)
{
    td__pickle *persids;
    return td__pickle_load_persids(a, bytes, size, used, &persids, why, why_size);
}

td__pickle *td__pickle_load_persids(td__arena *a, const void *bytes, size_t size, size_t *used, td__pickle **persids,
                                    char *why, size_t why_size)
{
    struct machine m = {.arena = a,
                        .begin = bytes,
                        .at = bytes,
                        .end = (const uint8_t *)bytes + size,
                        .why = why,
                        .why_size = why_size};
    td__pickle *result = NULL;
    *persids = m.persids = make(&m, TD__PK_LIST);
    while (!m.failed) {
        const uint8_t *op = take(&m, 1);
        if (!op)
            break;
        if (*op == STOP) {
            result = pop(&m);
            break;
        }
        if (!text_op(&m, *op) && !number_op(&m, *op) && !container_op(&m, *op) && !stack_op(&m, *op) &&
            !object_op(&m, *op)) {
            char what[64];
            snprintf(what, sizeof what, "opcode 0x%02x, which protocols 2 to 5 do not write,", *op);
            fail(&m, what);
        }
    }
    free(m.stack);
    free(m.marks);
    free(m.memo);
    if (used)
        *used = (size_t)(m.at - m.begin);
    return m.failed ? NULL : result;
}

td__pickle *td__pickle_get(const td__pickle *v, const char *key)
{
    if (!v || v->kind != TD__PK_DICT)
        return NULL;
    for (size_t i = v->n / 2; i-- > 0;) /* the last one set counts */
        if (td__pickle_is(v->items[2 * i], key))
            return v->items[2 * i + 1];
    return NULL;
}

td__pickle *td__pickle_at(const td__pickle *v, size_t i)
{
    return v && (v->kind == TD__PK_LIST || v->kind == TD__PK_TUPLE) && i < v->n ? v->items[i] : NULL;
}

int td__pickle_is(const td__pickle *v, const char *text)
{
    return v && (v->kind == TD__PK_STR || v->kind == TD__PK_BYTES || v->kind == TD__PK_GLOBAL) &&
           v->size == strlen(text) && !memcmp(v->text, text, v->size);
}

int td__pickle_int(const td__pickle *v, int64_t min, int64_t max, int64_t *out)
{
    if (!v || v->kind != TD__PK_INT || v->i < min || v->i > max)
        return -1;
    *out = v->i;
    return 0;
}
