plugin_PROGRAMS += %D%/cckd.so
%C%_cckd_so_SOURCES = %D%/cckd.c %D%/wrapper.c %D%/cckd.h
%C%_cckd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_cckd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_cckd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
