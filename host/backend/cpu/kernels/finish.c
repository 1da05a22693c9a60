#include "host/backend/cpu/kernels/finish.h"

#include "host/backend/cpu/kernels/common.h"

struct pieces {
    const td__finish *finish;
    int64_t per_piece;
};

static void run_piece(void *arg, int64_t piece)
{
    const struct pieces *p = arg;
    int64_t first = piece * p->per_piece;
    p->finish->run(p->finish->work, first, min(p->per_piece, p->finish->pixels - first));
}

void td__finish_all(const td__finish *finish)
{
    if (!finish)
        return;
    struct pieces p = {finish, max(GRAIN / max(finish->channels, 1), 1)};
    in_parallel(ceil_div(finish->pixels, p.per_piece), (double)(finish->pixels * finish->channels) * 4, run_piece, &p);
}
