plugin_PROGRAMS += %D%/rkd.so
%C%_rkd_so_SOURCES = %D%/rkd.c
%C%_rkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_rkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_rkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
