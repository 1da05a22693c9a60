host_sources += host/nn/call.c host/nn/init.c host/nn/layer.c host/nn/module.c host/nn/module.h host/nn/paths.c \
	host/nn/redesign.c host/nn/state.c host/nn/state.h host/nn/walk.c \
	host/nn/layers/activation.c host/nn/layers/conv.c host/nn/layers/layers.h host/nn/layers/linear.c \
	host/nn/layers/norm.c host/nn/layers/pool.c host/nn/layers/sequential.c host/nn/layers/shape.c
