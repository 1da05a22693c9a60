nn_tests = tests/nn/test_layers tests/nn/test_tree
check_PROGRAMS += $(nn_tests)
TESTS += $(nn_tests)
tests_nn_test_layers_SOURCES = tests/nn/test_layers.c tests/nn/nn.h tests/paths.h
tests_nn_test_layers_LDADD = $(TEST_LDADD)
tests_nn_test_tree_SOURCES = tests/nn/test_tree.c tests/nn/nn.h tests/paths.h
tests_nn_test_tree_LDADD = $(TEST_LDADD)
EXTRA_DIST += tests/nn/golden.py tests/nn/golden.safetensors tests/nn/cases.txt
