/* Streams, events, memory and graphs without a device.  Work is run as late, as interleaved and in as odd an order as
 * CUDA allows: after each call streams go on by a number of steps that is drawn, a graph's nodes run in any order their
 * edges leave, new and freed memory is filled with NaN, pinned memory is read only when its copy runs. */
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/cuda_on_host/kernel.h"

typedef std::function<void()> work;
typedef std::vector<size_t> nodes; /* by number */

struct node {
    work run;
    nodes after;
};
struct CUgraph_st {
    std::vector<node> all;
    bool broken;
};
struct CUgraphExec_st {
    std::shared_ptr<const std::vector<node>> all;
};
struct item { /* work, or the event it waits for */
    work run;
    cudaEvent_t wait;
    uint64_t version;
};
struct CUstream_st {
    std::deque<item> queue;
    cudaGraph_t graph; /* being captured, or NULL */
    nodes tail;        /* what its next node comes after */
};
struct CUevent_st {
    uint64_t recorded, reached; /* how often */
    cudaStream_t stream;
    cudaGraph_t graph; /* it was recorded while this was captured */
    nodes tail;
};

static std::recursive_mutex lock;
static std::vector<cudaStream_t> streams;
static std::map<char *, size_t> memory, pinned;
static cudaError_t last;
static size_t taken;
#define ALL_MEMORY ((size_t)4 << 30)

#define CALL const std::lock_guard<std::recursive_mutex> held(lock)

static unsigned draw(unsigned below)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((state >> 33) % below);
}

/* ---- streams ---- */

static void advance(cudaStream_t s)
{
    item next = std::move(s->queue.front());
    s->queue.pop_front();
    while (next.wait && next.wait->reached < next.version)
        advance(next.wait->stream);
    if (next.run)
        next.run();
}

static void drain(cudaStream_t s)
{
    while (!s->queue.empty())
        advance(s);
}

static void go_on()
{
    for (cudaStream_t s : streams)
        for (unsigned n = draw(2) * draw(8); n && !s->queue.empty(); n--)
            advance(s);
}

static void append(cudaStream_t s, item i)
{
    s->queue.push_back(std::move(i));
    go_on();
}

cudaError_t device::status(cudaError_t e)
{
    CALL;
    if (e)
        last = e;
    return e;
}
using device::status;

