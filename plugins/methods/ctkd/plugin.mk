plugin_PROGRAMS += %D%/ctkd.so
%C%_ctkd_so_SOURCES = %D%/ctkd.c
%C%_ctkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ctkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ctkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
