/* Tensors, frames and the tape. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <math.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/ops/table.h"
#include "tests/ops/golden.h"

static td_ctx *context(void)
{
    char why[200];
    cr_assert_not_null(td__backend_use(&td__reference_backend, why, sizeof why), "%s", why);
    td_ctx *c = td__ctx_new(&td__reference_backend);
    cr_assert_not_null(c);
    return c;
}

/* Ends the context and finds every tensor gone. */
static void done(td_ctx *c)
{
    cr_expect_null(c->error, "%s", c->error);
    td__ctx_free(c);
    cr_expect_eq(td__memory_now(), 0);
}

#define SHAPE(...) \
    sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]) { __VA_ARGS__ }
#define DOUBLES(...) \
    (const double[]) { __VA_ARGS__ }

static td_tensor *leaf(td_ctx *c, uint32_t ndim, const int64_t *shape, const double *v)
{
    td_tensor *t = td_tensor_from(c, TD_FLOAT64, ndim, shape, v);
    t->requires_grad = 1;
    return t;
}

static void expect_values(td_ctx *c, td_tensor *t, size_t n, const double *want)
{
    double got[64];
    cr_assert_not_null(t);
    cr_assert_eq(td_numel(t), (int64_t)n);
    cr_assert_eq(td__tensor_read(c, t, TD_FLOAT64, got, (int64_t)n), 0, "%s", c->error);
    for (size_t i = 0; i < n; i++)
        cr_expect_float_eq(got[i], want[i], 1e-12 * fmax(1, fabs(want[i])), "element %zu is %g, not %g", i, got[i], want[i]);
}
#define EXPECT_VALUES(c, t, ...) \
    expect_values(c, t, sizeof(DOUBLES(__VA_ARGS__)) / sizeof(double), DOUBLES(__VA_ARGS__))

/* ---- tensors ---- */

Test(tensor, rank_4_lies_channels_last)
{
    td_ctx *c = context();
    float row_major[24], back[24];
    for (int i = 0; i < 24; i++)
        row_major[i] = (float)i;
    td_tensor *t = td_tensor_from(c, TD_FLOAT32, SHAPE(2, 3, 2, 2), row_major);
    const float *memory = t->storage->data;
    for (int n = 0; n < 2; n++)
        for (int ch = 0; ch < 3; ch++)
            for (int p = 0; p < 4; p++)
                cr_expect_eq(memory[(n * 4 + p) * 3 + ch], row_major[(n * 3 + ch) * 4 + p]);
    cr_assert_eq((uintptr_t)memory % 64, 0);
    cr_assert_eq(td__tensor_read(c, t, TD_FLOAT32, back, 24), 0);
    cr_assert_arr_eq(back, row_major, sizeof back);
    done(c);
}

Test(tensor, conversions)
{
    const double from[] = {1.5,   -1.5,    1e300,     -1e300,      NAN,         INFINITY, 65519,
                           65520, 0x1p-25, 0x1.8p-25, 1 + 0x1p-11, 1 + 0x3p-11, -0.0,     255.9};
    const size_t n = sizeof from / sizeof *from;
    int64_t whole[14];
    uint8_t bytes[14];
    uint16_t half[14];
    td__convert(whole, TD_INT64, from, TD_FLOAT64, (int64_t)n);
    cr_expect_eq(whole[0], 1);
    cr_expect_eq(whole[1], -1);
    cr_expect(whole[2] > INT64_MAX / 2 && whole[3] == INT64_MIN && whole[4] == 0);
    td__convert(bytes, TD_UINT8, from, TD_FLOAT64, (int64_t)n);
    cr_expect(bytes[1] == 0 && bytes[2] == 255 && bytes[13] == 255);
    td__convert(bytes, TD_BOOL, from, TD_FLOAT64, (int64_t)n);
    cr_expect(bytes[0] == 1 && bytes[12] == 0 && bytes[8] == 1);
    td__convert(half, TD_FLOAT16, from, TD_FLOAT64, (int64_t)n);
    /* by hand from IEEE 754: nearest, ties to even, overflow from 65520 on, subnormals in steps of 2^-24 */
    const uint16_t want[] = {0x3e00, 0xbe00, 0x7c00, 0xfc00, 0x7e00, 0x7c00, 0x7bff,
                             0x7c00, 0x0000, 0x0001, 0x3c00, 0x3c02, 0x8000, 0x5bff};
    for (size_t i = 0; i < 13; i++)
        cr_expect_eq(half[i], want[i], "float16 of %g is %04x, not %04x", from[i], half[i], want[i]);
    td__convert(half, TD_BFLOAT16, from, TD_FLOAT64, (int64_t)n);
    cr_expect(half[0] == 0x3fc0 && half[5] == 0x7f80 && half[12] == 0x8000 && half[10] == 0x3f80);
    uint16_t all[1 << 16], again[1 << 16];
    static float values[1 << 16];
    for (uint32_t i = 0; i < 1 << 16; i++)
        all[i] = (uint16_t)i;
    for (uint32_t dtype = TD_BFLOAT16; dtype <= TD_FLOAT16; dtype++) { /* every value survives the way there and back */
        td__convert(values, TD_FLOAT32, all, dtype, 1 << 16);
        td__convert(again, dtype, values, TD_FLOAT32, 1 << 16);
        for (uint32_t i = 0; i < 1 << 16; i++)
            cr_assert(again[i] == all[i] || isnan(values[i]), "%04x came back as %04x", all[i], again[i]);
    }
    const int64_t big = (1ll << 53) + 1;
    int64_t same;
    td__convert(&same, TD_INT64, &big, TD_INT64, 1);
    cr_assert_eq(same, big);
}

