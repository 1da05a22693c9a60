plugin_PROGRAMS += %D%/review.so
%C%_review_so_SOURCES = %D%/review.c %D%/wrapper.c %D%/review.h
%C%_review_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_review_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(%C%_review_so_SOURCES)
EXTRA_DIST += %D%/README.md %D%/vectors
