host_sources += host/io/image.c host/io/image.h host/io/pickle.c host/io/pickle.h host/io/pickle_service.c \
	host/io/pickle_service.h host/io/readers.h host/io/safetensors.c host/io/tensors.c host/io/tensors.h host/io/torch.c \
	host/io/torch_legacy.c host/io/torch_zip.c