Test(tensor, reshape_shares_memory_where_it_can)
{
    td_ctx *c = context();
    td_tensor *x = td_zeros(c, TD_FLOAT32, SHAPE(2, 3, 4, 5)), *pooled = td_zeros(c, TD_FLOAT32, SHAPE(2, 3, 1, 1));
    cr_expect_eq(td_flatten(c, pooled)->storage, pooled->storage);
    cr_expect_neq(td_flatten(c, x)->storage, x->storage);
    cr_expect_eq(td_reshape(c, x, SHAPE(2, 3, 5, 4))->storage, x->storage);
    cr_expect_neq(td_reshape(c, x, SHAPE(3, 2, 4, 5))->storage, x->storage);
    cr_expect_eq(td_cast(c, x, TD_FLOAT32)->storage, x->storage);
    cr_expect_eq(td_detach(c, x)->storage, x->storage);
    done(c);
}

/* ---- frames ---- */

Test(frame, what_is_returned_survives_and_nothing_else)
{
    td_ctx *c = context();
    td__frame_push(c);
    td_tensor *x = td_zeros(c, TD_FLOAT32, SHAPE(16)), *y = td_scalar(c, TD_FLOAT64, 3);
    td_tensor *kept = td_retain(td_scalar(c, TD_FLOAT64, 4));
    td_zeros(c, TD_FLOAT32, SHAPE(1000));
    char *key = td_alloc(c, 4);
    memcpy(key, "one", 4);
    td_value pair[2] = {td_value_of(x), td_none()};
    td_value *entries = td_alloc(c, 2 * sizeof *entries);
    const char **keys = td_alloc(c, 2 * sizeof *keys);
    entries[0] = td_tuple(c, 2, pair);
    entries[1] = td_value_of(y);
    keys[0] = key;
    keys[1] = "two";
    td_value dict = {TD_VALUE_DICT, 2, NULL, entries, keys};
    td_value out = td__frame_pop(c, dict);
    td__frame_push(c); /* overwrites the ended frame's memory */
    memset(td_alloc(c, 4096), 0xff, 4096);
    td__frame_pop(c, td_none());
    cr_assert_eq(out.kind, TD_VALUE_DICT);
    cr_assert_str_eq(out.keys[0], "one");
    cr_assert_str_eq(out.keys[1], "two");
    cr_assert_eq(out.items[0].items[0].tensor, x);
    cr_assert_eq(out.items[0].items[1].kind, TD_VALUE_NONE);
    EXPECT_VALUES(c, out.items[1].tensor, 3);
    EXPECT_VALUES(c, kept, 4);
    cr_expect_eq(td__memory_now(), 3 * 64);
    td_release(kept);
    done(c);
}

