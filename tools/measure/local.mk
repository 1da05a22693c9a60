# `make bench` builds what tools/bench runs.
EXTRA_PROGRAMS += tools/measure/measure
tools_measure_measure_SOURCES = tools/measure/main.c tools/measure/measure.h tools/measure/peak.c tools/measure/step.c
tools_measure_measure_CPPFLAGS = $(AM_CPPFLAGS) -DTD_BUILDDIR='"$(abs_top_builddir)"' -DTD_SRCDIR='"$(abs_top_srcdir)"'
tools_measure_measure_LDADD = $(host_libs) $(DEPS_LIBS)
EXTRA_DIST += tools/measure/step.yaml
CLEANFILES += tools/measure/measure$(EXEEXT)

bench: all tools/measure/measure$(EXEEXT)
.PHONY: bench
