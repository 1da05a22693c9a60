/* Several networks as one model. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/models/models.h"

TestSuite(peers, .init = load_plugins, .fini = unload_plugins);

#define THREE "{models: [{key: resnet8}, {key: resnet8}, {key: resnet14, kwargs: {num_classes: 7}}], evaluated: %d}"

static td_module *three(td_ctx *c, int evaluated)
{
    char kwargs[200];
    snprintf(kwargs, sizeof kwargs, THREE, evaluated);
    return model(c, "Peers", kwargs);
}

static td_tensor *images(td_ctx *c)
{
    float v[2 * 3 * 8 * 8];
    for (int i = 0; i < 2 * 3 * 8 * 8; i++)
        v[i] = (float)(i % 11) / 11;
    return td_tensor_from(c, TD_FLOAT32, 4, (const int64_t[]){2, 3, 8, 8}, v);
}

Test(peers, networks_start_from_draws_of_their_own)
{
    td_ctx *c = context("reference", TD_FLOAT32);
    td_module *m = three(c, 0);
    float v[3][2];
    for (int k = 0; k < 3; k++) {
        td_tensor *w = td_member(td_find(c, m, (const char *const[]){"0.conv1", "1.conv1", "2.conv1"}[k]), "weight");
        float all[16 * 3 * 3 * 3];
        td__tensor_read(c, w, TD_FLOAT32, all, 16 * 3 * 3 * 3);
        memcpy(v[k], all, sizeof v[k]);
    }
    cr_expect(memcmp(v[0], v[1], sizeof v[0]) && memcmp(v[0], v[2], sizeof v[0]) && memcmp(v[1], v[2], sizeof v[0]));
    cr_expect_null(c->error, "%s", c->error);
    td__module_release(m);
    td__ctx_free(c);
}

static void count(td_ctx *c, td_module *m, td_value in, td_value out, void *user)
{
    (void)c, (void)m, (void)in, (void)out;
    ++*(int *)user;
}

/* The model's output is that of one network, whichever it is. */
Test(peers, output_of_the_evaluated_network)
{
    for (int k = 0; k < 3; k++) {
        td_ctx *c = context("reference", TD_FLOAT32);
        td_module *m = three(c, k);
        td__set_training(m, 0);
        td_tensor *x = images(c), *whole = td_call(c, m, x), *one = td_call(c, m->children[k].module, x);
        float a[20], b[20];
        const int64_t n = k == 2 ? 14 : 20;
        cr_expect_eq(td_numel(whole), n);
        td__tensor_read(c, whole, TD_FLOAT32, a, n);
        td__tensor_read(c, one, TD_FLOAT32, b, n);
        cr_assert_null(c->error, "%s", c->error);
        cr_expect_eq(memcmp(a, b, (size_t)n * sizeof *a), 0, "network %d", k);
        td__module_release(m);
        td__ctx_free(c);
    }
}

/* All networks run when the model trains or one of them is tapped, else only the evaluated one. */
Test(peers, others_rest_in_a_test)
{
    td_ctx *c = context("reference", TD_FLOAT32);
    for (int i = 0; i < 4; i++) {
        const int training = i & 1, tapped = i >> 1;
        td_module *m = three(c, 1);
        int taps = 0;
        int64_t ran = -1;
        if (tapped)
            td__hook_add(m->children[2].module, count, &taps);
        td__set_training(m, training);
        td__set_training(m->children[0].module, 1); /* so that its batch norms count how often it runs */
        td_call(c, m, images(c));
        td__tensor_read(c, td_member(td_find(c, m, "0.bn1"), "num_batches_tracked"), TD_INT64, &ran, 1);
        cr_expect_eq(ran, training || tapped, "training %d, tapped %d: ran %lld times", training, tapped, (long long)ran);
        cr_expect_eq(taps, tapped);
        td__module_release(m);
    }
    cr_expect_null(c->error, "%s", c->error);
    td__ctx_free(c);
}