Test(frame, failures_are_sticky)
{
    td_ctx *c = context();
    td_tensor *x = td_zeros(c, TD_FLOAT32, SHAPE(64, 10)), *y = td_zeros(c, TD_FLOAT32, SHAPE(64, 11));
    size_t before = td__memory_now();
    td_tensor *z = td_mul(c, td_add(c, x, y), x);
    cr_assert_eq(z, td__empty());
    cr_assert_eq(td_relu(c, x), td__empty());
    cr_assert_null(td_alloc(c, 8));
    cr_assert_str_eq(c->error, "add: shapes [64, 10] and [64, 11] do not broadcast");
    cr_assert_eq(td__memory_now(), before);
    td_tensor *two[2];
    td_host->apply(c, "max_pool2d", &x, 1, NULL, 0, two, 2);
    cr_assert(two[0] == td__empty() && two[1] == td__empty());
    td__ctx_clear(c);
    done(c);
}

static const char *error_of(td_ctx *c)
{
    static char text[400];
    snprintf(text, sizeof text, "%s", c->error ? c->error : "none");
    td__ctx_clear(c);
    return text;
}

Test(frame, misuse_is_an_error)
{
    td_ctx *c = context();
    td_tensor *x = td_zeros(c, TD_FLOAT32, SHAPE(2, 3)), *d = td_zeros(c, TD_FLOAT64, SHAPE(2, 3)),
              *i = td_zeros(c, TD_INT64, SHAPE(2));
    double v;
    td__op1(c, "no_such", x, NULL, 0);
    cr_expect_str_eq(error_of(c), "there is no operation 'no_such'");
    td_add(c, x, d);
    cr_expect(strstr(error_of(c), "add: "));
    td_exp(c, i);
    cr_expect(strstr(error_of(c), "exp: input 0 is int64"));
    td_add(c, x, NULL);
    cr_expect_str_eq(error_of(c), "add: input 1 is missing");
    td__op1(c, "add", x, NULL, 0);
    cr_expect_str_eq(error_of(c), "add: 1 inputs were given, 2 to 2 are taken");
    td__op1(c, "exp", x, &v, sizeof v);
    cr_expect_str_eq(error_of(c), "exp: attributes of 8 bytes were given, 0 are taken");
    td_sum(c, x, TD_DIM(2), 0);
    cr_expect_str_eq(error_of(c), "sum: dimensions up to 2 of [2, 3]");
    td_reshape(c, x, SHAPE(4, -1));
    cr_expect_str_eq(error_of(c), "reshape: [2, 3] cannot become [4, -1]");
    td_reshape(c, x, 7, (const int64_t[7]){1, 1, 1, 1, 1, 2, 3});
    cr_expect(strstr(error_of(c), "reshape: 7 dimensions"));
    td_permute(c, x, SHAPE(0, 0));
    cr_expect_str_eq(error_of(c), "permute: [0, 0] is no order of the dimensions of [2, 3]");
    td_expand(c, x, SHAPE(2, 2, 2));
    cr_expect_str_eq(error_of(c), "expand: [2, 3] does not expand to [2, 2, 2]");
    td_expand(c, x, SHAPE(INT64_MAX, INT64_MAX, 2, 3));
    cr_expect(strstr(error_of(c), "expand: [2, 3] does not expand to [9223372036854775807, "));
    td_pad(c, x, 1, 1, INT64_MAX, 0);
    cr_expect(strstr(error_of(c), "pad: 1 before and 9223372036854775807 after"));
    cr_expect_eq(td_numel(td_slice(c, x, 1, INT64_MIN, INT64_MAX, INT64_MAX)), 2);
    td_slice(c, x, 2, 0, 1, 1);
    cr_expect_str_eq(error_of(c), "slice: there is no dimension 2 in [2, 3]");
    td_cat(c, x, td_zeros(c, TD_FLOAT32, SHAPE(3, 2)), 0);
    cr_expect(strstr(error_of(c), "cat: shapes [2, 3] and [3, 2] differ"));
    td_index_select(c, x, td_tensor_from(c, TD_INT64, SHAPE(2), (const int64_t[]){1, 2}));
    cr_expect_str_eq(error_of(c), "index_select: index 2 at position 1; there are 2 rows");
    td_copy(c, x, td_zeros(c, TD_FLOAT32, SHAPE(3, 2)));
    cr_expect(strstr(error_of(c), "copy: shapes [2, 3] and [3, 2] differ"));
    td_zeros(c, TD_FLOAT32, SHAPE(INT64_MAX, 3));
    cr_expect(strstr(error_of(c), "no tensor can be float32 [9223372036854775807, 3]"));
    td_zeros(c, TD_FLOAT32, SHAPE(-1));
    cr_expect(strstr(error_of(c), "no tensor can be"));
    td__tensor_read(c, x, TD_FLOAT64, &v, 1);
    cr_expect(strstr(error_of(c), "1 elements of float64 read from a tensor [2, 3]"));
    td__backward(c, x, 1);
    cr_expect_str_eq(error_of(c), "backward starts from a scalar, not from [2, 3]");
    td__backward(c, td_scalar(c, TD_FLOAT32, 1), 1);
    cr_expect_str_eq(error_of(c), "the loss depends on nothing that requires a gradient");
    c->grad = 1;
    x->requires_grad = 1;
    td_copy(c, x, x);
    cr_expect_str_eq(error_of(c), "copy: input 0 would be overwritten, but requires a gradient");
    c->where = "student layer1";
    td_add(c, x, d);
    cr_expect_eq(strncmp(error_of(c), "student layer1: add: ", 21), 0);
    done(c);
}

