/* The service "td.kernels/1" that plugins get (see td/kernels.h). */
#ifndef TD__KERNELS_SERVICE_H
#define TD__KERNELS_SERVICE_H

#include <td/kernels.h>

extern const td_kernels_api td__kernels_service;

#endif
