plugin_PROGRAMS += %D%/pkt.so
%C%_pkt_so_SOURCES = %D%/pkt.c
%C%_pkt_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_pkt_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_pkt_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
