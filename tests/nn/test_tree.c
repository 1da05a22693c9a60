/* Module trees: names, paths, redesign, hooks, fused batch norm, state dicts. */
#include <stdio.h>

#include "tests/nn/nn.h"

/* A small residual network with torchvision's names. */
struct block {
    td_module *conv1, *bn1, *relu, *conv2, *bn2;
};

static td_tensor *block_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct block *d = td_data(m);
    td_tensor *y = td_conv_norm_act(c, d->conv1, d->bn1, d->relu, x, NULL);
    return td_conv_norm_act(c, d->conv2, d->bn2, d->relu, y, x);
}

static td_module *block_new(td_ctx *c, td_module *parent, const char *name)
{
    static const td_module_type type = {.name = "Block", .data_size = sizeof(struct block), .forward = block_forward};
    td_module *m = td_adopt(c, parent, name, td_module_new(c, &type));
    struct block *d = td_data(m);
    d->conv1 =
        td_layer(c, m, "conv1", "Conv2d", "{in_channels: 4, out_channels: 4, kernel_size: 3, padding: 1, bias: false}");
    d->bn1 = td_layer(c, m, "bn1", "BatchNorm2d", "{num_features: 4}");
    d->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    d->conv2 =
        td_layer(c, m, "conv2", "Conv2d", "{in_channels: 4, out_channels: 4, kernel_size: 3, padding: 1, bias: false}");
    d->bn2 = td_layer(c, m, "bn2", "BatchNorm2d", "{num_features: 4}");
    return m;
}

struct net {
    td_module *conv1, *layer1, *pool, *flat, *fc;
};

static td_tensor *net_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct net *d = td_data(m);
    x = td_call(c, d->layer1, td_call(c, d->conv1, x));
    return td_call(c, d->fc, td_call(c, d->flat, td_call(c, d->pool, x)));
}

static td_module *net_new(td_ctx *c)
{
    static const td_module_type type = {.name = "Net", .data_size = sizeof(struct net), .forward = net_forward};
    td_module *m = td_module_new(c, &type);
    struct net *d = td_data(m);
    d->conv1 = td_layer(c, m, "conv1", "Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3, padding: 1}");
    d->layer1 = td_layer(c, m, "layer1", "Sequential", "{}");
    block_new(c, d->layer1, "0");
    block_new(c, d->layer1, "1");
    d->pool = td_layer(c, m, "pool", "AdaptiveAvgPool2d", "{output_size: 1}");
    d->flat = td_layer(c, m, "flat", "Flatten", "{}");
    d->fc = td_layer(c, m, "fc", "Linear", "{in_features: 4, out_features: 5}");
    return td__module_retain(m);
}

static td_ctx *c;
static td_module *net;

static void start(void)
{
    c = nn_start(&td__reference_backend, TD_FLOAT64);
    net = net_new(c);
    NN_FINE(c);
}

static void stop(void)
{
    NN_FINE(c);
    td__module_release(net);
    td__ctx_free(c);
}

TestSuite(tree, .init = start, .fini = stop);

static int add_name(const char *name, td__member *member, td_module *owner, void *user)
{
    (void)owner;
    fprintf(user, "%s%s ", name, member->is_buffer ? "*" : "");
    return 0;
}

Test(tree, members_in_the_order_of_state_dict)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    cr_assert_eq(td__walk_members(td__find(net, "layer1.0"), add_name, out), 0);
    fclose(out);
    cr_assert_str_eq(text,
                     "conv1.weight bn1.weight bn1.bias bn1.running_mean* bn1.running_var* bn1.num_batches_tracked* "
                     "conv2.weight bn2.weight bn2.bias bn2.running_mean* bn2.running_var* bn2.num_batches_tracked* ");
    free(text);
    cr_assert_eq(td__count_parameters(net, 0), 3 * 4 * 9 + 4 + 2 * (2 * (4 * 4 * 9) + 2 * 8) + 4 * 5 + 5);
    td__set_requires_grad(td__find(net, "layer1"), 0);
    cr_assert_eq(td__count_parameters(net, 1), 3 * 4 * 9 + 4 + 4 * 5 + 5);
}

