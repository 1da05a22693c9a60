check_PROGRAMS += tests/io/test_image tests/io/test_pickle
tests_io_test_image_SOURCES = tests/io/test_image.c tests/paths.h
tests_io_test_image_LDADD = $(TEST_LDADD)
tests_io_test_pickle_SOURCES = tests/io/test_pickle.c tests/paths.h
tests_io_test_pickle_LDADD = $(TEST_LDADD)
TESTS += tests/io/test_image tests/io/test_pickle
EXTRA_DIST += tests/io/images tests/io/pickles
