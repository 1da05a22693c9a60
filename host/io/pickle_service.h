/* The service "td.pickle/1" that plugins get (see td/pickle.h). */
#ifndef TD__PICKLE_SERVICE_H
#define TD__PICKLE_SERVICE_H

#include <td/pickle.h>

extern const td_pickle_api td__pickle_service;

#endif
