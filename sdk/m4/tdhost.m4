# tdhost.m4: for plugins built outside tdhost's tree.
#
# TDHOST_PREREQ([VERSION])
# Finds the SDK, of at least VERSION, through pkg-config, or stops.  Substitutes
#   TDHOST_SDK_CFLAGS    where its headers are
#   TDHOST_PLUGIN_CFLAGS, TDHOST_PLUGIN_LDFLAGS   how a plugin is compiled and linked
#   tdhostplugindir      where the host looks for plugins: tdhostplugin_PROGRAMS are installed there
#   TDHOST               the host, to try a plugin with
# A prefix that is not the SDK's own wants its own folder: --with-tdhost-plugins=DIR.
AC_DEFUN([TDHOST_PREREQ], [
AC_REQUIRE([AC_PROG_CC])
PKG_CHECK_MODULES([TDHOST_SDK], [tdhost-sdk m4_ifval([$1], [>= $1])])
PKG_CHECK_VAR([TDHOST], [tdhost-sdk], [tdhost])
PKG_CHECK_VAR([tdhost_installed_plugins], [tdhost-sdk], [plugindir])
AC_ARG_WITH([tdhost-plugins],
  [AS_HELP_STRING([--with-tdhost-plugins=DIR], [where to install the plugin (default: the folder of the host)])],
  [tdhostplugindir=$withval], [tdhostplugindir=$tdhost_installed_plugins])
AC_SUBST([tdhostplugindir])
AC_SUBST([TDHOST_PLUGIN_CFLAGS], ["-fPIC -fvisibility=hidden"])
AC_SUBST([TDHOST_PLUGIN_LDFLAGS], ["-shared -Wl,-z,defs"])
])
