// A libcuda.so.1 whose device is the processor: device memory is ordinary memory with a guard page behind it, kernels
// are src/gpu/cuda/kernels.cu compiled by g++. Streams are queues that run only while somebody asks for an event, in an
// order that is legal and inconvenient (mock_order). Functions named mock_… set up and inspect it.
//
// Documented behaviour it keeps: a current context is demanded, errors of a crashed kernel stick to everything after,
// a plain copy does not wait for non-blocking streams.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "device.h"

#include "../../../src/gpu/cuda/kernels.cu"

namespace {

using Result = int;
using Pointer = uint64_t;
enum : Result {
  SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
  INVALID_IMAGE = 200, INVALID_CONTEXT = 201, UNSUPPORTED_PTX = 222, INVALID_HANDLE = 400, NOT_FOUND = 500,
  NOT_READY = 600, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801,
};

struct Event {
  int recorded = 0, reached = 0; // how often it was put into a stream, and which of these were reached
  double ms = 0;
};
// A mark of an event: to wait for it is to wait for what was recorded at that time, not later (cuStreamWaitEvent).
struct Mark { Event *event = nullptr; int number = 0; bool reached() const { return event == nullptr || event->reached >= number; } };
struct Operation { std::function<const char *()> run; Mark records, waits; };
struct Stream { std::deque<Operation> queue; };
struct Allocation { void *map; size_t map_bytes, bytes; };
struct Failure { std::string call; Result result; int after; };

struct Mock {
  int devices = 1, major = 9, minor = 0;
  uint64_t memory = 80ull << 30, used = 0;
  bool eager = false, initialized = false;
  Order order;
  std::vector<Failure> failures;
  Result sticky = SUCCESS;
  int contexts = 0, modules = 0;
  std::map<Pointer, Allocation> allocations;
  std::vector<Stream *> streams;
  int events = 0, pinned = 0;
} mock;
thread_local void *current;

double now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

bool sticks(Result r) { return r == 700 || (r >= 710 && r <= 719); }

// What a call begins with: planted failures, sticky errors, the context it demands.
Result enter(const char *call, bool needs_context) {
  if (mock.sticky != SUCCESS) return mock.sticky;
  for (Failure &failure : mock.failures) {
    if (failure.call == call && failure.after-- == 0) {
      if (sticks(failure.result)) mock.sticky = failure.result;
      return failure.result;
    }
  }
  if (!mock.initialized) return NOT_INITIALIZED;
  return needs_context && current == nullptr ? INVALID_CONTEXT : SUCCESS;
}
#define ENTER_ANYWHERE() if (const Result r = enter(__func__, false)) return r
#define ENTER() if (const Result r = enter(__func__, true)) return r

// ---- kernels by name; arguments are copied when the launch is queued, as the driver does ----

using Launch = std::function<void()>;
template <class... A, size_t... I>
Launch bind_each(void (*kernel)(A...), void **values, std::index_sequence<I...>) {
  return [kernel, copy = std::tuple<A...>{*(A *)values[I]...}] { std::apply(kernel, copy); };
}
template <class... A> Launch bind(void (*kernel)(A...), void **values) {
  return bind_each(kernel, values, std::index_sequence_for<A...>());
}
struct Kernel { const char *name; Launch (*bind)(void **values); };
#define KERNEL(name) {#name, [](void **values) { return bind(name, values); }}
const Kernel kernels[] = {KERNEL(random_rows), KERNEL(slow_fill), KERNEL(digest_pages), KERNEL(hops),
                          KERNEL(hash_leaves), KERNEL(hash_levels), KERNEL(gemm_warp32), KERNEL(gemm_warp64)};

// ---- streams ----

// Runs the first operation of a stream; false when there is none, or it waits for another stream.
bool advance(Stream *stream) {
  if (stream->queue.empty()) return false;
  const Operation &operation = stream->queue.front();
  if (!operation.waits.reached()) return false;
  if (operation.run) {
    if (const char *fault = operation.run()) {
      fprintf(stderr, "mock libcuda: %s\n", fault);
      mock.sticky = LAUNCH_FAILED;
    }
  }
  if (Event *event = operation.records.event) {
    event->reached = operation.records.number;
    event->ms = now_ms();
  }
  stream->queue.pop_front();
  return true;
}

// One operation nearer to a mark. Lazy: only what it needs. Eager: whatever can run, oldest stream first.
bool step_towards(const Mark &mark) {
  if (mock.eager) {
    for (Stream *stream : mock.streams) if (advance(stream)) return true;
    return false;
  }
  for (Stream *stream : mock.streams) {
    for (const Operation &operation : stream->queue) {
      if (operation.records.event != mark.event || operation.records.number != mark.number) continue;
      const Mark waits = stream->queue.front().waits;
      return waits.reached() ? advance(stream) : step_towards(waits);
    }
  }
  return false;
}

void drain() {
  for (bool any = true; any;) {
    any = false;
    for (Stream *stream : mock.streams) while (advance(stream)) any = true;
  }
}

bool inside(Pointer at, size_t bytes) {
  auto next = mock.allocations.upper_bound(at);
  if (next == mock.allocations.begin()) return false;
  const auto &[start, allocation] = *--next;
  return at + bytes <= start + allocation.bytes;
}

} // namespace

