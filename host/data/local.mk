host_sources += host/data/dataset.h host/data/loader.h 
