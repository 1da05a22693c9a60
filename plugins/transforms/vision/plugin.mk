plugin_PROGRAMS += %D%/vision.so
%C%_vision_so_SOURCES = %D%/vision.h %D%/vision.c \
	%D%/values.c %D%/crop.c %D%/scale.c %D%/resample.c \
	%D%/colour.c
%C%_vision_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_vision_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_vision_so_SOURCES)
