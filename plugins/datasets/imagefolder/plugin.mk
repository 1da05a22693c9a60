plugin_PROGRAMS += plugins/datasets/imagefolder/imagefolder.so
plugins_datasets_imagefolder_imagefolder_so_SOURCES = plugins/datasets/imagefolder/imagefolder.c
plugins_datasets_imagefolder_imagefolder_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_datasets_imagefolder_imagefolder_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_datasets_imagefolder_imagefolder_so_SOURCES)
