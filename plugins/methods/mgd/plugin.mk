plugin_PROGRAMS += %D%/mgd.so
%C%_mgd_so_SOURCES = %D%/mgd.c
%C%_mgd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_mgd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_mgd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
