plugin_PROGRAMS += %D%/ttm.so
%C%_ttm_so_SOURCES = %D%/ttm.c
%C%_ttm_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ttm_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ttm_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
