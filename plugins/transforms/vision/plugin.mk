plugin_PROGRAMS += plugins/transforms/vision/vision.so
plugins_transforms_vision_vision_so_SOURCES = plugins/transforms/vision/vision.h plugins/transforms/vision/vision.c \
	plugins/transforms/vision/values.c plugins/transforms/vision/crop.c plugins/transforms/vision/scale.c \
	plugins/transforms/vision/colour.c
plugins_transforms_vision_vision_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_transforms_vision_vision_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_transforms_vision_vision_so_SOURCES)
