plugin_PROGRAMS += plugins/models/wide_resnet/wide_resnet.so
plugins_models_wide_resnet_wide_resnet_so_SOURCES = plugins/models/wide_resnet/wide_resnet.c
plugins_models_wide_resnet_wide_resnet_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_models_wide_resnet_wide_resnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_models_wide_resnet_wide_resnet_so_SOURCES)
EXTRA_DIST += plugins/models/wide_resnet/README.md
