# Built where configure found the CUDA toolkit; not among plugin_PROGRAMS, whose sources also become static twins.
if CUDA
cuda_plugindir = $(plugindir)
cuda_plugin_PROGRAMS = plugins/backends/cuda/cuda.so
plugins_backends_cuda_cuda_so_SOURCES = plugins/backends/cuda/cuda.c plugins/backends/cuda/device.c \
	plugins/backends/cuda/alloc.c plugins/backends/cuda/cublas.c plugins/backends/cuda/cudnn.c
plugins_backends_cuda_cuda_so_CPPFLAGS = $(AM_CPPFLAGS) -isystem $(CUDA_HOME)/include
plugins_backends_cuda_cuda_so_CFLAGS = $(CFLAGS_PLUGIN)
plugins_backends_cuda_cuda_so_LDFLAGS = $(LDFLAGS_PLUGIN) -L$(CUDA_LIBDIR) -Wl,-rpath,$(CUDA_LIBDIR)
plugins_backends_cuda_cuda_so_LDADD = $(cuda_kernels) -lcudnn -lcublas -lcudart -lstdc++
endif

# Kernels: nvcc, for each architecture of CUDA_ARCHS, and PTX of the last for newer devices.
cuda_sources = plugins/backends/cuda/pointwise.cu plugins/backends/cuda/cast.cu plugins/backends/cuda/reduce.cu \
	plugins/backends/cuda/softmax.cu plugins/backends/cuda/loss.cu plugins/backends/cuda/norm.cu plugins/backends/cuda/pool.cu \
	plugins/backends/cuda/shape.cu plugins/backends/cuda/index.cu plugins/backends/cuda/optim.cu plugins/backends/cuda/direct.cu
cuda_headers = plugins/backends/cuda/cuda.h plugins/backends/cuda/device.cuh plugins/backends/cuda/fold.cuh \
	plugins/backends/cuda/philox.cuh
cuda_kernels = $(cuda_sources:.cu=.o)
NVCCFLAGS = -O3 -std=c++17 --extended-lambda
.cu.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) $(NVCCFLAGS) $(CUDA_GENCODE) -I$(top_srcdir) -I$(top_srcdir)/sdk/include \
	  -Xcompiler -fPIC,-fvisibility=hidden,-Wall -c -o $@ $<
$(cuda_kernels): $(cuda_headers) $(tdinclude_HEADERS)
CLEANFILES += $(cuda_kernels)
EXTRA_DIST += $(cuda_sources) $(cuda_headers) plugins/backends/cuda/cuda.c plugins/backends/cuda/device.c \
	plugins/backends/cuda/alloc.c plugins/backends/cuda/cublas.c plugins/backends/cuda/cudnn.c plugins/backends/cuda/README.md