/* ---- the tape ---- */

Test(tape, gradients_add_up_in_order_and_over_calls)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(3), DOUBLES(1, 2, 3)), *w = leaf(c, SHAPE(1), DOUBLES(2));
    c->grad = 1;
    for (int pass = 1; pass <= 2; pass++) {
        td__frame_push(c);
        /* sum(w x x + x): d/dx = 2 w x + 1, d/dw = sum x^2 */
        td_tensor *loss = td_sum(c, td_add(c, td_mul(c, td_mul(c, w, x), x), x), 0, 0);
        td__backward(c, loss, 0.5);
        td__frame_pop(c, td_none());
        EXPECT_VALUES(c, x->grad, pass * 2.5, pass * 4.5, pass * 6.5);
        EXPECT_VALUES(c, w->grad, pass * 7.0);
    }
    done(c);
}

/* Both leaves' gradient is the same tensor; neither may see the other's additions. */
Test(tape, leaves_do_not_share_gradients)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(2), DOUBLES(1, 2)), *y = leaf(c, SHAPE(2), DOUBLES(3, 4));
    c->grad = 1;
    td__backward(c, td_sum(c, td_add(c, x, y), 0, 0), 1);
    cr_expect_neq(x->grad->storage, y->grad->storage);
    td__storage *first = x->grad->storage;
    td__backward(c, td_sum(c, x, 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 2, 2);
    EXPECT_VALUES(c, y->grad, 1, 1);
    cr_expect_eq(x->grad->storage, first); /* added in place */
    done(c);
}

/* The sum's gradient is, for a while, the gradient of both u and v; then u gets more. */
Test(tape, gradients_under_way_do_not_share)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(2), DOUBLES(1, 2)), *y = leaf(c, SHAPE(2), DOUBLES(3, 4));
    c->grad = 1;
    td_tensor *u = td_square(c, x), *v = td_square(c, y), *more = td_scale(c, u, 10);
    td__backward(c, td_sum(c, td_add(c, td_add(c, u, v), more), 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 22, 44);
    EXPECT_VALUES(c, y->grad, 6, 8);
    done(c);
}

Test(tape, ties_share)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(1, 4), DOUBLES(1, 3, 3, 0)), *y = leaf(c, SHAPE(1, 4), DOUBLES(1, 2, 4, 0));
    c->grad = 1;
    td__backward(c, td_sum(c, td_amax(c, x, TD_DIM(1), 0), 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 0, 0.5, 0.5, 0);
    td__backward(c, td_sum(c, td_maximum(c, x, y), 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 0.5, 1.5, 0.5, 0.5);
    EXPECT_VALUES(c, y->grad, 0.5, 0, 1, 0.5);
    done(c);
}

Test(tape, nothing_flows_through_detach_or_without_grad)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(2), DOUBLES(1, 2));
    c->grad = 1;
    td__backward(c, td_sum(c, td_mul(c, x, td_detach(c, td_square(c, x))), 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 1, 4);
    td_tensor *made = td_scale(c, x, 3);
    int32_t was = td_host->set_grad(c, 0);
    cr_expect_eq(was, 1);
    cr_expect_eq(td_square(c, made)->requires_grad, 0);
    td_host->set_grad(c, was);
    cr_expect_eq(td_square(c, made)->requires_grad, 1);
    cr_expect_eq(td_greater(c, made, x)->requires_grad, 0);
    td__tape_clear(c);
    cr_expect_eq(made->requires_grad, 0); /* a constant from now on */
    td__backward(c, td_sum(c, td_mul(c, made, x), 0, 0), 1);
    EXPECT_VALUES(c, x->grad, 4, 10);
    done(c);
}

