host_sources += host/autograd/tape.h host/autograd/record.h host/autograd/together.h host/autograd/together.c host/autograd/apply.c host/autograd/gradcheck.c host/autograd/tape.c
