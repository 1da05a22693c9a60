host_sources += host/backend/backend.h host/backend/backend.c host/backend/trace.c host/backend/trace.h host/backend/service.h host/backend/service.c
include host/backend/reference/local.mk
include host/backend/cpu/local.mk
