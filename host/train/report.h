/* What a run leaves in its folder: config.yaml, log.jsonl, result.json (and checkpoints/, see checkpoint.h). */
#ifndef TD__REPORT_H
#define TD__REPORT_H

#include <jansson.h>

#include "host/train/checkpoint.h"

typedef struct td__report {
    char *dir, *checkpoints;
    FILE *log;
    char config_hash[65]; /* SHA-256 of config.yaml */
} td__report;

/* Makes the folder (o->out, or runs/<config>-<time>) and writes the resolved configuration.  A folder that holds
 * something is refused; with o->resume it must hold a run of the same configuration, else the difference is named.
 * Until td__report_close no other run can open the folder (a lock on log.jsonl).  TD__EXIT_OK, or the exit code with the message printed. */
int td__report_open(td__report *r, td__experiment *x);
void td__report_close(td__report *r);
/* One line of log.jsonl; takes `line`.  0, or -1 and c fails. */
int td__report_log(td_ctx *c, td__report *r, json_t *line);

/* {"n", "top1", "top5", "top1_percent", "top5_percent"} */
json_t *td__accuracy_json(const td__accuracy *a);
/* The same with "epoch"; null where there is none yet. */
json_t *td__score_json(const td__score *s);
/* "9339 of 10000 right, 93.39 % (top-5 99.81 %)" into buf. */
char *td__accuracy_text(const td__accuracy *a, char *buf, size_t size);
/* What the numbers were made with: versions, hashes of plugins, weights and configuration, seed, backend, threads. */
json_t *td__provenance_json(td__experiment *x);
/* {"teacher": {...}, "student": {...}} (or "model"), each {"best", "last", "mean_of_last_5", "final"}: of what was
 * trained (m; NULL: nothing) the validations and the test of the best, of the others the test throughout.  test: by
 * model. */
json_t *td__models_json(const td__experiment *x, const td__manifest *m, const json_t *test);
/* All of result.json; NULL: out of memory. */
json_t *td__result_json(td__experiment *x, const td__report *report, const td__manifest *m, const json_t *test);
/* Writes `result` to path atomically.  0, or -1 and c fails. */
int td__json_write(td_ctx *c, const json_t *result, const char *path);

#endif
