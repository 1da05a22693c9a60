plugin_PROGRAMS += %D%/drawn.so
%C%_drawn_so_SOURCES = %D%/drawn.h %D%/drawn.c %D%/shapes.c
%C%_drawn_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_drawn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_drawn_so_SOURCES)
