# Built where configure found the CUDA toolkit; not among plugin_PROGRAMS, whose sources also become static twins.
if CUDA
cuda_plugindir = $(plugindir)
cuda_plugin_PROGRAMS = %D%/cuda.so
%C%_cuda_so_SOURCES = $(cuda_glue)
%C%_cuda_so_CPPFLAGS = $(AM_CPPFLAGS) -isystem $(CUDA_HOME)/include
%C%_cuda_so_CFLAGS = $(CFLAGS_PLUGIN)
%C%_cuda_so_LDFLAGS = $(LDFLAGS_PLUGIN) -L$(CUDA_LIBDIR) -Wl,-rpath,$(CUDA_LIBDIR)
%C%_cuda_so_LDADD = $(cuda_kernels) -lcudnn -lcublas -lcudart -lstdc++
endif

cuda_glue = %D%/cuda.c %D%/device.c %D%/alloc.c %D%/graph.c %D%/cublas.c %D%/cudnn.c

# Kernels: nvcc, for each architecture of CUDA_ARCHS, and PTX of the last for newer devices.
cuda_sources = %D%/pointwise.cu %D%/cast.cu %D%/reduce.cu \
	%D%/softmax.cu %D%/loss.cu %D%/norm.cu %D%/pool.cu \
	%D%/shape.cu %D%/index.cu %D%/optim.cu %D%/direct.cu %D%/augment.cu %D%/solve.cu
cuda_headers = %D%/cuda.h %D%/device.cuh %D%/fold.cuh %D%/channels.cuh
cuda_kernels = $(cuda_sources:.cu=.o)
NVCCFLAGS = -O3 -std=c++17 --extended-lambda
.cu.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) $(NVCCFLAGS) $(CUDA_GENCODE) -I$(top_srcdir) -I$(top_srcdir)/sdk/include \
	  -Xcompiler -fPIC,-fvisibility=hidden,-Wall -c -o $@ $<
$(cuda_kernels): $(cuda_headers) $(tdinclude_HEADERS)
CLEANFILES += $(cuda_kernels)
EXTRA_DIST += $(cuda_sources) $(cuda_headers) $(cuda_glue) %D%/README.md
