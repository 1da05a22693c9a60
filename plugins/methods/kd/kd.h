#ifndef KD_H
#define KD_H
#include <td/td.h>

/* Logits [B,C] of zero mean and unit standard deviation; see standardize.c. */
TD_HIDDEN td_tensor *kd_standardize(td_ctx *c, td_tensor *z, double eps);
extern TD_HIDDEN const td_loss_wrapper_type kd_logit_standardization;

#endif
