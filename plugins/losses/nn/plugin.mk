plugin_PROGRAMS += plugins/losses/nn/nn.so
plugins_losses_nn_nn_so_SOURCES = plugins/losses/nn/nn.c
plugins_losses_nn_nn_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_losses_nn_nn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_losses_nn_nn_so_SOURCES)
EXTRA_DIST += plugins/losses/nn/README.md
