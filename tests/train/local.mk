check_PROGRAMS += tests/train/test_optim
tests_train_test_optim_SOURCES = tests/train/test_optim.c tests/train/golden_optim.h
tests_train_test_optim_LDADD = $(TEST_LDADD)
TESTS += tests/train/test_optim
EXTRA_DIST += tests/train/golden_optim.py
