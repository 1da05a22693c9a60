plugin_PROGRAMS += %D%/cifar.so
%C%_cifar_so_SOURCES = %D%/cifar.c plugins/datasets/published.h
%C%_cifar_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_cifar_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_cifar_so_SOURCES)
