/* What the data side registers itself. */
#ifndef TD__DATA_BUILTINS_H
#define TD__DATA_BUILTINS_H

/* 0, or -1 with the reason logged. */
int td__register_samplers(void);
int td__register_functions(void);

#endif
