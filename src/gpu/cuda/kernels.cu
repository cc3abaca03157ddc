// The proof's arithmetic for NVIDIA GPUs from compute capability 8.0 on, bit for bit what gemm-chain.ts,
// resident-fill.ts and locality-proof.ts define. `npm run build:ptx` compiles this file to kernels.ptx, which the driver translates for its
// device; the tests also build it for the processor, where tensor cores and warps are played by a host header.
//
// Conventions: sizes and addresses are 64 bits wide, buffers are aligned to 256 B as the driver allocates them, and
// kernels named after a loop ("grid-stride") do the same whatever grid they are launched with.
#include <stdint.h>

#define DEVICE static __device__ __forceinline__

#include "random.cuh"
#include "digest.cuh"
#include "hops.cuh"
#include "merkle.cuh"
#include "gemm.cuh"
