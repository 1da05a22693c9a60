plugin_PROGRAMS += %D%/peers.so
%C%_peers_so_SOURCES = %D%/peers.c
%C%_peers_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_peers_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_peers_so_SOURCES)
EXTRA_DIST += %D%/README.md
