plugin_PROGRAMS += %D%/ft.so
%C%_ft_so_SOURCES = %D%/ft.c %D%/wrappers.c %D%/ft.h
%C%_ft_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_ft_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_ft_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
