/* Testing trained models. */
#ifndef TD__TEST_H
#define TD__TEST_H

#include "host/train/report.h"

/* Tests the student (or model) on the test data, and the teacher with it if asked; prints each line.  *out: {"student":
 * …, "teacher": …}, a new object, null where the file has no test data.  TD__EXIT_OK, or the exit code and c fails. */
int td__test_models(td__experiment *x, int with_teacher, json_t **out);
/* On stdout; TD__EXIT_OK or TD__EXIT_FAILED with the reason logged. */
int td__print_json(const json_t *j);

#endif
