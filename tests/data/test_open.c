/* Data sets out of configurations: sharing, splits, wrappers, computed values. */
#include "tests/data/grid.h"

TestSuite(open, .init = grid_setup, .fini = grid_teardown);

Test(open, one_node_is_one_data_set)
{
    td__node *root = parse("{a: &a !import_call {key: tests.Grid, init: {kwargs: {n: 9}}}, b: *a, c: {key: Grid}}");
    td_dataset *a = td__dataset_open(ctx, &config, td__node_get(root, "a"), SEED);
    td_dataset *b = td__dataset_open(ctx, &config, td__node_get(root, "b"), SEED);
    td_dataset *c = td__dataset_open(ctx, &config, td__node_get(root, "c"), SEED);
    cr_assert(a && a == b && a != c);
    cr_assert(td__dataset_length(a) == 9 && td__dataset_length(c) == 103);
    td__dataset_release(a);
    cr_assert_eq(grids_open, 2);
    td__dataset_release(b);
    cr_assert_eq(grids_open, 1);
    a = td__dataset_open(ctx, &config, td__node_get(root, "a"), SEED);
    cr_assert(a && grids_read == 3);
    td__dataset_release(a);
    td__dataset_release(c);
}

Test(open, errors_have_a_place)
{
    cr_assert_null(try_open("key: Grid\nkwargs: {n: -4}"));
    expect_error("t.yaml:1:1: Grid: a grid cannot have -4 samples");
    cr_assert_null(try_open("key: Grid\nkwargs: {n: 0}"));
    expect_error("t.yaml:1:1: Grid: it has no samples");
    cr_assert_null(try_open("key: Grit"));
    expect_error("t.yaml:1:6: no plugin brings a data set 'Grit' (did you mean 'Grid'?)");
    cr_assert_null(try_open("key: Grid\nkwargs: {transform: [{key: Plane}]}"));
    expect_error("t.yaml:2:28: no plugin brings a transform 'Plane' (did you mean 'Plain'?)");
}

#define SPLITS \
    "_splits: &splits !import_call\n" \
    "  key: 'torchdistill.datasets.util.split_dataset'\n" \
    "  init:\n" \
    "    kwargs:\n" \
    "      dataset: &all !import_call {key: Grid, init: {kwargs: {n: 50, transform: {key: Plain}}}}\n" \
    "      lengths: %s\n" \
    "      generator_seed: 42\n" \
    "      sub_splits_configs: %s\n" \
    "      dataset_id: grid\n" \
    "all: *all\n" \
    "first: !access_by_index_or_key {data: *splits, index_or_key: 0}\n" \
    "last: !access_by_index_or_key {data: *splits, index_or_key: -1}\n"

static void open_splits(const char *lengths, const char *configs, td_dataset **first, td_dataset **last)
{
    char *text = td__printf(SPLITS, lengths, configs);
    td__node *root = parse(text);
    free(text);
    *first = td__dataset_open(ctx, &config, td__node_get(root, "first"), SEED);
    *last = *first ? td__dataset_open(ctx, &config, td__node_get(root, "last"), SEED) : NULL;
}

Test(open, splits_are_random_parts_of_one_data_set)
{
    td_dataset *first, *last, *all;
    int seen[50] = {0}, in_order = 1;
    td_item *item = td__item_new();
    open_splits("[0.9, 0.1]",
                "[{transform: {key: Plain}}, {transform: [{key: Plain}, {key: Shake}], target_transform: null}]",
                &first, &last);
    cr_assert(first && last, "%s", ctx->error);
    all = td__dataset_open(ctx, &config, td__node_get(config.root, "all"), SEED);
    cr_assert_eq(grids_read, 1);
    cr_assert(td__dataset_length(first) == 45 && td__dataset_length(last) == 5 && td__dataset_classes(last) == 7);
    for (int64_t i = 0; i < 50; i++) {
        const td_dataset *part = i < 45 ? first : last;
        int64_t at = i < 45 ? i : i - 45;
        cr_assert_eq(td__dataset_item(ctx, part, at, 0, item), 0, "%s", ctx->error);
        float value = item->head.image.values[0];
        cr_assert_eq(value == (float)(int)value, i < 45, "the last part is shaken");
        cr_assert_eq(seen[(int)value]++, 0);
        in_order &= (int)value == i;
        cr_assert_eq(td__dataset_target(part, at), td__dataset_target(all, (int64_t)value));
        cr_assert_eq(item->head.index, at);
    }
    cr_assert_not(in_order);
    cr_assert_eq(td__dataset_target(last, 5), -1);
    cr_assert_eq(td__dataset_item(ctx, last, 5, 0, item), TD_ERROR);
    expect_error("there is no sample 5 in Grid, which has 5");
    td__item_free(item);
    td__dataset_release(first);
    td__dataset_release(all);
    td__dataset_release(last);
}

