# Only where the library is installed; see --with-onednn.
EXTRA_DIST += %D%/README.md
if ONEDNN
plugin_PROGRAMS += %D%/onednn.so
%C%_onednn_so_SOURCES = %D%/onednn.c %D%/onednn.h \
	%D%/api.h %D%/conv.c %D%/matmul.c %D%/norm.c \
	%D%/plan.c %D%/plan.h %D%/pointwise.c %D%/pool.c
%C%_onednn_so_CPPFLAGS = $(AM_CPPFLAGS) $(ONEDNN_CPPFLAGS)
%C%_onednn_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_onednn_so_LDFLAGS = $(LDFLAGS_PLUGIN)
%C%_onednn_so_LDADD = $(ONEDNN_LIBS)
plugin_sources += $(%C%_onednn_so_SOURCES)
plugin_libs += $(ONEDNN_LIBS)
endif
