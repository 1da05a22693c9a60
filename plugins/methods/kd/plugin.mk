plugin_PROGRAMS += plugins/methods/kd/kd.so
plugins_methods_kd_kd_so_SOURCES = plugins/methods/kd/kd.c
plugins_methods_kd_kd_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_kd_kd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_kd_kd_so_SOURCES)
EXTRA_DIST += plugins/methods/kd/vectors
EXTRA_DIST += plugins/methods/kd/README.md
