TEST_LDADD = $(host_libs) $(DEPS_LIBS) $(CRITERION_LIBS)
include tests/base/local.mk
include tests/config/local.mk
include tests/io/local.mk
include tests/ops/local.mk