Test(tree, paths)
{
    td_module *second = td__find(net, "layer1.1");
    cr_assert_not_null(second);
    cr_assert_eq(td__find(net, "."), net);
    cr_assert_eq(td__find(net, ""), net);
    cr_assert_eq(td__find(net, "layer1.-1"), second);
    cr_assert_eq(td__find(net, "layer1.-1.relu"), td__find(second, "relu"));
    cr_assert_eq(td__find(net, "module.layer1.1"), second);
    cr_assert_eq(td__find(net, "layer1.module.1"), second);
    static const char *const wrong[] = {"layer1.2",  "layer1.-3", "layer1.",         ".conv1",
                                        "layer1..1", "conv",      "layer1.1.relu.0", "layer1.+1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_null(td__find(net, wrong[i]), "%s", wrong[i]);
    cr_assert_null(td__find_or_fail(c, net, "layer1.0.conv3"));
    NN_FAILED(c, "no module 'layer1.0.conv3' (did you mean 'layer1.0.conv1', 'layer1.0.conv2' or 'layer1.1.conv1'?)");
    cr_assert_null(td__find_or_fail(c, net, "backbone"));
    NN_FAILED(c, "no module 'backbone' (Net has 'conv1', 'layer1' or 'pool' and others)");
}

struct seen {
    int n;
    double in, out; /* first elements */
};

static void see(td_ctx *ctx, td_module *m, td_value in, td_value out, void *user)
{
    struct seen *s = user;
    double *a = nn_read(ctx, td_tensor_of(ctx, in)), *b = nn_read(ctx, td_tensor_of(ctx, out));
    (void)m;
    s->n++;
    s->in = a[0];
    s->out = b[0];
    free(a);
    free(b);
}

Test(tree, hooks_see_every_forward)
{
    int64_t shape[4] = {2, 3, 4, 4};
    td_tensor *x = nn_filled(c, 4, shape);
    struct seen relu = {0}, fc = {0}, block = {0}, norm = {0};
    cr_assert_eq(td__tapped(net), 0);
    cr_assert_eq(td__hook_add(td__find(net, "layer1.1.relu"), see, &relu), 0);
    cr_assert_eq(td__hook_add(td__find(net, "layer1.1"), see, &block), 0);
    cr_assert_eq(td__hook_add(td__find(net, "layer1.0.bn1"), see, &norm), 0);
    cr_assert_eq(td__hook_add(td__find(net, "fc"), see, &fc), 0);
    cr_assert(td__tapped(net) && td__tapped(td__find(net, "layer1")) && !td__tapped(td__find(net, "layer1.0.conv1")));
    double *y = nn_read(c, td_call(c, net, x));
    cr_assert(relu.n == 2 && block.n == 1 && fc.n == 1 && norm.n == 1);
    cr_assert_eq(fc.out, y[0]);
    cr_assert_eq(relu.out, relu.in > 0 ? relu.in : 0);
    cr_assert_eq(block.out, relu.out);
    td__hooks_clear(net);
    td_call(c, net, x);
    cr_assert(fc.n == 1 && !td__tapped(net));
    free(y);
}

static void ignore(td_ctx *ctx, td_module *m, td_value in, td_value out, void *user)
{
    (void)ctx;
    (void)m;
    (void)in;
    (void)out;
    (void)user;
}

/* Runs a training step and an evaluation of a block; out gets results, running statistics and gradients. */
static size_t run_block(const td_backend_type *backend, uint32_t dtype, int tap, double *out)
{
    td_ctx *k = nn_start(backend, dtype);
    td_module *m = td__module_retain(block_new(k, NULL, "x"));
    int64_t shape[4] = {3, 4, 5, 5};
    td_tensor *x = nn_filled(k, 4, shape);
    size_t n = 0;
    if (tap)
        td__hook_add(td__find(m, "relu"), ignore, NULL);
    k->grad = 1;
    td_tensor *y = td_call(k, m, x), *loss = td_mean(k, td_square(k, y), 0, 0);
    td__backward(k, loss, 1);
    td__set_training(m, 0);
    k->grad = 0;
    td_tensor *keep[] = {y,
                         td_call(k, m, x),
                         td_member(td__find(m, "bn2"), "running_var"),
                         td_member(td__find(m, "bn1"), "num_batches_tracked"),
                         td_member(td__find(m, "conv1"), "weight")->grad,
                         td_member(td__find(m, "bn2"), "bias")->grad};
    NN_FINE(k);
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        double *v = nn_read(k, keep[i]);
        memcpy(out + n, v, (size_t)td_numel(keep[i]) * sizeof *v);
        n += (size_t)td_numel(keep[i]);
        free(v);
    }
    td__module_release(m);
    td__ctx_free(k);
    return n;
}

