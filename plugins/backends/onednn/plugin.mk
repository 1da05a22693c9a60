# Only where the library is installed; see --with-onednn.
EXTRA_DIST += plugins/backends/onednn/README.md
if ONEDNN
plugin_PROGRAMS += plugins/backends/onednn/onednn.so
plugins_backends_onednn_onednn_so_SOURCES = plugins/backends/onednn/onednn.c plugins/backends/onednn/onednn.h \
	plugins/backends/onednn/api.h plugins/backends/onednn/conv.c plugins/backends/onednn/matmul.c plugins/backends/onednn/norm.c \
	plugins/backends/onednn/plan.c plugins/backends/onednn/plan.h plugins/backends/onednn/pointwise.c plugins/backends/onednn/pool.c
plugins_backends_onednn_onednn_so_CPPFLAGS = $(AM_CPPFLAGS) $(ONEDNN_CPPFLAGS)
plugins_backends_onednn_onednn_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_backends_onednn_onednn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
plugins_backends_onednn_onednn_so_LDADD = $(ONEDNN_LIBS)
plugin_sources += $(plugins_backends_onednn_onednn_so_SOURCES)
plugin_libs += $(ONEDNN_LIBS)
endif
