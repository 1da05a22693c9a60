/* The optimizers and learning-rate schedules the host brings. */
#ifndef TD__OPTIM_H
#define TD__OPTIM_H

/* Each registers its types; 0, or -1 with the reason logged. */
int td__register_optimizers(void); /* SGD, Adam, AdamW */
int td__register_schedulers(void);

#endif
