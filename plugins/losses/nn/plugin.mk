plugin_PROGRAMS += %D%/nn.so
%C%_nn_so_SOURCES = %D%/nn.c
%C%_nn_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_nn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_nn_so_SOURCES)
EXTRA_DIST += %D%/README.md
