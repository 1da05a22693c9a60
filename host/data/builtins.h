/* What the data side registers itself. */
#ifndef TD__DATA_BUILTINS_H
#define TD__DATA_BUILTINS_H

/* Samplers and functions.  0, or -1 with the reason logged. */
int td__register_data(void);

#endif
