/* Checkpoints: all a run needs to go on to the same bits.
 *
 * OUT/checkpoints/last.json is the manifest and names the data file, state-<step>.safetensors.  The data is written
 * first under its new name, then the manifest is replaced: whenever the process dies, the manifest names a complete
 * file. */
#ifndef TD__CHECKPOINT_H
#define TD__CHECKPOINT_H

#include "host/train/accuracy.h"
#include "host/train/stage.h"

/* Where a run stands: what it would do next. */
typedef struct td__position {
    int64_t stage, stage_epoch, batch; /* in the stage, in its epoch */
    int64_t epoch, step;               /* counted over all stages */
} td__position;

/* An accuracy on the validation data and the epoch it was reached in. */
typedef struct td__score {
    int64_t epoch; /* counted from 1; 0: none yet */
    td__accuracy accuracy;
} td__score;

#define TD__RECENT 5

typedef struct td__manifest {
    char file[64];
    td__position at;
    td__score best, recent[TD__RECENT]; /* the newest first */
    double seconds; /* of training so far, evaluation left out */
    double wall;    /* of everything so far, in all processes that took part */
    int64_t images; /* trained on in them */
    uint64_t seed;
    char backend[64];
    int bf16;
    int64_t backwards, updates, schedule;
    char config_hash[65];
} td__manifest;

/* Writes models, stage and optimiser to `dir`, then drops older data files.  0, or -1 and c fails. */
int td__checkpoint_save(td__experiment *x, td__train_stage *s, const char *dir, td__manifest *m);
/* 1: read, 0: there is none, -1: it is broken and c fails. */
int td__checkpoint_read(td_ctx *c, const char *dir, td__manifest *m);
/* Fills models and the opened stage from the file the manifest names.  0, or -1 and c fails. */
int td__checkpoint_load(td__experiment *x, td__train_stage *s, const char *dir, const td__manifest *m);

#endif
