plugin_PROGRAMS += plugins/methods/crd/crd.so
plugins_methods_crd_crd_so_SOURCES = plugins/methods/crd/crd.c plugins/methods/crd/dataset.c plugins/methods/crd/wrapper.c plugins/methods/crd/crd.h
plugins_methods_crd_crd_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_crd_crd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_crd_crd_so_SOURCES)
EXTRA_DIST += plugins/methods/crd/vectors
EXTRA_DIST += plugins/methods/crd/README.md
