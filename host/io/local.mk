host_sources += host/io/image.c host/io/image.h host/io/tensors.h
