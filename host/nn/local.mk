host_sources += host/nn/module.h host/nn/state.h 
