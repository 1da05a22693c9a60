check_PROGRAMS += tests/methods/test_methods
tests_methods_test_methods_SOURCES = tests/methods/test_methods.c
tests_methods_test_methods_CPPFLAGS = $(TEST_CPPFLAGS)
tests_methods_test_methods_LDADD = $(TEST_LDADD)
EXTRA_tests_methods_test_methods_DEPENDENCIES = tdhost $(plugin_PROGRAMS)
TESTS += tests/methods/test_methods
