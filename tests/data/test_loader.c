/* Batches: the same for any number of workers, from any start, and errors where they belong. */
#include "tests/data/grid.h"

#include "host/base/file.h"

TestSuite(loader, .init = grid_setup, .fini = grid_teardown);

static const td__object *sampler(const char *text)
{
    td__node *node = td__node_get(config.root, text);
    cr_assert(node);
    const td__object *o = td__object_of(&config, node, TD_KIND_SAMPLER);
    cr_assert(o);
    return o;
}

static td__loader *loader(td_dataset *d, int64_t batch_size, int32_t workers, const td__object *order)
{
    td__loader_options o = {.batch_size = batch_size, .workers = workers, .seed = SEED, .sampler = order};
    td__loader *l = td__loader_new(ctx, d, &o);
    cr_assert(l, "%s", ctx->error);
    return l;
}

static uint64_t mix(uint64_t hash, const td_tensor *t)
{
    int64_t n = td_numel(t);
    double *v = malloc((size_t)n * sizeof *v);
    cr_assert_eq(td__tensor_read(ctx, t, TD_FLOAT64, v, n), 0);
    hash = td__hash(v, (size_t)n * sizeof *v, td__hash(&t->d, sizeof t->d, hash));
    free(v);
    return hash;
}

static uint64_t batch_hash(const td__batch *b)
{
    uint64_t hash = mix(mix(mix(1, b->input), b->target), b->index);
    for (size_t i = 0; i < b->n_supp; i++)
        hash = mix(td__hash(b->supp_names[i], strlen(b->supp_names[i]), hash), b->supp[i]);
    return hash;
}

/* The hashes of all batches from `first` on; how many. */
static int64_t run(td__loader *l, int64_t epoch, int64_t first, uint64_t *hashes)
{
    td__batch b;
    int64_t n = 0;
    int got;
    cr_assert_eq(td__loader_start(ctx, l, epoch, first), 0, "%s", ctx->error);
    td__frame_push(ctx);
    while ((got = td__loader_next(ctx, l, &b)) == 1) {
        hashes[n++] = batch_hash(&b);
        td__frame_pop(ctx, td_none());
        td__frame_push(ctx);
    }
    td__frame_pop(ctx, td_none());
    cr_assert_eq(got, 0, "%s", ctx->error);
    cr_assert(td__loader_wait(l) >= 0);
    return n;
}

static td__node *random_grid(void)
{
    td__node *root =
        parse("{data: {key: Grid, kwargs: {slow: true, side_values: true, transform: [{key: Shake}, {key: Shake}]}}, "
              "order: RandomSampler}");
    return td__node_get(root, "data");
}

Test(loader, batches_do_not_depend_on_workers)
{
    enum { BATCHES = 13 };
    static const int32_t workers[] = {0, 1, 2, 4, 16};
    uint64_t want[3][BATCHES], got[BATCHES + 1];
    td_dataset *d = td__dataset_open(ctx, &config, random_grid(), SEED);
    cr_assert(d, "%s", ctx->error);
    for (int w = 0; w < 5; w++) {
        td__loader *l = loader(d, 8, workers[w], sampler("order"));
        cr_assert_eq(td__loader_batches(l), BATCHES);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            cr_assert_eq(run(l, epoch, 0, w ? got : want[epoch]), BATCHES);
            cr_assert(!w || !memcmp(got, want[epoch], sizeof want[0]), "%d workers, epoch %d", workers[w], (int)epoch);
        }
        for (int64_t first = BATCHES; first >= 0; first -= 3) { /* a run that goes on where it was interrupted */
            cr_assert_eq(run(l, 1, first, got), BATCHES - first);
            cr_assert(!memcmp(got, want[1] + first, (size_t)(BATCHES - first) * sizeof *got), "%d workers from %d",
                      workers[w], (int)first);
        }
        td__loader_free(l);
    }
    cr_assert(memcmp(want[0], want[1], sizeof want[0]), "epochs differ");
    td__dataset_release(d);
}

