/* A data set for tests that can do anything: sample i is 8-bit pixels (i, x, y), its class i % 7. */
#ifndef TESTS_GRID_H
#define TESTS_GRID_H

#include <unistd.h>

#include "tests/data/data.h"

struct grid {
    int64_t n, fail_at, odd_at, unlabelled_at;
    int32_t side_values, slow;
};

static const td_param grid_table[] = {
    TD_PARAM_INT(struct grid, n, "103", "samples"),
    TD_PARAM_INT(struct grid, fail_at, "-1", "this one cannot be read"),
    TD_PARAM_INT(struct grid, odd_at, "-1", "this one has another shape"),
    TD_PARAM_INT(struct grid, unlabelled_at, "-1", "this one has no class; -2: none has"),
    TD_PARAM_BOOL(struct grid, side_values, "false", "with `pair` [2] and `cube` [2, 3, 2]"),
    TD_PARAM_BOOL(struct grid, slow, "false", "some take their time"),
    TD_PARAM_END};

static int grids_open; /* now */
static int grids_read; /* how often open read it */

static int32_t grid_open(td_ctx *c, const void *params, void *data)
{
    *(struct grid *)data = *(const struct grid *)params;
    grids_open++;
    grids_read++;
    if (((struct grid *)data)->n < 0)
        td_fail(c, "a grid cannot have %d samples", (int)((struct grid *)data)->n);
    return td_failed(c) ? TD_ERROR : TD_OK;
}

static void grid_close(void *data)
{
    (void)data;
    grids_open--;
}

static int64_t grid_length(const void *data) { return ((const struct grid *)data)->n; }

static int64_t grid_target(const void *data, int64_t index)
{
    const struct grid *g = data;
    return g->unlabelled_at == index || g->unlabelled_at == -2 ? -1 : index % 7;
}

static int64_t grid_classes(const void *data)
{
    (void)data;
    return 7;
}

static int32_t grid_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const struct grid *g = data;
    int32_t w = index == g->odd_at ? 5 : 4;
    if (g->slow && index % 3 == 0)
        usleep((useconds_t)(index % 7) * 100);
    if (index == g->fail_at) {
        td_fail(c, "grid.bin: no luck");
        return TD_ERROR;
    }
    uint8_t *out = td_item_image(item, w, 2, 3);
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < w; x++, out += 3) {
            out[0] = (uint8_t)index;
            out[1] = (uint8_t)x;
            out[2] = (uint8_t)y;
        }
    td_item_of(item)->target = grid_target(data, index);
    if (g->side_values) {
        int64_t pair[] = {2}, cube[] = {2, 3, 2};
        int64_t *p = td_item_supp(item, "pair", TD_INT64, 1, pair);
        float *q = td_item_supp(item, "cube", TD_FLOAT32, 3, cube);
        p[0] = index;
        p[1] = (int64_t)(td_item_random(item, 0) * 1000);
        for (int i = 0; i < 12; i++)
            q[i] = (float)(100 * index + i);
    }
    return TD_OK;
}

static const td_dataset_type grid = {{.key = "Grid",
                                      .aliases = "tests.Grid",
                                      .summary = "for tests",
                                      .params = grid_table,
                                      .params_size = sizeof(struct grid)},
                                     .data_size = sizeof(struct grid),
                                     .open = grid_open,
                                     .close = grid_close,
                                     .length = grid_length,
                                     .get = grid_get,
                                     .target = grid_target,
                                     .classes = grid_classes};

/* A transform: values, each with a draw of its own added. */
static int32_t shake_apply(td_ctx *c, const void *params, td_item *item)
{
    (void)c, (void)params;
    td_item_view v = td_item_of(item)->image;
    float *out = td_item_floats(item, v.width, v.height, v.channels);
    for (int i = 0; i < v.width * v.height * v.channels; i++)
        out[i] = (v.pixels ? (float)v.pixels[i] : v.values[i]) + (float)td_item_random(item, (uint32_t)i);
    return TD_OK;
}

static const td_transform_type shake = {.type = {.key = "Shake", .summary = "for tests"}, .apply = shake_apply};

/* A transform: values as they are. */
static int32_t plain_apply(td_ctx *c, const void *params, td_item *item)
{
    (void)c, (void)params;
    td_item_view v = td_item_of(item)->image;
    float *out = td_item_floats(item, v.width, v.height, v.channels);
    for (int i = 0; i < v.width * v.height * v.channels; i++)
        out[i] = (float)v.pixels[i];
    return TD_OK;
}

static const td_transform_type plain = {.type = {.key = "Plain", .summary = "for tests"}, .apply = plain_apply};

__attribute__((unused)) static void grid_setup(void)
{
    grids_read = 0;
    load_plugins(NULL, 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_DATASET, &grid), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &shake), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &plain), 0);
}

__attribute__((unused)) static void grid_teardown(void)
{
    unload();
    cr_assert_eq(grids_open, 0, "%d data sets were not closed", grids_open);
}

#endif
