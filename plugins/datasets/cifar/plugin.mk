plugin_PROGRAMS += plugins/datasets/cifar/cifar.so
plugins_datasets_cifar_cifar_so_SOURCES = plugins/datasets/cifar/cifar.c
plugins_datasets_cifar_cifar_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_datasets_cifar_cifar_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_datasets_cifar_cifar_so_SOURCES)