Test(loader, batch_is_what_the_samples_are)
{
    td_dataset *d = opened("{key: Grid, kwargs: {n: 5, side_values: true, transform: {key: Plain}}}");
    td__loader *l = loader(d, 3, 2, NULL);
    td__batch b;
    float x[3 * 3 * 2 * 4], cube[3 * 12];
    int64_t class[3], pair[6];
    cr_assert_eq(td__loader_start(ctx, l, 0, 0), 0);
    cr_assert_eq(td__loader_next(ctx, l, &b), 1, "%s", ctx->error);
    cr_assert_eq(b.size, 3);
    cr_assert_eq(td__tensor_read(ctx, b.input, TD_FLOAT32, x, 72), 0);
    for (int i = 0; i < 72; i++) { /* [B, C, H, W] */
        int n = i / 24, channel = i / 8 % 3, row = i / 4 % 2, column = i % 4;
        cr_assert_eq(x[i], (float)(channel == 0 ? n : channel == 1 ? column : row));
    }
    cr_assert_eq(td__tensor_read(ctx, b.target, TD_INT64, class, 3), 0);
    cr_assert(class[0] == 0 && class[1] == 1 && class[2] == 2);
    cr_assert_eq(b.n_supp, 2);
    cr_assert_str_eq(b.supp_names[0], "pair");
    cr_assert_str_eq(b.supp_names[1], "cube");
    cr_assert(td_dim(b.supp[1], 0) == 3 && td_dim(b.supp[1], 1) == 2 && td_dim(b.supp[1], 2) == 3 &&
              td_dim(b.supp[1], 3) == 2);
    cr_assert_eq(td__tensor_read(ctx, b.supp[1], TD_FLOAT32, cube, 36), 0);
    for (int i = 0; i < 36; i++)
        cr_assert_eq(cube[i], (float)(100 * (i / 12) + i % 12));
    cr_assert_eq(td__loader_next(ctx, l, &b), 1);
    cr_assert_eq(b.size, 2);
    cr_assert_eq(td__tensor_read(ctx, b.supp[0], TD_INT64, pair, 4), 0);
    cr_assert(pair[0] == 3 && pair[2] == 4);
    cr_assert_eq(td__loader_next(ctx, l, &b), 0);
    cr_assert_eq(td__loader_next(ctx, l, &b), 0);
    td__loader_free(l);
    td__dataset_release(d);
}

/* Positions of an epoch in the order they come. */
static int64_t order_of(const td__object *s, int64_t n, int64_t epoch, int64_t *order)
{
    const td_sampler_type *t = (const td_sampler_type *)(const void *)s->type;
    return t->order(ctx, s->params, n, SEED, epoch, order);
}

Test(loader, samplers)
{
    int64_t a[50], b[50];
    int seen[50] = {0}, repeated = 0;
    parse("{random: torch.utils.data.RandomSampler, some: {key: RandomSampler, kwargs: {num_samples: 20}}, "
          "again: {key: RandomSampler, kwargs: {replacement: true}}, most: {key: RandomSampler, "
          "kwargs: {num_samples: 51}}, "
          "order: SequentialSampler}");
    cr_assert_eq(order_of(sampler("random"), 50, 0, a), 50);
    cr_assert_eq(order_of(sampler("random"), 50, 1, b), 50);
    cr_assert(memcmp(a, b, sizeof a));
    for (int i = 0; i < 50; i++)
        cr_assert_eq(seen[a[i]]++, 0);
    cr_assert_eq(order_of(sampler("some"), 50, 0, b), 20);
    cr_assert(!memcmp(a, b, 20 * sizeof *a));
    memset(seen, 0, sizeof seen);
    cr_assert_eq(order_of(sampler("again"), 50, 0, b), 50);
    for (int i = 0; i < 50; i++)
        repeated += seen[b[i]]++ == 1;
    cr_assert(repeated > 3 && repeated < 30);
    cr_assert_eq(order_of(sampler("order"), 50, 7, b), 50);
    cr_assert(b[0] == 0 && b[31] == 31);
    cr_assert_eq(order_of(sampler("most"), 50, 0, b), -1);
    expect_error("num_samples = 51 from a data set of 50");
}

