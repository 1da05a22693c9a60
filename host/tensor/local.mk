host_sources += host/tensor/tensor.h host/tensor/storage.h host/tensor/dtype.c host/tensor/frame.c host/tensor/nest.h host/tensor/nest.c host/tensor/storage.c host/tensor/tensor.c
