/* CRDDatasetWrapper: each sample comes with its own position, one positive and K negatives of other classes.
 *
 * Positions are kept grouped by class, so the negatives of a class are everything but one range: the j-th negative is
 * found in O(1), and no list per class exists.  K distinct ones are drawn with a bitmap of N bits. */
#include <stdlib.h>
#include <string.h>

#include "crd.h"

struct params {
    int64_t num_negative_samples;
    const char *mode;
    double ratio;
};

static const td_param table[] = {
    TD_PARAM_INT(struct params, num_negative_samples, NULL, "K negatives a sample", .min = 1, .max = 1e9),
    TD_PARAM_STRING(struct params, mode, NULL, "positive: the sample itself, or any of its class",
                    .choices = "exact|relax"),
    TD_PARAM_FLOAT(struct params, ratio, NULL, "share of the negatives of each class that is ever used; 1 uses all",
                   .min = 0, .max = 1),
    TD_PARAM_END_OPEN};

struct data {
    struct params p;
    int64_t n, classes;
    int64_t *grouped; /* positions, by class */
    int64_t *begin;   /* of each class in grouped; classes + 1 entries */
    int64_t *pool;    /* those positions that serve as negatives, by class */
    int64_t *pooled;  /* begin of each class in pool; classes + 1 entries */
};

/* Counting sort of the positions by class. */
static int32_t group(td_ctx *c, struct data *d, const td_dataset *org)
{
    for (int64_t i = 0; i < d->n; i++) {
        int64_t y = td_host->dataset_target(org, i);
        if (y < 0 || y >= d->classes) {
            td_fail(c, "CRDDatasetWrapper needs the class of every sample without decoding it; sample %lld has none",
                    (long long)i);
            return TD_ERROR;
        }
        d->begin[y + 1]++;
    }
    for (int64_t y = 0; y < d->classes; y++)
        d->begin[y + 1] += d->begin[y];
    for (int64_t i = 0; i < d->n; i++) { /* pooled counts up to the class's size here */
        int64_t y = td_host->dataset_target(org, i);
        d->grouped[d->begin[y] + d->pooled[y]++] = i;
    }
    return TD_OK;
}

/* The pool: a share of each class, chosen once by a partial Fisher-Yates within the class. */
static void keep_share(struct data *d)
{
    int64_t end = 0;
    for (int64_t y = 0; y < d->classes; y++) {
        int64_t size = d->begin[y + 1] - d->begin[y], *v = d->pool + end;
        int64_t kept = d->p.ratio > 0 && d->p.ratio < 1 ? (int64_t)((double)size * d->p.ratio) : size;
        memcpy(v, d->grouped + d->begin[y], (size_t)size * sizeof *v);
        for (int64_t i = 0; i < kept && kept < size; i++) {
            int64_t j = i + (int64_t)(td_host->random((uint64_t)y, 0, (uint64_t)i, 4) * (double)(size - i));
            int64_t t = v[i];
            v[i] = v[j];
            v[j] = t;
        }
        d->pooled[y] = end;
        end += kept;
    }
    d->pooled[d->classes] = end;
}

static int32_t open_data(td_ctx *c, const void *params, const td_dataset *org, void *data)
{
    struct data *d = data;
    d->p = *(const struct params *)params;
    d->n = td_host->dataset_length(org);
    d->classes = td_host->dataset_classes(org);
    if (d->classes < 2) {
        td_fail(c, "CRDDatasetWrapper needs a data set of at least 2 classes, not %lld", (long long)d->classes);
        return TD_ERROR;
    }
    d->grouped = calloc((size_t)d->n + 1, sizeof *d->grouped);
    d->begin = calloc((size_t)d->classes + 1, sizeof *d->begin);
    d->pool = calloc((size_t)d->n + 1, sizeof *d->pool);
    d->pooled = calloc((size_t)d->classes + 1, sizeof *d->pooled);
    if (!d->grouped || !d->begin || !d->pool || !d->pooled) {
        td_fail(c, "CRDDatasetWrapper: out of memory for %lld samples", (long long)d->n);
        return TD_ERROR;
    }
    if (group(c, d, org))
        return TD_ERROR;
    keep_share(d);
    return TD_OK;
}

