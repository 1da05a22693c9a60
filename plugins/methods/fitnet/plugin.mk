plugin_PROGRAMS += plugins/methods/fitnet/fitnet.so
plugins_methods_fitnet_fitnet_so_SOURCES = plugins/methods/fitnet/fitnet.c
plugins_methods_fitnet_fitnet_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_fitnet_fitnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_fitnet_fitnet_so_SOURCES)
EXTRA_DIST += plugins/methods/fitnet/README.md
