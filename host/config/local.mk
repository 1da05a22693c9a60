host_sources += host/config/bind.h host/config/load.h host/config/node.h host/config/object.h host/config/value.h \
	host/config/bind.c host/config/describe.c host/config/load.c host/config/merge.c host/config/node.c host/config/object.c \
	host/config/resolve.c host/config/set.c host/config/tags.c host/config/value.c host/config/write.c
