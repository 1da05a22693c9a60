plugin_PROGRAMS += plugins/datasets/drawn/drawn.so
plugins_datasets_drawn_drawn_so_SOURCES = plugins/datasets/drawn/drawn.h plugins/datasets/drawn/drawn.c plugins/datasets/drawn/shapes.c
plugins_datasets_drawn_drawn_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_datasets_drawn_drawn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_datasets_drawn_drawn_so_SOURCES)
