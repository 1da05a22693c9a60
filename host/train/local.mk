host_sources += host/train/train.h host/train/accuracy.h host/train/checkpoint.h host/train/criterion.h host/train/experiment.h \
	host/train/io.h host/train/network.h host/train/optim.h host/train/plan.h host/train/progress.h host/train/report.h host/train/stage.h \
	host/train/test.h host/train/update.h \
	host/train/accuracy.c host/train/check.h host/train/check.c host/train/check_text.c host/train/check_json.c host/train/checkpoint.c host/train/criterion.c host/train/experiment.c host/train/io.c host/train/conform.c host/train/conform.h \
	host/train/network.c host/train/optimizers.c host/train/plan.c host/train/plan_criterion.c host/train/plan_loader.c host/train/plan_network.c \
	host/train/plan_optimizer.c host/train/progress.c host/train/report.c host/train/result.c host/train/run.c host/train/schedulers.c host/train/section.c \
	host/train/stage.c host/train/graph.c host/train/graph.h host/train/taps.c host/train/test.c host/train/update.c
