TEST_CPPFLAGS = $(AM_CPPFLAGS) -DTD_BUILDDIR='"$(abs_top_builddir)"'
if TSAN
# Criterion does not start under ThreadSanitizer: the tests of what has threads are plain programs then.
AM_CPPFLAGS += -I$(top_srcdir)/tests/plain
TEST_LDADD = $(host_libs) $(DEPS_LIBS)
include tests/base/local.mk
include tests/data/local.mk
else
TEST_LDADD = $(host_libs) $(DEPS_LIBS) $(CRITERION_LIBS)
EXTRA_DIST += tests/paths.h tests/shell.h
include tests/base/local.mk
include tests/cli/local.mk
include tests/config/local.mk
include tests/data/local.mk
include tests/io/local.mk
if HAVE_CXX
include tests/cuda_on_host/local.mk
endif
include tests/ops/local.mk
include tests/plugins/local.mk
include tests/nn/local.mk
include tests/train/local.mk
include tests/models/local.mk
include tests/methods/local.mk
endif
EXTRA_DIST += tests/plain
