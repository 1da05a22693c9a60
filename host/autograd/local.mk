host_sources += host/autograd/tape.h 
