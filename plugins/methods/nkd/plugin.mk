plugin_PROGRAMS += %D%/nkd.so
%C%_nkd_so_SOURCES = %D%/nkd.c
%C%_nkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_nkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_nkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
