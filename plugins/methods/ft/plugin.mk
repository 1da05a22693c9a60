plugin_PROGRAMS += plugins/methods/ft/ft.so
plugins_methods_ft_ft_so_SOURCES = plugins/methods/ft/ft.c plugins/methods/ft/wrappers.c plugins/methods/ft/ft.h
plugins_methods_ft_ft_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_ft_ft_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_ft_ft_so_SOURCES)
EXTRA_DIST += plugins/methods/ft/vectors
EXTRA_DIST += plugins/methods/ft/README.md
