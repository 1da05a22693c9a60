/* The one thread pool.  Work is split into a number of pieces that does not depend on the number of threads,
 * so results do not either. */
#ifndef TD__POOL_H
#define TD__POOL_H

#include <stdint.h>

/* Starts the pool with n threads in all (the caller counts as one); 0: as many as cores allowed to this
 * process.  Again with another n: replaces it.  0, or -1 when threads cannot be made. */
int td__pool_start(int n);
void td__pool_stop(void);
int td__pool_threads(void);

/* fn(arg, i) for i in [0, n); returns when all are done.  Called from inside a piece it runs serially. */
void td__parallel_for(int64_t n, void (*fn)(void *arg, int64_t i), void *arg);

/* Splits [0, n) into ranges of at least `grain` (a multiple of `align`), fn(arg, begin, end) each; the ranges
 * depend on n, grain and align only. */
void td__parallel_range(int64_t n, int64_t grain, int64_t align, void (*fn)(void *arg, int64_t begin, int64_t end),
                        void *arg);

#endif
