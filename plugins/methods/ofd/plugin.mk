plugin_PROGRAMS += %D%/ofd.so
%C%_ofd_so_SOURCES = %D%/ofd.c %D%/wrapper.c %D%/ofd.h
%C%_ofd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ofd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ofd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
