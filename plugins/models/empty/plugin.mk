plugin_PROGRAMS += plugins/models/empty/empty.so
plugins_models_empty_empty_so_SOURCES = plugins/models/empty/empty.c
plugins_models_empty_empty_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_models_empty_empty_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_models_empty_empty_so_SOURCES)
EXTRA_DIST += plugins/models/empty/README.md
