host_sources += host/plugin/kinds.h host/plugin/plugins.h host/plugin/registry.h host/plugin/kinds.c host/plugin/registry.c host/plugin/api.c
