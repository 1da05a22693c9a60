# `make bench` builds what tools/bench runs.
EXTRA_PROGRAMS += tools/measure/measure
tools_measure_measure_SOURCES = tools/measure/load.c tools/measure/main.c tools/measure/measure.h tools/measure/peak.c \
	tools/measure/step.c tools/measure/table.c tools/measure/table.h
tools_measure_measure_CPPFLAGS = $(AM_CPPFLAGS) -DTD_BUILDDIR='"$(abs_top_builddir)"' -DTD_SRCDIR='"$(abs_top_srcdir)"'
tools_measure_measure_LDADD = $(host_libs) $(DEPS_LIBS)
EXTRA_DIST += tools/measure/load.yaml tools/measure/step.yaml tools/measure/peer.py tools/measure/torchvision_load.py
CLEANFILES += tools/measure/measure$(EXEEXT)

bench: all tools/measure/measure$(EXEEXT)
.PHONY: bench
