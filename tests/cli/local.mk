check_PROGRAMS += tests/cli/test_cli
tests_cli_test_cli_SOURCES = tests/cli/test_cli.c
tests_cli_test_cli_CPPFLAGS = $(TEST_CPPFLAGS)
tests_cli_test_cli_LDADD = $(TEST_LDADD)
EXTRA_tests_cli_test_cli_DEPENDENCIES = tdhost $(plugin_PROGRAMS) $(zoo)
TESTS += tests/cli/test_cli

check_PROGRAMS += tests/cli/test_exit
tests_cli_test_exit_SOURCES = tests/cli/test_exit.c
tests_cli_test_exit_CPPFLAGS = $(TEST_CPPFLAGS)
tests_cli_test_exit_LDADD = $(TEST_LDADD)
EXTRA_tests_cli_test_exit_DEPENDENCIES = tdhost $(plugin_PROGRAMS)
TESTS += tests/cli/test_exit

check_PROGRAMS += tests/cli/test_bench
tests_cli_test_bench_SOURCES = tests/cli/test_bench.c
tests_cli_test_bench_CPPFLAGS = $(TEST_CPPFLAGS)
tests_cli_test_bench_LDADD = $(TEST_LDADD)
EXTRA_tests_cli_test_bench_DEPENDENCIES = tools/measure/measure$(EXEEXT) $(plugin_PROGRAMS)
TESTS += tests/cli/test_bench
