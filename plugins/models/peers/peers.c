/* Peers: several networks as one model, for methods in which they learn from each other.  Each sees the same input and
 * has its own initial weights; paths begin with a network's position, 0.layer1, as in an nn.ModuleList. */
#define TD_ABI_USE_MINOR 5 /* td_model_of */
#include <td/td.h>

#define MOST 32

struct params {
    td_list models; /* of td_layer_spec */
    int64_t evaluated;
};

struct peers {
    td_module *v[MOST];
    int64_t n, evaluated;
};

/* The output is that of one network.  The others need not run where neither gradients nor taps want them. */
static td_value forward(td_ctx *c, td_module *m, td_value input)
{
    const struct peers *p = td_data(m);
    const int all = td_training(m) || td_host->tapped(m);
    td_value output = td_none();
    for (int64_t k = 0; k < p->n; k++)
        if (k == p->evaluated)
            output = td_call_value(c, p->v[k], input);
        else if (all)
            td_call_value(c, p->v[k], input);
    return output;
}

static const td_module_type type = {.name = "Peers", .data_size = sizeof(struct peers), .forward_value = forward};

static td_module *build(td_ctx *c, const void *params)
{
    const struct params *p = params;
    const td_layer_spec *models = p->models.v;
    td_module *m = td_module_new(c, &type);
    if (p->models.n < 1 || p->models.n > MOST)
        td_fail(c, "'models' in Peers holds %lld networks; it must be from 1 to %d", (long long)p->models.n, MOST);
    else if (p->evaluated >= p->models.n)
        td_fail(c, "'evaluated' in Peers is %lld, but the last of %lld networks is number %lld",
                (long long)p->evaluated, (long long)p->models.n, (long long)p->models.n - 1);
    if (td_failed(c))
        return m;
    struct peers *peers = td_data(m);
    peers->n = p->models.n;
    peers->evaluated = p->evaluated;
    for (int64_t k = 0; k < peers->n; k++)
        peers->v[k] = td_model_of(c, m, NULL, &models[k]);
    return m;
}

static const td_param one_model[] = {{.name = "", .type = TD_P_MODEL, .doc = "a model: {key, kwargs}"}, TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_LIST(struct params, models, one_model, sizeof(td_layer_spec), NULL, "the networks, each {key, kwargs}"),
    TD_PARAM_INT(struct params, evaluated, "0", "position of the one that is tested: its output is the model's",
                 .max = MOST - 1),
    TD_PARAM_END};

static const td_model_type peers = {.type = {.key = "Peers", .summary = "several networks that see the same input",
                                             .params = table, .params_size = sizeof(struct params)},
                                    .build = build};

TD_PLUGIN(peers, "0.1.0", "MIT", "Several networks as one model", "model:Peers")
{
    td_register(reg, TD_KIND_MODEL, &peers);
}
