# The zoo: plugins that are wrong in one way each, for the tests of loading.
zoo_names = backend bad_json bad_kind bad_param constructor duplicate duplicate_alias entry_fails extra_symbol flush good handler \
	host_op locale major_newer minor_newer no_abi no_callback no_entry no_note operation other_sizes rounding too_new undefined \
	unlisted unregistered
zoo = $(zoo_names:%=tests/plugins/zoo/%.so)
zoo_sources = $(zoo_names:%=tests/plugins/zoo/%.c)
.c.so:
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(COMPILE) -fPIC -shared -o $@ $<
$(zoo): tests/plugins/zoo/zoo.h $(tdinclude_HEADERS)
EXTRA_DIST += $(zoo_sources) tests/plugins/zoo/zoo.h tests/plugins/zoo/cxx.cc
CLEANFILES += $(zoo)

# The static twins of all plugins, and the table of them.
check_LIBRARIES += libtdplugins.a
libtdplugins_a_SOURCES = $(plugin_sources)
nodist_libtdplugins_a_SOURCES = static_plugins.c
libtdplugins_a_CPPFLAGS = $(AM_CPPFLAGS) -DTD_STATIC_PLUGIN $(ONEDNN_CPPFLAGS)
CLEANFILES += static_plugins.c
static_plugins.c: Makefile
	$(AM_V_GEN){ echo '#include "host/plugin/plugins.h"'; \
	for p in $(plugin_PROGRAMS); do echo "extern const td_static_plugin td_static_plugin_`basename $$p .so`;"; done; \
	echo 'const td_static_plugin *const td__static_plugins[] = {'; \
	for p in $(plugin_PROGRAMS); do echo "    &td_static_plugin_`basename $$p .so`,"; done; \
	echo '    NULL};'; } >$@

check_PROGRAMS += tests/plugins/test_zoo tests/plugins/test_registry tests/plugins/test_twins tests/plugins/test_sdk
tests_plugins_test_zoo_SOURCES = tests/plugins/test_zoo.c
tests_plugins_test_zoo_CPPFLAGS = $(TEST_CPPFLAGS)
tests_plugins_test_zoo_LDADD = $(TEST_LDADD)
EXTRA_tests_plugins_test_zoo_DEPENDENCIES = $(zoo)
tests_plugins_test_registry_SOURCES = tests/plugins/test_registry.c
tests_plugins_test_registry_LDADD = $(TEST_LDADD)
tests_plugins_test_twins_SOURCES = tests/plugins/test_twins.c
tests_plugins_test_twins_CPPFLAGS = $(TEST_CPPFLAGS)
tests_plugins_test_twins_LDADD = libtdplugins.a $(plugin_libs) $(TEST_LDADD)
EXTRA_tests_plugins_test_twins_DEPENDENCIES = $(plugin_PROGRAMS)
tests_plugins_test_sdk_SOURCES = tests/plugins/test_sdk.c tests/plugins/abi.c tests/paths.h
tests_plugins_test_sdk_CPPFLAGS = $(TEST_CPPFLAGS) -DTD_CC='"$(CC)"' -DTD_NM='"$(NM)"' -DTD_PLUGINS='"$(plugin_PROGRAMS)"'
tests_plugins_test_sdk_LDADD = $(TEST_LDADD)
EXTRA_tests_plugins_test_sdk_DEPENDENCIES = $(plugin_PROGRAMS)
TESTS += tests/plugins/test_zoo tests/plugins/test_registry tests/plugins/test_twins tests/plugins/test_sdk
