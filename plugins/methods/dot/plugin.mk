plugin_PROGRAMS += %D%/dot.so
%C%_dot_so_SOURCES = %D%/dot.c
%C%_dot_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_dot_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_dot_so_SOURCES)
EXTRA_DIST += %D%/README.md
