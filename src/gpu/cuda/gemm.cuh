// One step of the chain: out[j][i] = requantize(C[j] · X[i]), all n×n int8 row after row, n a multiple of 128.
//
// A block of threads makes a tile of 128×128; its warps make 64×WARP_N each, 64 columns of C and X at a time. Tiles of
// C and X travel through three buffers in shared memory (48 KiB, so that two blocks fit on every device since 8.0).
#pragma once

#include "warp.cuh"

#define TILE 128                      // rows of C, and rows of X, per block of threads
#define DEPTH 64                      // bytes of each row at a time
#define STAGES 3                      // buffers
#define STAGE_BYTES (2 * TILE * DEPTH)
#define OUT_PITCH (TILE + 16)         // bytes between rows of the finished tile: no two rows of a warp share a bank
#define GROUP 16                      // tiles of a column handed out one after the other, so that they share X in the L2

// int32 to int8 (requantize in gemm-chain.ts): mixes all bits and keeps the top byte.
DEVICE uint32_t requantize(int32_t sum) {
  uint32_t u = (uint32_t)sum * 0x9E3779B1u;
  u ^= u >> 15;
  return (u * 0x85EBCA77u) >> 24;
}

// Where 16-byte chunk `chunk` of row `row` lies in a buffer of rows of 64 B: chunks are swapped within a row so that
// eight rows of one chunk, which one matrix load reads, lie in eight different groups of banks.
DEVICE uint32_t swizzled(uint32_t row, uint32_t chunk) { return row * DEPTH + ((chunk ^ ((row >> 1) & 3)) << 4); }

// Which tile the block of this number makes: GROUP rows of tiles at a time, column by column.
DEVICE void tile_of(uint32_t block, uint32_t tiles, uint32_t &tile_row, uint32_t &tile_column) {
  const uint32_t first = block / (GROUP * tiles) * GROUP;
  const uint32_t rows = tiles - first < GROUP ? tiles - first : GROUP;
  const uint32_t within = block % (GROUP * tiles);
  tile_row = first + within % rows;
  tile_column = within / rows;
}

// Starts to bring 64 columns of 128 rows into a buffer.
template <int THREADS> DEVICE void fetch_rows(int8_t *buffer, const int8_t *rows, uint32_t n) {
#pragma unroll
  for (int i = 0; i < TILE * DEPTH / 16 / THREADS; i++) {
    const uint32_t piece = threadIdx.x + i * THREADS, row = piece / 4, chunk = piece % 4;
    copy_async(buffer + swizzled(row, chunk), rows + (uint64_t)row * n + chunk * 16);
  }
}

// What a warp adds to its sums from one buffer: 64 rows of C from c_row on, WARP_N rows of X from x_row on.
template <int WARP_N> DEVICE void multiply_stage(int32_t sums[4][WARP_N / 8][4], const int8_t *c, const int8_t *x,
                                                 uint32_t c_row, uint32_t x_row, uint32_t lane) {
#pragma unroll
  for (int half = 0; half < DEPTH / 32; half++) {
    uint32_t a[4][4], b[WARP_N / 16][4];
#pragma unroll
    for (int m = 0; m < 4; m++) { // matrices: rows 0–7 and 8–15 of columns 0–15, then of columns 16–31
      load_matrices(a[m], c + swizzled(c_row + m * 16 + lane % 16, half * 2 + lane / 16));
    }
#pragma unroll
    for (int p = 0; p < WARP_N / 16; p++) { // rows 0–7 of columns 0–15 and 16–31, then rows 8–15 of the same
      load_matrices(b[p], x + swizzled(x_row + p * 16 + lane % 8 + lane / 16 * 8, half * 2 + lane / 8 % 2));
    }
#pragma unroll
    for (int m = 0; m < 4; m++) {
#pragma unroll
      for (int k = 0; k < WARP_N / 8; k++) {
        multiply_accumulate(sums[m][k], a[m], b[k / 2][k % 2 * 2], b[k / 2][k % 2 * 2 + 1]);
      }
    }
  }
}

