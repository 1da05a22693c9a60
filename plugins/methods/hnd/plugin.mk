plugin_PROGRAMS += %D%/hnd.so
%C%_hnd_so_SOURCES = %D%/hnd.c
%C%_hnd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_hnd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_hnd_so_SOURCES)
EXTRA_DIST += %D%/README.md
