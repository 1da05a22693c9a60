host_sources += host/tensor/tensor.h 