static void close_data(void *data)
{
    struct data *d = data;
    free(d->grouped);
    free(d->begin);
    free(d->pool);
    free(d->pooled);
}

static int64_t length(const void *data, const td_dataset *org)
{
    (void)data;
    return td_host->dataset_length(org);
}

/* SplitMix64: a local stream started from one counter-based draw. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t below(uint64_t *state, int64_t n)
{
    return (int64_t)(((unsigned __int128)next(state) * (uint64_t)n) >> 64);
}

/* The j-th negative of class y: the pool without one range. */
static int64_t negative(const struct data *d, int64_t y, int64_t j)
{
    return d->pool[j < d->pooled[y] ? j : j + d->pooled[y + 1] - d->pooled[y]];
}

/* K distinct of n negatives of class y in out (with repetition only where n < K).  Their ranks are rejected against a
 * bitmap; where most are wanted, those left out are drawn instead.  A second bitmap puts the positions in rising order, in
 * which they are the fastest to look up. */
static int32_t draw(td_ctx *c, const struct data *d, uint64_t *state, int64_t y, int64_t n, int64_t k, int64_t *out)
{
    if (n < k) {
        for (int64_t i = 0; i < k; i++)
            out[i] = negative(d, y, below(state, n));
        return TD_OK;
    }
    int64_t words = (n + 63) / 64, all_words = (d->n + 63) / 64, marks = k <= n / 2 ? k : n - k;
    uint64_t *seen = td_alloc(c, (size_t)(words + all_words) * sizeof *seen), *chosen = seen + words;
    uint64_t left_out = marks == k ? 0 : ~(uint64_t)0;
    if (!seen)
        return TD_ERROR;
    while (marks > 0) {
        int64_t j = below(state, n);
        uint64_t bit = (uint64_t)1 << (j & 63);
        marks -= !(seen[j >> 6] & bit);
        seen[j >> 6] |= bit;
    }
    for (int64_t w = 0, found = 0; w < words; w++)
        for (uint64_t bits = seen[w] ^ left_out; bits && found < k; bits &= bits - 1, found++) {
            int64_t i = negative(d, y, w * 64 + __builtin_ctzll(bits));
            chosen[i >> 6] |= (uint64_t)1 << (i & 63);
        }
    for (int64_t w = 0; w < all_words; w++)
        for (uint64_t bits = chosen[w]; bits; bits &= bits - 1)
            *out++ = w * 64 + __builtin_ctzll(bits);
    return TD_OK;
}

static int32_t get(td_ctx *c, const void *data, const td_dataset *org, int64_t index, td_item *item)
{
    const struct data *d = data;
    if (td_host->dataset_get(c, org, index, item) || td_host->dataset_transform(c, org, item))
        return TD_ERROR;
    int64_t k = d->p.num_negative_samples, shape = k + 1, y = td_host->dataset_target(org, index);
    int64_t *pos = td_item_supp(item, "pos_idx", TD_INT64, 0, NULL);
    int64_t *contrast = td_item_supp(item, "contrast_idx", TD_INT64, 1, &shape);
    if (!pos || !contrast || td_failed(c))
        return TD_ERROR;
    uint64_t state = (uint64_t)(td_item_random(item, 0) * 0x1p53);
    int64_t size = d->begin[y + 1] - d->begin[y], n = d->pooled[d->classes] - d->pooled[y + 1] + d->pooled[y];
    if (n < 1) {
        td_fail(c, "CRDDatasetWrapper: class %lld has no negatives", (long long)y);
        return TD_ERROR;
    }
    *pos = index;
    contrast[0] = d->p.mode[0] == 'e' ? index : d->grouped[d->begin[y] + below(&state, size)];
    return draw(c, d, &state, y, n, k, contrast + 1);
}

const td_dataset_wrapper_type crd_dataset = {.type = {.key = "CRDDatasetWrapper",
                                                      .summary = "samples with a positive and K negatives for CRDLoss",
                                                      .params = table,
                                                      .params_size = sizeof(struct params)},
                                             .data_size = sizeof(struct data),
                                             .open = open_data,
                                             .close = close_data,
                                             .length = length,
                                             .get = get};
