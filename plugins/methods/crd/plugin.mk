plugin_PROGRAMS += %D%/crd.so
%C%_crd_so_SOURCES = %D%/crd.c %D%/dataset.c %D%/wrapper.c %D%/crd.h
%C%_crd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_crd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_crd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
