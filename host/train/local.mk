host_sources += host/train/train.h host/train/criterion.h host/train/experiment.h host/train/io.h host/train/network.h host/train/plan.h host/train/stage.h host/train/update.h \
	host/train/criterion.c host/train/experiment.c host/train/io.c host/train/network.c host/train/plan.c host/train/plan_criterion.c host/train/plan_loader.c host/train/plan_network.c \
	host/train/plan_optimizer.c host/train/section.c host/train/stage.c host/train/taps.c host/train/update.c