Test(open, lengths_of_splits)
{
    td_dataset *first, *last;
    open_splits("[20, 13, 17]", "null", &first, &last);
    cr_assert(first && last && td__dataset_length(first) == 20 && td__dataset_length(last) == 17);
    td__dataset_release(first);
    td__dataset_release(last);
    open_splits("[1, 2]", "null", &first, &last); /* shares: 16.67, 33.33 */
    cr_assert(first && last && td__dataset_length(first) == 16 && td__dataset_length(last) == 34);
    td__dataset_release(first);
    td__dataset_release(last);
    open_splits("[0.999, 0.001, 0]", "null", &first, &last);
    expect_error("part 1 of split_dataset gets none of the 50 samples");
    open_splits("[0.5, 0.5]", "[{}]", &first, &last);
    expect_error("'sub_splits_configs' of split_dataset has 1 entries for 2 lengths");
    open_splits("[-1, 2]", "null", &first, &last);
    expect_error("'lengths' of split_dataset holds -1");
}

static const char *const bad_parts[][2] = {
    {"'2'", "index_or_key is '2'; split_dataset gives 2 data sets"},
    {"one", "index_or_key is 'one'; split_dataset gives 2 data sets"},
};

Test(open, wrong_part_of_a_split)
{
    for (int i = 0; i < 2; i++) {
        cr_assert_null(try_open("!access_by_index_or_key {index_or_key: %s, data: !import_call {key: split_dataset, "
                                "init: {kwargs: {dataset: {key: Grid}, lengths: [1, 1]}}}}", bad_parts[i][0]));
        expect_error(bad_parts[i][1]);
        cr_assert_eq(grids_open, 0);
    }
}

static const td_param count_table[] = {{.name = "steps", .type = TD_P_INT, .def = NULL, .doc = "for tests"},
                                       {.name = "all", .type = TD_P_INT, .offset = 8, .def = "0", .doc = "for tests"},
                                       TD_PARAM_END};

Test(open, step_counts)
{
    int64_t counts[2];
    td__node *root =
        parse("a: &grid !import_call {key: Grid}\n"
              "steps: {steps: !import_call {key: utils.dataset.get_num_iterations, init: {kwargs: {dataset: *grid, "
              "batch_size: 10, world_size: 2}}},\n"
              "        all: !import_call {key: custom.optim.compute_num_training_steps, init: {kwargs: {dataset: "
              "*grid, batch_size: 10, num_epochs: 3, grad_accum_step: 4, world_size: 1}}}}\n"
              "bad: {steps: !import_call {key: get_num_iterations, init: {kwargs: {dataset: {key: Grid, kwargs: {n: "
              "-4}}, batch_size: 10}}}}\n"
              "list: {steps: !import_call {key: split_dataset, init: {kwargs: {dataset: *grid, lengths: [1, 1]}}}}\n");
    td__functions_use(ctx, SEED);
    cr_assert_eq(td__bind(&config, td__node_get(root, "steps"), "Counts", count_table, sizeof counts, counts), 0);
    cr_assert_eq(counts[0], 6);     /* ceil(ceil(103 / 10) / 2) */
    cr_assert_eq(counts[1], 3 * 3); /* ceil(11 / 4) an epoch */
    cr_assert(grids_open == 1 && grids_read == 1, "the data set stays open");
    cr_assert_eq(td__bind(&config, td__node_get(root, "bad"), "Counts", count_table, sizeof counts, counts), -1);
    cr_assert_str_eq(config.diag.v[0].text, "t.yaml:4:78: Grid: a grid cannot have -4 samples");
    cr_assert_null(ctx->error);
    cr_assert_eq(td__bind(&config, td__node_get(root, "list"), "Counts", count_table, sizeof counts, counts), -1);
    td__functions_use(NULL, 0);
    cr_assert_eq(grids_open, 0);
}

