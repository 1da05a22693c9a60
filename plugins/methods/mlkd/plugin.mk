plugin_PROGRAMS += %D%/mlkd.so
%C%_mlkd_so_SOURCES = %D%/mlkd.c %D%/dataset.c %D%/mlkd.h
%C%_mlkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_mlkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_mlkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
