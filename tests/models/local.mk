check_PROGRAMS += tests/models/test_resnet
tests_models_test_resnet_SOURCES = tests/models/test_resnet.c
tests_models_test_resnet_LDADD = libtdplugins.a $(TEST_LDADD)
TESTS += tests/models/test_resnet
EXTRA_DIST += tests/models/golden.py tests/models/resnet20_golden.safetensors
