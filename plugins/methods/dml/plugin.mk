plugin_PROGRAMS += %D%/dml.so
%C%_dml_so_SOURCES = %D%/dml.c
%C%_dml_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_dml_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_dml_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
