#include "host/data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "host/base/mem.h"
#include "host/data/resident.h"
#include "host/data/stack.h"

/* What one thread needs to decode. */
struct decoder {
    struct td__loader *loader;
    td_ctx *c;
    td_item *item;
    pthread_t thread;
};

/* Batch b lies in slot b % n_slots from when a worker claims it until the caller has copied it out. */
struct slot {
    td__stack stack;
    char *error; /* why there is no batch; owned */
    int failed, ready;
};

struct td__loader {
    td_dataset *data;
    td__loader_options o;
    int64_t *order; /* positions, as the sampler wrote them */
    int64_t n_samples, n_batches, epoch;
    td__resident *resident; /* makes the batches; NULL: the decoders do */

    struct decoder *decoders; /* [0] is the caller's, the rest are the workers' */
    int n_threads;
    struct slot *slots;
    int64_t n_slots;

    pthread_mutex_t lock;  /* for all below */
    pthread_cond_t work, done;
    int64_t next;      /* batch to be claimed */
    int64_t delivered; /* batch the caller gets next */
    int busy, stopping;

    double waited; /* the caller's */
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Decodes one batch into its slot.  Reads the loader's order and epoch, which rest while anyone decodes. */
static void decode(struct decoder *by, struct slot *s, int64_t batch)
{
    const td__loader *l = by->loader;
    int64_t first = batch * l->o.batch_size, n = least(l->o.batch_size, l->n_samples - first);
    td__stack_begin(&s->stack, n);
    for (int64_t i = 0; i < n && !by->c->error; i++) {
        by->c->where = NULL;
        if (td__dataset_item(by->c, l->data, l->order[first + i], l->epoch, by->item))
            break;
        by->c->where = l->data->name;
        td__stack_add(by->c, &s->stack, by->item);
    }
    free(s->error);
    s->failed = by->c->error != NULL;
    s->error = s->failed ? td__strdup(by->c->error) : NULL;
    td__ctx_clear(by->c);
}

static void *work(void *arg)
{
    struct decoder *by = arg;
    td__loader *l = by->loader;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->stopping && l->next >= least(l->n_batches, l->delivered + l->n_slots))
            pthread_cond_wait(&l->work, &l->lock);
        if (l->stopping)
            break;
        int64_t batch = l->next++;
        struct slot *s = &l->slots[batch % l->n_slots];
        l->busy++;
        pthread_mutex_unlock(&l->lock);
        decode(by, s, batch);
        pthread_mutex_lock(&l->lock);
        s->ready = 1;
        l->busy--;
        pthread_cond_signal(&l->done);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Threads for all decoders but the first; signals are the main thread's business. */
static int start_threads(td__loader *l)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (int i = 0; i < l->o.workers && !failed; i++) {
        failed = pthread_create(&l->decoders[i + 1].thread, NULL, work, &l->decoders[i + 1]);
        l->n_threads += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? -1 : 0;
}

static int make_decoders(td__loader *l)
{
    l->decoders = calloc((size_t)l->o.workers + 1, sizeof *l->decoders);
    for (int i = 0; l->decoders && i <= l->o.workers; i++) {
        struct decoder *by = &l->decoders[i];
        by->loader = l;
        by->c = td__ctx_new(NULL);
        by->item = td__item_new();
        if (!by->c || !by->item)
            return -1;
    }
    return l->decoders ? 0 : -1;
}

/* Fills order and n_samples for an epoch; the threads are at rest.  0, or -1 and c fails. */
static int make_order(td_ctx *c, td__loader *l, int64_t epoch)
{
    int64_t n = td__dataset_length(l->data);
    const td__object *sampler = l->o.sampler;
    l->epoch = epoch;
    if (!sampler) {
        for (int64_t i = 0; i < n; i++)
            l->order[i] = i;
        l->n_samples = n;
    } else {
        const td_sampler_type *t = (const td_sampler_type *)(const void *)sampler->type;
        l->n_samples = t->order(c, sampler->params, n, l->o.seed, epoch, l->order);
        if (!c->error && (l->n_samples < 1 || l->n_samples > n))
            td__fail(c, "%s chose %lld of the %lld samples of %s", t->type.key, (long long)l->n_samples, (long long)n,
                     l->data->name);
    }
    l->n_batches = c->error ? 0 : (l->n_samples + (l->o.drop_last ? 0 : l->o.batch_size - 1)) / l->o.batch_size;
    if (!c->error && l->n_batches == 0)
        td__fail(c, "drop_last leaves no batch: %s gives %lld samples, batch_size is %lld", l->data->name,
                 (long long)l->n_samples, (long long)l->o.batch_size);
    return c->error ? -1 : 0;
}

td__loader *td__loader_new(td_ctx *c, td_dataset *d, const td__loader_options *o)
{
    if (o->batch_size < 1 || o->workers < 0 || o->workers > 1024)
        td__fail(c, "a loader cannot have batch_size %lld and num_workers %d", (long long)o->batch_size,
                 (int)o->workers);
    if (c->error)
        return NULL;
    td__loader *l = calloc(1, sizeof *l);
    if (!l) {
        td__fail(c, "out of memory for a loader of %s", d->name);
        return NULL;
    }
    l->data = td__dataset_retain(d);
    l->o = *o;
    if (o->resident && (l->resident = td__resident_new(c, d)))
        l->o.workers = 0;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->n_slots = l->o.workers ? 2 * (int64_t)l->o.workers : 1;
    l->slots = calloc((size_t)l->n_slots, sizeof *l->slots);
    l->order = malloc((size_t)d->length * sizeof *l->order);
    if (!l->slots || !l->order || make_decoders(l))
        td__fail(c, "out of memory for a loader of %s", d->name);
    else if (!make_order(c, l, 0)) { /* now, to know how many batches there are */
        l->next = l->delivered = l->n_batches;
        if (start_threads(l))
            td__fail(c, "%d worker threads cannot be started", (int)o->workers);
    }
    if (!c->error)
        return l;
    td__loader_free(l);
    return NULL;
}

void td__loader_free(td__loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = 1;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->decoders[i + 1].thread, NULL);
    for (int i = 0; l->decoders && i <= l->o.workers; i++) {
        td__ctx_free(l->decoders[i].c);
        td__item_free(l->decoders[i].item);
    }
    for (int64_t i = 0; l->slots && i < l->n_slots; i++) {
        td__stack_free(&l->slots[i].stack);
        free(l->slots[i].error);
    }
    pthread_cond_destroy(&l->done);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    td__resident_free(l->resident);
    td__dataset_release(l->data);
    free(l->decoders);
    free(l->slots);
    free(l->order);
    free(l);
}

