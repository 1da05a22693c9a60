/* Student4ICKD: feature maps of the student go through a 3 x 3 convolution and batch norm, `embed_dict.NAME` each. */
#include "ickd.h"

struct embedding {
    td_tap tap;
    int64_t in_channels, out_channels;
};
struct params {
    td_list embeddings;
};

static const td_param embedding_table[] = {
    TD_TAP_STUDENT(struct embedding, tap, "path", "io", NULL),
    TD_PARAM_INT(struct embedding, in_channels, NULL, "of the student's map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct embedding, out_channels, NULL, "of the teacher's map", .min = 1, .max = 1e6), TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_MAP(struct params, embeddings, embedding_table, sizeof(struct embedding), NULL, "the embeddings, by name"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *embeddings;
};

static const td_module_type type = {
    .name = "Student4ICKD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const td_list *list = &((const struct params *)params)->embeddings;
    const struct embedding *e = list->v;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    td_module *dict = td_layer(c, m, "embed_dict", "ModuleList", "{}");
    ((struct wrapped *)td_data(m))->embeddings = dict;
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        td_module *embed = td_layer(c, dict, list->keys[i], "Sequential", "{}");
        td_conv_layer(c, embed, NULL, e[i].in_channels, e[i].out_channels, 3, 1);
        td_norm_layer(c, embed, NULL, e[i].out_channels);
    }
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const td_list *list = &((const struct params *)params)->embeddings;
    const struct embedding *e = list->v;
    for (int64_t i = 0; i < list->n && !td_failed(c); i++)
        td_call(c, td_find(c, ((struct wrapped *)td_data(self))->embeddings, list->keys[i]), td_io_get(io, &e[i].tap));
}

const td_wrapper_type ickd_student = {.type = {.key = "Student4ICKD",
                                               .summary = "a student whose feature maps get the teacher's channels",
                                               .params = table,
                                               .params_size = sizeof(struct params)},
                                      .build = build,
                                      .secondary_forward = secondary};
