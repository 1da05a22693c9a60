host_sources += host/train/train.h host/train/io.h \
	host/train/io.c
