plugin_PROGRAMS += %D%/tfkd.so
%C%_tfkd_so_SOURCES = %D%/tfkd.c
%C%_tfkd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_tfkd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_tfkd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