/* A wrapper: each sample, and the class of the one before as a side value, drawn positions in another. */
static int32_t pairs_open(td_ctx *c, const void *params, const td_dataset *org, void *data)
{
    (void)params;
    *(int64_t *)data = td_host->dataset_classes(org);
    if (td_host->dataset_target(org, 0) < 0)
        td_fail(c, "it needs classes");
    return td_failed(c) ? TD_ERROR : TD_OK;
}

static int64_t pairs_length(const void *data, const td_dataset *org)
{
    (void)data;
    return td_host->dataset_length(org) - 1;
}

static int32_t pairs_get(td_ctx *c, const void *data, const td_dataset *org, int64_t index, td_item *item)
{
    int64_t one[] = {1}, two[] = {2};
    if (td_host->dataset_get(c, org, index + 1, item) || td_host->dataset_transform(c, org, item))
        return TD_ERROR;
    float *draw = td_item_supp(item, "draw", TD_FLOAT32, 1, two);
    int64_t *before = td_item_supp(item, "before", TD_INT64, 1, one);
    before[0] = td_host->dataset_target(org, index) + 10 * *(const int64_t *)data;
    draw[0] = (float)td_item_random(item, 0);
    draw[1] = (float)td_item_random(item, 70000);
    return TD_OK;
}

static const td_dataset_wrapper_type pairs = {{.key = "Pairs", .summary = "for tests"},
                                              .data_size = sizeof(int64_t),
                                              .open = pairs_open,
                                              .length = pairs_length,
                                              .get = pairs_get};

Test(open, wrappers)
{
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_DATASET_WRAPPER, &pairs), 0);
    td_dataset *org = opened("{key: Grid, kwargs: {fail_at: 30, side_values: true, transform: {key: Shake}}}");
    td__object wrapper = {.kind = TD_KIND_DATASET_WRAPPER, .type = td__find_type(TD_KIND_DATASET_WRAPPER, "Pairs")};
    td_dataset *d = td__dataset_wrap(ctx, &wrapper, org), *twice = td__dataset_wrap(ctx, &wrapper, d);
    td_item *item = td__item_new();
    cr_assert(d && !twice, "a wrapper has no classes without decoding");
    expect_error("Pairs: it needs classes");
    cr_assert_eq(td__dataset_length(d), 102);
    cr_assert_eq(td__dataset_classes(d), 7);
    cr_assert_eq(td__dataset_item(ctx, d, 4, 0, item), 0, "%s", ctx->error);
    cr_assert(item->head.index == 4 && item->head.target == 5 && (int)item->head.image.values[0] == 5 &&
              item->n_supp == 4);
    cr_assert_eq(*(int64_t *)item->supp[3].data, 74);
    const float *draw = item->supp[2].data;
    int64_t drawn_by_org = ((int64_t *)item->supp[0].data)[1];
    float first = item->head.image.values[0] - 5;
    cr_assert(draw[0] != draw[1] && draw[0] != first && (int64_t)(draw[0] * 1000) != drawn_by_org);
    cr_assert_eq(td__dataset_item(ctx, d, 29, 0, item), TD_ERROR);
    expect_error("Pairs of Grid, sample 29: grid.bin: no luck");
    td__item_free(item);
    td__dataset_release(org);
    td__dataset_release(d);
}
