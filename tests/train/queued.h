/* A backend for tests that queues its work as a device would, and computes with the reference's kernels: a second
 * branch runs as late as it may, and a captured step only when it is replayed. */
#ifndef TESTS_TRAIN_QUEUED_H
#define TESTS_TRAIN_QUEUED_H

#include <td/kinds.h>

extern const td_backend_type queued_backend; /* key "queued" */
extern int64_t queued_replays;               /* since the test began */
extern size_t queued_memory;                 /* bytes it has; 0: no limit */

#endif
