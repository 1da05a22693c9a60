check_PROGRAMS += tests/base/test_base
tests_base_test_base_SOURCES = tests/base/test_base.c
tests_base_test_base_LDADD = $(TEST_LDADD)
TESTS += tests/base/test_base
check_PROGRAMS += tests/base/test_draws
tests_base_test_draws_SOURCES = tests/base/test_draws.c
tests_base_test_draws_LDADD = $(TEST_LDADD)
TESTS += tests/base/test_draws
