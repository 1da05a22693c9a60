plugin_PROGRAMS += %D%/empty.so
%C%_empty_so_SOURCES = %D%/empty.c
%C%_empty_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_empty_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_empty_so_SOURCES)
EXTRA_DIST += %D%/README.md
