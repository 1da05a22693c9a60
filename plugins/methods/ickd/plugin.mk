plugin_PROGRAMS += %D%/ickd.so
%C%_ickd_so_SOURCES = %D%/ickd.c %D%/wrapper.c %D%/ickd.h
%C%_ickd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ickd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ickd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