void device::undefined(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void device::queue(cudaStream_t s, work run)
{
    CALL;
    if (!s->graph) {
        append(s, {std::move(run), nullptr, 0});
        return;
    }
    s->graph->all.push_back({std::move(run), s->tail});
    s->tail = {s->graph->all.size() - 1};
}

/* What may not be done while s is captured spoils the capture. */
static bool refuses(cudaStream_t s)
{
    if (s->graph)
        s->graph->broken = true;
    return s->graph;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned)
{
    CALL;
    streams.push_back(*s = new CUstream_st{});
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    CALL;
    drain(s);
    streams.erase(std::find(streams.begin(), streams.end(), s));
    delete s;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    CALL;
    if (refuses(s))
        return status(cudaErrorStreamCaptureUnsupported);
    drain(s);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned)
{
    CALL;
    const bool ended = e->graph && std::none_of(streams.begin(), streams.end(), [=](cudaStream_t other) {
        return other->graph == e->graph;
    });
    if (ended || (s->graph && e->graph != s->graph && e->recorded))
        return refuses(s), status(cudaErrorStreamCaptureIsolation);
    if (!e->graph) {
        append(s, {nullptr, e, e->recorded});
        return cudaSuccess;
    }
    s->graph = e->graph; /* it joins the capture */
    s->tail.insert(s->tail.end(), e->tail.begin(), e->tail.end());
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned)
{
    *e = new CUevent_st{};
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    CALL;
    if (e->stream)
        drain(e->stream);
    delete e;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    CALL;
    e->graph = s->graph;
    e->tail = s->tail;
    e->stream = s;
    const uint64_t version = ++e->recorded;
    if (s->graph)
        e->reached = version;
    else
        append(s, {[=] { e->reached = version; }, nullptr, 0});
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    CALL;
    if (e->graph)
        return e->graph->broken = true, status(cudaErrorStreamCaptureUnsupported);
    while (e->reached < e->recorded)
        advance(e->stream);
    return cudaSuccess;
}

/* ---- memory ---- */

static bool lies_in(const std::map<char *, size_t> &blocks, const void *p, size_t bytes)
{
    auto after = blocks.upper_bound((char *)p);
    return after != blocks.begin() && (char *)p + bytes <= std::prev(after)->first + std::prev(after)->second;
}

static char *take(std::map<char *, size_t> &blocks, size_t bytes)
{
    char *p = (char *)std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(p, 0xff, bytes);
    blocks[p] = bytes;
    return p;
}

static void give(std::map<char *, size_t> &blocks, void *p)
{
    auto at = blocks.find((char *)p);
    if (at == blocks.end())
        device::undefined("freeing what is not allocated", __FILE__, __LINE__);
    memset(p, 0xff, at->second);
    blocks.erase(at);
    free(p);
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned)
{
    CALL;
    *p = take(pinned, bytes);
    return cudaSuccess;
}

/* As CUDA's, it waits for the device. */
cudaError_t cudaFreeHost(void *p)
{
    CALL;
    for (cudaStream_t s : streams)
        drain(s);
    give(pinned, p);
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t s)
{
    CALL;
    if (refuses(s))
        return status(cudaErrorStreamCaptureUnsupported);
    if (taken + bytes > ALL_MEMORY)
        return status(cudaErrorMemoryAllocation);
    taken += bytes;
    *p = take(memory, bytes);
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t s)
{
    CALL;
    if (refuses(s))
        return status(cudaErrorStreamCaptureUnsupported);
    append(s, {[=] {
                   taken -= memory.at((char *)p);
                   give(memory, p);
               }, nullptr, 0});
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    CALL;
    *available = ALL_MEMORY - taken;
    *total = ALL_MEMORY;
    return cudaSuccess;
}

/* From pageable memory the runtime copies before it returns; a graph must not hold such a copy. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t s)
{
    CALL;
    const bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
    if (lies_in(memory, to, bytes) != to_device || lies_in(memory, from, bytes) != from_device)
        return status(cudaErrorInvalidValue);
    if (from_device || lies_in(pinned, from, bytes)) {
        device::queue(s, [=] { memcpy(to, from, bytes); });
        return cudaSuccess;
    }
    if (refuses(s))
        return status(cudaErrorStreamCaptureUnsupported);
    device::queue(s, [to, aside = std::vector<char>((const char *)from, (const char *)from + bytes)] {
        memcpy(to, aside.data(), aside.size());
    });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int byte, size_t bytes, cudaStream_t s)
{
    CALL;
    if (!lies_in(memory, p, bytes))
        return status(cudaErrorInvalidValue);
    device::queue(s, [=] { memset(p, byte, bytes); });
    return cudaSuccess;
}

/* ---- graphs ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode)
{
    CALL;
    if (s->graph)
        return status(cudaErrorInvalidValue);
    s->graph = new CUgraph_st{};
    s->tail.clear();
    return cudaSuccess;
}

/* Marks what node i comes after, and i. */
static void mark(const CUgraph_st *g, size_t i, std::vector<bool> &marked)
{
    if (marked[i])
        return;
    marked[i] = true;
    for (size_t k : g->all[i].after)
        mark(g, k, marked);
}

cudaError_t cudaStreamEndCapture(cudaStream_t origin, cudaGraph_t *out)
{
    CALL;
    cudaGraph_t g = origin->graph;
    cudaError_t e = !g ? cudaErrorInvalidValue : g->broken ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
    *out = nullptr;
    if (!g)
        return status(e);
    std::vector<bool> joined(g->all.size());
    for (size_t i : origin->tail)
        mark(g, i, joined);
    for (cudaStream_t s : streams)
        if (s->graph == g) {
            for (size_t i : s->tail)
                if (!e && !joined[i])
                    e = cudaErrorStreamCaptureUnjoined;
            s->graph = nullptr;
            s->tail.clear();
        }
    if (e)
        delete g;
    else
        *out = g;
    return status(e);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new CUgraphExec_st{std::make_shared<const std::vector<node>>(graph->all)};
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec; /* a launch that was queued has its own hold on the nodes */
    return cudaSuccess;
}

/* All nodes, of those that wait for none any one first. */
static void run_graph(const std::vector<node> &all)
{
    std::vector<size_t> missing(all.size()), ready;
    std::vector<nodes> before(all.size());
    for (size_t i = 0; i < all.size(); i++) {
        missing[i] = all[i].after.size();
        for (size_t k : all[i].after)
            before[k].push_back(i);
        if (!missing[i])
            ready.push_back(i);
    }
    while (!ready.empty()) {
        std::swap(ready[draw((unsigned)ready.size())], ready.back());
        const size_t i = ready.back();
        ready.pop_back();
        all[i].run();
        for (size_t k : before[i])
            if (!--missing[k])
                ready.push_back(k);
    }
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t s)
{
    CALL;
    append(s, {[all = exec->all] { run_graph(*all); }, nullptr, 0});
    return cudaSuccess;
}

/* ---- the device ---- */

const char *cudaGetErrorName(cudaError_t e) { return e ? "cudaError" : "cudaSuccess"; }

const char *cudaGetErrorString(cudaError_t e)
{
    switch (e) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureUnjoined: return "capturing stream has unjoined work";
    case cudaErrorStreamCaptureIsolation: return "dependency created on uncaptured work in another stream";
    default: return "invalid argument";
    }
}

cudaError_t cudaGetLastError(void)
{
    CALL;
    return std::exchange(last, cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int) { return cudaSuccess; }

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr, int)
{
    *value = 9;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int)
{
    *pool = nullptr;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, enum cudaMemPoolAttr, void *) { return cudaSuccess; }