extern "C" {

void mock_reset() {
  mock = Mock{};
  current = nullptr;
}
void mock_device(int devices, int major, int minor, uint64_t memory) {
  mock.devices = devices;
  mock.major = major;
  mock.minor = minor;
  mock.memory = memory;
}
// eager: see step_towards; threads: 0 ascending, 1 descending, 2 shuffled; copies_late: see Order.
void mock_order(int eager, int threads, int copies_late) {
  mock.eager = eager != 0;
  mock.order.threads = (decltype(mock.order.threads))threads;
  mock.order.copies_late = copies_late != 0;
}
// The call of this name fails with `result` after it was called `after` times; as crashes do, those of kernels stick.
void mock_fail(const char *call, int result, int after) { mock.failures.push_back({call, result, after}); }
// What one device function computes, for sizes that would take too long to run whole.
void mock_tile_of(uint32_t block, uint32_t tiles, uint32_t *row, uint32_t *column) {
  tile_of(block, tiles, *row, *column);
}
// Matrix loads whose rows shared banks, since the library was loaded.
int mock_bank_conflicts() { return (int)bank_conflicts; }
// What is still held: memory, streams, events, modules and contexts together.
int mock_held() {
  return (int)(mock.allocations.size() + mock.streams.size()) + mock.events + mock.modules + mock.contexts + mock.pinned;
}

Result cuInit(unsigned) {
  mock.initialized = true;
  ENTER_ANYWHERE();
  return mock.devices == 0 ? NO_DEVICE : SUCCESS;
}
Result cuDriverGetVersion(int *version) {
  *version = 12080;
  return SUCCESS;
}
Result cuGetErrorName(Result result, const char **name) {
  static const std::map<Result, const char *> names = {
      {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"}, {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
      {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"}, {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
      {UNSUPPORTED_PTX, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}, {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"}};
  const auto found = names.find(result);
  if (found == names.end()) return INVALID_VALUE;
  *name = found->second;
  return SUCCESS;
}
Result cuDeviceGetCount(int *count) {
  ENTER_ANYWHERE();
  *count = mock.devices;
  return SUCCESS;
}
Result cuDeviceGet(int *device, int index) {
  ENTER_ANYWHERE();
  *device = index;
  return index < mock.devices ? SUCCESS : INVALID_DEVICE;
}
Result cuDeviceGetName(char *name, int length, int device) {
  ENTER_ANYWHERE();
  snprintf(name, length, "Mock GPU %d", device);
  return SUCCESS;
}
Result cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
  ENTER_ANYWHERE();
  for (int i = 0; i < 16; i++) uuid[i] = (unsigned char)(16 * device + i);
  return SUCCESS;
}
Result cuDeviceTotalMem_v2(size_t *bytes, int) {
  ENTER_ANYWHERE();
  *bytes = mock.memory;
  return SUCCESS;
}
Result cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER_ANYWHERE();
  *value = attribute == 75 ? mock.major : attribute == 76 ? mock.minor : attribute == 16 ? 4 : 0;
  return SUCCESS;
}
Result cuDeviceGetPCIBusId(char *id, int length, int device) {
  ENTER_ANYWHERE();
  snprintf(id, length, "0000:%02x:00.0", 0xa1 + device);
  return SUCCESS;
}
Result cuDevicePrimaryCtxRetain(void **context, int device) {
  ENTER_ANYWHERE();
  mock.contexts++;
  *context = (void *)(uintptr_t)(0x1000 + device);
  return SUCCESS;
}
Result cuDevicePrimaryCtxRelease_v2(int) {
  mock.contexts--;
  return mock.sticky;
}
Result cuCtxSetCurrent(void *context) {
  ENTER_ANYWHERE();
  current = context;
  return SUCCESS;
}
Result cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  ENTER();
  *least = 0;
  *greatest = -5;
  return SUCCESS;
}
Result cuModuleLoadDataEx(void **module, const char *image, unsigned count, const int *options, void **values) {
  Result result = enter(__func__, true);
  if (result == SUCCESS && strstr(image, ".version 7.0\n.target sm_80\n") == nullptr) result = UNSUPPORTED_PTX;
  if (result != SUCCESS) { // JIT_ERROR_LOG_BUFFER, and its size as the value of the next option
    if (count == 2 && options[0] == 5 && options[1] == 6) {
      snprintf((char *)values[0], (size_t)values[1], "ptxas: the mock does not like line %d", 7);
    }
    return result;
  }
  mock.modules++;
  *module = strdup(image);
  return SUCCESS;
}
Result cuModuleUnload(void *module) {
  mock.modules--;
  free(module);
  return mock.sticky;
}
Result cuModuleGetFunction(void **function, const char *module, const char *name) {
  ENTER();
  if (strstr(module, (".entry " + std::string(name) + "(").c_str()) == nullptr) return NOT_FOUND;
  for (const Kernel &kernel : kernels) {
    if (strcmp(kernel.name, name) == 0) {
      *function = (void *)&kernel;
      return SUCCESS;
    }
  }
  return NOT_FOUND;
}
Result cuMemGetInfo_v2(size_t *available, size_t *total) {
  ENTER();
  *available = mock.memory - mock.used;
  *total = mock.memory;
  return SUCCESS;
}
Result cuMemAlloc_v2(Pointer *pointer, size_t bytes) {
  ENTER();
  if (bytes == 0) return INVALID_VALUE;
  if (mock.used + bytes > mock.memory) return OUT_OF_MEMORY;
  const size_t aligned = (bytes + 255) / 256 * 256, pages = (aligned + 4095) / 4096 * 4096;
  void *map = mmap(nullptr, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return OUT_OF_MEMORY;
  mprotect((char *)map + pages, 4096, PROT_NONE);
  *pointer = (Pointer)(uintptr_t)map + pages - aligned;
  mock.allocations[*pointer] = {map, pages + 4096, bytes};
  mock.used += bytes;
  return SUCCESS;
}
Result cuMemFree_v2(Pointer pointer) {
  const auto found = mock.allocations.find(pointer);
  if (found == mock.allocations.end()) return INVALID_VALUE;
  if (mock.sticky == SUCCESS) drain();
  munmap(found->second.map, found->second.map_bytes);
  mock.used -= found->second.bytes;
  mock.allocations.erase(found);
  return mock.sticky;
}
Result cuMemcpyDtoH_v2(void *to, Pointer from, size_t bytes) {
  ENTER();
  if (!inside(from, bytes)) return INVALID_VALUE;
  memcpy(to, (void *)(uintptr_t)from, bytes);
  return SUCCESS;
}
Result cuMemAllocHost_v2(void **pointer, size_t bytes) {
  ENTER();
  if (bytes == 0) return INVALID_VALUE;
  *pointer = calloc(1, bytes);
  mock.pinned++;
  return SUCCESS;
}
Result cuMemFreeHost(void *pointer) {
  ENTER();
  drain();
  free(pointer);
  mock.pinned--;
  return SUCCESS;
}
Result cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t bytes, Stream *stream) {
  ENTER();
  if (!inside(to, bytes)) return INVALID_VALUE;
  stream->queue.push_back({[=] { memcpy((void *)(uintptr_t)to, from, bytes); return nullptr; }, {}, {}});
  return SUCCESS;
}
Result cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, Stream *stream) {
  ENTER();
  if (!inside(from, bytes) || !inside(to, bytes)) return INVALID_VALUE;
  stream->queue.push_back({[=] { memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes); return nullptr; }, {}, {}});
  return SUCCESS;
}
Result cuStreamCreateWithPriority(Stream **stream, unsigned flags, int) {
  ENTER();
  if (flags != 1) return NOT_SUPPORTED; // a plain copy would wait for it, which is not played here
  mock.streams.push_back(*stream = new Stream);
  return SUCCESS;
}
Result cuStreamDestroy_v2(Stream *stream) {
  if (mock.sticky == SUCCESS) drain();
  for (auto at = mock.streams.begin(); at != mock.streams.end(); ++at) {
    if (*at != stream) continue;
    mock.streams.erase(at);
    delete stream;
    return mock.sticky;
  }
  return INVALID_HANDLE;
}
Result cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  ENTER();
  stream->queue.push_back({nullptr, {}, {event, event->recorded}});
  return SUCCESS;
}
Result cuEventCreate(Event **event, unsigned) {
  ENTER();
  mock.events++;
  *event = new Event;
  return SUCCESS;
}
Result cuEventDestroy_v2(Event *event) {
  if (mock.sticky == SUCCESS) drain();
  mock.events--;
  delete event;
  return mock.sticky;
}
Result cuEventRecord(Event *event, Stream *stream) {
  ENTER();
  stream->queue.push_back({nullptr, {event, ++event->recorded}, {}});
  return SUCCESS;
}
Result cuEventQuery(Event *event) {
  ENTER();
  const Mark last = {event, event->recorded};
  if (last.reached()) return SUCCESS;
  if (!step_towards(last)) return INVALID_HANDLE; // nothing will ever record it
  return mock.sticky != SUCCESS ? mock.sticky : NOT_READY;
}
Result cuEventElapsedTime(float *ms, Event *from, Event *to) {
  ENTER();
  if (from->reached < from->recorded || to->reached < to->recorded) return NOT_READY;
  *ms = (float)(to->ms - from->ms);
  return SUCCESS;
}
Result cuLaunchKernel(const Kernel *kernel, unsigned blocks, unsigned blocks_y, unsigned blocks_z, unsigned threads,
                      unsigned threads_y, unsigned threads_z, unsigned shared, Stream *stream, void **values, void **) {
  ENTER();
  const bool flat = blocks_y == 1 && blocks_z == 1 && threads_y == 1 && threads_z == 1;
  if (!flat || blocks == 0 || threads == 0 || threads > 1024 || shared != 0) return INVALID_VALUE;
  const Launch launch = kernel->bind(values);
  stream->queue.push_back({[=] { return run_on_cpu(blocks, threads, launch, mock.order); }, {}, {}});
  return SUCCESS;
}

} // extern "C"
