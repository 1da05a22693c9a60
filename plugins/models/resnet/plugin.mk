plugin_PROGRAMS += %D%/resnet.so
%C%_resnet_so_SOURCES = %D%/resnet.c
%C%_resnet_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_resnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_resnet_so_SOURCES)
EXTRA_DIST += %D%/README.md
