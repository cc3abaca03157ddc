// SHA-256 trees (merkle.ts). A tree of L leaves, L a power of two, is an array of 2·L hashes: node i has children 2·i
// and 2·i + 1, the root is node 1, leaf k is node L + k. Hashes lie as their 32 bytes.
#pragma once

#define TAG_LEAF 0 // hash.ts
#define TAG_NODE 1

__constant__ uint32_t SHA256_K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

DEVICE uint32_t rotate_right(uint32_t v, int bits) { return (v >> bits) | (v << (32 - bits)); }

// FIPS 180-4 §6.2.2: one block of 16 big-endian words into the state; the words are used up.
DEVICE void sha256_block(uint32_t state[8], uint32_t w[16]) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
#pragma unroll
  for (int t = 0; t < 64; t++) {
    if (t >= 16) {
      const uint32_t w2 = w[(t + 14) % 16], w15 = w[(t + 1) % 16];
      w[t % 16] += (rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ (w2 >> 10)) + w[(t + 9) % 16] +
                   (rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ (w15 >> 3));
    }
    const uint32_t t1 = h + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) + ((e & f) ^ (~e & g)) +
                        SHA256_K[t] + w[t % 16];
    const uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g; g = f; f = e; e = d + t1;
    d = c; c = b; b = a; a = t1 + t2;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

// Word of the message that a tag byte shifts by one byte: the last byte of one word of data (little-endian, as loaded)
// and the first three of the next.
DEVICE uint32_t shifted_word(uint32_t before, uint32_t word) { return __byte_perm(before, word, 0x3456); }

// SHA-256(tag byte ‖ data), data a whole number of 64-byte blocks; written as two vectors of 16 B.
DEVICE void tagged_hash(uint8_t tag, const uint4 *data, uint32_t blocks, uint4 *out) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint32_t before = (uint32_t)tag << 24;
#pragma unroll 1
  for (uint32_t block = 0; block <= blocks; block++) {
    uint32_t w[16];
    if (block < blocks) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const uint4 v = data[4 * (uint64_t)block + i];
        w[4 * i] = shifted_word(before, v.x);
        w[4 * i + 1] = shifted_word(v.x, v.y);
        w[4 * i + 2] = shifted_word(v.y, v.z);
        w[4 * i + 3] = shifted_word(v.z, v.w);
        before = v.w;
      }
    } else { // the last byte of data, the end mark, and the length in bits
      w[0] = shifted_word(before, 0x80);
#pragma unroll
      for (int i = 1; i < 15; i++) w[i] = 0;
      w[15] = 8 * (64 * blocks + 1);
    }
    sha256_block(state, w);
  }
#pragma unroll
  for (int i = 0; i < 8; i++) state[i] = __byte_perm(state[i], 0, 0x0123); // big-endian
  out[0] = make_uint4(state[0], state[1], state[2], state[3]);
  out[1] = make_uint4(state[4], state[5], state[6], state[7]);
}

// The leaves of a tree with room for `leaves`: the hashes of `count` pieces of `piece_blocks`·64 B, then zero hashes.
// One thread a leaf.
extern "C" __global__ void __launch_bounds__(128) hash_leaves(const uint4 *__restrict__ data, uint32_t piece_blocks,
                                                              uint32_t count, uint32_t leaves, uint4 *tree) {
  const uint32_t leaf = blockIdx.x * blockDim.x + threadIdx.x;
  if (leaf >= leaves) return;
  uint4 *out = tree + 2 * ((uint64_t)leaves + leaf);
  if (leaf < count) {
    tagged_hash(TAG_LEAF, data + 4 * (uint64_t)leaf * piece_blocks, piece_blocks, out);
  } else {
    out[0] = out[1] = make_uint4(0, 0, 0, 0);
  }
}

// Up to `levels` levels above the `width` nodes of one level (both powers of two, width ≥ 2): each block climbs alone
// over 2·blockDim.x of them, so a launch narrows the tree by that factor at most and needs width / (2·blockDim.x) blocks.
extern "C" __global__ void __launch_bounds__(128) hash_levels(uint4 *tree, uint32_t width, uint32_t levels) {
  for (uint32_t level = 1; level <= levels; level++) {
    const uint32_t nodes = width >> level;                   // of this level in the whole tree
    const uint32_t mine = (2 * blockDim.x) >> level;         // of this level in this block
    const uint32_t node = nodes + blockIdx.x * mine + threadIdx.x;
    if (threadIdx.x < mine && node < 2 * nodes) {
      tagged_hash(TAG_NODE, tree + 4 * (uint64_t)node, 1, tree + 2 * (uint64_t)node);
    }
    __syncthreads();
  }
}