Test(tree, fused_norm_has_the_same_bits)
{
    static const struct {
        const td_backend_type *backend;
        uint32_t dtype;
    } on[] = {
        {&td__reference_backend, TD_FLOAT64}, {&td__reference_backend, TD_FLOAT32}, {&td__cpu_backend, TD_FLOAT32}};
    static double fused[2000], apart[2000];
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        size_t n = run_block(on[i].backend, on[i].dtype, 0, fused), m = run_block(on[i].backend, on[i].dtype, 1, apart);
        cr_assert(n == m && n == 2 * 300 + 4 + 1 + 144 + 4);
        cr_assert_eq(fused[604], 1); /* one training batch was counted */
        for (size_t k = 0; k < n; k++)
            cr_assert_eq(fused[k], apart[k], "%s: element %zu: %.9g fused, %.9g apart", on[i].backend->type.key, k,
                         fused[k], apart[k]);
    }
}

/* Each way a convolution is computed: Winograd (whole, and cut by channels), plain, strided, 1x1, groups, depthwise. */
Test(tree, constant_norm_in_a_convolution_has_the_same_bits)
{
    static const struct {
        int in, out, kernel, stride, groups, size, images;
    } convs[] = {{16, 32, 3, 1, 1, 13, 3}, {64, 256, 3, 1, 1, 8, 1}, {5, 7, 3, 1, 1, 9, 2},    {16, 24, 3, 2, 1, 11, 4},
                 {16, 20, 1, 1, 1, 8, 40}, {6, 4, 3, 1, 2, 7, 2},    {12, 12, 3, 1, 12, 9, 3}, {3, 16, 7, 2, 1, 20, 2}};
    td_ctx *k = nn_start(&td__cpu_backend, TD_FLOAT32);
    td_module *relu = td__module_retain(td_layer(k, NULL, "r", "ReLU", "{}"));
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        for (int with = 0; with < 8; with++) { /* bias, residual, ReLU */
            td_module *conv = td__module_retain(td_layer(
                k, NULL, "c", "Conv2d",
                "{in_channels: %d, out_channels: %d, kernel_size: %d, stride: %d, padding: %d, groups: %d, bias: %s}",
                convs[i].in, convs[i].out, convs[i].kernel, convs[i].stride, convs[i].kernel / 2, convs[i].groups,
                with & 1 ? "true" : "false"));
            td_module *norm =
                td__module_retain(td_layer(k, NULL, "n", "BatchNorm2d", "{num_features: %d}", convs[i].out));
            int64_t shape[4] = {convs[i].images, convs[i].in, convs[i].size, convs[i].size};
            td_tensor *x = nn_filled(k, 4, shape), *y = td_call(k, conv, x);
            td_call(k, norm, y); /* statistics that do something */
            td__set_training(norm, 0);
            td_tensor *residual = with & 2 ? td_affine(k, y, 0.5, 0.1) : NULL;
            td_module *act = with & 4 ? relu : NULL;
            double *apart = nn_read(k, td_norm_act(k, norm, act, y, residual));
            double *fused = nn_read(k, td_conv_norm_act(k, conv, norm, act, x, residual));
            NN_FINE(k);
            for (int64_t e = 0; e < td_numel(y); e++)
                cr_assert_eq(fused[e], apart[e], "convolution %zu, %d: element %d is %.9g, not %.9g", i, with, (int)e,
                             fused[e], apart[e]);
            free(apart);
            free(fused);
            td__module_release(conv);
            td__module_release(norm);
        }
    td__module_release(relu);
    td__ctx_free(k);
}

