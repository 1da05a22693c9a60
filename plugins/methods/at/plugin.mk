plugin_PROGRAMS += plugins/methods/at/at.so
plugins_methods_at_at_so_SOURCES = plugins/methods/at/at.c
plugins_methods_at_at_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_at_at_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_at_at_so_SOURCES)
EXTRA_DIST += plugins/methods/at/vectors
EXTRA_DIST += plugins/methods/at/README.md