// Puts a warp's requantized sums into the finished tile: a thread holds columns 2·(lane % 4) and one more of rows
// lane / 4 and lane / 4 + 8 of each 16×8.
template <int WARP_N> DEVICE void store_sums(int8_t *tile, const int32_t sums[4][WARP_N / 8][4], uint32_t c_row,
                                             uint32_t x_row, uint32_t lane) {
#pragma unroll
  for (int m = 0; m < 4; m++) {
#pragma unroll
    for (int k = 0; k < WARP_N / 8; k++) {
      const int32_t *s = sums[m][k];
      int8_t *out = tile + (c_row + m * 16 + lane / 4) * OUT_PITCH + x_row + k * 8 + lane % 4 * 2;
      *(uint16_t *)out = (uint16_t)(requantize(s[0]) | requantize(s[1]) << 8);
      *(uint16_t *)(out + 8 * OUT_PITCH) = (uint16_t)(requantize(s[2]) | requantize(s[3]) << 8);
    }
  }
}

template <int WARP_N> DEVICE void gemm(int8_t *buffers, const int8_t *c, const int8_t *x, int8_t *out, uint32_t n) {
  constexpr int THREADS = 2 * (TILE / WARP_N) * 32;
  const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const uint32_t c_row = warp % 2 * 64, x_row = warp / 2 * WARP_N; // of this warp, within the tile
  uint32_t tile_row, tile_column;
  tile_of(blockIdx.x, n / TILE, tile_row, tile_column);
  const int8_t *c_rows = c + (uint64_t)tile_row * TILE * n, *x_rows = x + (uint64_t)tile_column * TILE * n;
  const uint32_t stages = n / DEPTH;

  const auto fetch = [&](uint32_t stage) { // a group of copies, empty beyond the end, so that the count of groups holds
    if (stage < stages) {
      int8_t *buffer = buffers + stage % STAGES * STAGE_BYTES;
      fetch_rows<THREADS>(buffer, c_rows + stage * DEPTH, n);
      fetch_rows<THREADS>(buffer + STAGE_BYTES / 2, x_rows + stage * DEPTH, n);
    }
    copy_async_commit();
  };

  int32_t sums[4][WARP_N / 8][4] = {};
  for (uint32_t stage = 0; stage < STAGES - 1; stage++) fetch(stage);
  for (uint32_t stage = 0; stage < stages; stage++) {
    copy_async_wait<STAGES - 2>(); // this stage has come for this thread
    __syncthreads();               // and for all; and all are done with the stage before, whose buffer is next
    fetch(stage + STAGES - 1);
    const int8_t *buffer = buffers + stage % STAGES * STAGE_BYTES;
    multiply_stage<WARP_N>(sums, buffer, buffer + STAGE_BYTES / 2, c_row, x_row, lane);
  }

  __syncthreads(); // the buffers become the finished tile, which leaves in whole rows of 128 B
  store_sums<WARP_N>(buffers, sums, c_row, x_row, lane);
  __syncthreads();
  int8_t *to = out + (uint64_t)tile_row * TILE * n + tile_column * TILE;
#pragma unroll
  for (int i = 0; i < TILE * TILE / 16 / THREADS; i++) {
    const uint32_t piece = threadIdx.x + i * THREADS, row = piece / 8, chunk = piece % 8;
    *(uint4 *)(to + (uint64_t)row * n + chunk * 16) = *(const uint4 *)(buffers + row * OUT_PITCH + chunk * 16);
  }
}

// Two shapes of the same, since devices differ in what they lack: warps of 64×64 read shared memory less, twice as
// many warps of 64×32 hide more waiting. Grid: (n / 128)² blocks of 128 or 256 threads.
extern "C" __global__ void __launch_bounds__(128, 2) gemm_warp64(const int8_t *c, const int8_t *x, int8_t *out,
                                                                 uint32_t n) {
  __shared__ __align__(128) int8_t buffers[STAGES * STAGE_BYTES];
  gemm<64>(buffers, c, x, out, n);
}

extern "C" __global__ void __launch_bounds__(256, 2) gemm_warp32(const int8_t *c, const int8_t *x, int8_t *out,
                                                                 uint32_t n) {
  __shared__ __align__(128) int8_t buffers[STAGES * STAGE_BYTES];
  gemm<32>(buffers, c, x, out, n);
}
