plugin_PROGRAMS += %D%/sskd.so
%C%_sskd_so_SOURCES = %D%/sskd.c %D%/wrapper.c %D%/dataset.c %D%/sskd.h
%C%_sskd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_sskd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_sskd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
