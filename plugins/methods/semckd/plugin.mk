plugin_PROGRAMS += %D%/semckd.so
%C%_semckd_so_SOURCES = %D%/semckd.c
%C%_semckd_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_semckd_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_semckd_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
