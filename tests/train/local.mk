check_PROGRAMS += tests/train/test_optim
tests_train_test_optim_SOURCES = tests/train/test_optim.c tests/train/golden_optim.h
tests_train_test_optim_LDADD = $(TEST_LDADD)
TESTS += tests/train/test_optim
EXTRA_DIST += tests/train/golden_optim.py

check_PROGRAMS += tests/train/test_run tests/train/test_steps tests/train/test_plan
tests_train_lab = tests/train/lab.c tests/train/lab.h tests/train/tiny.c
tests_train_flags = $(TEST_CPPFLAGS) -DTD_STATIC_PLUGIN
tests_train_test_run_SOURCES = tests/train/test_run.c $(tests_train_lab)
tests_train_test_run_CPPFLAGS = $(tests_train_flags)
tests_train_test_run_LDADD = $(TEST_LDADD)
tests_train_test_steps_SOURCES = tests/train/test_steps.c $(tests_train_lab)
tests_train_test_steps_CPPFLAGS = $(tests_train_flags)
tests_train_test_steps_LDADD = $(TEST_LDADD)
tests_train_test_plan_SOURCES = tests/train/test_plan.c $(tests_train_lab)
tests_train_test_plan_CPPFLAGS = $(tests_train_flags)
tests_train_test_plan_LDADD = $(TEST_LDADD)
TESTS += tests/train/test_run tests/train/test_steps tests/train/test_plan

check_PROGRAMS += tests/train/test_memory
tests_train_test_memory_SOURCES = tests/train/test_memory.c $(tests_train_lab)
tests_train_test_memory_CPPFLAGS = $(tests_train_flags)
tests_train_test_memory_LDADD = $(TEST_LDADD)
TESTS += tests/train/test_memory
