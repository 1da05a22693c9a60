host_sources += host/ops/table.h host/ops/rule.h host/ops/table.c host/ops/rule.c host/ops/pointwise.c host/ops/reduce.c \
	host/ops/shape.h host/ops/shape.c host/ops/index.c host/ops/matmul.c host/ops/augment.c host/ops/conv.c host/ops/norm.c host/ops/pool.c host/ops/softmax.c \
	host/ops/loss.c host/ops/optim.c host/ops/schedule.h
