/* Parameters of data sets whose files somebody published, as torchvision's classes have them. */
#ifndef TD_PLUGINS_PUBLISHED_H
#define TD_PLUGINS_PUBLISHED_H

#include <td/td.h>

struct published_params {
    const char *root;
    int32_t train;
};

/* A parameter table; what `root` is differs. */
#define PUBLISHED_TABLE(root_doc)                                                                             \
    {                                                                                                         \
        TD_PARAM_FILE(struct published_params, root, NULL, root_doc),                                         \
        TD_PARAM_BOOL(struct published_params, train, "true", "the training part; else the test part"),       \
        {.name = "download",                                                                                  \
         .type = TD_P_BOOL,                                                                                   \
         .flags = TD_PARAM_IGNORED,                                                                           \
         .def = "false",                                                                                      \
         .doc = "nothing is ever downloaded"},                                                                \
        TD_PARAM_END                                                                                          \
    }

#endif
