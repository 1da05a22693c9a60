plugin_PROGRAMS += plugins/criteria/weighted_sum/weighted_sum.so
plugins_criteria_weighted_sum_weighted_sum_so_SOURCES = plugins/criteria/weighted_sum/weighted_sum.c
plugins_criteria_weighted_sum_weighted_sum_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_criteria_weighted_sum_weighted_sum_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugin_sources += $(plugins_criteria_weighted_sum_weighted_sum_so_SOURCES)
EXTRA_DIST += plugins/criteria/weighted_sum/README.md