/* Half of a graph leads to nothing, and tensors cease before the tape does. */
Test(tape, holds_what_backward_needs_and_no_more)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(1000), NULL);
    size_t leaf_bytes = td__memory_now();
    c->grad = 1;
    td__frame_push(c);
    td_tensor *y = td_neg(c, td_scale(c, td_add(c, x, x), 2)); /* saves nothing */
    td_tensor *z = td_exp(c, x);                               /* saves its output; leads nowhere */
    (void)z;
    td_value v = td__frame_pop(c, td_value_of(y));
    cr_expect_eq(td__memory_now(), 3 * leaf_bytes);
    td__backward(c, td_mean(c, v.tensor, 0, 0), 1);
    cr_expect_lt(td__memory_now(), 4 * leaf_bytes); /* x, y, x's gradient */
    double *g = calloc(1000, sizeof *g);
    td__tensor_read(c, x->grad, TD_FLOAT64, g, 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_float_eq(g[i], -4.0 / 1000, 1e-15);
    free(g);
    done(c);
}

/* A long chain needs a few tensors at a time in backward, not one per operation. */
Test(tape, backward_frees_as_it_goes)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(1000), NULL);
    size_t one = td__memory_now();
    c->grad = 1;
    td__frame_push(c);
    td_tensor *y = x;
    for (int i = 0; i < 50; i++)
        y = td_scale(c, y, 0.9);
    td_value loss = td__frame_pop(c, td_value_of(td_sum(c, y, 0, 0)));
    size_t before = td__memory_now(), peak = td__memory_peak();
    cr_expect_gt(peak, 50 * one);
    cr_expect_lt(before, 2 * one);
    td__backward(c, loss.tensor, 1);
    cr_expect_eq(td__memory_peak(), peak);
    cr_expect_lt(td__memory_now(), 3 * one);
    done(c);
}

static void step(td_ctx *c, td_tensor *w, td_tensor *x)
{
    td__frame_push(c);
    cr_assert_not_null(td_alloc(c, 10000));
    td_tensor *loss = td_mean(c, td_square(c, td_softplus(c, td_mul(c, td_exp(c, w), x))), 0, 0);
    td__backward(c, loss, 1);
    td__release(w->grad);
    w->grad = NULL;
    td__frame_pop(c, td_none());
}

Test(tape, a_repeated_step_allocates_nothing)
{
    td_ctx *c = context();
    td_tensor *w = leaf(c, SHAPE(3, 1, 1), DOUBLES(1, 2, 3)), *x = td_zeros(c, TD_FLOAT64, SHAPE(2, 3, 4, 4));
    c->grad = 1;
    step(c, w, x);
    step(c, w, x);
    size_t reserved = td__memory_reserved(), heap __attribute__((unused)) = mallinfo2().uordblks;
    for (int i = 0; i < 100; i++)
        step(c, w, x);
    cr_expect_eq(td__memory_reserved(), reserved);
#if !defined __SANITIZE_ADDRESS__ /* under which nothing is cached */
    cr_expect_eq(mallinfo2().uordblks, heap);
    cr_expect_gt(reserved, td__memory_now());
#endif
    td__memory_trim();
    cr_expect_leq(td__memory_reserved(), reserved);
    cr_expect_geq(td__memory_reserved(), td__memory_now());
    done(c);
}

