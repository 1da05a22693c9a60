host_sources += host/backend/cpu/cpu.h host/backend/cpu/cpu.c host/backend/cpu/slots.h host/backend/cpu/slots.c

# The kernels, once per instruction set; see vec.h.
cpu_kernels = host/backend/cpu/vec.h host/backend/cpu/kernels/common.h host/backend/cpu/kernels/conv.c \
	host/backend/cpu/kernels/correlate.c host/backend/cpu/kernels/correlate.h host/backend/cpu/kernels/depthwise.c \
	host/backend/cpu/kernels/depthwise.h host/backend/cpu/kernels/exp.h host/backend/cpu/kernels/families.c \
	host/backend/cpu/kernels/finish.c host/backend/cpu/kernels/finish.h \
	host/backend/cpu/kernels/gemm.c host/backend/cpu/kernels/gemm.h host/backend/cpu/kernels/index.c host/backend/cpu/kernels/kernels.h \
	host/backend/cpu/kernels/lines.h host/backend/cpu/kernels/loss.c host/backend/cpu/kernels/matmul.c \
	host/backend/cpu/kernels/norm.c host/backend/cpu/kernels/optim.c host/backend/cpu/kernels/outer.c \
	host/backend/cpu/kernels/outer.h host/backend/cpu/kernels/pack.c host/backend/cpu/kernels/pack.h \
	host/backend/cpu/kernels/planar.c host/backend/cpu/kernels/planar.h host/backend/cpu/kernels/pointwise.c \
	host/backend/cpu/kernels/pool.c host/backend/cpu/kernels/reduce.c host/backend/cpu/kernels/rows.c \
	host/backend/cpu/kernels/shape.c host/backend/cpu/kernels/softmax.c \
	host/backend/cpu/kernels/sums.c host/backend/cpu/kernels/sums.h host/backend/cpu/kernels/tile.c \
	host/backend/cpu/kernels/tile.h host/backend/cpu/kernels/wgrad.c host/backend/cpu/kernels/wgrad.h \
	host/backend/cpu/kernels/winograd.c host/backend/cpu/kernels/winograd.h host/backend/cpu/kernels/winograd_grad.c \
	host/backend/cpu/kernels/winograd_transform.h
CPU_CFLAGS = $(AM_CFLAGS) -ffp-contract=fast -fno-trapping-math -ftree-vectorize -fvect-cost-model=dynamic

noinst_LIBRARIES += libcpu_baseline.a
libcpu_baseline_a_SOURCES = $(cpu_kernels)
libcpu_baseline_a_CPPFLAGS = $(AM_CPPFLAGS) -DTD_HOST -DTD_ISA=baseline
libcpu_baseline_a_CFLAGS = $(CPU_CFLAGS)
host_libs += libcpu_baseline.a
if X86_ISA
noinst_LIBRARIES += libcpu_avx2.a libcpu_avx512.a
libcpu_avx2_a_SOURCES = $(cpu_kernels)
libcpu_avx2_a_CPPFLAGS = $(AM_CPPFLAGS) -DTD_HOST -DTD_ISA=avx2
libcpu_avx2_a_CFLAGS = $(CPU_CFLAGS) -mavx2 -mfma
libcpu_avx512_a_SOURCES = $(cpu_kernels)
libcpu_avx512_a_CPPFLAGS = $(AM_CPPFLAGS) -DTD_HOST -DTD_ISA=avx512
libcpu_avx512_a_CFLAGS = $(CPU_CFLAGS) -mavx2 -mfma -mavx512f -mavx512vl -mavx512dq -mavx512bw -mprefer-vector-width=512
host_libs += libcpu_avx2.a libcpu_avx512.a
endif
# The kernels use the host, which uses them.
host_libs += libtdhost.a
