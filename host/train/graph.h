/* Steps as graphs of the backend: once a step repeats itself it is captured, and from then on replayed. */
#ifndef TD__GRAPH_H
#define TD__GRAPH_H

#include "host/train/stage.h"

/* What a stage's steps need on a backend that captures.  NULL and c fails: out of memory.  A step can be captured when
 * the step before it did the same (backend/trace.h), what changes lies on the backend (batch, clock, schedule), no
 * gradient waits for the next step, and nothing it makes outlives it.  A step that reads tensors on the host never is;
 * a line in the log then says why.  In each epoch one step is done without the graph, and the graph stays if that step
 * did what it holds: so a loss may change with the epoch.  A loss that changes within an epoch must read the step
 * (td_io_head) or a tensor on the host in each of the first steps; then it is not captured.  TDHOST_GRAPHS=0 turns all
 * of this off. */
td__step_graph *td__step_graph_new(td_ctx *c);
void td__step_graph_free(td__step_graph *g); /* NULL is fine */
/* As td__stage_step, which calls it. */
td_tensor *td__step_graph_step(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step);
/* Where the teacher's branch of a step takes its memory. */
struct td__pool *td__step_graph_side(td__step_graph *g);
/* Replays so far, for reports and tests. */
int64_t td__step_graph_replays(const td__step_graph *g);

#endif
