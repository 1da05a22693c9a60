plugin_PROGRAMS += %D%/dist.so
%C%_dist_so_SOURCES = %D%/dist.c
%C%_dist_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_dist_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_dist_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
