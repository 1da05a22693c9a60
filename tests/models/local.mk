check_PROGRAMS += tests/models/test_resnet
tests_models_test_resnet_SOURCES = tests/models/test_resnet.c tests/models/models.h
tests_models_test_resnet_LDADD = libtdplugins.a $(plugin_libs) $(TEST_LDADD)
TESTS += tests/models/test_resnet

check_PROGRAMS += tests/models/test_peers
tests_models_test_peers_SOURCES = tests/models/test_peers.c tests/models/models.h
tests_models_test_peers_LDADD = libtdplugins.a $(plugin_libs) $(TEST_LDADD)
TESTS += tests/models/test_peers

check_PROGRAMS += tests/models/test_published
tests_models_test_published_SOURCES = tests/models/test_published.c tests/models/models.h
tests_models_test_published_LDADD = libtdplugins.a $(plugin_libs) $(TEST_LDADD)
TESTS += tests/models/test_published
EXTRA_DIST += tests/models/golden.py tests/models/published.py tests/models/resnet20_golden.safetensors \
	tests/models/torchvision_golden.py tests/models/torchvision_golden.safetensors
