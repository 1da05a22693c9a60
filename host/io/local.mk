host_sources += host/io/image.h host/io/tensors.h 
