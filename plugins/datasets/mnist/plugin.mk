plugin_PROGRAMS += %D%/mnist.so
%C%_mnist_so_SOURCES = %D%/mnist.c plugins/datasets/published.h
%C%_mnist_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_mnist_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_mnist_so_SOURCES)
