plugin_PROGRAMS += %D%/imagefolder.so
%C%_imagefolder_so_SOURCES = %D%/imagefolder.c
%C%_imagefolder_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_imagefolder_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_imagefolder_so_SOURCES)
