plugin_PROGRAMS += %D%/wide_resnet.so
%C%_wide_resnet_so_SOURCES = %D%/wide_resnet.c
%C%_wide_resnet_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_wide_resnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_wide_resnet_so_SOURCES)
EXTRA_DIST += %D%/README.md
