plugin_PROGRAMS += %D%/srd.so
%C%_srd_so_SOURCES = %D%/srd.c %D%/wrapper.c %D%/srd.h
%C%_srd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_srd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_srd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
