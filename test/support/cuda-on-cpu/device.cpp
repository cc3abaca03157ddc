#include "device.h"

#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

uint64_t bank_conflicts;
Index threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr uint32_t WARP = 32;
constexpr size_t STACK_BYTES = 64 << 10;

enum State { ready, at_block_barrier, at_warp_instruction, exited };
enum Instruction { none, sum, matrices, multiply };

struct Copy { void *to; const void *from; };

struct Thread {
  State state;
  bool started;
  ucontext_t first;
  jmp_buf where;
  std::vector<std::vector<Copy>> groups; // committed, oldest first
  std::vector<Copy> open;                // since the last commit
  // The operands of the warp instruction it waits at, and where the results go.
  Instruction instruction;
  uint32_t value;
  const void *row;
  uint32_t a[4], b[2];
  void *result;
};

std::vector<Thread> threads;
std::unique_ptr<char[]> stacks;
size_t stacks_for = 0;
Thread *self;
jmp_buf scheduler;
const std::function<void()> *body;
const char *fault;
Order order;

void to_scheduler() { _longjmp(scheduler, 1); }

void wait(State state) {
  self->state = state;
  if (_setjmp(self->where) == 0) to_scheduler();
}

[[noreturn]] void fail(const char *why) {
  fault = why;
  to_scheduler();
  __builtin_unreachable();
}

void run(const std::vector<Copy> &copies) {
  for (const Copy &copy : copies) memcpy(copy.to, copy.from, 16);
}

void thread_main() {
  (*body)();
  self->state = exited; // copies that nobody waited for are never seen
  to_scheduler();
}

// The results of a warp's instruction, once all of its threads have come to it.
void execute(Thread *warp) {
  const Instruction instruction = warp[0].instruction;
  if (instruction == sum) {
    uint32_t total = 0;
    for (uint32_t t = 0; t < WARP; t++) total += warp[t].value;
    for (uint32_t t = 0; t < WARP; t++) *(uint32_t *)warp[t].result = total;
  } else if (instruction == matrices) { // PTX ISA, ldmatrix: .m8n8.x4.b16
    for (uint32_t m = 0; m < 4; m++) {
      uint32_t groups = 0; // of four banks, 16 B wide; a matrix is read at once when its rows lie in eight different ones
      for (uint32_t i = 0; i < 8; i++) groups |= 1u << ((uintptr_t)warp[m * 8 + i].row / 16 % 8);
      if (groups != 0xff) bank_conflicts++;
    }
    for (uint32_t t = 0; t < WARP; t++) {
      for (uint32_t m = 0; m < 4; m++) {
        const char *row = (const char *)warp[m * 8 + t / 4].row;
        memcpy((uint32_t *)warp[t].result + m, row + t % 4 * 4, 4);
      }
    }
  } else { // PTX ISA, mma.m16n8k32 with .s8: the fragments' rows and columns
    int8_t a[16][32], b[8][32];
    for (uint32_t t = 0; t < WARP; t++) {
      for (uint32_t i = 0; i < 4; i++) memcpy(&a[t / 4 + i % 2 * 8][t % 4 * 4 + i / 2 * 16], &warp[t].a[i], 4);
      for (uint32_t i = 0; i < 2; i++) memcpy(&b[t / 4][t % 4 * 4 + i * 16], &warp[t].b[i], 4);
    }
    for (uint32_t t = 0; t < WARP; t++) {
      for (uint32_t i = 0; i < 4; i++) {
        const int8_t *row = a[t / 4 + i / 2 * 8], *column = b[t % 4 * 2 + i % 2];
        int32_t dot = 0;
        for (uint32_t k = 0; k < 32; k++) dot += (int16_t)row[k] * (int16_t)column[k];
        ((int32_t *)warp[t].result)[i] += dot;
      }
    }
  }
}

void warp_instruction(Instruction instruction, void *result) {
  self->instruction = instruction;
  self->result = result;
  const uint32_t first = (uint32_t)(self - threads.data()) / WARP * WARP;
  if (first + WARP > threads.size()) fail("a warp is not whole");
  Thread *warp = &threads[first];
  self->state = at_warp_instruction;
  for (uint32_t t = 0; t < WARP; t++) {
    if (warp[t].state != at_warp_instruction) return wait(at_warp_instruction);
  }
  for (uint32_t t = 0; t < WARP; t++) {
    if (warp[t].instruction != instruction) fail("threads of a warp are at different instructions");
  }
  execute(warp);
  for (uint32_t t = 0; t < WARP; t++) warp[t].state = ready;
}

// Whether every thread that has not ended waits at the barrier; then all go on.
bool open_barrier() {
  bool any = false;
  for (const Thread &thread : threads) {
    if (thread.state == exited) continue;
    if (thread.state != at_block_barrier) return false;
    any = true;
  }
  if (!any) return false;
  for (Thread &thread : threads) {
    if (thread.state == at_block_barrier) thread.state = ready;
  }
  return true;
}

