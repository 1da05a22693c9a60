plugin_PROGRAMS += %D%/batch.so
%C%_batch_so_SOURCES = %D%/batch.c
%C%_batch_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_batch_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_batch_so_SOURCES)
EXTRA_DIST += %D%/README.md
