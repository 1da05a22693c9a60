plugin_PROGRAMS += %D%/weighted_sum.so
%C%_weighted_sum_so_SOURCES = %D%/weighted_sum.c
%C%_weighted_sum_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_weighted_sum_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_weighted_sum_so_SOURCES)
EXTRA_DIST += %D%/README.md
