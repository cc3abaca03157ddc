// The instructions that have no C++: thin names for PTX, each documented in the PTX ISA under the name it wraps. A
// compiler for another machine brings functions of the same names and meaning instead.
#pragma once

#ifdef __CUDACC__

// The sum over all 32 threads of a warp (redux.sync, from compute capability 8.0 on).
DEVICE uint32_t warp_sum(uint32_t v) { return __reduce_add_sync(0xffffffffu, v); }

// Starts to copy 16 B from global to shared memory past the registers (cp.async, .cg: past the first cache too).
DEVICE void copy_async(void *shared, const void *global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
               ::"r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(global) : "memory");
}

// Ends this thread's group of copies.
DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most PENDING of this thread's groups are under way.
template <int PENDING> DEVICE void copy_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory"); }

// Four 8×8 matrices of 16-bit elements out of shared memory, the row of each given by the threads in turn
// (ldmatrix.x4): thread t names row t % 8 of matrix t / 8, and gets the 4 bytes at column 4·(t % 4) of row t / 4 of each.
DEVICE void load_matrices(uint32_t r[4], const void *shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"((uint32_t)__cvta_generic_to_shared(shared_row)) : "memory");
}

// sums += a · bᵀ by a warp, a 16×32 and b 8×32 of int8, exact int32 sums (mma.m16n8k32).
DEVICE void multiply_accumulate(int32_t sums[4], const uint32_t a[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#endif
