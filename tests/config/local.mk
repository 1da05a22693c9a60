check_PROGRAMS += tests/config/test_load tests/config/test_bind
tests_config_test_load_SOURCES = tests/config/test_load.c tests/config/config.h
tests_config_test_load_LDADD = $(TEST_LDADD)
tests_config_test_bind_SOURCES = tests/config/test_bind.c tests/config/config.h
tests_config_test_bind_LDADD = $(TEST_LDADD)
TESTS += tests/config/test_load tests/config/test_bind
