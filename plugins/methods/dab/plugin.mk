plugin_PROGRAMS += %D%/dab.so
%C%_dab_so_SOURCES = %D%/dab.c %D%/wrapper.c %D%/dab.h
%C%_dab_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_dab_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_dab_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
