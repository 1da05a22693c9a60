plugin_PROGRAMS += %D%/catkd.so
%C%_catkd_so_SOURCES = %D%/catkd.c %D%/wrapper.c %D%/catkd.h
%C%_catkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_catkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_catkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
