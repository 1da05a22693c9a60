host_sources += host/plugin/plugins.h host/plugin/registry.h 
