plugin_PROGRAMS += %D%/cwd.so
%C%_cwd_so_SOURCES = %D%/cwd.c
%C%_cwd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_cwd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_cwd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
