plugin_PROGRAMS += %D%/fitnet.so
%C%_fitnet_so_SOURCES = %D%/fitnet.c
%C%_fitnet_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_fitnet_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_fitnet_so_SOURCES)
EXTRA_DIST += %D%/README.md
