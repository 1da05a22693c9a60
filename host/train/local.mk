host_sources += host/train/train.h 
