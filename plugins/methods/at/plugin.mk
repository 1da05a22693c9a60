plugin_PROGRAMS += %D%/at.so
%C%_at_so_SOURCES = %D%/at.c
%C%_at_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_at_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_at_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
