plugin_PROGRAMS += %D%/torchvision_resnet.so
%C%_torchvision_resnet_so_SOURCES = %D%/torchvision_resnet.c
%C%_torchvision_resnet_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_torchvision_resnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_torchvision_resnet_so_SOURCES)
EXTRA_DIST += %D%/README.md