int64_t td__loader_batches(const td__loader *l) { return l->n_batches; }
int64_t td__loader_samples(const td__loader *l)
{
    return l->o.drop_last ? l->n_batches * l->o.batch_size : l->n_samples;
}
int64_t td__loader_length(const td__loader *l) { return td__dataset_length(l->data); }
double td__loader_wait(const td__loader *l) { return l->waited; }

int td__loader_start(td_ctx *c, td__loader *l, int64_t epoch, int64_t first_batch)
{
    if (c->error)
        return -1;
    pthread_mutex_lock(&l->lock);
    l->next = l->n_batches; /* nobody claims what is left of an epoch that was broken off */
    while (l->busy)
        pthread_cond_wait(&l->done, &l->lock);
    for (int64_t i = 0; i < l->n_slots; i++)
        l->slots[i].ready = 0;
    make_order(c, l, epoch);
    if (!c->error && (first_batch < 0 || first_batch > l->n_batches))
        td__fail(c, "an epoch of %lld batches cannot start at batch %lld", (long long)l->n_batches,
                 (long long)first_batch);
    l->next = l->delivered = c->error ? l->n_batches : first_batch;
    l->waited = 0;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return c->error ? -1 : 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Returns when the slot of the next batch is filled: by a worker, or right here where there is none. */
static struct slot *await(td__loader *l)
{
    struct slot *s = &l->slots[l->delivered % l->n_slots];
    double since = now();
    if (!l->o.workers)
        decode(&l->decoders[0], s, l->delivered);
    pthread_mutex_lock(&l->lock);
    while (l->o.workers && !s->ready)
        pthread_cond_wait(&l->done, &l->lock);
    pthread_mutex_unlock(&l->lock);
    l->waited += now() - since;
    return s;
}

int td__loader_next(td_ctx *c, td__loader *l, td__batch *out)
{
    if (c->error)
        return -1;
    if (l->delivered >= l->n_batches)
        return 0;
    if (l->resident) {
        int64_t first = l->delivered++ * l->o.batch_size;
        return td__resident_batch(c, l->resident, l->order + first, least(l->o.batch_size, l->n_samples - first),
                                  l->epoch, out)
                   ? -1
                   : 1;
    }
    struct slot *s = await(l);
    if (s->failed)
        td__fail(c, "%s", s->error ? s->error : "out of memory");
    else
        td__stack_tensors(c, &s->stack, out);
    pthread_mutex_lock(&l->lock);
    s->ready = 0;
    l->delivered++;
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
    return c->error ? -1 : 1;
}