Test(tree, errors_name_the_module)
{
    int64_t shape[4] = {1, 2, 4, 4};
    cr_assert_eq(td__label(net, "student"), 0);
    cr_assert_eq(td_call(c, net, nn_filled(c, 4, shape)), td__empty());
    cr_assert_not_null(c->error);
    cr_assert_eq(strncmp(c->error, "student conv1: ", 15), 0, "%s", c->error);
    cr_assert_null(c->where);
    td__ctx_clear(c);
}

Test(tree, redesign_shares_modules_under_their_paths)
{
    const char *const paths[] = {"conv1", "layer1.1", "+reg", "pool"};
    td_module *reg =
        td__module_retain(td_layer(c, NULL, "x", "Conv2d", "{in_channels: 4, out_channels: 7, kernel_size: 1}"));
    td__child adaptations[] = {{(char[]){"reg"}, reg}};
    td_module *m = td__module_retain(td__redesign(c, net, paths, 4, adaptations, 1));
    NN_FINE(c);
    cr_assert_eq(td__find(m, "layer1.1"), td__find(net, "layer1.1"));
    cr_assert_eq(td__find(m, "conv1"), td__find(net, "conv1"));
    cr_assert_eq(td__find(m, "+reg"), reg);
    cr_assert_eq(td__find(m, "reg"), reg);
    cr_assert_eq(m->n_children, 4);
    cr_assert_eq(td__find(m, "layer1")->n_children, 1);
    int64_t shape[4] = {2, 3, 4, 4}, want[4] = {2, 7, 1, 1};
    td_tensor *y = td_call(c, m, nn_filled(c, 4, shape));
    NN_FINE(c);
    cr_assert(td_ndim(y) == 4 && !memcmp(y->d.shape, want, sizeof want));
    td__module_release(m);
    td__module_release(reg);
}

Test(tree, redesign_refuses)
{
    static const struct {
        const char *paths[2];
        const char *says;
    } bad[] = {
        {{"conv1", "conv1"}, "module 'conv1' is taken twice"},
        {{"layer1", "layer1.0"}, "module 'layer1.0' is taken twice"},
        {{"layer1", "layer1.-1"}, "module 'layer1.-1' is taken twice"},
        {{"layer1.0", "layer1"}, "module 'layer1' is taken twice"},
        {{"layer1.0.conv1", "layer1.0"}, "module 'layer1.0' is taken twice"},
        {{"conv1", "conv2"}, "no module 'conv2' (did you mean 'conv1'?)"},
        {{"conv1", "."}, "the whole network cannot be a part of itself"},
        {{"conv1", "+rge"}, "no adaptation module 'rge' (did you mean 'reg'?)"},
        {{"conv1", "+other"}, "no adaptation module 'other'"},
    };
    td__child adaptations[] = {{(char[]){"reg"}, td__find(net, "pool")}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_null(td__redesign(c, net, bad[i].paths, 2, adaptations, 1));
        NN_FAILED(c, bad[i].says);
    }
}

