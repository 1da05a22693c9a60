plugin_PROGRAMS += %D%/vid.so
%C%_vid_so_SOURCES = %D%/vid.c %D%/wrapper.c %D%/vid.h
%C%_vid_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_vid_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_vid_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
