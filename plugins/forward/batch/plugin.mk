plugin_PROGRAMS += plugins/forward/batch/batch.so
plugins_forward_batch_batch_so_SOURCES = plugins/forward/batch/batch.c
plugins_forward_batch_batch_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_forward_batch_batch_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_forward_batch_batch_so_SOURCES)
EXTRA_DIST += plugins/forward/batch/README.md
