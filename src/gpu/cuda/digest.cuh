// Keyed digests of memory pages (resident-fill.ts): as fast as the memory can be read.
#pragma once

#include "warp.cuh"

#define PAGE_VECTORS 256 // vectors of 16 B in a page of 4096 B
#define PAGE_LANES 64    // a page is four rows of 64 vectors; each lane mixes one vector of each row

DEVICE uint32_t mix(uint32_t a, uint32_t v) { return rotate_left((a + v) * 0x9E3779B1u, 13); }

DEVICE uint4 mix_vector(const uint4 &a, const uint4 &v) {
  return make_uint4(mix(a.x, v.x), mix(a.y, v.y), mix(a.z, v.z), mix(a.w, v.w));
}

// The state of one lane under a key, after its four vectors of the page; `page` numbers the page in the whole fill.
DEVICE uint4 digest_lane(const Key &key, uint32_t page, uint32_t lane, const uint4 vector[4]) {
  const uint32_t salt = lane * 0x85EBCA77u;
  uint4 a = make_uint4((key.word[0] + salt) ^ page, (key.word[1] + salt) ^ page, (key.word[2] + salt) ^ page,
                       (key.word[3] + salt) ^ page);
#pragma unroll
  for (int row = 0; row < 4; row++) a = mix_vector(a, vector[row]);
  return a;
}

// The digests of `pages` pages, 8 B each. A warp takes a page at a time; a thread plays lanes t and t + 32, so that
// every load of a warp is 512 B in a row and each thread has eight of them under way. Grid-stride over warps.
extern "C" __global__ void __launch_bounds__(256) digest_pages(const uint4 *__restrict__ memory, Key key,
                                                               uint64_t pages, uint2 *__restrict__ digests) {
  const uint32_t thread = threadIdx.x % 32;
  const uint64_t stride = (uint64_t)gridDim.x * (blockDim.x / 32);
  for (uint64_t page = (uint64_t)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; page < pages; page += stride) {
    const uint4 *vectors = memory + page * PAGE_VECTORS + thread;
    uint4 low[4], high[4];
#pragma unroll
    for (int row = 0; row < 4; row++) {
      low[row] = vectors[row * PAGE_LANES];
      high[row] = vectors[row * PAGE_LANES + 32];
    }
    const uint4 a = digest_lane(key, (uint32_t)page, thread, low);
    const uint4 b = digest_lane(key, (uint32_t)page, thread + 32, high);
    const uint32_t first = mix(mix(a.x, key.word[4]), a.y) + mix(mix(b.x, key.word[4]), b.y);
    const uint32_t second = mix(mix(a.z, key.word[5]), a.w) + mix(mix(b.z, key.word[5]), b.w);
    const uint2 digest = make_uint2(warp_sum(first), warp_sum(second));
    if (thread == 0) digests[page] = digest;
  }
}
