# One line a plugin.
include plugins/criteria/weighted_sum/plugin.mk
include plugins/forward/batch/plugin.mk
include plugins/losses/nn/plugin.mk
include plugins/losses/wrappers/plugin.mk
include plugins/methods/at/plugin.mk
include plugins/methods/crd/plugin.mk
include plugins/methods/fitnet/plugin.mk
include plugins/methods/ft/plugin.mk
include plugins/methods/kd/plugin.mk
include plugins/methods/review/plugin.mk
include plugins/models/empty/plugin.mk
include plugins/models/resnet/plugin.mk
include plugins/models/wide_resnet/plugin.mk
include plugins/transforms/vision/plugin.mk
