/* Blocks of threads as fibers. */
#include <ucontext.h>

#include <cstdlib>
#include <vector>

#include "tests/cuda_on_host/kernel.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace device {

#define STACK ((size_t)128 << 10)
#define MOST_THREADS 1024u
#define WARP 32u

enum state { READY, AT_BARRIER, AT_SHUFFLE, DONE };

struct fiber {
    ucontext_t context;
    std::vector<char> stack;
    state at;
    const char *file; /* where it waits */
    int line;
    unsigned char given[2][16]; /* to shuffles, in turns: one is read while the next is filled */
    unsigned turn;
};

static std::vector<fiber> fibers(MOST_THREADS);
static ucontext_t scheduler;
static unsigned current;
static const std::function<void()> *body;
static bool in_fibers, waited;

static void set_thread(unsigned i)
{
    current = i;
    threadIdx = dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y));
}

static void run_fiber()
{
    (*body)();
    fibers[current].at = DONE;
    swapcontext(&fibers[current].context, &scheduler);
}

static void start(fiber &f)
{
    f.stack.resize(STACK);
    f.at = READY;
    f.turn = 0;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.data();
    f.context.uc_stack.ss_size = STACK;
    f.context.uc_link = &scheduler;
    makecontext(&f.context, run_fiber, 0);
}

static void wait(state at, const char *file, int line)
{
    if (!in_fibers)
        undefined("a barrier or shuffle that not all blocks reach", file, line);
    fiber &f = fibers[current];
    f.at = at;
    f.file = file;
    f.line = line;
    waited = true;
    swapcontext(&f.context, &scheduler);
}

void barrier(const char *file, int line) { wait(AT_BARRIER, file, line); }

void exchange(void *value, size_t bytes, unsigned mask, const char *file, int line)
{
    fiber &f = fibers[current];
    const unsigned turn = f.turn++ & 1;
    if (bytes > sizeof f.given[0])
        undefined("a shuffle of more than 16 bytes", file, line);
    memcpy(f.given[turn], value, bytes);
    wait(AT_SHUFFLE, file, line);
    memcpy(value, fibers[current ^ mask].given[turn], bytes);
}

/* Whether threads [from, to) all wait for `at`, where those that ended do not count if `ended` is allowed. */
static bool all_wait(unsigned from, unsigned to, state at, bool ended)
{
    const fiber *first = nullptr;
    for (unsigned i = from; i < to; i++) {
        const fiber &f = fibers[i];
        if (f.at == DONE && ended)
            continue;
        if (f.at != at)
            return false;
        if (first && (first->line != f.line || strcmp(first->file, f.file)))
            undefined("another barrier or shuffle than the one its neighbours wait at", f.file, f.line);
        first = &f;
    }
    return first;
}

static bool release(unsigned from, unsigned to, state at, bool ended)
{
    if (!all_wait(from, to, at, ended))
        return false;
    for (unsigned i = from; i < to; i++)
        if (fibers[i].at == at)
            fibers[i].at = READY;
    return true;
}

/* As fibers; `stride` is odd and says in which order. */
static void run_block(unsigned threads, unsigned first, unsigned stride)
{
    unsigned round = 1;
    for (unsigned i = 0; i < threads; i++)
        start(fibers[i]);
    while (round < threads)
        round *= 2;
    for (bool going = true; going;) {
        for (unsigned k = 0; k < round; k++) {
            const unsigned i = (first + k * stride) % round;
            if (i >= threads || fibers[i].at != READY)
                continue;
            set_thread(i);
            swapcontext(&scheduler, &fibers[i].context);
        }
        going = release(0, threads, AT_BARRIER, true);
        for (unsigned warp = 0; warp + WARP <= threads; warp += WARP)
            going |= release(warp, warp + WARP, AT_SHUFFLE, false);
    }
    for (unsigned i = 0; i < threads; i++)
        if (fibers[i].at != DONE)
            undefined("a barrier or shuffle that not all threads reach", fibers[i].file, fibers[i].line);
}

/* Threads that were seen not to wait need no fibers. */
static void run_plain(unsigned threads)
{
    for (unsigned i = 0; i < threads; i++) {
        set_thread(i);
        (*body)();
    }
}

static void run_grid(dim3 grid, dim3 block, const std::function<void()> &thread)
{
    static unsigned launches;
    const unsigned blocks = grid.x * grid.y * grid.z, threads = block.x * block.y * block.z, turn = launches++;
    gridDim = grid;
    blockDim = block;
    body = &thread;
    in_fibers = true;
    waited = false;
    for (unsigned k = 0; k < blocks; k++) {
        const unsigned b = turn & 1 ? blocks - 1 - k : k;
        blockIdx = dim3(b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y));
        if (in_fibers)
            run_block(threads, turn * 7, turn * 2 + 1);
        else
            run_plain(threads);
        in_fibers = waited;
    }
    in_fibers = false;
}

void launch(dim3 grid, dim3 block, cudaStream_t s, std::function<void()> thread)
{
    const bool fits = grid.x && grid.y && grid.z && grid.x <= INT32_MAX && grid.y <= 65535 && grid.z <= 65535 &&
                      block.x && block.y && block.z && block.x * block.y * block.z <= MOST_THREADS && block.z <= 64;
    if (status(fits ? cudaSuccess : cudaErrorInvalidConfiguration) == cudaSuccess)
        queue(s, [=] { run_grid(grid, block, thread); });
}

} // namespace device