/* Building goes on in a failed context, so that what was built can be released. */
Test(tree, building_after_a_failure)
{
    static const td_module_type type = {.name = "Odd", .data_size = 8, .forward = net_forward};
    td_fail(c, "before");
    td_module *m = td_module_new(c, &type);
    cr_assert_not_null(td_data(m));
    cr_assert_not_null(td_layer(c, m, "a", "Linear", "{in_features: 3, out_features: 3}"));
    cr_assert_not_null(td_layer(c, m, "b", "NoSuchLayer", "{"));
    cr_assert_eq(td_parameter(c, m, "p", 0, NULL, (td_init){0, 0, 0, 0}), td__empty());
    cr_assert_null(td_find(c, m, "zz"));
    cr_assert_null(td_adopt(c, m, "zz", NULL));
    cr_assert_eq(m->n_children, 2);
    td__module_release(td__module_retain(m));
    NN_FAILED(c, "before");
    td__module_release(td__module_retain(td_layer(c, net, "fc", "ReLU", "{}")));
    NN_FAILED(c, "Net has two children called 'fc'");
    td_adopt(c, net, "a.b", td__find(net, "pool"));
    NN_FAILED(c, "'a.b' cannot be the name of a child of Net");
}

/* ---- state dicts ---- */

/* One number for all members; equal models have equal ones. */
static int add_up(const char *name, td__member *member, td_module *owner, void *user)
{
    double *v = nn_read(c, member->tensor), *sum = user;
    (void)owner;
    for (int64_t i = 0; i < td_numel(member->tensor); i++)
        *sum = *sum * 1.0000001 + v[i] * (double)(i + 1) * (double)strlen(name);
    free(v);
    return 0;
}

static double fingerprint(td_module *m)
{
    double sum = 0;
    td__walk_members(m, add_up, &sum);
    return sum;
}

static char *save_net(char *dir)
{
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/sub/net.safetensors", dir);
    cr_assert_eq(td__save_state_file(c, net, path), 0, "%s", c->error);
    return path;
}

Test(tree, state_comes_back)
{
    char dir[] = "/tmp/td_state_XXXXXX", *path = save_net(dir), why[600];
    double before = fingerprint(net);
    td_module *other = net_new(c);
    cr_assert_neq(fingerprint(other), before);
    cr_assert_eq(td__load_state_file(c, other, path, NULL), 0, "%s", c->error);
    cr_assert_eq(fingerprint(other), before);
    td__tensor_file f;
    cr_assert_eq(td__tensors_open(&f, path, why, sizeof why), 0);
    cr_assert_str_eq(f.v[0].name, "conv1.weight");
    cr_assert_str_eq(f.v[f.n - 1].name, "fc.bias");
    td__tensors_close(&f);
    td__module_release(other);
    remove_tree(dir);
    free(path);
}

Test(tree, names_are_mapped_as_declared)
{
    char dir[] = "/tmp/td_state_XXXXXX", why[600];
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/x.safetensors", dir);
    float weight[20], bias[5] = {1, 2, 3, 4, 5};
    for (int i = 0; i < 20; i++)
        weight[i] = (float)i;
    td__named v[] = {{"module.linear.weight", {TD_FLOAT32, 2, {5, 4}}, weight},
                     {"module.linear.bias", {TD_FLOAT32, 1, {5}}, bias}};
    cr_assert_eq(td__safetensors_write(path, v, 2, NULL, NULL, 0, why, sizeof why), 0);
    td_module *m = td__module_retain(td_layer(c, NULL, "x", "Sequential", "{}"));
    td_layer(c, m, "fc", "Linear", "{in_features: 4, out_features: 5}");
    const char *from = "linear", *to = "fc", *half = "lin";
    td__rename rename = {"module.", &from, &to, 1, 1};
    cr_assert_eq(td__load_state_file(c, m, path, &rename), 0, "%s", c->error);
    double *b = nn_read(c, td_member(td__find(m, "fc"), "bias"));
    cr_assert(b[0] == 1 && b[4] == 5);
    free(b);
    td__rename part = {"module.linear.", NULL, NULL, 0, 0}; /* what remains is no name here; not strict: left out */
    cr_assert_eq(td__load_state_file(c, m, path, &part), 0, "%s", c->error);
    rename.from = &half; /* only whole elements are renamed */
    cr_assert_eq(td__load_state_file(c, m, path, &rename), -1);
    char *says = td__printf("%s does not fit Sequential:\n  missing: 'fc.weight' (the file has 'linear.weight'), "
                            "'fc.bias' (the file has 'linear.bias')\n"
                            "  unexpected: 'linear.bias', 'linear.weight'",
                            path);
    NN_FAILED(c, says);
    free(says);
    td__module_release(m);
    remove_tree(dir);
    free(path);
}

