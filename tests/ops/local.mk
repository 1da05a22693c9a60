check_PROGRAMS += tests/ops/test_ops
tests_ops_test_ops_SOURCES = tests/ops/test_ops.c tests/ops/cases.h tests/ops/golden.h tests/ops/cases_pointwise.c tests/ops/cases_reduce.c \
	tests/ops/cases_softmax.c tests/ops/cases_loss.c tests/ops/cases_matmul.c tests/ops/cases_conv.c tests/ops/cases_norm.c \
	tests/ops/cases_pool.c tests/ops/cases_shape.c tests/ops/cases_index.c tests/ops/cases_optim.c \
	tests/ops/cases_large.c
tests_ops_test_ops_CPPFLAGS = $(TEST_CPPFLAGS)
EXTRA_tests_ops_test_ops_DEPENDENCIES = $(cuda_plugin_PROGRAMS) $(cuda_on_host)
tests_ops_test_ops_LDADD = libtdplugins.a $(plugin_libs) $(TEST_LDADD)
TESTS += tests/ops/test_ops

check_PROGRAMS += tests/ops/test_tape
tests_ops_test_tape_SOURCES = tests/ops/test_tape.c
tests_ops_test_tape_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_tape

check_PROGRAMS += tests/ops/test_cpu
tests_ops_test_cpu_SOURCES = tests/ops/test_cpu.c
tests_ops_test_cpu_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_cpu

check_PROGRAMS += tests/ops/test_together
tests_ops_test_together_SOURCES = tests/ops/test_together.c
tests_ops_test_together_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_together

check_PROGRAMS += tests/ops/test_layers
tests_ops_test_layers_SOURCES = tests/ops/test_layers.c tests/ops/golden_layers.h
tests_ops_test_layers_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_layers
EXTRA_DIST += tests/ops/golden.py tests/ops/golden_layers.py

check_PROGRAMS += tests/ops/test_backend
tests_ops_test_backend_SOURCES = tests/ops/test_backend.c
tests_ops_test_backend_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_backend

check_PROGRAMS += tests/ops/test_storage
tests_ops_test_storage_SOURCES = tests/ops/test_storage.c
tests_ops_test_storage_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_storage

check_PROGRAMS += tests/ops/test_half
tests_ops_test_half_SOURCES = tests/ops/test_half.c
tests_ops_test_half_LDADD = $(TEST_LDADD)
TESTS += tests/ops/test_half
