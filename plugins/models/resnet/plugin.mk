plugin_PROGRAMS += plugins/models/resnet/resnet.so
plugins_models_resnet_resnet_so_SOURCES = plugins/models/resnet/resnet.c
plugins_models_resnet_resnet_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_models_resnet_resnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_models_resnet_resnet_so_SOURCES)
EXTRA_DIST += plugins/models/resnet/README.md
