host_sources += host/plugin/registry.h host/plugin/kinds.h host/plugin/plugins.h host/plugin/environment.h \
	host/plugin/registry.c host/plugin/kinds.c host/plugin/manifest.c host/plugin/scan.c host/plugin/load.c host/plugin/choose.c \
	host/plugin/environment.c host/plugin/list.c host/plugin/builtins.c host/plugin/api.c
