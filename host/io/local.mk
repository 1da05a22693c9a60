host_sources += host/io/image.c host/io/image.h host/io/pickle.c host/io/pickle.h host/io/pickle_service.c host/io/pickle_service.h host/io/tensors.h
