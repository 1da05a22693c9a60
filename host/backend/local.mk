host_sources += host/backend/backend.h
include host/backend/reference/local.mk
include host/backend/cpu/local.mk
