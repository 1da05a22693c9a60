plugin_PROGRAMS += %D%/nst.so
%C%_nst_so_SOURCES = %D%/nst.c
%C%_nst_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_nst_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_nst_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
