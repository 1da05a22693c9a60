plugin_PROGRAMS += %D%/fsp.so
%C%_fsp_so_SOURCES = %D%/fsp.c
%C%_fsp_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_fsp_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_fsp_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
