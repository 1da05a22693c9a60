plugin_PROGRAMS += %D%/kd.so
%C%_kd_so_SOURCES = %D%/kd.c %D%/standardize.c %D%/kd.h
%C%_kd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_kd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_kd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