Test(loader, drop_last)
{
    td_dataset *d = opened("{key: Grid, kwargs: {transform: {key: Plain}}}");
    td__loader_options o = {.batch_size = 25, .drop_last = 1, .workers = 1};
    td__loader *l = td__loader_new(ctx, d, &o);
    uint64_t hashes[8];
    cr_assert_eq(td__loader_batches(l), 4);
    cr_assert_eq(td__loader_samples(l), 100);
    cr_assert_eq(run(l, 0, 0, hashes), 4);
    td__loader_free(l);
    o.batch_size = 104;
    cr_assert_null(td__loader_new(ctx, d, &o));
    expect_error("drop_last leaves no batch: Grid gives 103 samples, batch_size is 104");
    o.batch_size = 0;
    cr_assert_null(td__loader_new(ctx, d, &o));
    expect_error("batch_size 0");
    td__dataset_release(d);
}

/* The batches before come as usual; the error comes in its batch's place; the next ones can still be had. */
static void expect_error_at(const char *kwargs, int64_t batch, const char *reason)
{
    for (int32_t workers = 0; workers < 4; workers += 3) {
        td_dataset *d = opened("{key: Grid, kwargs: %s}", kwargs);
        td__loader *l = loader(d, 10, workers, NULL);
        td__batch b;
        cr_assert_eq(td__loader_start(ctx, l, 0, 0), 0);
        for (int64_t i = 0; i < batch; i++)
            cr_assert_eq(td__loader_next(ctx, l, &b), 1, "%s", ctx->error);
        cr_assert_eq(td__loader_next(ctx, l, &b), -1);
        cr_assert_eq(td__loader_next(ctx, l, &b), -1);
        expect_error(reason);
        if (batch)
            cr_assert_eq(td__loader_next(ctx, l, &b), 1);
        td__loader_free(l);
        td__dataset_release(d);
    }
}

Test(loader, errors_come_in_their_place)
{
    expect_error_at("{fail_at: 57, transform: {key: Plain}}", 5, "Grid, sample 57: grid.bin: no luck");
    expect_error_at("{odd_at: 33, transform: {key: Plain}}", 3,
                    "Grid: sample 33 is [3, 2, 5] where sample 30 of the same batch is [3, 2, 4]: add Resize, "
                    "RandomCrop or RandomResizedCrop");
    expect_error_at("{unlabelled_at: 21, transform: {key: Plain}}", 2,
                    "Grid: sample 21 has no class where sample 20 of the same batch has one");
    expect_error_at("{}", 0, "Grid: sample 0 reaches the batch as 8-bit pixels: end its transform with ToTensor");
}

Test(loader, data_without_classes)
{
    td_dataset *d = opened("{key: Grid, kwargs: {unlabelled_at: -2, transform: {key: Plain}}}");
    td__loader *l = loader(d, 10, 1, NULL);
    td__batch b;
    cr_assert_eq(td__loader_start(ctx, l, 0, 0), 0);
    cr_assert_eq(td__loader_next(ctx, l, &b), 1);
    cr_assert_null(b.target);
    td__loader_free(l);
    td__dataset_release(d);
}

/* Leaving or starting again while workers are busy. */
Test(loader, can_be_left_at_any_time)
{
    td_dataset *d = td__dataset_open(ctx, &config, random_grid(), SEED);
    uint64_t want[4], got[4];
    td__batch b;
    td__loader *l = loader(d, 30, 0, NULL);
    cr_assert_eq(run(l, 2, 0, want), 4);
    td__loader_free(l);
    for (int left = 0; left < 4; left++) {
        l = loader(d, 30, 3, NULL);
        cr_assert_eq(td__loader_start(ctx, l, 0, 0), 0);
        for (int i = 0; i < left; i++)
            cr_assert_eq(td__loader_next(ctx, l, &b), 1);
        cr_assert_eq(run(l, 2, 0, got), 4);
        cr_assert(!memcmp(got, want, sizeof want));
        cr_assert_eq(td__loader_start(ctx, l, 0, left), 0);
        td__loader_free(l);
    }
    l = loader(d, 30, 2, NULL);
    cr_assert_eq(td__loader_start(ctx, l, 0, 5), -1);
    expect_error("an epoch of 4 batches cannot start at batch 5");
    td__loader_free(l);
    td__dataset_release(d);
}