Test(tape, notices_what_was_overwritten)
{
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(2), DOUBLES(1, 2)), *y = td_tensor_from(c, TD_FLOAT64, SHAPE(2), DOUBLES(3, 4));
    c->grad = 1;
    td_tensor *loss = td_sum(c, td_mul(c, x, y), 0, 0);
    td_copy(c, td_reshape(c, y, SHAPE(2, 1)), td_zeros(c, TD_FLOAT64, SHAPE(2, 1))); /* through an alias */
    td__backward(c, loss, 1);
    cr_expect_str_eq(error_of(c), "gradient of mul: input 1 was overwritten after the operation had used it");
    loss = td_sum(c, td_add(c, x, y), 0, 0); /* whose rule does not read y */
    td_copy(c, y, td_zeros(c, TD_FLOAT64, SHAPE(2)));
    td__backward(c, loss, 1);
    EXPECT_VALUES(c, x->grad, 1, 1);
    done(c);
}

/* The last row is all zeros: where the norm has no gradient.  Values and gradients, as PyTorch's. */
Test(tape, normalize)
{
    td_ctx *c = context();
    const double *const golden[] = {golden_normalize_1, golden_normalize_2, golden_normalize_3};
    double x[12] = {0}, w[12];
    for (int i = 0; i < 12; i++) { /* golden.py's fill */
        double u = (i + 1) * 0.6180339887498949, v = u + 0.2360679774997897;
        if (i < 8)
            x[i] = -1 + 2 * (u - floor(u));
        w[i] = -1 + 2 * (v - floor(v));
    }
    for (int p = 1; p <= 3; p++) {
        td_tensor *t = leaf(c, SHAPE(3, 4), x);
        c->grad = 1;
        td_tensor *y = td_normalize(c, t, p, -1, 1e-6);
        td__backward(c, td_sum(c, td_mul(c, y, td_tensor_from(c, TD_FLOAT64, SHAPE(3, 4), w)), 0, 0), 1);
        expect_values(c, y, 12, golden[p - 1]);
        expect_values(c, t->grad, 12, golden[p - 1] + 12);
    }
    done(c);
}

/* ---- rules of plugins ---- */

static void infer_odd(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)c, (void)n_in, (void)attrs;
    out[0] = in[0];
}
static void grad_odd(td_ctx *c, const td_grad *g) { g->gin[0] = td_sum(c, g->gout[0], 0, 0); }
static int32_t run_odd(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    (void)attrs;
    void *scratch = td_host->run_scratch(r, (size_t)td_desc_numel(&in[0].d) * sizeof(double));
    if (!scratch || (uintptr_t)scratch % 64)
        return TD_ERROR;
    if (*(const double *)in[0].data < 0) {
        td_host->run_fail(r, "%g is negative", *(const double *)in[0].data);
        return TD_ERROR;
    }
    memcpy(out[0].data, in[0].data, (size_t)td_desc_numel(&in[0].d) * sizeof(double));
    return TD_OK;
}

Test(tape, an_operation_of_a_plugin)
{
    static const td_op_kernel kernels[] = {{"reference", run_odd}, {NULL, NULL}};
    static const td_op_type odd = {"odd", 1, 1, 1, 0, 0, 0, 0, 0, infer_odd, grad_odd, kernels, 0, 0};
    cr_assert_eq(td__op_add(&odd), 0);
    cr_assert_eq(td__op_add(&odd), -1);
    td_ctx *c = context();
    td_tensor *x = leaf(c, SHAPE(2), DOUBLES(1, 2));
    c->grad = 1;
    EXPECT_VALUES(c, td__op1(c, "odd", x, NULL, 0), 1, 2);
    td__op1(c, "odd", td_neg(c, x), NULL, 0);
    cr_expect_str_eq(error_of(c), "odd: -1 is negative");
    td__backward(c, td_sum(c, td__op1(c, "odd", x, NULL, 0), 0, 0), 1);
    cr_expect_str_eq(error_of(c), "gradient of odd: the gradient of input 0 is float64 [], the input float64 [2]");
    cr_expect_null(x->grad);
    char why[200];
    cr_assert_not_null(td__backend_use(&td__cpu_backend, why, sizeof why));
    td_ctx *cpu = td__ctx_new(&td__cpu_backend);
    td__op1(cpu, "odd", td_scalar(cpu, TD_FLOAT64, 1), NULL, 0);
    cr_expect_str_eq(error_of(cpu), "odd: the cpu backend has no kernel for this operation");
    td_neg(cpu, x);
    cr_expect_str_eq(error_of(cpu), "neg: input 0 lies on the reference backend, not on cpu");
    td__ctx_free(cpu);
    done(c);
}
