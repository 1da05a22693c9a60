plugin_PROGRAMS += %D%/spkd.so
%C%_spkd_so_SOURCES = %D%/spkd.c
%C%_spkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_spkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_spkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
