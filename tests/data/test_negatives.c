/* CRD's samples: itself, a positive and negatives of other classes. */
#include "tests/data/data.h"

#define LENGTH 97 /* images of ten classes */

static void setup(void)
{
    static const char *const files[] = {"plugins/methods/crd/crd.so", "plugins/datasets/drawn/drawn.so"};
    load_plugins(files, 2);
}
TestSuite(negatives, .init = setup, .fini = unload);

struct draw {
    int64_t k;
    const char *mode;
    double ratio;
    int64_t pool; /* how many positions of the data set are ever drawn as negatives */
};

/* One sample's positions; marks those that were drawn. */
static void check_sample(const struct draw *w, const td_dataset *org, int64_t i, const td_item *item, char *drawn)
{
    const int64_t *v = item->supp[1].data, y = td__dataset_target(org, i);
    cr_assert_eq(*(const int64_t *)item->supp[0].data, i);
    cr_assert(v[0] == i || (*w->mode == 'r' && td__dataset_target(org, v[0]) == y), "positive %lld", (long long)v[0]);
    int64_t negatives = 0;
    for (int64_t p = 0; p < LENGTH; p++)
        negatives += td__dataset_target(org, p) != y;
    for (int64_t k = 1; k <= w->k; k++) {
        cr_assert(v[k] >= 0 && v[k] < LENGTH && td__dataset_target(org, v[k]) != y, "negative %lld", (long long)v[k]);
        if (w->k <= negatives && k > 1)
            cr_assert_gt(v[k], v[k - 1], "distinct, and in rising order");
        drawn[v[k]] = 1;
    }
}

Test(negatives, are_of_other_classes_and_distinct)
{
    static const struct draw draws[] = {{20, "exact", 1, LENGTH}, {60, "relax", 1, LENGTH}, {87, "exact", 1, LENGTH},
                                        {300, "exact", 1, LENGTH}, {30, "exact", 0.5, 47}, {41, "relax", 0.5, 47}};
    td_item *item = td__item_new();
    for (size_t d = 0; d < sizeof draws / sizeof *draws; d++) {
        const struct draw *w = &draws[d];
        char yaml[300], drawn[LENGTH] = {0};
        int64_t seen = 0;
        snprintf(yaml, sizeof yaml,
                 "{data: {key: DrawnShapes, kwargs: {length: %d}}, wrapper: {key: CRDDatasetWrapper, kwargs: "
                 "{num_negative_samples: %lld, mode: %s, ratio: %g}}}",
                 LENGTH, (long long)w->k, w->mode, w->ratio);
        td__node *root = parse(yaml);
        td_dataset *org = td__dataset_open(ctx, &config, td__node_get(root, "data"), SEED);
        td__object *wrapper = td__object_of(&config, td__node_get(root, "wrapper"), TD_KIND_DATASET_WRAPPER);
        cr_assert(org && wrapper, "%s", ctx->error);
        td_dataset *all = td__dataset_wrap(ctx, wrapper, org);
        cr_assert(all, "%s", ctx->error);
        for (int64_t i = 0; i < LENGTH; i++) {
            cr_assert_eq(td__dataset_item(ctx, all, i, 0, item), 0, "%s", ctx->error);
            check_sample(w, org, i, item, drawn);
        }
        for (int p = 0; p < LENGTH; p++)
            seen += drawn[p];
        cr_expect_eq(seen, w->pool, "draw %zu: %lld positions", d, (long long)seen);
        td__dataset_release(all);
        td__dataset_release(org);
    }
    td__item_free(item);
}
