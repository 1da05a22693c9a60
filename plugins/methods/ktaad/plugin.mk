plugin_PROGRAMS += %D%/ktaad.so
%C%_ktaad_so_SOURCES = %D%/ktaad.c %D%/wrapper.c %D%/ktaad.h
%C%_ktaad_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ktaad_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ktaad_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
