host_sources += host/ops/table.h host/ops/rule.h host/ops/rule.c host/ops/matmul.c host/ops/conv.c host/ops/norm.c host/ops/pool.c \
	host/ops/softmax.c host/ops/loss.c host/ops/optim.c
