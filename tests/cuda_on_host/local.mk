# The cuda backend compiled for the host: its own sources, kernels included, over headers that stand in for CUDA, cuBLAS
# and cuDNN.  The one thing rewritten is a launch, kernel<<<...>>>(...).
cuda_on_host = tests/cuda_on_host/cuda.so
check_PROGRAMS += tests/cuda_on_host/cuda.so
tests_cuda_on_host_cuda_so_SOURCES = $(cuda_glue) tests/cuda_on_host/kernel.cc tests/cuda_on_host/runtime.cc \
	tests/cuda_on_host/libraries.cc tests/cuda_on_host/kernel.h tests/cuda_on_host/include/cuda_runtime_api.h \
	tests/cuda_on_host/include/cuda_bf16.h tests/cuda_on_host/include/cuda_fp16.h \
	tests/cuda_on_host/include/cublas_v2.h tests/cuda_on_host/include/cudnn.h
nodist_tests_cuda_on_host_cuda_so_SOURCES = $(cuda_sources:.cu=.cc)
tests_cuda_on_host_cuda_so_CPPFLAGS = -iquote tests/cuda_on_host -I$(srcdir)/tests/cuda_on_host/include $(AM_CPPFLAGS)
tests_cuda_on_host_cuda_so_CFLAGS = $(CFLAGS_PLUGIN)
tests_cuda_on_host_cuda_so_CXXFLAGS = -std=gnu++17 -Wall $(SANITIZE) -fPIC -fvisibility=hidden -ffp-contract=off
tests_cuda_on_host_cuda_so_LDFLAGS = $(LDFLAGS_PLUGIN)

cuda_on_host_headers = $(cuda_headers:%=tests/cuda_on_host/%)
TO_HOST = sed -E -e '1i\# 1 "$<"' -e 's/([[:alnum:]_]+)<<<([^;]*)>>>/LAUNCH((\1), \2)/' $< >$@
.cu.cc:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(TO_HOST)
$(cuda_on_host_headers): tests/cuda_on_host/%: %
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(TO_HOST)
$(tests_cuda_on_host_cuda_so_OBJECTS): $(cuda_on_host_headers)
CLEANFILES += $(cuda_on_host_headers) $(cuda_sources:.cu=.cc)

check_PROGRAMS += tests/cuda_on_host/test_steps
tests_cuda_on_host_test_steps_SOURCES = tests/cuda_on_host/test_steps.c $(tests_train_lab)
tests_cuda_on_host_test_steps_CPPFLAGS = $(tests_train_flags)
tests_cuda_on_host_test_steps_LDADD = $(TEST_LDADD)
EXTRA_tests_cuda_on_host_test_steps_DEPENDENCIES = $(cuda_on_host)
TESTS += tests/cuda_on_host/test_steps
