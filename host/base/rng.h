/* Random numbers of the host, from the counter-based generator of td/philox.h. */
#ifndef TD__RNG_H
#define TD__RNG_H

#include <td/philox.h>

/* Uses: the last part of a key says what a number is for, so that two purposes never share one. */
#define TD__USE_ORDER 1u     /* sampler */
#define TD__USE_INIT 2u      /* parameters */
/* TD_USE_DROPOUT 3u */
#define TD__USE_WRAPPER 4u   /* data-set wrappers */
#define TD__USE_SPLIT 5u
#define TD__USE_SAMPLE 6u      /* data sets that draw in get */
#define TD__USE_TRANSFORM 16u /* + position in the chain, times 256, + pass over the chain << 24, + draw << 32 */

/* Many numbers of a stream at once: the numbers TD__GROUP g ... TD__GROUP (g + 1) - 1, functions of stream and g.
 * uniform: multiples of 2^-32 in [0, 1); normal: mean 0, deviation 1, at most 6.8 of it, within 1e-9 of their size of
 * what exact arithmetic gives. */
#define TD__GROUP 64
typedef struct td__draws {
    const char *isa;
    void (*uniform)(td_stream s, uint64_t group, double v[TD__GROUP]);
    void (*normal)(td_stream s, uint64_t group, double v[TD__GROUP]);
} td__draws;
/* For the instruction sets this processor has, from 0, the fastest; NULL after the last.  All give the same bits. */
const td__draws *td__draws_of(unsigned rank);

/* 128 random bits for a key. */
void td__words(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use, uint32_t out[4]);
double td__uniform(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use); /* [0, 1) with 53 bits */
/* Fisher-Yates of 0..n-1. */
void td__permutation(uint64_t seed, uint64_t epoch, uint64_t use, int64_t n, int64_t *out);

#endif
