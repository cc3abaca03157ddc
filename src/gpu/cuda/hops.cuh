// The locality chain (locality-proof.ts): dependent reads of 64 B over the fill, as fast as one follows the other.
#pragma once

#include "digest.cuh"

#define PAGE_BLOCKS 64 // blocks of 64 B in a page of 4096 B

// `count` hops over `pages` pages from `state` on, under a key; the state after them is written to `out`. One thread of
// one block does it all: the four loads of a hop are under way together, the next hop has to wait for them.
extern "C" __global__ void hops(const uint4 *__restrict__ memory, uint4 state, uint4 key, uint32_t pages,
                                uint32_t count, uint4 *out) {
  if (blockIdx.x > 0 || threadIdx.x > 0) return;
  uint4 s = state;
  for (uint32_t hop = 0; hop < count; hop++) {
    const uint64_t page = ((uint64_t)s.x * pages) >> 32;
    const uint4 *block = memory + 4 * (page * PAGE_BLOCKS + s.y % PAGE_BLOCKS);
    const uint4 vectors[4] = {block[0], block[1], block[2], block[3]};
    uint4 a = make_uint4(s.x + key.x, s.y + key.y, s.z + key.z, s.w + key.w);
#pragma unroll
    for (int row = 0; row < 4; row++) a = mix_vector(a, vectors[row]);
    s = mix_vector(a, make_uint4(a.y, a.z, a.w, a.x));
  }
  *out = s;
}
