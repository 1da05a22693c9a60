tdincludedir = $(includedir)/td
tdinclude_HEADERS = sdk/include/td/abi.h sdk/include/td/param.h sdk/include/td/host.h sdk/include/td/op.h \
	sdk/include/td/nn.h sdk/include/td/kinds_base.h sdk/include/td/data.h sdk/include/td/kinds.h \
	sdk/include/td/kernels.h sdk/include/td/pair.h sdk/include/td/philox.h sdk/include/td/pickle.h sdk/include/td/plugin.h sdk/include/td/td.h sdk/include/td/views.h

aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = sdk/m4/tdhost.m4
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = sdk/tdhost-sdk.pc
EXTRA_DIST += sdk/template/configure.ac sdk/template/Makefile.am sdk/template/template.c sdk/template/README.md

# The template must build with nothing but what is installed, and the installed host must list and load it.
installcheck-local:
	rm -rf sdk/installcheck
	$(MKDIR_P) sdk/installcheck
	cp $(srcdir)/sdk/template/* sdk/installcheck
	cd sdk/installcheck && ACLOCAL_PATH='$(DESTDIR)$(aclocaldir)' autoreconf -fi
	cd sdk/installcheck && ./configure -q CC='$(CC)' PKG_CONFIG_PATH='$(DESTDIR)$(pkgconfigdir)' PKG_CONFIG_SYSROOT_DIR='$(DESTDIR)'
	cd sdk/installcheck && $(MAKE) $(AM_MAKEFLAGS) all
	cd sdk/installcheck && $(MAKE) $(AM_MAKEFLAGS) check TDHOST='$(DESTDIR)$(bindir)/tdhost'
	rm -rf sdk/installcheck
clean-local:
	rm -rf sdk/installcheck
