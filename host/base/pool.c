#include "host/base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One job at a time; pieces are handed out by an atomic counter, so who runs which piece varies, but what the pieces
 * are does not.  A step is hundreds of short jobs: workers look for the next one a while before they sleep, and nobody
 * waits for a worker that was too late to take part. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t *threads;
    int n_threads; /* besides the caller */
    int stopping;
    _Atomic uint64_t job; /* counts jobs: a worker runs each once */
    int open;             /* workers may still join the job */
    _Atomic int active;   /* workers in it */
    void (*fn)(void *, int64_t);
    void *arg;
    int64_t n;
    _Atomic int64_t next;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static _Thread_local int inside;
static pthread_mutex_t callers = PTHREAD_MUTEX_INITIALIZER; /* one parallel_for at a time */

static void run_pieces(void)
{
    inside = 1;
    for (int64_t i; (i = atomic_fetch_add(&pool.next, 1)) < pool.n;)
        pool.fn(pool.arg, i);
    inside = 0;
}

#define SPINS 2000 /* some 20 to 50 us: what falling asleep and waking up would take */

static void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

static void *worker(void *unused)
{
    (void)unused;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        pthread_mutex_unlock(&pool.lock);
        for (int i = 0; i < SPINS && pool.job == seen; i++)
            relax();
        pthread_mutex_lock(&pool.lock);
        while (!pool.stopping && pool.job == seen)
            pthread_cond_wait(&pool.work, &pool.lock);
        if (pool.stopping)
            break;
        seen = pool.job;
        if (!pool.open)
            continue;
        pool.active++;
        pthread_mutex_unlock(&pool.lock);
        run_pieces();
        pthread_mutex_lock(&pool.lock);
        if (--pool.active == 0)
            pthread_cond_signal(&pool.done);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

static int cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}

int td__pool_start(int n)
{
    td__pool_stop();
    if (n <= 0)
        n = cores();
    pool.threads = n > 1 ? calloc((size_t)n - 1, sizeof *pool.threads) : NULL;
    if (n > 1 && !pool.threads)
        return -1;
    pool.stopping = 0;
    pool.job = 0;
    for (int i = 0; i < n - 1; i++) {
        if (pthread_create(&pool.threads[i], NULL, worker, NULL)) {
            td__pool_stop();
            return -1;
        }
        pool.n_threads++;
    }
    return 0;
}

void td__pool_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopping = 1;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.n_threads; i++)
        pthread_join(pool.threads[i], NULL);
    free(pool.threads);
    pool.threads = NULL;
    pool.n_threads = 0;
}

int td__pool_threads(void) { return pool.n_threads + 1; }

void td__parallel_for(int64_t n, void (*fn)(void *, int64_t), void *arg)
{
    if (n <= 1 || pool.n_threads == 0 || inside) {
        for (int64_t i = 0; i < n; i++)
            fn(arg, i);
        return;
    }
    pthread_mutex_lock(&callers);
    pthread_mutex_lock(&pool.lock);
    pool.fn = fn;
    pool.arg = arg;
    pool.n = n;
    atomic_store(&pool.next, 0);
    pool.open = 1;
    pool.job++;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    run_pieces();
    pthread_mutex_lock(&pool.lock);
    pool.open = 0;
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && pool.active; i++)
        relax();
    pthread_mutex_lock(&pool.lock);
    while (pool.active)
        pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&callers);
}

struct range {
    void (*fn)(void *, int64_t, int64_t);
    void *arg;
    int64_t n, piece;
};

static void run_range(void *arg, int64_t i)
{
    const struct range *r = arg;
    int64_t begin = i * r->piece, end = begin + r->piece;
    r->fn(r->arg, begin, end < r->n ? end : r->n);
}

#define MOST_PIECES 64

void td__parallel_range(int64_t n, int64_t grain, int64_t align, void (*fn)(void *, int64_t, int64_t), void *arg)
{
    if (n <= 0)
        return;
    int64_t piece = (n + MOST_PIECES - 1) / MOST_PIECES;
    if (piece < grain)
        piece = grain;
    if (align > 1)
        piece = (piece + align - 1) / align * align;
    struct range r = {fn, arg, n, piece};
    td__parallel_for((n + piece - 1) / piece, run_range, &r);
}
