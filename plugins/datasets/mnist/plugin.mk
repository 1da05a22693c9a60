plugin_PROGRAMS += plugins/datasets/mnist/mnist.so
plugins_datasets_mnist_mnist_so_SOURCES = plugins/datasets/mnist/mnist.c
plugins_datasets_mnist_mnist_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_datasets_mnist_mnist_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_datasets_mnist_mnist_so_SOURCES)
