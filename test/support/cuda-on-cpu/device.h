// A processor that plays a CUDA device: what src/gpu/cuda/kernels.cu needs to be compiled by g++ and run, thread by
// thread, with the meaning that the CUDA C++ guide and the PTX ISA give it. Include it before the kernels.
//
// Every thread of a block is a fibre with its own stack. A fibre runs until it waits: at __syncthreads for its block,
// at a warp's instruction for its warp. Orders that a device may choose freely are chosen badly on purpose (see Order).
#pragma once

#include <stdint.h>

#include <functional>

#define __device__
#define __global__
#define __constant__ static const
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)

struct uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }

struct Index { uint32_t x; };
extern Index threadIdx, blockIdx, blockDim, gridDim; // of the thread that runs now

// Byte i of the result is the byte of y‖x (x the low half) that nibble i of the selector names.
inline uint32_t __byte_perm(uint32_t x, uint32_t y, uint32_t selector) {
  const uint64_t bytes = (uint64_t)y << 32 | x;
  uint32_t out = 0;
  for (int i = 0; i < 4; i++) out |= (uint32_t)(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
  return out;
}

// What waits for other threads, or works on a whole warp at once (names as in warp.cuh).
void __syncthreads();
uint32_t warp_sum(uint32_t v);
void load_matrices(uint32_t r[4], const void *shared_row);
void multiply_accumulate(int32_t sums[4], const uint32_t a[4], uint32_t b0, uint32_t b1);
void copy_async(void *shared, const void *global);
void copy_async_commit();
void copy_async_wait_until(int pending);
template <int PENDING> inline void copy_async_wait() { copy_async_wait_until(PENDING); }

// Matrix loads so far whose rows shared banks, which a device reads one after the other.
extern uint64_t bank_conflicts;

// How freedoms are used. Each warp runs ahead of the others as far as it can. Threads run in ascending, descending or shuffled order; an asynchronous copy happens at once
// (so that it may overwrite what is still read) or as late as a wait allows (so that a missing wait reads old bytes).
struct Order {
  enum { ascending, descending, shuffled } threads = ascending;
  bool copies_late = false;
};

// Runs a kernel over a grid of blocks; null when all went well, else what a thread did that a device does not forgive.
const char *run_on_cpu(uint32_t blocks, uint32_t threads, const std::function<void()> &kernel, Order order);
