#include "host/ops/table.h"

#include <pthread.h>
#include <string.h>

/* Operations in the order they were added, and a hash table of them by name. */
#define MOST_OPS 512
#define SLOTS (2 * MOST_OPS)
static const td_op_type *ops[MOST_OPS];
static uint16_t slots[SLOTS]; /* 1 + position in ops; 0: free */
static size_t n_ops;
static pthread_once_t filled = PTHREAD_ONCE_INIT;

/* The slot of a name: the one that holds it, or the free one where it would go. */
static uint16_t *slot_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (const char *s = name; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    while (slots[h % SLOTS] && strcmp(ops[slots[h % SLOTS] - 1]->name, name))
        h++;
    return &slots[h % SLOTS];
}

static int add(const td_op_type *op)
{
    uint16_t *slot = slot_of(op->name);
    if (*slot || n_ops == MOST_OPS)
        return -1;
    ops[n_ops++] = op;
    *slot = (uint16_t)n_ops;
    return 0;
}

static void fill(void)
{
    static const td_op_type *const families[] = {
        td__ops_pointwise, td__ops_reduce, td__ops_softmax, td__ops_loss,  td__ops_matmul, td__ops_conv,
        td__ops_norm,      td__ops_pool,   td__ops_shape,   td__ops_index, td__ops_optim, td__ops_augment,
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const td_op_type *op = families[f]; op->name; op++)
            add(op);
}

const td_op_type *td__op_find(const char *name)
{
    pthread_once(&filled, fill);
    uint16_t slot = *slot_of(name);
    return slot ? ops[slot - 1] : NULL;
}

const td_op_type *td__op_at(size_t i)
{
    pthread_once(&filled, fill);
    return i < n_ops ? ops[i] : NULL;
}

int td__op_add(const td_op_type *op)
{
    pthread_once(&filled, fill);
    return add(op);
}