void resume(uint32_t i) {
  self = &threads[i];
  threadIdx = {i};
  if (_setjmp(scheduler) != 0) return;
  if (self->started) _longjmp(self->where, 1);
  self->started = true;
  setcontext(&self->first);
}

// Runs one warp until all of its threads wait for others: no warp keeps step with another unless it is made to.
bool run_warp(const uint32_t *lanes, uint32_t count) {
  bool any = false;
  for (bool again = true; again;) {
    again = false;
    for (uint32_t k = 0; k < count; k++) {
      if (threads[lanes[k]].state != ready) continue;
      any = again = true;
      resume(lanes[k]);
      if (fault != nullptr) return false;
    }
  }
  return any;
}

bool run_ready(const std::vector<uint32_t> &sequence) {
  bool any = false;
  for (uint32_t first = 0; first < sequence.size() && fault == nullptr; first += WARP) {
    if (run_warp(&sequence[first], std::min<uint32_t>(WARP, sequence.size() - first))) any = true;
  }
  return any && fault == nullptr;
}

// The numbers of all threads in the order in which they run, warp after warp.
std::vector<uint32_t> order_of(uint32_t count, std::mt19937 &random) {
  std::vector<uint32_t> warps((count + WARP - 1) / WARP), sequence;
  std::iota(warps.begin(), warps.end(), 0);
  if (order.threads == Order::shuffled) std::shuffle(warps.begin(), warps.end(), random);
  for (const uint32_t warp : warps) {
    const size_t from = sequence.size();
    for (uint32_t i = warp * WARP; i < std::min(count, (warp + 1) * WARP); i++) sequence.push_back(i);
    if (order.threads == Order::shuffled) std::shuffle(sequence.begin() + from, sequence.end(), random);
  }
  if (order.threads == Order::descending) std::reverse(sequence.begin(), sequence.end());
  return sequence;
}

void run_block(const std::vector<uint32_t> &sequence) {
  for (uint32_t i = 0; i < threads.size(); i++) {
    Thread &thread = threads[i];
    thread.state = ready;
    thread.started = false;
    thread.groups.clear();
    thread.open.clear();
    getcontext(&thread.first);
    thread.first.uc_stack.ss_sp = &stacks[i * STACK_BYTES];
    thread.first.uc_stack.ss_size = STACK_BYTES;
    thread.first.uc_link = nullptr;
    makecontext(&thread.first, thread_main, 0);
  }
  while (run_ready(sequence) || (fault == nullptr && open_barrier())) {
  }
  for (const Thread &thread : threads) {
    if (fault == nullptr && thread.state != exited) fault = "threads wait for others that never come";
  }
}

} // namespace

void __syncthreads() { wait(at_block_barrier); }

uint32_t warp_sum(uint32_t v) {
  uint32_t result;
  self->value = v;
  warp_instruction(sum, &result);
  return result;
}

void load_matrices(uint32_t r[4], const void *shared_row) {
  if ((uintptr_t)shared_row % 16 != 0) fail("a row of a matrix is not aligned to 16 B");
  self->row = shared_row;
  warp_instruction(matrices, r);
}

void multiply_accumulate(int32_t sums[4], const uint32_t a[4], uint32_t b0, uint32_t b1) {
  memcpy(self->a, a, sizeof self->a);
  self->b[0] = b0;
  self->b[1] = b1;
  warp_instruction(multiply, sums);
}

void copy_async(void *to, const void *from) {
  if (((uintptr_t)to | (uintptr_t)from) % 16 != 0) fail("an asynchronous copy is not aligned to 16 B");
  if (order.copies_late) self->open.push_back({to, from});
  else memcpy(to, from, 16);
}

void copy_async_commit() {
  self->groups.push_back(self->open);
  self->open.clear();
}

void copy_async_wait_until(int pending) {
  auto &groups = self->groups;
  while (groups.size() > (size_t)pending) {
    run(groups.front());
    groups.erase(groups.begin());
  }
}

const char *run_on_cpu(uint32_t blocks, uint32_t block_threads, const std::function<void()> &kernel, Order how) {
  threads.resize(block_threads);
  if (stacks_for < block_threads) {
    stacks.reset(new char[block_threads * STACK_BYTES]);
    stacks_for = block_threads;
  }
  std::mt19937 random(blocks + block_threads);
  body = &kernel;
  fault = nullptr;
  order = how;
  blockDim = {block_threads};
  gridDim = {blocks};
  for (uint32_t block = 0; block < blocks && fault == nullptr; block++) {
    blockIdx = {block};
    run_block(order_of(block_threads, random));
  }
  return fault;
}
