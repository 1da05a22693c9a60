host_sources += host/data/dataset.h host/data/loader.h host/data/item.h host/data/stack.h host/data/builtins.h \
	host/data/dataset.c host/data/item.c host/data/stack.c host/data/loader.c host/data/resident.c host/data/resident.h host/data/samplers.c \
	host/data/files.h host/data/files.c host/data/functions.h host/data/functions.c host/data/open.c
