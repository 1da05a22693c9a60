check_PROGRAMS += tests/io/test_image
tests_io_test_image_SOURCES = tests/io/test_image.c tests/paths.h
tests_io_test_image_LDADD = $(TEST_LDADD)
TESTS += tests/io/test_image
EXTRA_DIST += tests/io/images
