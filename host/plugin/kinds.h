/* The kinds of things a plugin registers: names, sizes, and what each must bring. */
#ifndef TD__KINDS_H
#define TD__KINDS_H

#include <td/td.h>

/* Bytes of the kind's descriptor as this host knows it; 0: no such kind. */
uint32_t td__kind_size(uint32_t kind);
/* What is wrong with a descriptor of td__kind_size bytes (missing functions, a parameter table that does not fit its
 * struct), malloc'ed; NULL: nothing.  `key` names it in the text. */
char *td__kind_check(uint32_t kind, const char *key, const void *descriptor);

#endif