/* Every kind of misfit in one message, and nothing is touched. */
Test(tree, what_does_not_fit_changes_nothing)
{
    char dir[] = "/tmp/td_state_XXXXXX", why[600];
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/x.safetensors", dir);
    float zeros[64] = {0};
    td__named v[] = {{"conv1.weight", {TD_FLOAT32, 4, {2, 3, 3, 3}}, zeros},
                     {"conv1.bais", {TD_FLOAT32, 1, {4}}, zeros},
                     {"bn.num_batches_tracked", {TD_FLOAT32, 0, {0}}, zeros}};
    cr_assert_eq(td__safetensors_write(path, v, 3, NULL, NULL, 0, why, sizeof why), 0);
    td_module *m = td__module_retain(td_layer(c, NULL, "x", "Sequential", "{}"));
    td_layer(c, m, "conv1", "Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3}");
    td_layer(c, m, "bn", "BatchNorm2d", "{num_features: 4, affine: false}");
    double before = fingerprint(m);
    cr_assert_eq(td__load_state_file(c, m, path, NULL), -1);
    char *says =
        td__printf("%s does not fit Sequential:\n"
                   "  missing: 'conv1.bias' (the file has 'conv1.bais'), 'bn.running_mean', 'bn.running_var'\n"
                   "  unexpected: 'conv1.bais'\n"
                   "  different: 'conv1.weight' is float32 [2, 3, 3, 3] in the file and float64 [4, 3, 3, 3] here, "
                   "'bn.num_batches_tracked' is float32 [] in the file and int64 [] here",
                   path);
    NN_FAILED(c, says);
    free(says);
    cr_assert_eq(fingerprint(m), before);
    td__rename loose = {.strict = 0}; /* shapes must fit all the same */
    cr_assert_eq(td__load_state_file(c, m, path, &loose), -1);
    td__ctx_clear(c);
    cr_assert_eq(fingerprint(m), before);
    td__module_release(m);
    remove_tree(dir);
    free(path);
}

Test(tree, counters_may_be_missing_and_types_are_converted)
{
    char dir[] = "/tmp/td_state_XXXXXX", why[600];
    cr_assert_not_null(mkdtemp(dir));
    char *path = td__printf("%s/x.safetensors", dir);
    const uint16_t half[2] = {0x3c00, 0xc000}, brain[2] = {0x3f80, 0x4040}; /* 1, -2; 1, 3 */
    const double wide[2] = {0.5, 0.25};
    const float bias[2] = {7, 8};
    td__named v[] = {{"weight", {TD_FLOAT16, 1, {2}}, half},
                     {"bias", {TD_FLOAT32, 1, {2}}, bias},
                     {"running_mean", {TD_BFLOAT16, 1, {2}}, brain},
                     {"running_var", {TD_FLOAT64, 1, {2}}, wide}};
    cr_assert_eq(td__safetensors_write(path, v, 4, NULL, NULL, 0, why, sizeof why), 0);
    td_module *m = td__module_retain(td_layer(c, NULL, "x", "BatchNorm2d", "{num_features: 2}"));
    cr_assert_eq(td__load_state_file(c, m, path, NULL), 0, "%s", c->error);
    static const double want[] = {1, -2, 7, 8, 1, 3, 0.5, 0.25};
    for (size_t i = 0; i < 4; i++) {
        double *x = nn_read(c, m->members[i].tensor);
        cr_assert(x[0] == want[2 * i] && x[1] == want[2 * i + 1], "%s", m->members[i].name);
        free(x);
    }
    td__module_release(m);
    remove_tree(dir);
    free(path);
}
