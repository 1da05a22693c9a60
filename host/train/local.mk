host_sources += host/train/train.h host/train/io.h host/train/plan.h \
	host/train/io.c host/train/plan.c host/train/plan_criterion.c host/train/plan_loader.c host/train/plan_network.c \
	host/train/plan_optimizer.c host/train/section.c
