host_sources += host/base/ctx.h host/base/mem.h host/base/text.h host/base/diag.h host/base/log.h host/base/rng.h host/base/pool.h host/base/file.h \
	host/base/ctx.c host/base/mem.c host/base/text.c host/base/diag.c host/base/log.c host/base/rng.c host/base/draws.c host/base/pool.c host/base/file.c
