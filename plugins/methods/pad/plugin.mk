plugin_PROGRAMS += %D%/pad.so
%C%_pad_so_SOURCES = %D%/pad.c %D%/wrapper.c %D%/pad.h
%C%_pad_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_pad_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_pad_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
