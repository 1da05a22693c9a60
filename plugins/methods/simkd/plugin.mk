plugin_PROGRAMS += %D%/simkd.so
%C%_simkd_so_SOURCES = %D%/simkd.c %D%/wrapper.c %D%/simkd.h
%C%_simkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_simkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_simkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
