plugin_PROGRAMS += %D%/skd.so
%C%_skd_so_SOURCES = %D%/skd.c
%C%_skd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_skd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_skd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
