plugin_PROGRAMS += %D%/wrappers.so
%C%_wrappers_so_SOURCES = %D%/wrappers.c
%C%_wrappers_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_wrappers_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_wrappers_so_SOURCES)
EXTRA_DIST += %D%/README.md
