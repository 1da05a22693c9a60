host_sources += host/backend/reference/reference.h host/backend/reference/real.h host/backend/reference/reference.c host/backend/reference/augment.c host/backend/reference/conv.c \
	host/backend/reference/index.c host/backend/reference/loss.c host/backend/reference/matmul.c host/backend/reference/norm.c \
	host/backend/reference/optim.c host/backend/reference/pointwise.c host/backend/reference/pool.c \
	host/backend/reference/reduce.c host/backend/reference/shape.c host/backend/reference/softmax.c
