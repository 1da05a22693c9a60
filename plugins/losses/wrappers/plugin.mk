plugin_PROGRAMS += plugins/losses/wrappers/wrappers.so
plugins_losses_wrappers_wrappers_so_SOURCES = plugins/losses/wrappers/wrappers.c
plugins_losses_wrappers_wrappers_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_losses_wrappers_wrappers_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_losses_wrappers_wrappers_so_SOURCES)
EXTRA_DIST += plugins/losses/wrappers/README.md
