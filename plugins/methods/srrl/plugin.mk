plugin_PROGRAMS += %D%/srrl.so
%C%_srrl_so_SOURCES = %D%/srrl.c %D%/wrapper.c %D%/srrl.h
%C%_srrl_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_srrl_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_srrl_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
