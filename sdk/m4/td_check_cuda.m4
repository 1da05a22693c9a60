dnl TD_CHECK_CUDA: looks for nvcc, cuBLAS and cuDNN as $with_cuda says (no, yes, auto or a folder), and tries them.
dnl Sets NVCC, CUDA_HOME, CUDA_LIBDIR, CUDA_GENCODE, the conditional CUDA, and cuda_summary, which has the reason
dnl where it is off.
AC_DEFUN([TD_CHECK_CUDA], [
cuda_missing=
AS_CASE([$with_cuda],
  [no], [cuda_missing="not wanted"],
  [yes|auto], [CUDA_HOME=/usr/local/cuda
    AS_IF([test ! -x "$CUDA_HOME/bin/nvcc"], [AC_PATH_PROG([NVCC], [nvcc])
      AS_IF([test -n "$NVCC"], [CUDA_HOME=`dirname "$NVCC"`/..])])],
  [CUDA_HOME=$with_cuda])
NVCC=$CUDA_HOME/bin/nvcc
CUDA_LIBDIR=
for td_dir in "$CUDA_HOME/lib64" "$CUDA_HOME/lib"; do
  AS_IF([test -z "$CUDA_LIBDIR" && test -e "$td_dir/libcudart.so"], [CUDA_LIBDIR=$td_dir])
done
AS_IF([test -n "$cuda_missing"], [],
  [test ! -x "$NVCC"], [cuda_missing="nvcc not found"],
  [test -z "$CUDA_LIBDIR"], [cuda_missing="no libcudart.so in $CUDA_HOME"],
  [test ! -e "$CUDA_LIBDIR/libcublas.so" || test ! -e "$CUDA_HOME/include/cublas_v2.h"], [cuda_missing="cuBLAS not found in $CUDA_HOME"],
  [test ! -e "$CUDA_LIBDIR/libcudnn.so" || test ! -e "$CUDA_HOME/include/cudnn.h"], [cuda_missing="cuDNN not found in $CUDA_HOME"])
CUDA_GENCODE=
for td_arch in $CUDA_ARCHS; do
  CUDA_GENCODE="$CUDA_GENCODE -gencode arch=compute_$td_arch,code=sm_$td_arch"
done
CUDA_GENCODE="$CUDA_GENCODE -gencode arch=compute_$td_arch,code=compute_$td_arch"
AS_IF([test -z "$cuda_missing"], [
  AC_MSG_CHECKING([whether $NVCC compiles for $CUDA_ARCHS])
  AS_ECHO(["#include <cudnn.h>"]) >conftest.cu
  AS_IF([$NVCC $CUDA_GENCODE -c -o conftest.$ac_objext conftest.cu >&AS_MESSAGE_LOG_FD 2>&1], [AC_MSG_RESULT([yes])
    AS_ECHO(["#if CUDNN_MAJOR < 9"]) >>conftest.cu
    AS_ECHO(["#error too old"]) >>conftest.cu
    AS_ECHO(["#endif"]) >>conftest.cu
    AS_IF([$NVCC -E -o conftest.i conftest.cu >&AS_MESSAGE_LOG_FD 2>&1], [], [cuda_missing="cuDNN is older than 9"])],
    [AC_MSG_RESULT([no])
    cuda_missing="$NVCC does not compile for $CUDA_ARCHS, see config.log"])
  rm -f conftest*])
AS_CASE([$with_cuda], [no|auto], [],
  [AS_IF([test -n "$cuda_missing"], [AC_MSG_ERROR([--with-cuda: $cuda_missing])])])
AS_IF([test -n "$cuda_missing"], [cuda_summary="no ($cuda_missing)"], [cuda_summary="yes ($CUDA_HOME, sm_`echo $CUDA_ARCHS | sed 's/ /, sm_/g'`, PTX)"])
AC_SUBST([NVCC])
AC_SUBST([CUDA_HOME])
AC_SUBST([CUDA_LIBDIR])
AC_SUBST([CUDA_GENCODE])
AM_CONDITIONAL([CUDA], [test -z "$cuda_missing"])
])
