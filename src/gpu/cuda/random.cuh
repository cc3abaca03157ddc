// Pseudo-random bytes from ChaCha (RFC 8439): the rows of C_t and X_0, and the slow fill.
#pragma once

struct Key { uint32_t word[8]; };

// One block: key, 32-bit counter and three nonce words in, 16 words out.
struct Block { uint32_t word[16]; };

DEVICE uint32_t rotate_left(uint32_t v, int bits) { return (v << bits) | (v >> (32 - bits)); }

// RFC 8439 §2.1.
DEVICE void quarter_round(Block &x, int a, int b, int c, int d) {
  uint32_t *w = x.word;
  w[a] += w[b]; w[d] = rotate_left(w[d] ^ w[a], 16);
  w[c] += w[d]; w[b] = rotate_left(w[b] ^ w[c], 12);
  w[a] += w[b]; w[d] = rotate_left(w[d] ^ w[a], 8);
  w[c] += w[d]; w[b] = rotate_left(w[b] ^ w[c], 7);
}

// RFC 8439 §2.3: the state before any round.
DEVICE Block chacha_start(const Key &key, uint32_t counter, uint32_t nonce0, uint32_t nonce1, uint32_t nonce2) {
  Block x = {{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}};
#pragma unroll
  for (int i = 0; i < 8; i++) x.word[4 + i] = key.word[i];
  x.word[12] = counter;
  x.word[13] = nonce0;
  x.word[14] = nonce1;
  x.word[15] = nonce2;
  return x;
}

// Eight rounds and the addition of the state they began with.
DEVICE Block chacha8_step(const Block &start) {
  Block x = start;
#pragma unroll
  for (int round = 0; round < 8; round += 2) {
#pragma unroll
    for (int i = 0; i < 4; i++) quarter_round(x, i, 4 + i, 8 + i, 12 + i);
#pragma unroll
    for (int i = 0; i < 4; i++) quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
#pragma unroll
  for (int i = 0; i < 16; i++) x.word[i] += start.word[i];
  return x;
}

DEVICE void store_block(uint4 *out, const Block &x) {
#pragma unroll
  for (int i = 0; i < 4; i++) out[i] = make_uint4(x.word[4 * i], x.word[4 * i + 1], x.word[4 * i + 2], x.word[4 * i + 3]);
}

// n rows of n int8, n a multiple of 64: row j is the ChaCha8 stream of nonce (domain, step, j). Grid-stride.
extern "C" __global__ void random_rows(uint4 *out, Key key, uint32_t n, uint32_t domain, uint32_t step) {
  const uint32_t blocks_per_row = n / 64;
  const uint64_t blocks = (uint64_t)n * blocks_per_row;
  const uint64_t stride = (uint64_t)gridDim.x * blockDim.x;
  for (uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; i < blocks; i += stride) {
    const Block start = chacha_start(key, (uint32_t)(i % blocks_per_row), domain, step, (uint32_t)(i / blocks_per_row));
    store_block(out + 4 * i, chacha8_step(start));
  }
}

// Blocks `first` to `first + count` of the slow fill, each written to its place from `out` on: a ChaCha state to which
// its own eight rounds are added `iterations` times. The block's number is 64 bits wide: its low word is the counter,
// its high word the third nonce word, so that no two blocks of a fill beyond 256 GiB are the same. Grid-stride.
extern "C" __global__ void slow_fill(uint4 *out, Key key, uint64_t first, uint64_t count, uint32_t domain,
                                     uint32_t iterations) {
  const uint64_t stride = (uint64_t)gridDim.x * blockDim.x;
  for (uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
    const uint64_t block = first + i;
    Block x = chacha_start(key, (uint32_t)block, domain, 0, (uint32_t)(block >> 32));
    for (uint32_t k = 0; k < iterations; k++) x = chacha8_step(x);
    store_block(out + 4 * i, x);
  }
}
