plugin_PROGRAMS += plugins/methods/review/review.so
plugins_methods_review_review_so_SOURCES = plugins/methods/review/review.c plugins/methods/review/wrapper.c plugins/methods/review/review.h
plugins_methods_review_review_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_methods_review_review_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_methods_review_review_so_SOURCES)
EXTRA_DIST += plugins/methods/review/vectors
EXTRA_DIST += plugins/methods/review/README.md
