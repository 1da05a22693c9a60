plugin_PROGRAMS += %D%/dkd.so
%C%_dkd_so_SOURCES = %D%/dkd.c
%C%_dkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_dkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_dkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
