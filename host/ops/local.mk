host_sources += host/ops/table.h 
