plugin_PROGRAMS += %D%/wsld.so
%C%_wsld_so_SOURCES = %D%/wsld.c
%C%_wsld_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_wsld_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_wsld_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
